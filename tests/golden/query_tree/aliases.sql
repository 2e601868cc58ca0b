select amount as a, a + 1 as b, b * id as c, id as id from golden.orders where b > 0 order by c
