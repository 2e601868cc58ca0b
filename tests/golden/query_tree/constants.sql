select 1 as one, 'a
  PROJECTION' as text, now() as at, toTypeName(id) as type from golden.customers
