select country, count() as n, sum(o.amount) as total, sumIf(o.amount, o.id > 3) as some,
  max(length(name)) as longest, sum(o.amount) / count() as mean
from golden.customers c join golden.orders o on o.customer = c.id group by rollup(country)
