{# The columns that each version of a dimension carries. The first version is valid from the beginning of time, so
   that what was sold before the first snapshot finds one. #}
{% macro validity(key) -%}
    if(row_number() over (partition by {{ key }} order by valid_from) = 1,
        toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), valid_from) as valid_from,
    valid_to,
    valid_to >= toDateTime64('2100-01-01 00:00:00', 6, 'UTC') as is_current
{%- endmacro %}

{# One row of each, its latest version, also of what the shop does not have any more: what was sold stays sold. #}
{% macro latest(dimension, key) -%}
    (select * from {{ dimension }} order by valid_from desc limit 1 by {{ key }})
{%- endmacro %}
