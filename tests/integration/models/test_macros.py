#!/usr/bin/python3
"""Macros that ask the warehouse while they render: in a build, and by compile --execute."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import ClickHouse
from project import Project
from tap import eq, has, run, test

warehouse = ClickHouse()
number = 0


def project(files):
    """A project that goes into a database of its own."""
    global number
    number += 1
    made = Project(files, warehouse=warehouse, models={"database": f"db{number}"})
    made.database = f"db{number}"
    return made


def rows(p, query):
    return warehouse.query(query.replace("@", p.database + "."))

COLUMNS = """
{{ config(materialized='table') }}
select 1 as id, 'x' as name, cast(null as Nullable(Float64)) as price, toDate('2026-11-21') as day
union all
select 2, 'y', 2.5, toDate('2026-11-22')
"""


def sql(p, *names):
    return p.command("compile", "--execute", *names, check=True).out.strip()


@test
def macros_see_tables_columns_and_rows():
    p = project({"models/base.sql": COLUMNS})
    p.build()
    p.write(
        {
            "models/columns.sql": """
                select {% for c in adapter.get_columns_in_relation(ref('base')) -%}
                '{{ c.name }}:{{ c.data_type }}:{{ c.is_string() }}:{{ c.is_number() }}' as {{ c.quoted }}{{ ', ' if not loop.last }}
                {%- endfor %}
                """,
            "models/rows.sql": """
                {%- set t = run_query('select * from ' ~ ref('base') ~ ' order by id') -%}
                {%- if execute %}{{ t.column_names | join(',') }}
                {%- for row in t %} {{ row.id + 1 }}/{{ row['name'] }}/{{ row[2] }}/{{ row.day }}/{{ row.day.strftime('%d') }}{% endfor %}
                {{- ' ' ~ t.columns['name'].values() | join('+') ~ ' ' ~ t.columns[0].values() | sum ~ ' ' ~ t.rows | length }}
                {%- endif %}
                """,
            "models/statement.sql": """
                {%- do ref('base') -%}
                {%- call statement('x', fetch_result=true) %}select max(id) as most from {{ ref('base') }}{% endcall -%}
                {%- if execute %}
                {{ load_result('x').table.columns['most'].values()[0] }} {{ load_result('x')['data'][0][0] }} {{ load_result('y') is none }}
                {%- endif %}
                """,
            "models/relations.sql": """
                {{ load_relation(ref('base')).type }} {{ load_relation(this) is none }}
                {{ adapter.get_relation(schema='nowhere', identifier='x') is none }}
                {{ adapter.check_schema_exists(schema=target.schema) }} {{ adapter.check_schema_exists(schema='nowhere') }}
                {{ adapter.list_relations(schema=target.schema) | map(attribute='name') | sort | join(',') }}
                -- {{ ref('base') }}
                """,
        }
    )
    eq(
        sql(p, "columns"),
        "select 'id:UInt8:False:True' as `id`, 'name:String:True:False' as `name`, "
        "'price:Nullable(Float64):False:True' as `price`, 'day:Date:False:False' as `day`",
    )
    eq(sql(p, "rows"), "id,name,price,day 2/x/None/2026-11-21/21 3/y/2.5/2026-11-22/22 x+y 3 2")
    eq(sql(p, "statement"), "2 2 True")
    eq(sql(p, "relations").split("--")[0].split(), ["table", "True", "True", "True", "False", "base"])


@test
def a_build_asks_and_compile_alone_does_not():
    p = project(
        {
            "models/base.sql": COLUMNS,
            "models/wide.sql": """
                {{ config(materialized='table') }}
                select {% for row in run_query('select distinct name from ' ~ ref('base') ~ ' order by name') %}
                countIf(name = '{{ row.name }}') as {{ row.name }}{{ ', ' if not loop.last }}
                {% endfor %} from {{ ref('base') }}
                """,
        }
    )
    p.build()
    p.write(
        {
            "models/wrong.sql": "{{ run_query('select no_such_column from ' ~ ref('base')) }}",
            "models/changing.sql": "{% if execute %}{{ adapter.drop_relation(this) }}{% endif %}",
        }
    )
    eq(rows(p, "SELECT x, y FROM @wide"), [(1, 1)])
    offline = p.command("compile", "wide")
    eq(offline.code, 1)
    has(offline.err, "run_query() asks the warehouse")
    has(offline.err, "compile does with --execute")
    wrong = p.command("compile", "--execute", "wrong")
    eq(wrong.code, 1)
    has(wrong.err, "models/wrong.sql:1:4: run_query(): ")
    has(wrong.err, "no_such_column")
    changing = p.command("compile", "--execute", "changing")
    has(changing.err, "drop_relation() changes the warehouse")
    eq(rows(p, "SELECT count() FROM @base"), [(2,)])


@test
def sql_of_the_dialect_is_what_the_warehouse_takes():
    cases = {
        "dbt.dateadd('day', 2, \"toDate('2026-11-21')\")": "2026-11-23",
        "dbt.datediff(\"toDate('2026-11-01')\", \"toDate('2026-11-21')\", 'day')": "20",
        "dbt.last_day(\"toDate('2026-02-03')\", 'month')": "2026-02-28",
        "dbt.date_trunc('month', \"toDate('2026-02-03')\")": "2026-02-01",
        "dbt.date(2026, 2, 3)": "2026-02-03",
        "dbt.string_literal(\"it's \\\\ so\")": "it's \\ so",
        "dbt.concat([\"'a'\", 'toString(1)'])": "a1",
        "dbt.length(\"'日本'\")": "2",
        "dbt.position(\"'b'\", \"'abc'\")": "2",
        "dbt.replace(\"'abca'\", \"'a'\", \"'x'\")": "xbcx",
        "dbt.right(\"'日本語'\", 2)": "本語",
        "dbt.split_part(\"'a,b,c'\", \"','\", 2)": "b",
        "dbt.split_part(\"'a,b,c'\", \"','\", -1)": "c",
        "dbt.hash(\"'a'\")": "0cc175b9c0f1b6a831c399e269772661",
        "dbt.safe_cast(\"'x'\", 'Int32')": "\\N",
        "dbt.safe_cast(\"'5'\", dbt.type_int())": "5",
        "dbt.cast_bool_to_text('1 = 1')": "true",
        "dbt.equals('null', 'null')": "1",
        "dbt.array_append(dbt.array_construct([1, 2]), 3)": "[1,2,3]",
        "dbt.array_construct()": "[]",
    }
    p = project({"models/one.sql": "select 1"})
    files = {f"models/m{i}.sql": f"select toString({{{{ {call} }}}}) as v" for i, call in enumerate(cases)}
    files["models/spine.sql"] = "{{ dbt.date_spine('day', \"toDate('2026-11-20')\", \"toDate('2026-11-23')\") }}"
    files["models/series.sql"] = "{{ dbt.generate_series(4) }}"
    files["models/listed.sql"] = (
        "select {{ dbt.listagg('x', \"'-'\", 'order by y desc', 2) }} as v from (select 1 as x, 1 as y union all "
        "select 2, 2 union all select 3, 3)"
    )
    p.write(files)
    p.build()
    for i, expected in enumerate(cases.values()):
        value = rows(p, f"SELECT v FROM @m{i}")[0][0]
        eq("\\N" if value is None else value, expected)
    eq(rows(p, "SELECT count(), min(toString(date_day)), max(toString(date_day)) FROM @spine"), [(3, "2026-11-20", "2026-11-22")])
    eq(rows(p, "SELECT sum(generated_number) FROM @series"), [(10,)])
    eq(rows(p, "SELECT v FROM @listed"), [("3-2",)])


@test
def dates_of_dbt_date_are_what_the_warehouse_takes():
    at = "\"toDateTime64('2026-11-01 23:30:00', 6, 'UTC')\""
    day = "\"toDate('2026-11-01')\""  # a Sunday
    cases = {
        f"dbt_date.convert_timezone({at}, 'America/New_York', 'UTC')": "2026-11-01 18:30:00.000000",
        f"dbt_date.convert_timezone(\"toDateTime('2026-11-01 12:00:00', 'UTC')\", 'Europe/Berlin', 'UTC')": "2026-11-01 13:00:00.000000",
        f"dbt_date.convert_timezone(\"'2026-07-01 12:00:00'\", 'UTC', 'Europe/Berlin')": "2026-07-01 10:00:00.000000",
        "dbt_date.convert_timezone('cast(null as Nullable(DateTime))', 'Europe/Berlin', 'UTC')": "\\N",
        f"dbt_date.date_part('dayofweek', {day})": "0",
        f"dbt_date.date_part('isodow', {day})": "7",
        f"dbt_date.date_part('WEEK', {day})": "44",
        f"dbt_date.date_part('epoch', {at})": "1793575800",
        f"dbt_date.day_name({day}, true)": "Sun",
        f"dbt_date.day_name({day}, false)": "Sunday",
        f"dbt_date.month_name({day}, true)": "Nov",
        f"dbt_date.month_name({day}, false)": "November",
        "dbt_date.from_unixtimestamp(1793575800, 'seconds')": "2026-11-01 23:30:00",
        "dbt_date.from_unixtimestamp('1793575800123', 'milliseconds')": "2026-11-01 23:30:00.123",
        f"dbt_date.to_unixtimestamp({day})": "1793491200",
        f"dbt_date.week_start({day})": "2026-11-01",
        f"dbt_date.week_end({day})": "2026-11-07",
        f"dbt_date.week_of_year({day})": "44",
        f"dbt_date.iso_week_start({day})": "2026-10-26",
        f"dbt_date.iso_week_end({day})": "2026-11-01",
        f"dbt_date.iso_week_of_year({day})": "44",
    }
    names = sorted({call[len("dbt_date.") : call.index("(")] for call in cases})
    package = "".join(
        f"{{% macro {name}() %}}{{{{ adapter.dispatch('{name}', 'dbt_date')(*varargs) }}}}{{% endmacro %}}\n"
        f"{{% macro default__{name}() %}}nothing_of_clickhouse({{{{ varargs }}}}){{% endmacro %}}\n"
        for name in names
    )
    p = project({"dbt_packages/dbt_date/dbt_project.yml": "name: dbt_date", "dbt_packages/dbt_date/macros/all.sql": package})
    p.write(
        {
            "models/all.sql": "select ["
            + ", ".join(f"ifNull(toString({{{{ {call} }}}}), '\\\\N')" for call in cases)
            + "] as v",
            "models/wrong.sql": "select {{ dbt_date.date_part('fortnight', 'x') }}",
        }
    )
    has(p.build(code=1).out, "date_part() does not know 'fortnight' here")
    eq(rows(p, "SELECT v FROM @all")[0][0], list(cases.values()))


@test
def relations_are_united_and_told_apart():
    p = project(
        {
            "models/a.sql": "{{ config(materialized='table') }}select 1 as id, 'x' as name, [1] as list",
            "models/b.sql": "{{ config(materialized='table') }}select 2 as id, 1.5 as price",
            "models/united.sql": "{{ config(materialized='table') }}{{ dbt_utils.union_relations([ref('a'), ref('b')]) }}",
            "models/unique_rows.sql": """
                {{ config(materialized='table') }}
                {{ dbt_utils.deduplicate(ref('twice'), 'id', 'at desc') }}
                """,
            "models/twice.sql": "select 1 as id, 1 as at union all select 1, 2 union all select 2, 5",
        }
    )
    p.build()
    eq(
        rows(p, "SELECT id, name, list, price, _dbt_source_relation FROM @united ORDER BY id"),
        [(1, "x", [1], None, f"`{p.database}`.`a`"), (2, None, [], 1.5, f"`{p.database}`.`b`")],
    )
    eq(rows(p, "SELECT id, at FROM @unique_rows ORDER BY id"), [(1, 2), (2, 5)])


run()
