#!/usr/bin/python3
"""Unit tests of models: dbt's `unit_tests:`, run before a model is built and by `tailrace test`."""
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


ORDERS = {
    "seeds/orders.csv": "id,customer,amount,at\n1,ann,1.5,2026-11-01\n2,bob,2.5,2026-11-02",
    "models/totals.sql": """
        {{ config(materialized='incremental', unique_key='customer', order_by='customer') }}
        with o as (select * from {{ ref('orders') }})
        select customer, sum(amount) as total, max(at) as latest
        from o
        {% if is_incremental() %}where at > (select max(latest) from {{ this }}){% endif %}
        group by customer
    """,
    "models/on_totals.sql": "select * from {{ ref('totals') }}",
}


def unit(model, *tests):
    return {f"models/{model}_unit.yml": "unit_tests:\n" + "".join(f"  - {t}\n" for t in tests)}


def verdicts(p, *args):
    """What `tailrace test` made of each test: {"sums": "succeeded"}."""
    p.command("test", *args)
    return {name.split(".")[-1]: status for name, status in p.steps().items()}


@test
def a_failing_unit_test_keeps_its_model_and_what_is_below_from_being_built():
    sums = """{name: sums, model: totals, given: [{input: ref('orders'), rows: [
        {customer: ann, amount: 1}, {customer: ann, amount: 2}, {customer: bob, amount: 5}]}],
        expect: {rows: [{customer: bob, total: %d}, {customer: ann, total: 3}]}}"""
    p = project({**ORDERS, **unit("totals", sums % 6)})
    done = p.build(code=1)
    has(done.out, "FAIL totals.sums")
    has(done.out, "  models/totals_unit.yml:2: actual differs from expected\n")
    has(done.out, "  @@  | customer | total\n  →   | bob      | 6→5\n")
    has(done.out, "PASS=1 WARN=0 ERROR=1 SKIP=2 TOTAL=4")
    eq(p.steps(), {"orders": "succeeded", "totals": "skipped", "on_totals": "skipped", "totals.sums": "failed"})
    eq(warehouse.query(f"EXISTS TABLE {p.database}.totals"), [(0,)])
    p.write(unit("totals", sums % 5))
    done = p.build()
    has(done.out.splitlines()[1], "1 of 3 PASS totals.sums")
    eq(warehouse.query(f"SELECT total FROM {p.database}.on_totals ORDER BY total"), [(1.5,), (2.5,)])
    sql = p.command("runs", "1", "--sql", check=True).out
    has(sql, "with `__dbt__cte__orders` as (\nSELECT")
    has(sql, "'expected' as actual_or_expected")
    has(p.command("runs", "1", "--log", check=True).out, "bob      | 6→5")


@test
def what_dbt_takes_for_the_same_is_the_same_and_what_differs_fails():
    csv = "format: csv, fixture: three"
    p = project(
        {
            **ORDERS,
            "models/plain.sql": "select id as ID, customer, amount, at from {{ ref('orders') }}",
            "tests/fixtures/three.csv": "id,customer,amount\n1,ann,1\n2,,2.25\n2,,2.25",
            "tests/fixtures/two.sql": "select 1 as id, 'x' as customer, {{ 1 + 1 }} as amount, today() as at",
            **unit(
                "plain",
                "{name: order, model: plain, given: [{input: ref('orders'), rows: [{id: 1}, {id: 2}]}],"
                " expect: {rows: [{ID: 2}, {ID: 1}]}}",
                "{name: often, model: plain, given: [{input: ref('orders'), rows: [{id: 1}, {id: 1}]}],"
                " expect: {rows: [{ID: 1}]}}",
                "{name: letters, model: plain, given: [{input: ref('orders'), rows: [{Id: 1}]}], expect: {rows: [{id: 1}]}}",
                "{name: none, model: plain, given: [{input: ref('orders'), rows: []}], expect: {rows: []}}",
                "{name: some, model: plain, given: [{input: ref('orders'), rows: [{id: 1}]}], expect: {rows: []}}",
                "{name: seed, model: plain, given: [{input: ref('orders')}], expect: {rows: [{amount: 1.5}, {amount: 2.5}]}}",
                f"{{name: csv, model: plain, given: [{{input: ref('orders'), {csv}}}],"
                ' expect: {format: csv, rows: "ID,amount\\n2,2.25\\n2,2.25\\n1,1\\n"}}',
                f"{{name: in_sql, model: plain, given: [{{input: ref('orders'), {csv}}}], expect: {{format: sql,"
                ' rows: "select 1 as ID, \'ann\' as customer, 1 as amount, toDate(0) as at union all'
                " select 2, '', 2.25, toDate(0) union all select 2, '', 2.25, toDate(0)\"}}",
                "{name: of_sql, model: plain, given: [{input: ref('orders'), format: sql, fixture: two}],"
                " expect: {rows: [{ID: 1, customer: x, amount: 2}]}}",
            ),
        }
    )
    p.build("orders")
    good = ["order", "letters", "none", "seed", "csv", "in_sql", "of_sql"]
    eq(verdicts(p, "plain"), {**dict.fromkeys(good, "succeeded"), "often": "failed", "some": "failed"})


