{{ config(order_by=['category_id', 'valid_from']) }}

select
    category_id,
    name,
    top_category,
    breadcrumb,
    {{ validity('category_id') }}
from {{ ref('categories_versions') }}
