-- Batch and speed together are what the shop sold: days where they are not, within what the fact table covers.
{{ config(severity='warn') }}

with source as (
    select toDate(ordered_at) as day, count() as lines, sum(quantity) as items, sum(gross_amount) as gross
    from {{ ref('stg_order_items') }} as items
    inner join {{ ref('stg_orders') }} as orders on orders.order_id = items.order_id
    where order_status != 'cancelled' and ordered_at >= (select min(date_key) from {{ ref('fact_sales') }})
    group by day
),

built as (
    select date_key as day, count() as lines, sum(quantity) as items, sum(gross_amount) as gross
    from {{ ref('v_total_sales') }}
    group by day
)

select *
from source
full outer join built using (day)
where source.lines != built.lines or source.items != built.items or source.gross != built.gross
