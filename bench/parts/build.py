"""Building models: a generated project of tables and views, one after the other, beside the same statements sent by hand
in one loop over one connection. What is more is the build's own: looking at what is there, the plan, the records."""
import http.client
import time

from figures import Usage
from harness import ClickHouse
from project import Project
from report import Part

MODELS = 200
TABLE = "{{ config(materialized='table') }} select number as id, number % 7 as n from numbers(100)"
VIEW = "select n, count() as rows, sum(id) as total from {{{{ ref('table_{}') }}}} group by n"


def generated():
    pairs = range(MODELS // 2)
    files = {f"models/table_{i}.sql": TABLE for i in pairs}
    return {**files, **{f"models/view_{i}.sql": VIEW.format(i) for i in pairs}}


def statements(run_):
    """Every statement of a run, in the order in which it was sent."""
    attempts = sorted(run_["attempts"], key=lambda a: a["started"])
    return [s for a in attempts for s in a["sql"].rstrip().removesuffix(";").split(";\n\n")]


def by_hand(clickhouse, sql):
    connection = http.client.HTTPConnection("127.0.0.1", clickhouse.http_port)
    start = time.monotonic()
    for statement in sql:
        connection.request("POST", "/", statement.encode())
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(text.decode())
    return Usage(time.monotonic() - start)


def run(options):
    part = Part(f"Building {MODELS} models, half of them tables and half of them views, with one thread", MODELS)
    ours, theirs = part.line("tailrace build"), part.line("the same statements by hand, one after the other")
    clickhouse = ClickHouse()
    project = Project(generated(), warehouse=clickhouse, models={"threads": 1})
    project.build()
    for _ in range(options.rounds):
        start = time.monotonic()
        project.build("--all")
        ours.add(Usage(time.monotonic() - start))
        theirs.add(by_hand(clickhouse, statements(project.run())))
    more_ms = (ours.middle("seconds") - theirs.middle("seconds")) / MODELS * 1000
    part.reach("ms a model beyond its statements", more_ms, at_most=15)
    return part
