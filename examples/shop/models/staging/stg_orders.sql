select
    id as order_id,
    customer_id,
    toString(status) as order_status,
    channel,
    currency,
    coalesce(discount, toDecimal64(0, 2)) as discount,
    coalesce(promotion_code, '') as promotion_code,
    placed_at as ordered_at
from {{ source('shop', 'orders') }}
