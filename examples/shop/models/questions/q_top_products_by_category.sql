-- The five products of each category that earn most.
with earnings as (
    select category_id, product_id, sum(profit) as earned
    from {{ ref('v_total_sales') }}
    group by category_id, product_id
)

select
    categories.name as category,
    row_number() over (partition by earnings.category_id order by earned desc, earnings.product_id) as place,
    products.name as product,
    earnings.product_id as id,
    earned
from earnings
inner join {{ latest(ref('dim_categories'), 'category_id') }} as categories on categories.category_id = earnings.category_id
inner join {{ latest(ref('dim_products'), 'product_id') }} as products on products.product_id = earnings.product_id
qualify place <= 5
order by category, place
