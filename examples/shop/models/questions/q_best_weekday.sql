-- The day of the week that sells most, on average.
select
    dates.day_name as day_name,
    round(toDecimal128(sum(sales.net_amount), 4) / uniqExact(sales.date_key), 2) as sales_a_day
from {{ ref('v_total_sales') }} as sales
inner join {{ ref('dim_dates') }} as dates on dates.date_key = sales.date_key
group by day_name
order by sales_a_day desc
