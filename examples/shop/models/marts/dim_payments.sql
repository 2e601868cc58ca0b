{{ config(order_by=['payment_method']) }}

select distinct
    payment_method,
    if(payment_method in ('card', 'wallet'), 'at once', 'later') as settled
from {{ ref('stg_payments') }}
