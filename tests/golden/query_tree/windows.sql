select id, sum(amount) over (partition by customer order by t) as running,
  rank() over w as place, lag(amount) over w - amount as step
from golden.orders window w as (partition by meta.a order by t desc)
