{{ config(order_by=['date_key']) }}

select
    toDate('{{ var("begin") }}') + number as date_key,
    toYear(date_key) as year,
    toQuarter(date_key) as quarter,
    toMonth(date_key) as month,
    toISOWeek(date_key) as iso_week,
    toDayOfWeek(date_key) as day_of_week,
    ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'][day_of_week] as day_name,
    day_of_week > 5 as is_weekend
from numbers(toUInt64(366 * 10))
