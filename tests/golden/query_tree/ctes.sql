with paid as (select *, amount * 2 as twice from golden.orders),
  per_customer as (select customer, sum(twice) as total, count() as n from paid group by customer)
select p.*, c.name, total / n as mean from per_customer p join golden.customers c on c.id = p.customer
