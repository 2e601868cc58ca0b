#!/usr/bin/python3
"""Partitions in parallel: ranges, what is missing, tests of what was processed, parents that are not there."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import BINARY, ClickHouse
from project import Project
from tap import eq, has, run, test, wait_until

warehouse = ClickHouse()
number = 0
DAYS = (
    "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at',"
    " batch_size='day', begin='2026-11-01') }}\n"
)
FILES = {
    "models/days.sql": DAYS
    + "select toDateTime('2026-11-01 00:00:00', 'UTC') + number * 3600 as at, number as id from numbers(240)"
    " where toDate(at, 'UTC') = '{{ partition.key }}'",
    "models/again.sql": DAYS + "select at, id from {{ ref('days') }}",
}


def project(files=None, **models):
    global number
    number += 1
    made = Project({**FILES, **(files or {})}, warehouse=warehouse, models={"database": f"back{number}", **models})
    made.database = f"back{number}"
    return made


def days_of(p, table):
    return [
        day
        for day, in warehouse.query(f"SELECT DISTINCT toString(toDate(at, 'UTC')) FROM {p.database}.{table} ORDER BY 1")
    ]


def backfill(p, *args, code=0):
    done = p.command("backfill", *args)
    eq(done.code, code, repr(done))
    return done


@test
def a_range_is_built_its_ends_among_it():
    p = project()
    done = backfill(p, "days", "--from", "2026-11-02", "--to", "2026-11-04", "--jobs", "2")
    has(done.out, "OK created days 2026-11-03 (partition of 24 rows)")
    has(done.out, "PASS=3")
    eq(days_of(p, "days"), ["2026-11-02", "2026-11-03", "2026-11-04"])
    eq(p.run()["kind"], "backfill")


@test
def what_was_in_a_table_that_somebody_dropped_is_missing():
    p = project()
    backfill(p, "days", "--from", "2026-11-02", "--to", "2026-11-04")
    warehouse.query(f"DROP TABLE {p.database}.days")
    backfill(p, "days", "--from", "2026-11-03", "--to", "2026-11-03")
    eq(days_of(p, "days"), ["2026-11-03"])
    backfill(p, "days", "--from", "2026-11-02", "--to", "2026-11-04", "--missing")
    eq(days_of(p, "days"), ["2026-11-02", "2026-11-03", "2026-11-04"])


@test
def what_is_missing_alone_is_built():
    p = project()
    backfill(p, "days", "--from", "2026-11-02", "--to", "2026-11-02")
    done = backfill(p, "days", "--from", "2026-11-01", "--to", "2026-11-03", "--missing")
    has(done.out, "PASS=2")
    eq(sorted(p.steps()), ["days 2026-11-01", "days 2026-11-03"])
    has(backfill(p, "days", "--from", "2026-11-01", "--to", "2026-11-03", "--missing").out, "Nothing to do")


@test
def a_child_is_not_built_on_a_partition_that_is_not_there():
    p = project()
    backfill(p, "days", "--from", "2026-11-01", "--to", "2026-11-01")
    done = backfill(p, "again", "--from", "2026-11-01", "--to", "2026-11-03")
    has(done.out, "again 2026-11-02 to 2026-11-03 waits for days, which is not there\nRun ")
    eq(days_of(p, "again"), ["2026-11-01"])
    done = backfill(p, "again", "--from", "2026-11-02", "--to", "2026-11-02")
    eq(done.out, "again 2026-11-02 waits for days, which is not there\nNothing to do but what waits\n")
    done = backfill(p, "days+", "--from", "2026-11-01", "--to", "2026-11-03")
    has(done.out, "PASS=6")
    eq(days_of(p, "again"), ["2026-11-01", "2026-11-02", "2026-11-03"])


@test
def a_year_under_way_is_built_of_the_days_that_there_are():
    today = time.strftime("%Y-%m-%d", time.gmtime())
    config = "{{{{ config(materialized='incremental', incremental_strategy='microbatch', batch_size='{}', event_time='at', begin='{}') }}}}\n"
    p = project({
        "models/days.sql": config.format("day", today) + "select toDate('{{ partition.key }}') as at, 1 as id",
        "models/again.sql": config.format("year", today[:4] + "-01-01")
        + "select toStartOfYear(at) as at, sum(id) as id from {{ ref('days') }} group by at",
    })
    eq(p.build().code, 0)
    eq(p.query(f"SELECT id = (SELECT count() FROM {p.database}.days) FROM {p.database}.again"), [(1,)])


@test
def what_stands_on_a_parent_by_keys_is_built_once_that_is():
    p = project({
        "models/regions.sql": """
            {{ config(materialized='incremental', partitions=['eu', 'us'], partition_column='region') }}
            select '{{ partition.key }}' as region, 1 as n""",
        "models/same_keys.sql": """
            {{ config(materialized='incremental', partitions=['eu', 'us'], partition_column='region',
                      partition_mapping={'regions': 'same'}) }}
            select * from {{ ref('regions') }} where region = '{{ partition.key }}'""",
        "models/total.sql": "{{ config(materialized='table') }} select sum(n) as n from {{ ref('regions') }}",
    })
    has(p.build("total").out, "regions was not built yet")
    p.build("regions+")
    eq(p.query(f"SELECT n FROM {p.database}.total"), [(2,)])
    eq(p.query(f"SELECT region FROM {p.database}.same_keys ORDER BY region"), [("eu",), ("us",)])


@test
def partitions_built_side_by_side_never_replace_the_rows_of_one_another():
    p = project({"models/days.sql": FILES["models/days.sql"].replace("begin=", "partition_by='toYYYYMM(at)', begin=")})
    done = backfill(p, "days", "--from", "2026-11-01", "--to", "2026-11-10", "--jobs", "4", code=1)
    has(done.out, "partition_by must tell partitions of the model apart")
    succeeded = [step for step, status in p.steps().items() if status == "succeeded"]
    eq([f"days {day}" for day in days_of(p, "days")], succeeded)


@test
def what_a_table_is_split_and_ordered_by_may_be_nullable():
    days = FILES["models/days.sql"].replace("begin=", "order_by='id', begin=").replace("number as id", "nullIf(number, 1) as id")
    p = project({"models/days.sql": days.replace("as at,", "as time, toNullable(time) as at,")})
    backfill(p, "days", "--from", "2026-11-01", "--to", "2026-11-01")
    eq(p.query(f"SELECT toTypeName(at), count(), count(id) FROM {p.database}.days GROUP BY 1"), [("Nullable(DateTime('UTC'))", 24, 23)])


@test
def a_partition_that_fails_keeps_no_other_from_being_built():
    p = project(
        {
            "models/days.sql": DAYS
            + "select toDateTime('{{ partition.key }} 00:00:00', 'UTC') as at,"
            " throwIf('{{ partition.key }}' = '2026-11-02', 'this day') as x"
        },
        retries=0,
    )
    done = backfill(p, "days", "again", "--from", "2026-11-01", "--to", "2026-11-03", code=1)
    has(done.out, "this day")
    steps = p.steps()
    eq(steps["days 2026-11-02"], "failed")
    eq((steps["days 2026-11-01"], steps["days 2026-11-03"]), ("succeeded", "succeeded"))
    eq(steps["again 2026-11-02"], "skipped")


@test
def a_full_refresh_ends_with_every_partition():
    p = project()
    p.build("days", "--threads", "2")
    before = days_of(p, "days")
    eq(len(before), 10)
    p.build("days", "--full-refresh", "--threads", "2")
    eq(days_of(p, "days"), before)


YML = """
    models:
      - name: days
        columns:
          - name: id
            tests:
              - accepted_values: {values: [24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42,
                                           43, 44, 45, 46, 47], quote: false}
