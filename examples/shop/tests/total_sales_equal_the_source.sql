-- Batch and speed together are what the shop sold: days where they are not, within what the fact table covers.
{{ config(severity='warn') }}

with orders as (
    select
        orders.order_id as order_id,
        any(toDate(ordered_at)) as day,
        count() as lines,
        sum(quantity) as items,
        sum(gross_amount) as gross,
        gross - any(discount) as net
    from {{ ref('stg_order_items') }} as items
    inner join {{ ref('stg_orders') }} as orders on orders.order_id = items.order_id
    where order_status != 'cancelled' and ordered_at >= (select min(date_key) from {{ ref('fact_sales') }})
    group by order_id
),

source as (
    select day, sum(lines) as lines, sum(items) as items, sum(gross) as gross, sum(net) as net
    from orders
    group by day
),

built as (
    select date_key as day, count() as lines, sum(quantity) as items, sum(gross_amount) as gross, sum(net_amount) as net
    from {{ ref('v_total_sales') }}
    group by day
)

select *
from source
full outer join built using (day)
where source.lines != built.lines or source.items != built.items or source.gross != built.gross or source.net != built.net
