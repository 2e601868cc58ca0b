with a as (select id, id as i2 from golden.customers), b as (select a.id + x.id as id from a join a x on a.id = x.id),
c as (select b.id + x.id as id from b join b x on b.id = x.id), d as (select c.id + x.id as id from c join c x on c.id = x.id)
select id from d
