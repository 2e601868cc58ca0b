{# Tests of data: a query whose rows are failures. Those of dbt, and those of dbt_utils that most projects use. #}

{% macro get_where_subquery(relation) -%}
	{%- set where = config.get('where', '') -%}
	{%- if where -%}
		{{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as tested') }}
	{%- endif -%}
	{{ return(relation) }}
{%- endmacro %}

{% macro should_store_failures() %}
	{%- set own = config.get('store_failures') -%}
	{{ return(flags.STORE_FAILURES if own is none else own) }}
{% endmacro %}

{% test not_null(model, column_name) -%}
select *
from {{ model }}
where {{ column_name }} is null
{%- endtest %}

{% test unique(model, column_name) -%}
select {{ column_name }} as unique_field, count(*) as n_records
from {{ model }}
where {{ column_name }} is not null
group by {{ column_name }}
having count(*) > 1
{%- endtest %}

{% test accepted_values(model, column_name, values, quote=true) -%}
select {{ column_name }} as value_field, count(*) as n_records
from {{ model }}
where {{ column_name }} not in (
	{%- for value in values -%}
		{{ "'" ~ (value | string | replace("\\", "\\\\") | replace("'", "''")) ~ "'" if quote else value }}
		{{- ', ' if not loop.last }}
	{%- endfor -%}
)
group by {{ column_name }}
{%- endtest %}

{% test relationships(model, column_name, to, field) -%}
with parent as (select {{ field }} as known from {{ to }} where {{ field }} is not null)
select child.{{ column_name }} as from_field
from {{ model }} as child
where child.{{ column_name }} is not null
	and child.{{ column_name }} not in (select known from parent)
{%- endtest %}

{% test not_accepted_values(model, column_name, values, quote=true) -%}
select {{ column_name }} as value_field, count(*) as n_records
from {{ model }}
where {{ column_name }} in (
	{%- for value in values -%}
		{{ dbt.string_literal(value) if quote else value }}{{ ', ' if not loop.last }}
	{%- endfor -%}
)
group by {{ column_name }}
{%- endtest %}

{% test unique_combination_of_columns(model, combination_of_columns, quote_columns=false) -%}
{%- set columns = [] -%}
{%- for column in combination_of_columns -%}
	{%- do columns.append(adapter.quote(column) if quote_columns else column) -%}
{%- endfor -%}
select {{ columns | join(', ') }}, count(*) as n_rows
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{%- endtest %}

{# Of a column the expression is what follows it: ">= 0". NULL passes, here and below: not_null is a test of its own. #}
{% test expression_is_true(model, expression, column_name=none) -%}
select *
from {{ model }}
where not ({{ column_name ~ ' ' if column_name }}{{ expression }})
{%- endtest %}

{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) -%}
{%- if min_value is none and max_value is none -%}
	{{ exceptions.raise_compiler_error('accepted_range needs min_value, max_value or both') }}
{%- endif -%}
select *
from {{ model }}
where
	{%- if min_value is not none %} {{ column_name }} {{ '<' if inclusive else '<=' }} {{ min_value }}{% endif %}
	{%- if min_value is not none and max_value is not none %} or{% endif %}
	{%- if max_value is not none %} {{ column_name }} {{ '>' if inclusive else '>=' }} {{ max_value }}{% endif %}
{%- endtest %}

{% test not_null_proportion(model, column_name, at_least, at_most=1.0, group_by_columns=[]) -%}
select {{ group_by_columns | join(', ') ~ ', ' if group_by_columns }}countIf({{ column_name }} is not null) / count(*) as not_null_proportion
from {{ model }}
{%- if group_by_columns %}
group by {{ group_by_columns | join(', ') }}
{%- endif %}
having count(*) > 0 and (not_null_proportion < {{ at_least }} or not_null_proportion > {{ at_most }})
{%- endtest %}

{% test row_count(model, min_value=none, max_value=none) -%}
{%- if min_value is none and max_value is none -%}
	{{ exceptions.raise_compiler_error('row_count needs min_value, max_value or both') }}
{%- endif -%}
select count(*) as n_rows
from {{ model }}
having
	{%- if min_value is not none %} n_rows < {{ min_value }}{% endif %}
	{%- if min_value is not none and max_value is not none %} or{% endif %}
	{%- if max_value is not none %} n_rows > {{ max_value }}{% endif %}
{%- endtest %}

{% test equal_rowcount(model, compare_model) -%}
select a.n_rows as n_rows, b.n_rows as n_rows_compared
from (select count(*) as n_rows from {{ model }}) as a
cross join (select count(*) as n_rows from {{ compare_model }}) as b
where a.n_rows != b.n_rows
{%- endtest %}

{# The newest row is not older than so many hours, days ...; an empty table fails. #}
{% test recency(model, field, datepart, interval, ignore_time_component=false, group_by_columns=[]) -%}
{%- set now = 'toDate(now())' if ignore_time_component else 'now()' -%}
{%- set newest = 'max(' ~ ('toDate(' ~ field ~ ')' if ignore_time_component else field) ~ ')' -%}
select {{ group_by_columns | join(', ') ~ ', ' if group_by_columns }}{{ newest }} as newest
from {{ model }}
{%- if group_by_columns %}
group by {{ group_by_columns | join(', ') }}
{%- endif %}
having count(*) = 0 or ifNull(newest < {{ dbt.dateadd(datepart, -1 * interval, now) }}, 1)
{%- endtest %}

{# How old the newest row is; where there is none, for ever. #}
{% test source_freshness(model, loaded_at_field=none, loaded_at_query=none) -%}
select
	max_loaded_at,
	now64(6, 'UTC') as snapshotted_at,
	ifNull(dateDiff('microsecond', toDateTime64(max_loaded_at, 6, 'UTC'), snapshotted_at) / 1e6, inf)
		as max_loaded_at_time_ago_in_s
from (
{%- if loaded_at_query is none %}
	select maxOrNull({{ loaded_at_field }}) as max_loaded_at
	from {{ model }}
{%- else %}
	select (
{{ loaded_at_query }}
	) as max_loaded_at
{%- endif %}
) as newest
{%- endtest %}
