select
    rank() over (order by sales desc) as place,
    customers.name as customer,
    customer_id,
    customers.tier as tier,
    sales,
    orders
from (
    select customer_id, sum(net_amount) as sales, uniqExact(order_id) as orders
    from {{ ref('v_total_sales') }}
    group by customer_id
) as sums
inner join {{ latest(ref('dim_customers'), 'customer_id') }} as customers on customers.customer_id = sums.customer_id
order by place
limit 100
