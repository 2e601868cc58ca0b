{{ config(
    materialized='incremental',
    incremental_strategy='microbatch',
    event_time='sold_at',
    batch_size='day',
    begin=var('begin'),
    order_by=['date_key', 'order_id', 'line'],
    schedule='* * * * *',
    on='missing',
    partition_mapping={
        'stg_order_items': 'ignore',
        'stg_payments': 'ignore',
        'stg_products': 'ignore',
    },
) }}

-- Each minute: the day that ended, and the days of which an order was changed or deleted since they were built.
-- Lines and payments are written together with their order, whose day they belong to; the price that a product was
-- sold at is on the line. So a change of an order alone tells which day is to be built again.
{{ sales(ref('stg_orders')) }}
