#!/usr/bin/python3
"""Looking before building: assets, plan and catalog search beside what build then does."""
import datetime
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import ClickHouse
from project import Project
from tap import eq, has, run, test

warehouse = ClickHouse()
number = 0
TODAY = datetime.datetime.now(datetime.timezone.utc).date()
DAYS = [str(TODAY - datetime.timedelta(days=n)) for n in (3, 2, 1, 0)]
FACTS = """
    {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', batch_size='day',
              begin='BEGIN', tags=['core']) }}
    select toDateTime('{{ partition.key }} 01:00:00', 'UTC') as at, 1 as n
""".replace("BEGIN", DAYS[0])
SHOP = {
    "models/facts.sql": FACTS,
    "models/total.sql": "{{ config(materialized='table') }} select sum(n) as total from {{ ref('facts') }}",
    "models/shown.sql": "select total from {{ ref('total') }}",
    "models/shop.yml": """
        models:
          - name: facts
            description: One row a sale.
            meta: {owner: Ann}
            columns: [{name: at, description: when it was sold}]
    """,
}


def project(files):
    global number
    number += 1
    made = Project(files, warehouse=warehouse, models={"database": f"plan{number}"})
    made.database = f"plan{number}"
    return made


def planned(p, *args):
    """{"facts": [("new", first, last)]} of what would be built."""
    plan = p.command("plan", *args, "--json", check=True).json
    parts = {a["name"]: [(b["reason"], b["first"], b["last"]) for b in a["build"]] for a in plan["assets"]}
    return {name: build for name, build in parts.items() if build}


@test
def what_is_planned_is_built_and_then_there_is_nothing_to_do():
    p = project(SHOP)
    eq(
        planned(p),
        {"facts": [("new", DAYS[0], DAYS[3])], "total": [("new", None, None)], "shown": [("new", None, None)]},
    )
    eq(len(p.build().out.splitlines()), 8)
    eq(planned(p), {})
    has(p.command("plan", check=True).out, "nothing to do: 3 assets are up to date")
    done = p.build()
    has(done.out, "up to date")


@test
def a_day_that_is_missing_is_built_with_what_stands_on_it():
    p = project(SHOP)
    p.write({"models/facts.sql": FACTS.replace(f"begin='{DAYS[0]}'", f"begin='{DAYS[1]}'")})
    p.build()
    p.write({"models/facts.sql": FACTS})
    eq(planned(p), {"facts": [("missing", DAYS[0], DAYS[0])], "total": [("upstream", None, None)]})
    p.build()
    eq(warehouse.query(f"SELECT total FROM {p.database}.total"), [(4,)])


@test
def a_table_that_is_gone_from_the_warehouse_is_seen_and_built():
    p = project(SHOP)
    p.build()
    warehouse.query(f"DROP TABLE {p.database}.total SYNC")
    eq(planned(p), {"total": [("gone", None, None)]})
    eq(planned(p, "--offline"), {})
    p.build()
    eq(warehouse.query(f"SELECT total FROM {p.database}.total"), [(4,)])
    eq(planned(p), {})


@test
def changes_of_definitions_are_told_apart():
    p = project(SHOP)
    p.build()
    p.write({"models/total.sql": "{{ config(materialized='table') }} SELECT sum(n) AS total -- all\nfrom {{ ref('facts') }}"})
    eq(planned(p), {})
    has(p.command("plan", check=True).out, "only its formatting changed: nothing to do")
    p.write({"models/total.sql": "{{ config(materialized='table') }} select sum(n) + 1 as total from {{ ref('facts') }}"})
    has(p.command("plan", check=True).out, "changed: its SQL changed (breaking)")
    p.build()
    eq(warehouse.query(f"SELECT total FROM {p.database}.total"), [(5,)])


@test
def a_model_without_a_file_keeps_its_table_until_it_is_forgotten():
    p = project(SHOP)
    p.build()
    p.write({"models/shown.sql": None})
    has(p.command("plan", check=True).out, "no file of the project makes it any more")
    eq(p.build().code, 0)
    eq(warehouse.query(f"SELECT total FROM {p.database}.shown"), [(4,)])
    refused = p.command("assets", "--forget", "model.shop.total")
    eq(refused.code, 2)
    has(refused.err, "model.shop.total is of the project")
    has(p.command("assets", "--forget", "model.shop.shown", check=True).out, "is left in the warehouse")
    eq(p.command("plan", "--json", check=True).json["gone"], [])


@test
def assets_tell_what_is_built():
    p = project(SHOP)
    p.build()
    out = p.command("assets", check=True).out
    has(out, "facts  incremental  up to date      4        0      0")
    facts = p.command("assets", "tag:core", "--json", check=True).json["assets"]
    eq([a["name"] for a in facts], ["facts"])
    eq([r["partitions"] for r in facts[0]["built_ranges"]], [f"{DAYS[0]} to {DAYS[3]}"])
    eq(facts[0]["children"], ["model.shop.total"])
    wrong = p.command("assets", "fact")
    eq(wrong.code, 2)
    has(wrong.err, "did you mean 'facts'?")


@test
def the_catalog_finds_by_what_is_written_of_assets():
    p = project(SHOP)
    has(p.command("catalog", "search", "SOLD", check=True).out, "column at")
    has(p.command("catalog", "search", "ann", check=True).out, "owner")
    found = p.command("catalog", "search", "core", "--json", check=True).json["found"]
    eq([(f["name"], f["where"]) for f in found], [("facts", "tag")])
    eq(p.command("catalog", "search", "nothing like it").code, 1)
    eq(p.command("catalog", "find", "x").code, 2)


run()
