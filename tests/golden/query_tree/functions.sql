select number + 1 as n, joinGet('golden.joined', 'name', id) as name, c.id, k
from golden.customers c join numbers(10) as m on m.number = c.id cross join values('k Int', 1, 2) as v
