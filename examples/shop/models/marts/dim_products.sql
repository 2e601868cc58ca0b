{{ config(order_by=['product_id', 'valid_from']) }}

select
    product_id,
    sku,
    name,
    category_id,
    brand_id,
    seller_id,
    price,
    cost,
    status,
    {{ validity('product_id') }}
from {{ ref('products_versions') }}
