{{ config(
    materialized='external',
    location='exports/sales/{partition}.parquet',
    event_time='sold_at',
    batch_size='day',
    begin=var('begin'),
    schedule='* * * * *',
) }}

-- A file a day of the batch layer, written again when its day is built again.
select * from {{ ref('fact_sales') }}
