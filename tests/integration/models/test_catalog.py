#!/usr/bin/python3
"""The catalog: what is known of an asset, and where its columns come from."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import ClickHouse
from project import Project
from tap import eq, has, run, test

warehouse = ClickHouse()
warehouse.query("CREATE DATABASE raw ENGINE = Atomic")
warehouse.query("CREATE TABLE raw.orders (id Int64, customer Int64, amount Int64, day Date) ORDER BY id")
warehouse.query("INSERT INTO raw.orders SELECT number, number % 7, 10, '2026-11-20' FROM numbers(1000)")
number = 0

FILES = {
    "models/sources.yml": """
        sources:
          - name: raw
            tables: [{name: orders}]
    """,
    "models/models.yml": """
        models:
          - name: facts
            description: What was sold
            config: {tags: [daily], meta: {owner: ann}}
            columns: [{name: total, description: In cents}]
    """,
    "models/staged.sql": "select id as order_id, customer, amount, day from {{ source('raw', 'orders') }}",
    "models/names.sql": "{{ config(materialized='ephemeral') }} select customer, 'c' || toString(customer) as name "
    "from {{ ref('staged') }}",
    "models/facts.sql": """
        {{ config(materialized='table') }}
        select s.day, any(n.name) as name, sum(s.amount) as total, count() as n
        from {{ ref('staged') }} s join {{ ref('names') }} n on n.customer = s.customer
        group by s.day
    """,
    "models/ranked.sql": """
        {{ config(materialized='incremental', order_by='day') }}
        select day, rank() over (order by total) as place, number as seen from {{ ref('facts') }}, numbers(1) as one
    """,
    "seeds/codes.csv": "code,name\n1,one\n",
}


def project(files=None, **more):
    global number
    number += 1
    database = f"db{number}"
    made = Project({**FILES, **(files or {})}, warehouse=warehouse, models={"database": database}, **more)
    made.database = database
    return made


def show(p, *args):
    return p.command("catalog", "show", *args, "--json", check=True).json


def came_from(columns, name):
    column = next(column for column in columns if column["name"] == name)
    return {(ref["name"], ref["column"], ref["how"]) for ref in column["from"]}


def lineage(p, column, *args):
    found = p.command("catalog", "lineage", column, "--json", *args, check=True).json
    return [[(ref["name"], ref["column"], ref["depth"]) for ref in found[way]] for way in ("upstream", "downstream")]


@test
def a_model_is_shown_with_its_owner_rows_size_and_columns():
    p = project()
    p.build()
    facts = show(p, "facts")
    eq((facts["description"], facts["owner"], facts["tags"]), ("What was sold", "ann", ["daily"]))
    eq(facts["rows"], 1)
    assert facts["bytes"] > 0, facts
    eq([(c["name"], c["type"], c["description"]) for c in facts["columns"]][2], ("total", "Int64", "In cents"))
    listed = {a["name"]: (a["rows"], a["bytes"]) for a in p.command("assets", "--json", check=True).json["assets"]}
    eq((listed["facts"], listed["staged"]), ((facts["rows"], facts["bytes"]), (None, None)))
    eq(listed["raw.orders"][0], 1000)
    text = p.command("catalog", "show", "facts", check=True).out
    has(text, "What was sold")
    has(text, "staged.amount (aggregated)")


@test
def columns_come_from_those_of_parents_through_what_is_ephemeral():
    p = project()
    p.build()
    columns = show(p, "facts")["columns"]
    eq(came_from(columns, "day"), {("staged", "day", "same")})
    eq(came_from(columns, "name"), {("staged", "customer", "aggregated")})
    eq(came_from(columns, "n"), set())
    eq([c["gap"] for c in columns], [None] * 4)
    eq(came_from(show(p, "facts", "--all")["columns"], "total"),
       {("staged", "amount", "aggregated"), ("raw.orders", "amount", "same")})
    seen = show(p, "ranked")["columns"][2]
    eq((seen["name"], seen["from"], seen["gap"]), ("seen", [], "the table function numbers"))
    eq([c["name"] for c in show(p, "codes")["columns"]], ["code", "name"])


@test
def a_column_is_followed_up_and_down_to_the_ends():
    p = project()
    p.build()
    up, down = lineage(p, "facts.total")
    eq(up, [("staged", "amount", 1), ("raw.orders", "amount", 2)])
    eq(down, [("ranked", "place", 1)])
    up, down = lineage(p, "raw.orders.amount")
    eq((up, down), ([], [("staged", "amount", 1), ("facts", "total", 2), ("ranked", "place", 3)]))
    eq(lineage(p, "raw.orders.amount", "--direct")[1], [("staged", "amount", 1)])
    text = p.command("catalog", "lineage", "ranked.place", check=True).out
    has(text, "  facts.total (window)\n    staged.amount (aggregated)\n      raw.orders.amount\n")


@test
def a_wrong_name_is_told_with_the_nearest():
    p = project()
    p.build()
    for args, said in {
        ("show", "fcts"): "there is no asset 'fcts'; did you mean 'facts'?",
        ("lineage", "facts.totl"): "facts has no column 'totl'; did you mean 'total'?",
        ("lineage", "total"): "there is no column 'total'",
        ("linage", "facts.total"): "did you mean 'catalog lineage'?",
    }.items():
        done = p.command("catalog", *args)
        eq(done.code, 2)
        has(done.err, said)


@test
def what_is_recorded_follows_a_changed_parent():
    p = project({"models/all_of.sql": "{{ config(materialized='table') }} select * from {{ ref('staged') }}"})
    p.build()
    eq(len(show(p, "all_of")["columns"]), 4)
    p.write({"models/staged.sql": "select id as order_id, amount + 1 as more from {{ source('raw', 'orders') }}"})
    p.write({"models/names.sql": None, "models/facts.sql": None, "models/ranked.sql": None})
    p.build()
    columns = show(p, "all_of", "--all")["columns"]
    eq([c["name"] for c in columns], ["order_id", "more"])
    eq(came_from(columns, "more"), {("staged", "more", "same"), ("raw.orders", "amount", "transformed")})


@test
def a_model_that_was_never_built_says_so():
    p = project()
    eq(show(p, "facts")["columns"], [])
    done = p.command("catalog", "lineage", "facts.total")
    eq(done.code, 2)
    has(done.err, "the columns of facts are not known: they are recorded when it is built")



run()
