select `with space`, `with space Int64`, `x, result_type: y`, long, kind
from (select *, long from golden.`odd, table`)
