-- What was sold, by month, and what of that came back.
select
    toStartOfMonth(date_key) as month,
    uniqExact(order_id) as orders,
    sum(quantity) as items,
    sum(net_amount) as sales,
    sumIf(net_amount, order_status = 'returned') as returned,
    sum(profit) as profit
from {{ ref('v_total_sales') }}
group by month
order by month
