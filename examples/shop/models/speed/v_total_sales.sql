-- All sales: the batch layer where it has them, the speed layer from there on.
select *, 'batch' as layer
from {{ ref('fact_sales') }}
where date_key < toDate(now('UTC'))
union all
select *, 'speed' as layer
from {{ ref('rt_sales_today') }}
