select
    id as product_id,
    sku,
    name,
    category_id,
    brand_id,
    seller_id,
    price,
    -- where the shop does not know what it paid, its usual margin is taken
    coalesce(cost, price * toDecimal64('0.62', 2)) as cost,
    status
from {{ source('shop', 'products') }}