@test
def rows_may_be_many_statements_long_and_names_what_they_like():
    rows = "".join("{id: %d, order total: %d.5}, " % (i, i) for i in range(3000))
    test = f"{{name: many, model: by-day, given: [{{input: ref('my-orders'), rows: [{rows}]}}], expect: {{rows: [%s]}}}}"
    p = project(
        {
            "seeds/my-orders.csv": "id,order total\n1,1.5",
            "models/by-day.sql": "select count() as n, sum(`order total`) as total from {{ ref('my-orders') }}",
            "models/long.sql": "select 1 as id where 0{% for i in range(51000) %} or 1{% endfor %}",
            **unit("by-day", test % "{n: 3000, total: 4500000}"),
        }
    )
    has(p.build().out, "PASS by-day.many")
    casts = p.command("runs", "1", "--sql", check=True).out.count("accurateCast(")
    eq(casts < 20, True, f"{casts} casts, each of which ClickHouse takes a millisecond to plan")
    p.write(unit("by-day", (test % "{n: 200}").replace("{id: 177,", "{id: x,")))
    has(p.command("test").out, "the value of 'id' is none of its type Int64")
    p.write(unit("by-day", "{name: none, model: by-day, given: [{input: ref('my-orders'), rows: []}], expect: {rows: [{}]}}"))
    has(p.command("test").out, "the expected rows name no column")


@test
def values_of_every_kind_are_those_of_the_column():
    warehouse.query("CREATE DATABASE raw")
    warehouse.query(
        "CREATE TABLE raw.events (id Int64, name Nullable(String), tags Array(String), attrs Map(String, Int64),"
        " price Decimal(10, 2), at DateTime64(3, 'UTC'), ok Bool, kind LowCardinality(Nullable(String)),"
        " e Enum8('a' = 1, 'b' = 2), f Float32, d Nullable(Date)) ENGINE = MergeTree ORDER BY id"
    )
    row = (
        "{id: 1, name: null, tags: [a, b], attrs: {x: 1}, price: 1.25, at: '2026-11-01 10:00:00.5', ok: true, kind: k,"
        " e: b, f: 0.1, d: 2026-01-31}"
    )
    row += ", {id: 2, name: b, tags: [], attrs: {}, price: 2, at: null, ok: null, kind: null, e: null, f: 1, d: null}"
    p = project(
        {
            "models/sources.yml": "sources: [{name: raw, tables: [{name: events}]}]",
            "models/ev.sql": "select * from {{ source('raw', 'events') }} where {{ var('all', 'false') }}",
            **unit(
                "ev",
                f"{{name: kinds, model: ev, overrides: {{vars: {{all: 'true'}}}}, given: [{{input: \"source('raw', 'events')\", rows: [{row}]}}], expect: {{rows: [{row}]}}}}",
                "{name: nothing, model: ev, overrides: {vars: {all: 'true'}}, given: [{input: \"source('raw', 'events')\", rows: [{id: 2}]}],"
                " expect: {rows: [{id: 2, name: null, tags: [], ok: false, kind: null, d: null}]}}",
                "{name: differs, model: ev, overrides: {vars: {all: 'true'}}, given: [{input: \"source('raw', 'events')\", rows: [{id: 2}]}],"
                " expect: {rows: [{id: 2, name: ''}]}}",
            ),
        }
    )
    eq(verdicts(p), {"kinds": "succeeded", "nothing": "succeeded", "differs": "failed"})
    has(p.run()["steps"][2]["error"], "→   | 2  | →NULL")


@test
def an_incremental_model_is_tested_before_it_is_there():
    p = project(
        {
            **ORDERS,
            **unit(
                "totals",
                "{name: only_new, model: totals, overrides: {macros: {is_incremental: true}}, given: [{input: ref('orders'),"
                " rows: [{customer: ann, amount: 1, at: 2026-11-01}, {customer: bob, amount: 2, at: 2026-11-02}]},"
                " {input: this, rows: [{latest: 2026-11-01}]}], expect: {rows: [{customer: bob, total: 2}]}}",
            ),
        }
    )
    p.build()
    p.build("--all")
    eq(p.steps()["totals.only_new"], "succeeded")


@test
def ephemeral_models_are_given_and_are_tested_with_who_is_made_of_them():
    p = project(
        {
            **ORDERS,
            "models/eph.sql": "{{ config(materialized='ephemeral') }} select id, amount * 2 as twice from {{ ref('orders') }}",
            "models/on_eph.sql": "select e.id, twice from {{ ref('eph') }} as e join {{ ref('orders') }} as o on o.id = e.id",
            **unit(
                "eph",
                "{name: doubles, model: eph, given: [{input: ref('orders'), rows: [{amount: 3}]}], expect: {rows: [{twice: 5}]}}",
                "{name: joins, model: on_eph, given: [{input: ref('eph'), rows: [{id: 1, twice: 3}]},"
                " {input: ref('orders'), rows: [{id: 1}, {id: 2}]}], expect: {rows: [{id: 1, twice: 3}]}}",
            ),
        }
    )
    p.build("+on_eph", code=1)
    steps = p.steps()
    eq((steps["eph.doubles"], steps["on_eph.joins"], steps["on_eph"]), ("failed", "succeeded", "skipped"))


