{{ config(order_by=['customer_id', 'valid_from']) }}

select
    id as customer_id,
    name,
    tier,
    coalesce(newsletter, false) as newsletter,
    toDate(created_at) as customer_since,
    {{ validity('id') }}
from {{ ref('customers_versions') }}
