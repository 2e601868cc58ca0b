{{ config(order_by=['promotion_code', 'valid_from']) }}

select
    code as promotion_code,
    percent,
    active,
    {{ validity('code') }}
from {{ ref('promotions_versions') }}
