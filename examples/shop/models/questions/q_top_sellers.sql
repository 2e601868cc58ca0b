select
    sellers.name as seller,
    sum(sales.net_amount) as sales,
    uniqExact(sales.order_id) as orders
from {{ ref('v_total_sales') }} as sales
inner join {{ ref('dim_sellers') }} as sellers on sellers.seller_id = sales.seller_id and sellers.is_current
group by seller
order by sales desc, seller
limit 10
