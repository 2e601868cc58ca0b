#!/usr/bin/python3
"""Building a project of models: order, progress, failures, retries, cancelling, history, tests of data."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import BINARY, ClickHouse
from project import Project
from tap import eq, has, run, test, wait_until

warehouse = ClickHouse()
number = 0


def project(files, **more):
    """A project that goes into a database of its own."""
    global number
    number += 1
    models = {"database": f"db{number}", **more.pop("models", {})}
    made = Project(files, warehouse=warehouse, models=models, **more)
    made.database = models["database"]
    return made


def rows(p, query):
    return warehouse.query(query.replace("@", p.database + "."))


CHAIN = {
    "models/numbers.sql": "{{ config(materialized='table') }} select number as id from numbers(10)",
    "models/even.sql": "select id from {{ ref('numbers') }} where id % 2 = 0",
    "models/total.sql": "{{ config(materialized='table') }} select sum(id) as total from {{ ref('even') }}",
}


@test
def models_are_built_parents_first_and_each_is_told():
    p = project(CHAIN)
    done = p.build()
    eq(rows(p, "SELECT total FROM @total"), [(20,)])
    lines = done.out.splitlines()
    has(lines[1], "1 of 3 OK created numbers (table of 10 rows)")
    has(lines[2], "2 of 3 OK created even (view)")
    has(lines[3], "3 of 3 OK created total")
    has(lines[4], "PASS=3 WARN=0 ERROR=0 SKIP=0 TOTAL=3")
    eq(done.err, "")


@test
def what_stands_on_a_failure_is_skipped_and_the_rest_is_built():
    p = project(
        {
            **CHAIN,
            "models/broken.sql": """
                {{ config(materialized='table') }}
                {% set unused = 1 %}
                select id,
                  no_such_column
                from {{ ref('numbers') }}
            """,
            "models/on_broken.sql": "select * from {{ ref('broken') }}",
            "models/on_that.sql": "select * from {{ ref('on_broken') }}",
        }
    )
    done = p.build(code=1)
    has(done.out, "models/broken.sql:4: ClickHouse: Unknown expression identifier `no_such_column`")
    has(done.out, "    4 | no_such_column")
    has(done.out, "PASS=3 WARN=0 ERROR=1 SKIP=2 TOTAL=6")
    steps = p.steps()
    eq(steps["total"], "succeeded")
    eq(steps["broken"], "failed")
    eq((steps["on_broken"], steps["on_that"]), ("skipped", "skipped"))
    eq(rows(p, "SELECT name FROM system.tables WHERE database = '%s' AND name LIKE '%%broken%%'" % p.database), [])


@test
def an_error_in_what_a_macro_wrote_names_the_model_and_the_macro():
    p = project(
        {
            "macros/sums.sql": "{% macro total(c) %}\n  sum({{ c }}) as total\n{% endmacro %}",
            "macros/tests.sql": "{% test positive(model, column_name) %}\nselect * from {{ model }}\n"
            "where not_{{ column_name }} <= 0\n{% endtest %}",
            "models/base.sql": "select 1 as id",
            "models/y.yml": "models:\n  - name: base\n    columns:\n      - name: id\n        tests: [positive]",
            "models/broken.sql": "select\n{{ total('amout') }}\nfrom system.one",
            "models/syntax.sql": "{{ config(materialized='table') }}\nselect id {{ total('id') }}\nfrom system.one",
            "models/aside.sql": "{{ config(materialized='ephemeral') }}\nselect\n{{ total('amout') }}\nfrom system.one",
            "models/on_aside.sql": "select * from {{ ref('aside') }}",
        }
    )
    out = p.build(code=1).out
    in_macro = "\n    in macro total, macros/sums.sql:2\n      "
    has(out, "models/broken.sql:2: ClickHouse: Unknown expression or function identifier `amout`")
    has(out, in_macro + "2 | sum(amout) as total")
    has(out, "models/syntax.sql:2: ClickHouse: Syntax error")
    has(out, in_macro + "2 | sum(id) as total")
    has(out, "models/aside.sql:3: ClickHouse: Unknown expression or function identifier `amout`")
    has(out, "models/y.yml:5: ClickHouse: Unknown expression or function identifier `not_id`")
    has(out, "in macro test_positive, macros/tests.sql:3")


@test
def a_model_with_a_wrong_template_fails_alone():
    p = project({**CHAIN, "models/typo.sql": "select {{ amout.x }}"})
    done = p.build(code=1)
    has(done.out, "models/typo.sql:1:11: 'amout' is undefined")
    eq(p.steps()["total"], "succeeded")


@test
def a_run_can_be_looked_at_with_its_sql_rows_and_queries():
    p = project(CHAIN)
    p.build()
    run_ = p.run()
    eq((run_["kind"], run_["status"], run_["steps_done"]), ("build", "succeeded", 3))
    attempt = run_["attempts"][0]
    has(attempt["sql"], "select number as id from numbers(10)")
    eq(attempt["written_rows"], 10)
    assert attempt["peak_bytes"] > 0, attempt
    warehouse.raw("SYSTEM FLUSH LOGS")
    has(p.command("runs", "1", "--sql", check=True).out, "select number as id from numbers(10)")
    has(p.command("runs", check=True).out, "succeeded")
    eq(p.command("runs", "7").code, 2)
    eq(p.command("runs", "x").code, 2)


@test
def what_failed_its_tests_keeps_its_children_from_being_built_in_later_runs_too():
    p = project(
        {
            "models/numbers.sql": "{{ config(materialized='table') }} select cast(null as Nullable(Int8)) as id",
            "models/next.sql": "select id from {{ ref('numbers') }}",
            "models/s.yml": """
                models:
                  - name: numbers
                    columns:
                      - {name: id, data_tests: [not_null, no_such_test]}
            """,
        }
    )
    failed = {"numbers": "succeeded", "not_null_numbers_id": "failed", "no_such_test_numbers_id": "failed", "next": "skipped"}
    p.build(code=1)
    eq(p.steps(), failed)
    p.build(code=1)
    del failed["numbers"]
    eq(p.steps(), failed)


@test
def what_a_failed_hook_leaves_behind_is_built_again_though_the_file_is_as_before():
    first = "{{ config(materialized='table') }} select 1 as a"
    p = project({"models/t.sql": first, "models/v.sql": "{{ config(materialized='table') }} select a from {{ ref('t') }}"})
    p.build()
    p.write({"models/t.sql": "{{ config(materialized='table', post_hook='select throwIf(1)') }} select 2 as a"})
    p.build(code=1)
    eq(rows(p, "SELECT a FROM @t"), [(2,)])
    p.write({"models/t.sql": first})
    p.build()
    eq(rows(p, "SELECT a FROM @t"), [(1,)])
    eq(p.steps(), {"t": "succeeded", "v": "succeeded"})


LOG = "create table if not exists {{ target.schema }}.log (n UInt64, what String) engine = MergeTree order by n"


def says(what):
    """A hook that writes that down, behind what was written before."""
    return f"insert into {{{{ target.schema }}}}.log select count(), '{what}' from {{{{ target.schema }}}}.log"


def hooks(start=(), end=(), name="shop"):
    lines = [f"name: {name}"]
    for key, statements in (("on-run-start", start), ("on-run-end", end)):
        if isinstance(statements, str):
            lines.append(f"{key}: {json.dumps(statements)}")
        elif statements:
            lines += [f"{key}:", *(f"  - {json.dumps(statement)}" for statement in statements)]
    return "\n".join(lines)


def log(p):
    return [what for _, what in rows(p, "SELECT n, what FROM @log ORDER BY n")]


SAYS_ITSELF = {
    "models/a.sql": "{{ config(materialized='table', post_hook=\"" + says("a") + "\") }} select 1 as id",
    "models/b.sql": "select id from {{ ref('a') }}",
}


@test
def hooks_of_a_run_run_before_its_first_and_behind_its_last_step():
    p = project(
        {
            **SAYS_ITSELF,
            "dbt_project.yml": hooks([LOG, "{{ note('root starts') }}"], "{{ note(schemas | join(',')) }}"),
            "macros/note.sql": "{% macro note(what) %}" + says("{{ what }} ' || '{{ var('who', 'x') }}") + "{% endmacro %}",
            "dbt_packages/aid/dbt_project.yml": hooks(["select 1", "-- none\n{% if false %}select 2{% endif %};"], says("aid ends"), "aid"),
        }
    )
    p.build("--vars", "{who: me}")
    eq(log(p), ["root starts me", "a", p.database + " me", "aid ends"])
    names = ["shop-on-run-start-0", "shop-on-run-start-1", "aid-on-run-start-0", "aid-on-run-start-1", "a", "b"]
    eq(list(p.steps()), [*names, "shop-on-run-end-0", "aid-on-run-end-0"])
    eq(set(p.steps().values()), {"succeeded"})
    has(p.command("runs", "1", "--sql").out, "select count(), 'root starts ' || 'me'")
    has(p.command("project", "check", p.folder, check=True).out, "6 of 6 operations run here")
    has(p.build().out, "Nothing to do")
    p.command("plan", check=True)
    p.build("--all", "--dry-run")
    eq(len(log(p)), 4)
    p.command("test", check=True)
    eq(len(log(p)), 4)


@test
def hooks_at_the_end_are_told_how_each_node_went():
    told = "{% for r in results %}{{ r.node.name }}:{{ r.status }}:{{ r.failures }}:{{ r.execution_time > 0 }} {% endfor %}"
    more = "{% for r in results if r.status == 'error' %}{{ r.message[:14] }}{% endfor %} {{ this }} {% for _, schema in database_schemas %}{{ schema }}{% endfor %}"
    p = project(
        {
            **CHAIN,
            "models/bad.sql": "{{ config(materialized='table') }} select throwIf(1) as x",
            "models/on_bad.sql": "select * from {{ ref('bad') }}",
            "models/s.yml": "models: [{name: numbers, columns: [{name: id, tests: [unique, {accepted_values: {values: [0], quote: false}}]}]}]",
            "dbt_project.yml": hooks(LOG, [says(told), says(more)]),
        }
    )
    p.build(code=1)
    said = log(p)
    for node in ("numbers:success:None:True", "unique_numbers_id:pass:0:True", "bad:error:None:True"):
        has(said[0], node)
    has(said[0], "accepted_values_numbers_id__False__0:fail:9:True")
    has(said[0], "even:skipped:None:False")
    eq(said[1], f"models/bad.sql None {p.database}")


@test
def a_failing_hook_at_the_start_lets_nothing_be_built_and_those_at_the_end_run():
    broken = "select\n  nothing\nfrom {{ target.schema }}.log"
    p = project({**SAYS_ITSELF, "dbt_project.yml": hooks([LOG, broken, says("x")], says("{{ results | map(attribute='status') | join(' ') }}"))})
    done = p.build(code=1)
    has(done.out, "dbt_project.yml:4: ClickHouse: Unknown expression identifier `nothing`")
    has(done.out, "    2 | nothing")
    has(done.out, "PASS=2 WARN=0 ERROR=1 SKIP=3 TOTAL=6")
    eq(log(p), ["error skipped skipped"])
    p.write({"dbt_project.yml": hooks([LOG, "{{ nothing.x }}"])})
    has(p.build(code=1).out, "dbt_project.yml:4:1:4: 'nothing' is undefined")
    p.write({"dbt_project.yml": hooks([LOG])})
    p.build()
    eq(log(p), ["error skipped skipped", "a"])


@test
def a_failing_hook_at_the_end_fails_the_run_whose_models_stand():
    p = project({**CHAIN, "dbt_project.yml": hooks((), ["select throwIf(1)", "select 1"])})
    p.build(code=1)
    eq(list(p.steps().values()), ["succeeded"] * 3 + ["failed", "skipped"])
    eq(rows(p, "SELECT total FROM @total"), [(20,)])


@test
def a_run_that_was_killed_goes_on_with_the_hooks_that_had_not_ended():
    p = project({**SAYS_ITSELF, "dbt_project.yml": hooks([LOG, says("start")], says("end"))})
    eq(p.command("build", TAILRACE_FAILPOINT="build.begun=kill@3").code, -9)
    eq(log(p), ["start"])
    has(p.build().out, "Run 1 was interrupted, and goes on")
    eq(log(p), ["start", "a", "end"])
    eq(p.run(1)["status"], "succeeded")


@test
def a_selector_of_the_project_says_what_is_built_and_tested():
    p = project(
        {
            **CHAIN,
            "models/s.yml": "models: [{name: numbers, columns: [{name: id, tests: [not_null, unique]}]}]",
            "selectors.yml": """
                selectors:
                  - name: slow
                    definition: {method: fqn, value: unique_numbers_id}
                  - name: nightly
                    definition:
                      union:
                        - {method: fqn, value: even, parents: true}
                        - exclude: [{method: selector, value: slow}]
            """,
        }
    )
    eq([a["name"] for a in p.command("assets", "--selector", "nightly", "--json", check=True).json["assets"]], ["numbers", "even"])
    p.build("--selector", "nightly")
    eq(p.steps(), dict.fromkeys(["numbers", "not_null_numbers_id", "even"], "succeeded"))
    eq(p.run()["selector"], "--selector nightly")
    p.command("test", "--selector", "slow", check=True)
    eq(list(p.steps()), ["unique_numbers_id"])
    p.command("test", "--exclude", "not_null*", check=True)
    eq(list(p.steps()), ["unique_numbers_id"])
    has(p.build("--selector", "nigtly", code=2).err, "there is no selector 'nigtly'; did you mean 'nightly'?")
    has(p.build("even", "--selector", "nightly", code=2).err, "--selector nightly selects by itself")
    p.write({"selectors.yml": "selectors: [{name: usual, default: true, definition: numbers}]"})
    p.build("--all")
    eq((p.run()["selector"], list(p.steps())), ("--selector usual", ["numbers", "not_null_numbers_id", "unique_numbers_id"]))
    eq(p.command("backfill", "--from", "2026", "--to", "2026").code, 2)


@test
def a_table_without_partitions_is_not_taken_for_one_with_them():
    plain = "select toDateTime('2026-08-01 00:00:00', 'UTC') as at"
    p = project({"models/t.sql": "{{ config(materialized='table') }} " + plain})
    p.build()
    microbatch = (
        "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', batch_size='year',"
        " begin='2026-01-01') }} "
    )
    p.write({"models/t.sql": microbatch + plain})
    has(p.build(code=1).out, "was made without partitions; build with --full-refresh")
    p.build("--full-refresh")
    eq(rows(p, "SELECT count() FROM @t"), [(1,)])


@test
def a_column_is_called_as_the_model_calls_it_though_a_join_has_its_name_twice():
    customers = "(select 1 as id, 'ann' as name)"
    p = project({
        "models/joined.sql": f"""
            {{{{ config(materialized='table') }}}}
            with final as (
                select customers.id, name, orders.amount
                from {customers} as customers left join {{{{ ref('orders') }}}} orders using (id)
            )
            select * from final""",
        "models/orders.sql": "select 1 as id, 9 as amount",
        "models/looked_at.sql": "select joined.id, o.id, o.amount from {{ ref('joined') }} left join {{ ref('orders') }} as o on o.id = joined.id",
        "models/wrong.sql": f"select customers.id,\n  customers.nme\nfrom {customers} as customers join (select 1 as id) as b using (id)",
    })
    has(p.build("--exclude", "wrong").out, "ERROR=0")
    eq([row[:1] for row in rows(p, "DESCRIBE TABLE @joined")],
       [("id",), ("name",), ("amount",)])
    eq([row[:1] for row in rows(p, "DESCRIBE TABLE @looked_at")],
       [("id",), ("o.id",), ("amount",)])
    has(p.build("wrong", code=1).out, "models/wrong.sql:2: ClickHouse: ")


@test
def a_file_without_sql_is_told():
    p = project({"models/nothing.sql": "-- later\n{# or never #}"})
    has(p.build(code=1).out, "models/nothing.sql: it gives no SQL")


@test
def tests_run_behind_their_model_and_before_its_children():
    p = project(
        {
            **CHAIN,
            "models/models.yml": """
                models:
                  - name: even
                    columns:
                      - name: id
                        tests:
                          - not_null
                          - accepted_values: {values: [0, 2, 4], quote: false}
            """,
        }
    )
    done = p.build(code=1)
    has(done.out, "FAIL")
    has(done.out, "2 failing rows")
    steps = p.steps()
    eq(steps["total"], "skipped")
    eq([s for n, s in steps.items() if n.startswith("not_null")], ["succeeded"])
    eq(rows(p, "SELECT count() FROM system.tables WHERE database = '%s' AND name = 'total'" % p.database), [(0,)])


@test
def tests_of_a_source_run_before_what_stands_on_it():
    p = project(
        {
            "models/view.sql": "select * from {{ source('raw', 'things') }}",
            "models/kept.sql": "{{ config(materialized='table') }} select * from {{ ref('view') }}",
            "models/alone.sql": "select 1 as id",
            "models/models.yml": """
                sources:
                  - name: raw
                    schema: DB
                    tables: [{name: things, columns: [{name: id, data_tests: [unique]}]}]
            """.replace("DB", f"raw{number + 1}"),
        }
    )
    raw = f"raw{number}"
    warehouse.raw(f"CREATE DATABASE {raw}")
    warehouse.raw(f"CREATE VIEW {raw}.things AS SELECT 1 AS id FROM numbers(2)")
    p.build(code=1)
    eq(p.steps(), {"source_unique_raw_things_id": "failed", "view": "skipped", "kept": "skipped", "alone": "succeeded"})
    warehouse.raw(f"CREATE OR REPLACE VIEW {raw}.things AS SELECT number AS id FROM numbers(2)")
    p.build()
    eq(p.steps()["source_unique_raw_things_id"], "succeeded")


@test
def a_warning_stops_nothing():
    p = project(
        {
            **CHAIN,
            "models/models.yml": """
                models:
                  - name: even
                    columns:
                      - name: id
                        tests:
                          - accepted_values: {values: [0], quote: false, config: {severity: warn}}
            """,
        }
    )
    done = p.build()
    has(done.out, "WARN")
    has(done.out, "PASS=3 WARN=1 ERROR=0")
    eq(p.run()["status"], "warned")


@test
def limits_of_failures_decide_between_passing_warning_and_failing():
    p = project(
        {
            "models/a.sql": "{{ config(materialized='table') }} select number as id from numbers(10)",
            "tests/three.sql": "{{ config(error_if='>5', warn_if='>2') }} select * from {{ ref('a') }} where id < 3",
            "tests/seven.sql": "{{ config(error_if='>5', warn_if='>2') }} select * from {{ ref('a') }} where id < 7;",
            "tests/one.sql": "{{ config(error_if='>5', warn_if='>2') }} select * from {{ ref('a') }} where id < 1",
            "tests/cut.sql": "{{ config(error_if='>5', limit=4) }} select * from {{ ref('a') }} -- all",
            "tests/summed.sql": "{{ config(fail_calc='sum(id)', error_if='>100') }} select * from {{ ref('a') }}",
            "models/y.yml": """
                models:
                  - name: a
                    columns:
                      - name: id
                        data_tests:
                          - accepted_values:
                              name: by_config
                              arguments: {values: [1, 2, 3], quote: false}
                              config: {severity: WARN, where: "id < 6", warn_if: ">= 3", error_if: "> 0"}
                          - accepted_values: {name: few, arguments: {values: [1, 2, 3], quote: false, config: {where: "id < 6", error_if: "> 3"}}}
                          - accepted_values: {name: many, values: [1, 2, 3], quote: false, where: "id < 6", error_if: "> 2"}
            """,
        }
    )
    p.build(code=1)
    steps = p.steps()
    eq(
        (steps["three"], steps["seven"], steps["one"], steps["cut"], steps["summed"]),
        ("warned", "failed", "succeeded", "warned", "warned"),
    )
    eq((steps["by_config"], steps["few"], steps["many"]), ("warned", "warned", "failed"))


@test
def a_source_whose_newest_row_is_too_old_warns_or_fails():
    limits = "{warn_after: {count: 1, period: hour}, error_after: {count: 1, period: day}}"
    p = project(
        {
            "models/view.sql": "select * from {{ source('raw', 'old') }}",
            "models/y.yml": f"""
                sources:
                  - name: raw
                    schema: ages{number + 1}
                    loaded_at_field: at
                    freshness: {limits}
                    tables:
                      - name: fresh
                      - name: late
                      - name: old
                      - name: empty
                      - {{name: unset, freshness: null}}
                      - {{name: alone, identifier: old, freshness: {{error_after: null}}}}
                      - {{name: filtered, identifier: fresh, freshness: {{filter: "id > 1"}}}}
                      - name: asked
                        identifier: old
                        config: {{loaded_at_query: "select max(at) + interval 2 day from {{{{ this }}}}"}}
            """,
        }
    )
    warehouse.raw(f"CREATE DATABASE ages{number}")
    for name, ago in {"fresh": "1 MINUTE", "late": "3 HOUR", "old": "2 DAY"}.items():
        warehouse.raw(
            f"CREATE VIEW ages{number}.{name} AS SELECT 1 AS id, now() - INTERVAL {ago} AS at"
            " UNION ALL SELECT 2, now() - INTERVAL 9 DAY"
        )
    warehouse.raw(f"CREATE TABLE ages{number}.empty (at DateTime) ORDER BY tuple()")
    done = p.command("test", "test_name:source_freshness")
    eq(
        {name.removeprefix("source_freshness_raw_"): status for name, status in p.steps().items()},
        {
            "fresh": "succeeded",
            "late": "warned",
            "old": "failed",
            "empty": "failed",
            "alone": "warned",
            "filtered": "failed",
            "asked": "succeeded",
        },
    )
    has(done.out, "the newest row is 3h old; warn_after is 1h")
    has(done.out, "models/y.yml:9: the newest row is 2d old; error_after is 1d")
    has(done.out, "there is no row; error_after is 1d")
    p.build("+view", code=1)
    eq((p.steps()["source_freshness_raw_old"], p.steps()["view"]), ("failed", "skipped"))
    p.command("test", "source:raw.fresh", check=True)
    eq(p.steps(), {"source_freshness_raw_fresh": "succeeded"})


@test
def failing_rows_are_kept_where_it_is_asked_for():
    p = project(
        {
            "models/a.sql": "{{ config(materialized='table') }} select number as id from numbers(10)",
            "tests/large.sql": "{{ config(store_failures=true) }} select * from {{ ref('a') }} where id > 7",
        }
    )
    kept = f"SELECT id FROM {p.database}_dbt_test__audit.large ORDER BY id"
    has(p.build(code=1).out, f"they are in {p.database}_dbt_test__audit.large")
    eq(warehouse.query(kept), [(8,), (9,)])
    p.write({"tests/large.sql": "{{ config(store_failures=true) }} select * from {{ ref('a') }} where id > 8"})
    eq(p.command("test").code, 1)
    eq(warehouse.query(kept), [(9,)])
    p.write(
        {
            "tests/large.sql": "{{ config(store_failures_as='view', schema='kept', alias='big') }}"
            " select * from {{ ref('a') }} where id > 7",
            "tests/none.sql": "{{ config(store_failures_as='ephemeral', store_failures=true) }} select * from {{ ref('a') }}",
        }
    )
    has(p.command("test").out, f"they are in {p.database}_kept.big")
    warehouse.query(f"INSERT INTO {p.database}.a VALUES (10)")
    eq(warehouse.query(f"SELECT id FROM {p.database}_kept.big ORDER BY id"), [(8,), (9,), (10,)])
    eq(warehouse.query(f"SELECT count() FROM system.tables WHERE name = 'none'"), [(0,)])


@test
def ctrl_c_cancels_the_run_also_in_the_warehouse():
    p = project(
        {
            "models/slow.sql": "{{ config(materialized='table') }} select sleepEachRow(1) as x from numbers(300)"
            " settings max_block_size = 1, function_sleep_max_microseconds_per_block = 0",
            "models/after.sql": "select * from {{ ref('slow') }}",
        }
    )
    p.spawn([BINARY, "build", "-c", p.path], cwd=p.folder)
    busy = "SELECT count() FROM system.processes WHERE query LIKE '%%INSERT INTO `%s`.%%'" % p.database
    busy += " AND query NOT LIKE '%system.processes%'"
    wait_until(lambda: warehouse.value(busy) == 1, "the slow statement to run")
    p.send_signal(signal.SIGINT)
    eq(p.wait_end(), 1)
    wait_until(lambda: warehouse.value(busy) == 0, "the slow statement to end")
    eq(p.steps(), {"slow": "cancelled", "after": "cancelled"})
    eq(p.run()["status"], "cancelled")


@test
def a_step_that_takes_too_long_is_ended():
    p = project(
        {
            "models/slow.sql": "{{ config(materialized='table') }} select sleepEachRow(1) as x from numbers(300)"
            " settings max_block_size = 1, function_sleep_max_microseconds_per_block = 0",
            "models/a.sql": "select 1 as id",
            "tests/asks.sql": "{% if execute %}{% do run_query('select sleepEachRow(1) from numbers(300)"
            " settings max_block_size = 1, function_sleep_max_microseconds_per_block = 0') %}{% endif %}"
            " select * from {{ ref('a') }} where 0",
        },
        models={"timeout": "1s", "retries": 0},
    )
    p.build(code=1)
    eq(p.steps(), {"slow": "failed", "a": "succeeded", "asks": "failed"})


@test
def a_failure_that_may_pass_is_tried_again():
    p = project(
        {
            "models/a.sql": "{{ config(materialized='table') }} select throwIf(1, 'no', toInt16(202)) as x"
            " settings allow_custom_error_code_in_throwif = 1",
        },
        models={"retries": 2},
    )
    p.build(code=1)
    eq([a["number"] for a in p.run()["attempts"]], [1, 2, 3])
    eq({a["status"] for a in p.run()["attempts"]}, {"failed"})


@test
def a_build_beside_a_process_that_runs_is_done_by_that():
    p = project(CHAIN)
    p.start()
    done = p.build()
    has(done.out, "by the process that runs")
    has(done.out, "PASS=3")
    eq(rows(p, "SELECT total FROM @total"), [(20,)])
    eq(p.stop(), 0)


@test
def a_process_that_is_to_run_waits_until_a_build_has_ended():
    slow = "{{ config(materialized='table') }} select sleepEachRow(1) as x from numbers(4) settings max_block_size = 1"
    p = project({"models/slow.sql": slow, "models/after.sql": "select * from {{ ref('slow') }}"})
    builds = subprocess.Popen([BINARY, "build", "-c", p.path], cwd=p.folder, stdout=subprocess.PIPE, text=True)
    lock = os.path.join(p.folder, ".tailrace", "lock")
    wait_until(lambda: os.path.exists(lock) and str(builds.pid) in open(lock).read(), "the build to begin")
    p.start()
    has(builds.communicate()[0], "PASS=2")
    eq(p.said("another command has the state folder; waiting until it ends"), 1)
    has(p.build("--all", "after").out, "by the process that runs")
    second = p.command("run")
    eq(second.code, 1)
    has(second.err, f"already runs there, as process {p.process.pid}")
    eq(p.stop(), 0)


@test
def models_that_come_while_a_process_runs_are_built_by_it():
    p = project({})
    p.write({"dbt_project.yml": None})
    p.start()
    eq(p.command("build").code, 2)
    p.write({"dbt_project.yml": "name: shop", **CHAIN})
    has(p.build().out, "by the process that runs")
    eq(rows(p, "SELECT total FROM @total"), [(20,)])
    p.write({"models/seen.sql": "{{ config(materialized='table', on='missing') }} select 1 as x"})
    wait_until(lambda: rows(p, "SELECT count() FROM system.tables WHERE name = 'seen'") == [(1,)], "it to be built", 60)
    eq(p.stop(), 0)


@test
def a_folder_without_models_is_told():
    p = project({})
    os.remove(os.path.join(p.folder, "dbt_project.yml"))
    done = p.build(code=2)
    has(done.err, "there is no project of models in")


@test
def a_failing_test_of_a_yml_names_its_line():
    p = project(
        {
            "models/a.sql": "select 1 as n",
            "models/y.yml": "models:\n  - name: a\n    columns:\n      - name: n\n        tests:\n"
            "          - accepted_values: {values: [2]}\n          - not_null: {where: nothing = 1}\n",
        }
    )
    done = p.build(code=1)
    has(done.out, "models/y.yml:6: 1 failing row;")
    has(done.out, "models/y.yml:7: ")


@test
def a_misspelt_key_of_a_yml_is_warned_of():
    p = project({**CHAIN, "models/y.yml": "model:\n  - name: even\nmodels:\n  - name: even\n    describtion: x\n"})
    done = p.command("project", "check", ".")
    eq(done.code, 0)
    has(done.err, "file=models/y.yml line=1 key=model did_you_mean=models")
    has(done.err, "file=models/y.yml line=5 key=describtion did_you_mean=description")
    eq(p.command("build", check=True).err.count("key=describtion"), 1)


@test
def packages_that_are_not_installed_are_told():
    p = project({**CHAIN, "packages.yml": "packages:\n  - package: dbt-labs/dbt_utils\n    version: 1.3.3\n"})
    told = "packages are not installed; `dbt deps` does that"
    has(p.command("project", "check", ".", check=True).err, told)
    p.write({"dbt_packages/dbt_utils/dbt_project.yml": "name: dbt_utils\n"})
    eq(told in p.command("project", "check", ".", check=True).err, False)


@test
def an_empty_folder_is_no_project():
    p = project({})
    os.makedirs(os.path.join(p.folder, "empty"))
    done = p.command("project", "check", "empty")
    eq(done.code, 2)
    has(done.err, "empty: there is no project of models here")


run()
