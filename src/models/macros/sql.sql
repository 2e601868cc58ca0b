{#
	SQL that each warehouse says in its own way, with the names that dbt gives it: NAME() looks for
	clickhouse__NAME of the project and its packages first.
#}

{% macro type_string() %}{{ return(adapter.dispatch('type_string', 'dbt')()) }}{% endmacro %}
{% macro clickhouse__type_string() %}{{ return('String') }}{% endmacro %}
{% macro type_timestamp() %}{{ return(adapter.dispatch('type_timestamp', 'dbt')()) }}{% endmacro %}
{% macro clickhouse__type_timestamp() %}{{ return('DateTime') }}{% endmacro %}
{% macro type_float() %}{{ return(adapter.dispatch('type_float', 'dbt')()) }}{% endmacro %}
{% macro clickhouse__type_float() %}{{ return('Float64') }}{% endmacro %}
{% macro type_numeric() %}{{ return(adapter.dispatch('type_numeric', 'dbt')()) }}{% endmacro %}
{% macro clickhouse__type_numeric() %}{{ return('Decimal(28, 6)') }}{% endmacro %}
{% macro type_bigint() %}{{ return(adapter.dispatch('type_bigint', 'dbt')()) }}{% endmacro %}
{% macro clickhouse__type_bigint() %}{{ return('Int64') }}{% endmacro %}
{% macro type_int() %}{{ return(adapter.dispatch('type_int', 'dbt')()) }}{% endmacro %}
{% macro clickhouse__type_int() %}{{ return('Int32') }}{% endmacro %}
{% macro type_boolean() %}{{ return(adapter.dispatch('type_boolean', 'dbt')()) }}{% endmacro %}
{% macro clickhouse__type_boolean() %}{{ return('Bool') }}{% endmacro %}

{# --- times --- #}

{% macro current_timestamp() %}{{ return(adapter.dispatch('current_timestamp', 'dbt')()) }}{% endmacro %}
{% macro clickhouse__current_timestamp() %}{{ return('now()') }}{% endmacro %}
{% macro dateadd(datepart, interval, from_date_or_timestamp) %}{{ return(adapter.dispatch('dateadd', 'dbt')(datepart, interval, from_date_or_timestamp)) }}{% endmacro %}
{% macro clickhouse__dateadd(datepart, interval, from_date_or_timestamp) -%}
dateAdd({{ datepart }}, {{ interval }}, {{ from_date_or_timestamp }})
{%- endmacro %}
{% macro datediff(first_date, second_date, datepart) %}{{ return(adapter.dispatch('datediff', 'dbt')(first_date, second_date, datepart)) }}{% endmacro %}
{% macro clickhouse__datediff(first_date, second_date, datepart) -%}
dateDiff('{{ datepart }}', {{ first_date }}, {{ second_date }})
{%- endmacro %}
{% macro date_trunc(datepart, date) %}{{ return(adapter.dispatch('date_trunc', 'dbt')(datepart, date)) }}{% endmacro %}
{% macro clickhouse__date_trunc(datepart, date) -%}
date_trunc('{{ datepart }}', {{ date }})
{%- endmacro %}
{% macro last_day(date, datepart) %}{{ return(adapter.dispatch('last_day', 'dbt')(date, datepart)) }}{% endmacro %}
{% macro clickhouse__last_day(date, datepart) -%}
toDate({{ dbt.dateadd('day', -1, dbt.dateadd(datepart, 1, dbt.date_trunc(datepart, date))) }})
{%- endmacro %}
{% macro date(year, month, day) %}{{ return(adapter.dispatch('date', 'dbt')(year, month, day)) }}{% endmacro %}
{% macro clickhouse__date(year, month, day) -%}
makeDate({{ year }}, {{ month }}, {{ day }})
{%- endmacro %}

{# --- texts --- #}

{% macro string_literal(value) %}{{ return(adapter.dispatch('string_literal', 'dbt')(value)) }}{% endmacro %}
{% macro clickhouse__string_literal(value) %}{{ return("'" ~ dbt.escape_single_quotes(value) ~ "'") }}{% endmacro %}
{% macro escape_single_quotes(expression) %}{{ return(adapter.dispatch('escape_single_quotes', 'dbt')(expression)) }}{% endmacro %}
{% macro clickhouse__escape_single_quotes(expression) %}{{ return(expression | string | replace("\\", "\\\\") | replace("'", "''")) }}{% endmacro %}
{% macro concat(fields) %}{{ return(adapter.dispatch('concat', 'dbt')(fields)) }}{% endmacro %}
{% macro clickhouse__concat(fields) %}{{ return(fields | join(' || ')) }}{% endmacro %}
{% macro length(expression) %}{{ return(adapter.dispatch('length', 'dbt')(expression)) }}{% endmacro %}
{% macro clickhouse__length(expression) %}{{ return('lengthUTF8(' ~ expression ~ ')') }}{% endmacro %}
{% macro position(substring_text, string_text) %}{{ return(adapter.dispatch('position', 'dbt')(substring_text, string_text)) }}{% endmacro %}
{% macro clickhouse__position(substring_text, string_text) -%}
positionUTF8({{ string_text }}, {{ substring_text }})
{%- endmacro %}
{% macro replace(field, old_chars, new_chars) %}{{ return(adapter.dispatch('replace', 'dbt')(field, old_chars, new_chars)) }}{% endmacro %}
{% macro clickhouse__replace(field, old_chars, new_chars) -%}
replaceAll({{ field }}, {{ old_chars }}, {{ new_chars }})
{%- endmacro %}
{% macro right(string_text, length_expression) %}{{ return(adapter.dispatch('right', 'dbt')(string_text, length_expression)) }}{% endmacro %}
{% macro clickhouse__right(string_text, length_expression) -%}
rightUTF8({{ string_text }}, {{ length_expression }})
{%- endmacro %}
{% macro split_part(string_text, delimiter_text, part_number) %}{{ return(adapter.dispatch('split_part', 'dbt')(string_text, delimiter_text, part_number)) }}{% endmacro %}
{% macro clickhouse__split_part(string_text, delimiter_text, part_number) -%}
splitByString({{ delimiter_text }}, assumeNotNull({{ string_text }}))[{{ part_number }}]
{%- endmacro %}
{% macro hash(field) %}{{ return(adapter.dispatch('hash', 'dbt')(field)) }}{% endmacro %}
{% macro clickhouse__hash(field) -%}
lower(hex(MD5(toString({{ field }}))))
{%- endmacro %}

{# --- values --- #}

{% macro cast(field, type) %}{{ return(adapter.dispatch('cast', 'dbt')(field, type)) }}{% endmacro %}
{% macro clickhouse__cast(field, type) -%}
cast({{ field }} as {{ type }})
{%- endmacro %}
{% macro safe_cast(field, type) %}{{ return(adapter.dispatch('safe_cast', 'dbt')(field, type)) }}{% endmacro %}
{% macro clickhouse__safe_cast(field, type) -%}
accurateCastOrNull({{ field }}, '{{ dbt.escape_single_quotes(type) }}')
{%- endmacro %}
{% macro cast_bool_to_text(field) %}{{ return(adapter.dispatch('cast_bool_to_text', 'dbt')(field)) }}{% endmacro %}
{% macro clickhouse__cast_bool_to_text(field) -%}
multiIf({{ field }} is null, null, {{ field }}, 'true', 'false')
{%- endmacro %}
{% macro equals(expr1, expr2) %}{{ return(adapter.dispatch('equals', 'dbt')(expr1, expr2)) }}{% endmacro %}
{% macro clickhouse__equals(expr1, expr2) -%}
ifNull({{ expr1 }} = {{ expr2 }}, {{ expr1 }} is null and {{ expr2 }} is null)
{%- endmacro %}
{% macro array_construct(inputs=[], data_type='Int32') %}{{ return(adapter.dispatch('array_construct', 'dbt')(inputs, data_type)) }}{% endmacro %}
{% macro clickhouse__array_construct(inputs, data_type) -%}
{{ '[' ~ (inputs | join(', ')) ~ ']' if inputs else "cast([] as Array(" ~ data_type ~ "))" }}
{%- endmacro %}
{% macro array_append(array, new_element) %}{{ return(adapter.dispatch('array_append', 'dbt')(array, new_element)) }}{% endmacro %}
{% macro clickhouse__array_append(array, new_element) -%}
arrayPushBack({{ array }}, {{ new_element }})
{%- endmacro %}
{% macro array_concat(array_1, array_2) %}{{ return(adapter.dispatch('array_concat', 'dbt')(array_1, array_2)) }}{% endmacro %}
{% macro clickhouse__array_concat(array_1, array_2) -%}
arrayConcat({{ array_1 }}, {{ array_2 }})
{%- endmacro %}

{# --- groups, sets --- #}

{% macro any_value(expression) %}{{ return(adapter.dispatch('any_value', 'dbt')(expression)) }}{% endmacro %}
{% macro clickhouse__any_value(expression) %}{{ return('any(' ~ expression ~ ')') }}{% endmacro %}
{% macro bool_or(expression) %}{{ return(adapter.dispatch('bool_or', 'dbt')(expression)) }}{% endmacro %}
{% macro clickhouse__bool_or(expression) %}{{ return('max(' ~ expression ~ ')') }}{% endmacro %}
{% macro except() %}{{ return(adapter.dispatch('except', 'dbt')()) }}{% endmacro %}
{% macro clickhouse__except() %}{{ return('except distinct') }}{% endmacro %}
{% macro intersect() %}{{ return(adapter.dispatch('intersect', 'dbt')()) }}{% endmacro %}
{% macro clickhouse__intersect() %}{{ return('intersect distinct') }}{% endmacro %}

{# order_by_clause: "order by a desc, b desc", all of one direction. #}
{% macro listagg(measure, delimiter_text="','", order_by_clause=none, limit_num=none) %}{{ return(adapter.dispatch('listagg', 'dbt')(measure, delimiter_text, order_by_clause, limit_num)) }}{% endmacro %}
{% macro clickhouse__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
{%- set values = 'groupArray(toString(' ~ measure ~ '))' -%}
{%- if order_by_clause -%}
	{%- set fields, directions = [], [] -%}
	{%- for part in order_by_clause.replace('ORDER BY', 'order by').replace('order by', '').split(',') -%}
		{%- set words = part.split() -%}
		{%- set descends = words[-1] | lower == 'desc' -%}
		{%- do fields.append(words[:-1] | join(' ') if words[-1] | lower in ['asc', 'desc'] else words | join(' ')) -%}
		{%- do directions.append(descends) if descends not in directions -%}
	{%- endfor -%}
	{%- if directions | length > 1 -%}
		{{ exceptions.raise_compiler_error('listagg orders by fields that all ascend or all descend, not by: ' ~ order_by_clause) }}
	{%- endif -%}
	{%- set values -%}
		arrayMap(x -> x.1, array{{ 'Reverse' if directions[0] }}Sort(x -> x.2, groupArray((toString({{ measure }}), ({{ fields | join(', ') }})))))
	{%- endset -%}
{%- endif -%}
arrayStringConcat({{ 'arraySlice(' ~ values ~ ', 1, ' ~ limit_num ~ ')' if limit_num else values }}, {{ delimiter_text }})
{%- endmacro %}

{# --- series --- #}

{% macro generate_series(upper_bound) %}{{ return(adapter.dispatch('generate_series', 'dbt')(upper_bound)) }}{% endmacro %}
{% macro clickhouse__generate_series(upper_bound) -%}
select toInt64(number) + 1 as generated_number from numbers({{ upper_bound }})
{%- endmacro %}

{# Without end_date itself. #}
{% macro date_spine(datepart, start_date, end_date) %}{{ return(adapter.dispatch('date_spine', 'dbt')(datepart, start_date, end_date)) }}{% endmacro %}
{% macro clickhouse__date_spine(datepart, start_date, end_date) -%}
select {{ dbt.dateadd(datepart, 'number', start_date) }} as date_{{ datepart }}
from numbers(toUInt64(greatest(0, {{ dbt.datediff(start_date, end_date, datepart) }})))
{%- endmacro %}
