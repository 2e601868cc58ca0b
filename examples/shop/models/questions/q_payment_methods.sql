select
    payment_method,
    uniqExact(order_id) as orders,
    round(orders / sum(orders) over (), 4) as share
from {{ ref('v_total_sales') }}
group by payment_method
order by orders desc
