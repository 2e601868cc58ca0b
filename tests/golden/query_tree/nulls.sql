select o.id as id, x.total from golden.orders o
left join (select customer, sum(amount) as total from golden.orders group by customer) x on x.customer = o.id
settings join_use_nulls = 1
