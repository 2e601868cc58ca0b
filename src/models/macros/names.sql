{# Where models go: a project may define each of these itself. #}

{% macro generate_schema_name(custom_schema_name=none, node=none) -%}
	{{ target.schema if custom_schema_name is none else target.schema ~ '_' ~ (custom_schema_name | trim) }}
{%- endmacro %}

{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
	{{ node.name if custom_alias_name is none else custom_alias_name | trim }}
{%- endmacro %}
