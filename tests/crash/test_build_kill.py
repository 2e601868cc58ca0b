#!/usr/bin/python3
"""kill -9 of who builds, between all stages of a build: the next build ends with the same result, and nothing leaks.

Every failpoint of the build is hit at its first and at its second pass, in a project of a view, a table, a model in
days and their children; then `tailrace build` alone must bring all of it to where an undisturbed build does.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import ClickHouse
from project import Project
from tap import eq, run, test

warehouse = ClickHouse()

FILES = {
    "models/numbers.sql": "{{ config(materialized='table') }} select number as id from numbers(1000)",
    "models/even.sql": "select id from {{ ref('numbers') }} where id % 2 = 0",
    "models/days.sql": """
        {{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at',
                  batch_size='day', begin='2026-11-01') }}
        select toDateTime('2026-11-01 00:00:00', 'UTC') + id * 3600 as at, id from {{ ref('even') }}
        where id < 48
        and toDate(at, 'UTC') = '{{ partition.key }}'
    """,
    "models/total.sql": """
        {{ config(materialized='table') }}
        select (select sum(id) from {{ ref('days') }}) as days, (select sum(id) from {{ ref('even') }}) as evens
    """,
    "models/models.yml": """
        models:
          - name: numbers
            columns: [{name: id, tests: [not_null]}]
    """,
}
POINTS = ["run_taken", "begun", "filled", "intended", "swapped", "replaced", "recorded", "ended"]
number = 0


def project():
    global number
    number += 1
    made = Project(FILES, warehouse=warehouse, models={"database": f"db{number}"})
    made.database = f"db{number}"
    return made


def state_of(p):
    tables = warehouse.query(f"SELECT name FROM system.tables WHERE database = '{p.database}' ORDER BY name")
    total = warehouse.query(f"SELECT days, evens FROM {p.database}.total")
    days = warehouse.query(f"SELECT toDate(at, 'UTC'), count(), sum(id) FROM {p.database}.days GROUP BY 1 ORDER BY 1")
    return tables, total, days


BACK = ("days", "--from", "2026-11-01", "--to", "2026-11-02")


def undisturbed():
    p = project()
    p.build("--exclude", "days+")
    eq(p.command("backfill", *BACK).code, 0)
    p.build("total")
    return state_of(p)


expected = undisturbed()


@test
def the_undisturbed_build_is_what_it_should_be():
    eq([name for name, in expected[0]], ["days", "even", "numbers", "total"])
    eq(expected[1], [(552, 249500)])
    eq(len(expected[2]), 2)


def killed_at(point):
    def kill_and_build():
        hit = 0
        for pass_ in (1, 2):
            p = project()
            for command in (("build", "--exclude", "days+"), ("backfill", *BACK), ("build", "total")):
                done = p.command(*command, TAILRACE_FAILPOINT=f"build.{point}=kill@{pass_}")
                hit += done.code == -9
                if done.code not in (0, -9):
                    raise AssertionError(repr(done))
                eq(p.command(*command).code, 0)
            eq(state_of(p), expected, f"after kill at {point}, pass {pass_}")
            eq({r["status"] for r in p.runs()} - {"succeeded"}, set())
        assert hit, f"build.{point} was never passed"

    kill_and_build.__name__ = f"killed_at_{point}_the_next_build_ends_with_the_same_result"
    return test(kill_and_build)


for point in POINTS:
    killed_at(point)


@test
def a_command_that_was_interrupted_runs_again_as_the_next_attempt_of_its_run():
    p = project()
    p.write(
        {
            "models/told.sql": "{{ config(materialized='exec', command=['sh', '-c', "
            "'echo $TAILRACE_RUN $TAILRACE_ATTEMPT >> told.txt; test -e go || kill -9 $PPID; test -e go']) }}"
        }
    )
    told = os.path.join(p.folder, "told.txt")
    eq(p.command("build", "told").code, -9)
    eq(open(told).read(), "1 1\n")
    p.write({"go": ""})
    eq(p.command("build", "numbers").code, 0)
    eq(open(told).read(), "1 1\n1 2\n")
    eq([r["status"] for r in p.runs() if r["id"] == 1], ["succeeded"])


@test
def a_run_that_died_is_marked_and_goes_on():
    p = project()
    eq(p.command("build", "--exclude", "days+", TAILRACE_FAILPOINT="build.ended=kill").code, -9)
    eq(p.run(1)["status"], "running")
    done = p.build("--exclude", "days+")
    assert "Run 1 was interrupted, and goes on" in done.out, done
    eq(p.run(1)["status"], "succeeded")
    first = p.run(1)["attempts"][0]
    eq((first["step"], first["number"]), (0, 1))


run()
