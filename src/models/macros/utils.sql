{#
	Of dbt_utils what its own macros cannot say to ClickHouse: found in place of them, and without that package
	under its name too.
#}

{% macro generate_surrogate_key(field_list) %}{{ return(adapter.dispatch('generate_surrogate_key', 'dbt_utils')(field_list)) }}{% endmacro %}
{% macro clickhouse__generate_surrogate_key(field_list) -%}
{%- set missing = '' if var('surrogate_key_treat_nulls_as_empty_strings', false) else '_dbt_utils_surrogate_key_null_' -%}
{%- set parts = [] -%}
{%- for field in field_list -%}
	{%- do parts.append("ifNull(toString(" ~ field ~ "), '" ~ missing ~ "')") -%}
{%- endfor -%}
{{ dbt.hash(parts | join(" || '-' || ")) }}
{%- endmacro %}

{# The first row of each group in that order. #}
{% macro deduplicate(relation, partition_by, order_by) %}{{ return(adapter.dispatch('deduplicate', 'dbt_utils')(relation, partition_by, order_by)) }}{% endmacro %}
{% macro clickhouse__deduplicate(relation, partition_by, order_by) -%}
select *
from {{ relation }}
order by {{ order_by }}
limit 1 by {{ partition_by }}
{%- endmacro %}

{% macro clickhouse__get_tables_by_pattern_sql(schema_pattern, table_pattern, exclude='', database='') -%}
select database as table_schema, name as table_name, if(engine like '%View', 'view', 'table') as table_type
from system.tables
where database ilike '{{ schema_pattern }}' and name ilike '{{ table_pattern }}' and name not ilike '{{ exclude }}'
order by database, name
{%- endmacro %}

{# A column that a relation has not is NULL there. #}
{% macro union_relations(relations, column_override=none, include=[], exclude=[], source_column_name='_dbt_source_relation', where=none) %}{{ return(adapter.dispatch('union_relations', 'dbt_utils')(relations, column_override, include, exclude, source_column_name, where)) }}{% endmacro %}
{% macro clickhouse__union_relations(relations, column_override=none, include=[], exclude=[], source_column_name='_dbt_source_relation', where=none) -%}
{%- if include and exclude -%}
	{{ exceptions.raise_compiler_error('union_relations takes include or exclude, not both') }}
{%- endif -%}
{%- if not execute -%}{{ return('') }}{%- endif -%}
{%- set types, has = {}, {} -%}
{%- set wanted, unwanted = include | map('lower') | list, exclude | map('lower') | list -%}
{%- for relation in relations -%}
	{%- do has.update({relation: []}) -%}
	{%- for column in adapter.get_columns_in_relation(relation) -%}
		{%- set name = column.column | lower -%}
		{%- if name not in unwanted and (name in wanted or not wanted) -%}
			{%- do has[relation].append(column.column) -%}
			{%- do types.update({column.column: column.data_type}) if column.column not in types -%}
		{%- endif -%}
	{%- endfor -%}
{%- endfor -%}
{%- if not types -%}
	{{ exceptions.raise_compiler_error('union_relations finds no columns in ' ~ (relations | join(', '))) }}
{%- endif -%}
{%- do types.update(column_override or {}) -%}
{%- for relation in relations %}
(
	select
		{%- if source_column_name is not none %}
		{{ dbt.string_literal(relation.render()) }} as {{ source_column_name }},
		{%- endif %}
		{%- for name, type in types.items() %}
		{%- if name in has[relation] %}
		cast({{ adapter.quote(name) }} as {{ type }})
		{%- elif type.startswith(('Nullable', 'LowCardinality(Nullable', 'Array', 'Map', 'Tuple', 'JSON', 'Variant', 'Dynamic')) %}
		defaultValueOfTypeName('{{ dbt.escape_single_quotes(type) }}')
		{%- else %}
		cast(null as Nullable({{ type }}))
		{%- endif %} as {{ adapter.quote(name) }}{{ ',' if not loop.last }}
		{%- endfor %}
	from {{ relation }}
	{%- if where %}
	where {{ where }}
	{%- endif %}
)
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{%- endmacro %}

{% macro clickhouse__unpivot(relation=none, cast_to='varchar', exclude=none, remove=none, field_name='field_name', value_name='value', quote_identifiers=false) -%}
{%- set kept, columns = exclude or [], [] -%}
{%- set left_out = ((remove or []) + kept) | map('lower') | list -%}
{%- for column in adapter.get_columns_in_relation(relation) -%}
	{%- do columns.append(column) if column.column | lower not in left_out -%}
{%- endfor -%}
{%- for column in columns %}
select
	{%- for name in kept %}
	{{ adapter.quote(name) if quote_identifiers else name }},
	{%- endfor %}
	'{{ dbt.escape_single_quotes(column.column) }}' as {{ adapter.quote(field_name) if quote_identifiers else field_name }},
	cast({{ column.quoted }} as Nullable({{ cast_to }})) as {{ adapter.quote(value_name) if quote_identifiers else value_name }}
from {{ relation }}
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{%- endmacro %}
