{# Lines of orders as sales: what each brought in, with its part of the order's discount. The parts of an order add up
   to its discount to the cent: its first line takes what rounding leaves. #}
{% macro sales(orders) %}
with orders as (
    select * from {{ orders }} where order_status != 'cancelled'
),

lines as (
    select
        items.order_id as order_id,
        line,
        customer_id,
        order_status,
        channel,
        promotion_code,
        ordered_at,
        discount,
        product_id,
        quantity,
        unit_price,
        gross_amount,
        row_number() over (partition by items.order_id order by line) = 1 as is_first,
        sum(gross_amount) over (partition by items.order_id) as order_gross,
        toDecimal128(if(order_gross = 0, 0, round(discount * gross_amount / order_gross, 2)), 2) as part
    from {{ ref('stg_order_items') }} as items
    inner join orders on orders.order_id = items.order_id
    where items.order_id in (select order_id from orders)
),

discounted as (
    select
        *,
        part + if(is_first, discount - sum(part) over (partition by order_id), toDecimal64(0, 2)) as discount_amount
    from lines
),

methods as (
    select order_id, any(payment_method) as payment_method
    from {{ ref('stg_payments') }}
    where order_id in (select order_id from orders)
    group by order_id
)

select
    toDate(ordered_at) as date_key,
    ordered_at as sold_at,
    lines.order_id as order_id,
    lines.line as line,
    lines.customer_id as customer_id,
    lines.product_id as product_id,
    products.seller_id as seller_id,
    products.category_id as category_id,
    products.brand_id as brand_id,
    lines.promotion_code as promotion_code,
    methods.payment_method as payment_method,
    lines.channel as channel,
    lines.order_status as order_status,
    lines.quantity as quantity,
    lines.unit_price as unit_price,
    lines.gross_amount as gross_amount,
    lines.discount_amount as discount_amount,
    gross_amount - discount_amount as net_amount,
    net_amount - quantity * products.cost as profit
from discounted as lines
left join {{ ref('stg_products') }} as products on products.product_id = lines.product_id
left join methods on methods.order_id = lines.order_id
{% endmacro %}
