select
    sellers.name as seller,
    sum(sales.net_amount) as sales,
    uniqExact(sales.order_id) as orders
from {{ ref('v_total_sales') }} as sales
inner join {{ latest(ref('dim_sellers'), 'seller_id') }} as sellers on sellers.seller_id = sales.seller_id
group by sales.seller_id, seller
order by sales desc, seller
limit 10