@test
def what_is_wrong_is_told_with_file_line_and_what_to_do():
    rows = "given: [{input: ref('orders'), rows: %s}], expect: {rows: %s}"
    p = project(
        {
            **ORDERS,
            "models/plain.sql": "select id, amount from {{ ref('orders') }}",
            "models/typo.sql": "select id,\namuont from {{ ref('orders') }}",
            "tests/fixtures/bad.csv": "id,amount\n1,1\n2,two",
            "tests/fixtures/short.csv": "id,amount\n1",
            **unit(
                "plain",
                "{name: column, model: plain, %s}" % (rows % ("[{id: 1}, {amuont: 1}]", "[]")),
                "{name: expected, model: plain, %s}" % (rows % ("[]", "[{amuont: 1}]")),
                "{name: value, model: plain, %s}" % (rows % ("[{id: one}]", "[]")),
                "{name: uneven, model: plain, %s}" % (rows % ("[]", "[{id: 1, amount: 1}, {id: 2}]")),
                "{name: in_file, model: plain, given: [{input: ref('orders'), format: csv, fixture: bad}], expect: {rows: []}}",
                "{name: cells, model: plain, given: [{input: ref('orders'), format: csv, fixture: short}], expect: {rows: []}}",
                "{name: missing, model: plain, given: [], expect: {rows: []}}",
                "{name: broken, model: plain, given: [{input: ref('orders'), format: sql, rows: selekt 1}], expect: {rows: []}}",
                "{name: typo, model: typo, %s}" % (rows % ("[]", "[]")),
                "{name: absent, model: totals, given: [{input: ref('orders'), rows: []}], expect: {rows: []}}",
            ),
        }
    )
    p.command("test", "absent")
    has(p.run()["steps"][0]["error"], "build it first: tailrace build orders")
    p.build("orders")
    p.command("test", "plain", "typo")
    errors = {step["asset"].split(".")[-1]: step["error"] for step in p.run()["steps"]}
    at = "models/plain_unit.yml"
    has(errors["column"], f"{at}:2: ref('orders') has no column 'amuont'; did you mean 'amount'?")
    has(errors["expected"], f"{at}:3: unit test expected: model plain has no column 'amuont'; did you mean 'amount'?")
    has(errors["value"], f"{at}:4: unit test value: the value of 'id' is none of its type Int64")
    has(errors["uneven"], f"{at}:5: unit test uneven: the expected row has no 'amount', as others have")
    has(errors["in_file"], "tests/fixtures/bad.csv:3: unit test in_file: the value of 'amount' is none of its type Float64")
    has(errors["cells"], "tests/fixtures/short.csv:2: 1 cells, where the first line names 2 columns")
    has(errors["missing"], "models/plain.sql:1:27: unit test missing (models/plain_unit.yml:8) gives no rows of ref('orders')")
    has(errors["broken"], f"{at}:9: unit test broken: the SQL of ref('orders') fails\nClickHouse: Syntax error")
    has(errors["typo"], "models/typo.sql:2: ClickHouse: Unknown expression identifier `amuont`")
    checked = p.command("project", "check", p.folder)
    eq(checked.code, 1)
    has(checked.out, "gives no rows of ref('orders')")
    eq("unit_tests" in checked.err, False)


@test
def they_are_selected_as_in_dbt():
    p = project(
        {
            **ORDERS,
            "models/plain.sql": "select id from {{ ref('orders') }}",
            "models/y.yml": "models: [{name: plain, columns: [{name: id, tests: [not_null]}]}]",
            **unit(
                "plain",
                "{name: one, model: plain, config: {tags: [quick]}, given: [{input: ref('orders'), rows: []}], expect: {rows: []}}",
                "{name: two, model: totals, given: [{input: ref('orders'), rows: []}], expect: {rows: []}}",
                "{name: off, model: totals, config: {enabled: false}, given: [], expect: {rows: []}}",
            ),
        }
    )
    p.build()
    for selector, names in [
        (["test_type:unit"], {"one", "two"}),
        (["unit_test:o*"], {"one"}),
        (["test_name:two"], {"two"}),
        (["test_name:not_null"], {"not_null_plain_id"}),
        (["tag:quick"], {"one"}),
        (["plain"], {"one", "not_null_plain_id"}),
        (["plain,test_type:unit"], {"one"}),
        (["resource_type:unit_test"], {"one", "two"}),
        (["test_type:data"], {"not_null_plain_id"}),
    ]:
        eq(set(verdicts(p, *selector)), names, selector)
    has(p.command("assets", "--checks", check=True).out, "one ")
    has(p.command("compile", "one", check=True).out, "select id from `__dbt__cte__orders`")


run()
