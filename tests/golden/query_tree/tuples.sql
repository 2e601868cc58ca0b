select t.1 as first, meta.b, n.x from (select tuple(id, amount) as t, meta, n.x from golden.orders)
