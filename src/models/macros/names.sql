{# Where models go: a project may define each of these itself. #}

{% macro generate_schema_name(custom_schema_name=none, node=none) -%}
	{{ target.schema if custom_schema_name is none else target.schema ~ '_' ~ (custom_schema_name | trim) }}
{%- endmacro %}

{# Called by a project's generate_schema_name: in production models go where they say, else all go into one. #}
{% macro generate_schema_name_for_env(custom_schema_name=none, node=none) -%}
	{{ custom_schema_name | trim if target.name == 'prod' and custom_schema_name is not none else target.schema }}
{%- endmacro %}

{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
	{{ node.name if custom_alias_name is none else custom_alias_name | trim }}
{%- endmacro %}
