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


@test
def a_model_that_names_nothing_is_built_again_when_it_is_asked_for_by_name():
    p = project(
        {
            "models/clock.sql": "{{ config(materialized='table', tags=['now']) }} select now64(9) as at",
            "models/of_clock.sql": "{{ config(materialized='table') }} select at from {{ ref('clock') }}",
            "models/seen.sql": "select now64(9) as at",
            "models/kept.sql": "{{ config(materialized='table') }} select at from {{ ref('seen') }}",
        }
    )
    p.build()
    plan = p.command("plan", check=True).out
    has(plan, "nothing to do: 4 assets are up to date")
    has(plan, "2 of them name no ref or source, and are built again when asked for by name: clock, kept")
    eq(planned(p, "+of_clock"), {})
    eq(planned(p, "clock+"), {"clock": [("unknown", None, None)], "of_clock": [("upstream", None, None)]})
    eq(planned(p, "kept"), {"kept": [("unknown", None, None)]})
    eq(planned(p, "-s", "clock", "--select=kept", "of_clock"), planned(p, "clock", "kept", "of_clock"))
    has(p.command("plan", "kept", check=True).out, "unknown: seen names no ref or source")

    tables = "SELECT uuid FROM system.tables WHERE database = '%s' AND name IN ('clock', 'of_clock')" % p.database
    before = set(warehouse.query(tables))
    p.build("tag:now+")
    eq(before & set(warehouse.query(tables)), set())


KINDS = {
    "seeds/s.csv": "id,region,at\n1,eu,2026-11-01 05:00:00\n2,us,2026-11-02 06:00:00",
    "models/t.sql": "{{ config(materialized='table') }} select * from {{ ref('s') }}",
    "models/added.sql": "{{ config(materialized='incremental', order_by='id') }} select * from {{ ref('s') }}",
    "models/over.sql": """
        {{ config(materialized='incremental', incremental_strategy='insert_overwrite', partition_by='region',
                  order_by='id') }}
        select * from {{ ref('s') }}
    """,
    "models/days.sql": FACTS.replace("1 as n", "(select count() from {{ ref('s') }}) as n"),
    "models/keys.sql": """
        {{ config(materialized='incremental', partitions=['eu', 'us'], partition_column='region') }}
        select id, region from {{ ref('s') }} where region = '{{ partition.key }}'
    """,
    "models/shown.sql": "select * from {{ ref('keys') }}",
    "models/kept.sql": "{{ config(materialized='materialized_view', refreshable='EVERY 1 HOUR', order_by='id') }}"
    " select id from {{ ref('t') }}",
    "models/file.sql": "{{ config(materialized='external', location='o.csv') }} select id from {{ ref('t') }}",
    "snapshots/versions.sql": "{% snapshot versions %} {{ config(unique_key='id', strategy='check',"
    " check_cols='all') }} select * from {{ ref('s') }} {% endsnapshot %}",
}


@test
def after_a_full_refresh_of_every_kind_there_is_nothing_to_do():
    p = project(KINDS)
    p.build()
    for selection in ("", "days", "keys", "over added versions"):
        p.build("--full-refresh", *selection.split())
        eq(planned(p), {})
    has(p.command("plan", check=True).out, "nothing to do: 10 assets are up to date")
    assets = {a["name"]: a for a in p.command("assets", "--json", check=True).json["assets"]}
    eq([(assets[name]["partitions"], assets[name]["built"]) for name in ("days", "keys", "t")], [(4, 4), (2, 2), (1, 1)])


@test
def partitions_that_are_none_any_more_are_named_until_a_full_refresh():
    p = project({name: KINDS[name] for name in ("seeds/s.csv", "models/keys.sql", "models/days.sql")})
    p.build()
    p.write({"models/keys.sql": KINDS["models/keys.sql"].replace("'eu', ", "")})
    p.write({"models/days.sql": KINDS["models/days.sql"].replace(DAYS[0], DAYS[2])})
    plan = p.command("plan", check=True).out
    stay = "built once, and not among its partitions any more; the rows stay in %s" % p.database
    has(plan, f"  eu: {stay}.keys until a --full-refresh")
    has(plan, f"  {DAYS[0]} to {DAYS[1]}: {stay}.days until a --full-refresh")
    p.build("--full-refresh")
    eq(warehouse.query(f"SELECT DISTINCT region FROM {p.database}.keys"), [("us",)])
    eq(warehouse.value(f"SELECT count() FROM {p.database}.days"), 2)
    has(p.command("plan", check=True).out, "nothing to do: 3 assets are up to date")


run()
