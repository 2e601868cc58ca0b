with recursive r as (select 1 as n, toInt64(0) as id
  union all select r.n + 1, c.id from r join golden.customers c on c.id = r.n where r.n < 5)
select n, id from r
