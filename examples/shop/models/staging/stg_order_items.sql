select
    order_id,
    line,
    product_id,
    quantity,
    unit_price,
    quantity * unit_price as gross_amount
from {{ source('shop', 'order_items') }}
