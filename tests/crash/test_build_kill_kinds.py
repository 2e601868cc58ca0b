#!/usr/bin/python3
"""kill -9 of who builds a project of every kind of model, at failpoints and passes that are drawn by a seed.

All stand on a seed that changes between two builds; the second one is killed, up to three times. What the last build
leaves must be what two undisturbed builds do: rows that are added to a table are in it once. BUILD_KILL_SEEDS: how many.
"""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import ClickHouse
from project import Project
from tap import eq, run, test

warehouse = ClickHouse()
SEEDS = int(os.environ.get("BUILD_KILL_SEEDS", "8"))
POINTS = ["run_taken", "begun", "filled", "intended", "swapped", "replaced", "recorded", "ended"]


def model(config, condition=""):
    return f"{{{{ config({config}) }}}} select * from {{{{ ref('s') }}}} {condition}"


def incremental(config):
    return model(f"materialized='incremental', order_by='id', {config}")


FILES = {
    "seeds/s.csv": "id,region,n\n1,eu,1\n2,us,1\n3,eu,1",
    "models/whole.sql": model("materialized='table'"),
    "models/shown.sql": "select * from {{ ref('whole') }}",
    "models/added.sql": incremental("incremental_strategy='append'"),
    "models/hooked.sql": incremental("post_hook='select 1'"),
    "models/replaced.sql": incremental("unique_key='id'"),
    "models/merged.sql": incremental("incremental_strategy='merge', engine='ReplacingMergeTree(n)'"),
    "models/over.sql": incremental("incremental_strategy='insert_overwrite', partition_by='region'"),
    "models/keyed.sql": model(
        "materialized='incremental', partitions=['eu', 'us'], partition_column='region'",
        "where region = '{{ partition.key }}'",
    ),
    "models/kept.sql": "{{ config(materialized='materialized_view', refreshable='EVERY 1 HOUR', order_by='id') }}"
    " select id, n from {{ ref('whole') }}",
    "models/counted.sql": "{{ config(materialized='table') }} select count() as n from {{ ref('added') }}",
    "models/written.sql": "{{ config(materialized='external', location='o.csv') }} select id from {{ ref('whole') }}"
    " order by id",
    "snapshots/versions.sql": "{% snapshot versions %} {{ config(unique_key='id', strategy='check',"
    " check_cols='all') }} select * from {{ ref('s') }} {% endsnapshot %}",
}
TABLES = ["whole", "shown", "added", "hooked", "replaced", "merged FINAL", "over", "keyed", "kept", "counted"]
VERSIONS = "SELECT id, n, is_current, valid_to IS NULL FROM {}.versions ORDER BY ALL"
LEFT = "SELECT name FROM system.tables WHERE database = '{}' AND name NOT LIKE '.inner%' ORDER BY name"
number = 0


def changed():
    """A project that was built, and whose seed is another one since."""
    global number
    number += 1
    p = Project(FILES, warehouse=warehouse, models={"database": f"db{number}"})
    p.database = f"db{number}"
    p.build()
    p.write({"seeds/s.csv": "id,region,n\n3,eu,2\n4,us,1\n5,eu,1"})
    return p


def state_of(p):
    queries = [f"SELECT * FROM {{}}.{name} ORDER BY ALL" for name in TABLES] + [VERSIONS, LEFT]
    with open(os.path.join(p.folder, "o.csv"), encoding="utf-8") as file:
        written = file.read()
    found = {query: warehouse.query(query.format(p.database)) for query in queries}
    return {**found, "file": written, "plan": p.command("plan", check=True).out}


undisturbed = changed()
undisturbed.build()
expected = state_of(undisturbed)


@test
def the_undisturbed_builds_are_what_they_should_be():
    added = expected["SELECT * FROM {}.added ORDER BY ALL"]
    eq([(row[0], row[2]) for row in added], [(1, 1), (2, 1), (3, 1), (3, 2), (4, 1), (5, 1)])
    eq(expected[LEFT], [(name,) for name in sorted([*(t.split()[0] for t in TABLES), "s", "versions"])])
    assert expected["plan"].startswith("nothing to do"), expected["plan"]


def killed(seed):
    def kill_and_build():
        draw = random.Random(seed)
        p, deaths = changed(), []
        for _ in range(draw.randint(1, 3)):
            deaths.append(f"build.{draw.choice(POINTS)}=kill@{draw.randint(1, 13)}")
            if p.command("build", TAILRACE_FAILPOINT=deaths[-1]).code == 0:
                break
        p.build()
        eq(state_of(p), expected, f"after {deaths}")

    kill_and_build.__name__ = f"killed_by_seed_{seed}_the_next_build_ends_with_the_same_result"
    return test(kill_and_build)


for seed in range(SEEDS):
    killed(seed)

run()
