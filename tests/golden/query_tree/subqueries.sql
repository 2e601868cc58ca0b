select id, (select max(amount) from golden.orders) as most,
  id in (select customer from golden.orders) as buys,
  (select count(o.t) from golden.orders o where o.customer = c.id) as n_orders,
  id in golden.versions as listed
from golden.customers c
