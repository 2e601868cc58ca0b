{{ config(order_by=['seller_id', 'valid_from']) }}

select
    id as seller_id,
    name,
    rating,
    verified,
    joined,
    {{ validity('id') }}
from {{ ref('sellers_versions') }}
