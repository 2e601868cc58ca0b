select
    order_id,
    toString(method) as payment_method,
    toString(status) as payment_status,
    amount,
    paid_at
from {{ source('shop', 'payments') }}
