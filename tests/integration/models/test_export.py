#!/usr/bin/python3
"""External models in object storage: whole objects, one a partition, and keys that nobody sees."""
import glob
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import BINARY, ClickHouse
from project import Project
from s3 import S3
from tap import eq, has, run, test, wait_until

s3 = S3()
warehouse = ClickHouse()
project = Project({"models/sales.sql": "select 1"}, warehouse=warehouse)


def model(sql, location="s3://lake/sales.csv", **config):
    values = "".join(f", {name}={value!r}" for name, value in config.items())
    project.write(
        {"models/sales.sql": f"{{{{ config(materialized='external', location='{location}'{values}) }}}}\n{sql}"}
    )


def build(*args, code=0, **env):
    return project.build(*args, code=code, **{**s3.environment, **env})


@test
def a_model_becomes_an_object():
    model("with x as (select 7 as a) select a, 'x,y' as b from x")
    has(build().out, "s3://lake/sales.csv, 1 row")
    eq(s3.get("sales.csv"), b'"a","b"\n7,"x,y"\n')
    model("select number as a from numbers(3)", "s3://lake/a folder/t.parquet", query_settings={"max_threads": 1})
    build()
    rows = warehouse.query(
        f"SELECT count(), sum(a) FROM s3('{s3.url}/lake/a%20folder/t.parquet', '{s3.key}', '{s3.secret}', 'Parquet')"
    )
    eq(rows, [(3, 3)])


@test
def an_object_is_replaced_also_by_an_empty_one():
    for sql, content in (("select 'old' as a", b'"a"\n"old"\n'), ("select 'new' as a", b'"a"\n"new"\n')):
        model(sql)
        build()
        eq(s3.get("sales.csv"), content)
    model("select 'new' as a where 0")
    build()
    eq(s3.get("sales.csv"), b'"a"\n')


@test
def each_partition_is_an_object():
    model(
        "select toDate('{{ partition.key }}') as d",
        "s3://lake/days/day={partition}/rows.jsonl",
        batch_size="day",
        begin="2026-11-01",
        event_time="d",
    )
    project.command("backfill", "sales", "--from", "2026-11-02", "--to", "2026-11-03", check=True, **s3.environment)
    eq([name for name in s3.names() if "days" in name], [f"days/day=2026-11-0{day}/rows.jsonl" for day in (2, 3)])
    eq(s3.get("days/day=2026-11-03/rows.jsonl"), b'{"d":"2026-11-03"}\n')


@test
def a_build_that_fails_or_dies_leaves_an_object_whole():
    model("select 'old' as a")
    build()
    model("select throwIf(number = 900000, 'stop') as a from numbers(1000000)")
    has(build(code=1).out, "stop")
    eq(s3.get("sales.csv"), b'"a"\n"old"\n')
    model("select 'new' as a")
    died = project.command("build", **s3.environment, TAILRACE_FAILPOINT="build.filled=kill")
    eq(died.code, -9)
    has([b'"a"\n"old"\n', b'"a"\n"new"\n'], s3.get("sales.csv"))
    build()
    eq(s3.get("sales.csv"), b'"a"\n"new"\n')


@test
def what_a_killed_process_left_running_does_not_come_over_what_is_new():
    model("select 'late' as a, sleepEachRow(0.2) from numbers(1000) settings max_block_size = 1", "s3://lake/race.csv")
    project.spawn([BINARY, "build", "-c", project.path], env=s3.environment)
    running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO FUNCTION s3%'"
    wait_until(lambda: int(warehouse.value(running)) == 1, "the export to run")
    project.kill()
    model("select 'new' as a", "s3://lake/race.csv")
    build()
    eq(int(warehouse.value(running)), 0)
    eq(s3.get("race.csv"), b'"a"\n"new"\n')


@test
def keys_are_in_nothing_that_is_kept():
    model("select 1 as a")
    build()
    has(project.command("runs", str(project.runs()[0]["id"]), "--sql", check=True).out, "'[HIDDEN]', '[HIDDEN]', 'CSV")
    model("select nothing from nowhere")
    said = build(code=1)
    kept = [said.out + said.err] + [
        open(path, "rb").read().decode("latin-1")
        for path in glob.glob(os.path.join(project.folder, "**"), recursive=True, include_hidden=True)
        if os.path.isfile(path) and not path.endswith("tailrace.yaml")
    ]
    eq([text for text in kept if s3.secret in text or s3.key in text], [])


@test
def keys_come_from_the_configuration_too():
    model("select 'configured' as a")
    project.configure(
        {
            **project.config,
            "models": {
                **project.config["models"],
                "s3_endpoint": s3.url + "/",
                "s3_access_key_id": s3.key,
                "s3_secret_access_key": s3.secret,
            },
        }
    )
    project.build(AWS_ACCESS_KEY_ID="other", AWS_SECRET_ACCESS_KEY="other")
    eq(s3.get("sales.csv"), b'"a"\n"configured"\n')


@test
def what_cannot_be_is_said():
    for location, why in (
        ("s3://lake", "an object is named by its bucket and its path"),
        ("s3://key:word@lake/x.csv", "an object is named by its bucket and its path"),
        ("s3://lake/*.csv", "cannot hold *"),
        ("gs://lake/x.csv", "'s3://BUCKET/sales.parquet'"),
    ):
        model("select 1 as a", location, format="csv")
        has(project.build(code=1).out, "models/sales.sql:1: ")
        has(project.build(code=1).out, why)


run()
