{{ config(order_by=['brand_id', 'valid_from']) }}

select
    id as brand_id,
    name,
    country,
    founded,
    {{ validity('id') }}
from {{ ref('brands_versions') }}
