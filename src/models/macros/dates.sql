{#
	Of dbt_date what its own macros cannot say to ClickHouse: found in place of them. A time knows its moment here, so
	that a conversion changes by which clock it is read, and not the moment.
#}

{% macro clickhouse__convert_timezone(column, target_tz, source_tz) -%}
{%- set time = column if source_tz == 'UTC' else 'toString(' ~ column ~ ')' -%}
toTimeZone(toDateTime64({{ time }}, 6, '{{ source_tz }}'), '{{ target_tz }}')
{%- endmacro %}

{% macro clickhouse__date_part(datepart, date) -%}
{%- set functions = {
	'dayofweekiso': 'toDayOfWeek', 'dayofweek_iso': 'toDayOfWeek', 'isodow': 'toDayOfWeek',
	'dayofyear': 'toDayOfYear', 'doy': 'toDayOfYear',
	'week': 'toISOWeek', 'isoweek': 'toISOWeek', 'weekiso': 'toISOWeek', 'weekofyear': 'toISOWeek',
	'year': 'toYear', 'isoyear': 'toISOYear', 'quarter': 'toQuarter', 'month': 'toMonth', 'day': 'toDayOfMonth',
	'hour': 'toHour', 'minute': 'toMinute', 'second': 'toSecond'} -%}
{%- set part = datepart | lower -%}
{%- if part in ('dayofweek', 'dow') -%}
toDayOfWeek({{ date }}) % 7
{%- elif part in ('epoch', 'epoch_second', 'epoch_seconds') -%}
{{ clickhouse__to_unixtimestamp(date) }}
{%- elif part in functions -%}
{{ functions[part] }}({{ date }})
{%- else -%}
{{ exceptions.raise_compiler_error("date_part() does not know '" ~ datepart ~ "' here") }}
{%- endif -%}
{%- endmacro %}

{% macro clickhouse__day_name(date, short) -%}
{{ "substring(dateName('weekday', " ~ date ~ "), 1, 3)" if short else "dateName('weekday', " ~ date ~ ")" }}
{%- endmacro %}
{% macro clickhouse__month_name(date, short) -%}
{{ "substring(dateName('month', " ~ date ~ "), 1, 3)" if short else "dateName('month', " ~ date ~ ")" }}
{%- endmacro %}

{% macro clickhouse__from_unixtimestamp(epochs, format='seconds') -%}
{%- set units = {'seconds': 'Second', 'milliseconds': 'Milli', 'microseconds': 'Micro', 'nanoseconds': 'Nano'} -%}
{%- if format not in units -%}
{{ exceptions.raise_compiler_error("from_unixtimestamp() does not know the format '" ~ format ~ "' here") }}
{%- endif -%}
fromUnixTimestamp64{{ units[format] }}(toInt64({{ epochs }}), 'UTC')
{%- endmacro %}
{% macro clickhouse__to_unixtimestamp(timestamp) -%}
toUnixTimestamp64Second(toDateTime64({{ timestamp }}, 6))
{%- endmacro %}

{# Weeks from Sunday to Saturday; the ISO ones from Monday to Sunday. #}
{% macro clickhouse__week_start(date) %}toStartOfWeek(toDate({{ date }}), 0){% endmacro %}
{% macro clickhouse__week_end(date) %}toLastDayOfWeek(toDate({{ date }}), 0){% endmacro %}
{% macro clickhouse__week_of_year(date) %}intDiv(toDayOfYear({{ date }}) - 1, 7) + 1{% endmacro %}
{% macro clickhouse__iso_week_start(date) %}toStartOfWeek(toDate({{ date }}), 1){% endmacro %}
{% macro clickhouse__iso_week_end(date) %}toLastDayOfWeek(toDate({{ date }}), 1){% endmacro %}
{% macro clickhouse__iso_week_of_year(date) %}toISOWeek({{ date }}){% endmacro %}
