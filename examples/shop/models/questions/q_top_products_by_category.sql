-- The five products of each category that earn most.
with earnings as (
    select category_id, product_id, sum(profit) as earned
    from {{ ref('v_total_sales') }}
    group by category_id, product_id
)

select
    categories.name as category,
    row_number() over (partition by category order by earned desc, earnings.product_id) as place,
    products.name as product,
    earnings.product_id as id,
    earned
from earnings
inner join {{ ref('dim_categories') }} as categories on categories.category_id = earnings.category_id and categories.is_current
inner join {{ ref('dim_products') }} as products on products.product_id = earnings.product_id and products.is_current
qualify place <= 5
order by category, place
