{# What tailrace brings, as dbt does: a project may define each of these itself. #}

{% macro generate_schema_name(custom_schema_name=none, node=none) -%}
	{{ target.schema if custom_schema_name is none else target.schema ~ '_' ~ (custom_schema_name | trim) }}
{%- endmacro %}

{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
	{{ node.name if custom_alias_name is none else custom_alias_name | trim }}
{%- endmacro %}

{% macro get_where_subquery(relation) -%}
	{%- set where = config.get('where', '') -%}
	{%- if where -%}
		{{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as tested') }}
	{%- endif -%}
	{{ return(relation) }}
{%- endmacro %}

{% test not_null(model, column_name) -%}
select *
from {{ model }}
where {{ column_name }} is null
{%- endtest %}

{% test unique(model, column_name) -%}
select {{ column_name }} as value, count(*) as n_rows
from {{ model }}
where {{ column_name }} is not null
group by {{ column_name }}
having count(*) > 1
{%- endtest %}

{% test accepted_values(model, column_name, values, quote=true) -%}
select {{ column_name }} as value, count(*) as n_rows
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
select child.{{ column_name }} as value
from {{ model }} as child
where child.{{ column_name }} is not null
	and child.{{ column_name }} not in (select {{ field }} from {{ to }} where {{ field }} is not null)
{%- endtest %}