"""


@test
def tests_look_at_what_was_processed_alone():
    p = project({"models/models.yml": YML})
    backfill(p, "days", "--from", "2026-11-02", "--to", "2026-11-02")
    done = backfill(p, "days", "--from", "2026-11-01", "--to", "2026-11-01", code=1)
    has(done.out, "24 failing rows")
    backfill(p, "days", "--from", "2026-11-02", "--to", "2026-11-02")
    has(p.command("test").out, "24 failing rows")


@test
def wrong_ranges_are_told():
    p = project()
    has(backfill(p, "days", "--from", "2026-11-02", code=2).err, "wants --from and --to")
    has(backfill(p, "days", "--from", "x", "--to", "2026", code=2).err, "--from takes a time")
    has(backfill(p, "days", "--from", "2026-11-02", "--to", "2026-11-01", code=2).err, "is before")
    has(backfill(p, "days", "--from", "2020", "--to", "2021").out, "there are no partitions in that time")
    has(backfill(p, "dayz", "--from", "2026-11-01", "--to", "2026-11-01", code=2).err, "days")


@test
def a_column_that_tells_no_time_is_refused_before_anything_is_made():
    days, _, _ = FILES["models/days.sql"].partition(" where")
    text = days.replace("as at", "as time, toString(time) as at")
    date = days.replace("as at", "as time, toDate(time) as at").replace("batch_size='day'", "batch_size='hour'")
    p = project({"models/days.sql": text})
    done = backfill(p, "days", "--from", "2026-11-01", "--to", "2026-11-01", code=1)
    has(done.out, "column 'at' is of type String, which does not tell the day of a row")
    p.write({"models/days.sql": date})
    done = backfill(p, "days", "--from", "2026-11-01", "--to", "2026-11-01", code=1)
    has(done.out, "column 'at' is of type Date, which does not tell the hour of a row")
    eq(warehouse.query(f"SELECT count() FROM system.tables WHERE database = '{p.database}'"), [(0,)])


@test
def who_follows_takes_over_the_embedded_warehouse_too():
    slow = "{{ config(materialized='table') }} select number as id, sleepEachRow(0.02) as z from numbers(100)"
    p = Project({"models/slow.sql": slow, "models/next.sql": "select id from {{ ref('slow') }}"}, models={"schedules": False})
    p.start()
    follower = subprocess.Popen(
        [BINARY, "build", "-c", p.path], cwd=p.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    wait_until(lambda: p.runs() and p.steps().get("slow") == "running", "the model to be under way", 30)
    p.process.kill()
    p.process.wait()
    out = follower.communicate(timeout=60)[0]
    eq(follower.returncode, 0, out)
    has(out, "PASS=2")


@test
def who_follows_takes_over_when_the_process_that_runs_dies():
    p = project(
        {
            "models/slow.sql": "{{ config(materialized='table') }} select sleepEachRow(0.5) as x from numbers(6)"
            " settings max_block_size = 1, function_sleep_max_microseconds_per_block = 0",
            "models/days.sql": "select 1 as at, 1 as id",
            "models/again.sql": "select * from {{ ref('slow') }}",
        }
    )
    p.start()
    log = os.path.join(p.folder, "build.log")
    with open(log, "w", encoding="utf-8") as out:
        build = subprocess.Popen([BINARY, "build", "-c", p.path], cwd=p.folder, stdout=out, stderr=out)
    wait_until(lambda: p.runs() and "running" in p.steps().values(), "the run to begin")
    p.kill()
    eq(build.wait(60), 0)
    eq(set(p.steps().values()), {"succeeded"})
    eq(warehouse.value(f"SELECT count() FROM {p.database}.again"), 6)


run()
