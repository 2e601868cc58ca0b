select id, what from (
  select id, name as what from golden.customers
  union all select customer, toString(amount) from golden.orders
  union all (select id, country from golden.customers except select id, 'x' from golden.orders))
