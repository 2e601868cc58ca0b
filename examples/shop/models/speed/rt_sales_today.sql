-- What was sold since the last day that is in the fact table ended, straight from the mirror: as fresh as the stream is.
{% set recent %}
(
    select * from {{ ref('stg_orders') }}
    where ordered_at >= (select least(max(date_key) + 1, toDate(now('UTC'))) from {{ ref('fact_sales') }})
)
{% endset %}
{{ sales(recent) }}
