{{ config(materialized='external', location='exports/top_sellers.csv', schedule='0 0 * * *') }}

select * from {{ ref('q_top_sellers') }}
