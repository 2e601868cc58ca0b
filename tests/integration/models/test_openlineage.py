#!/usr/bin/python3
"""Events of OpenLineage: what a receiver gets, and that one that is slow, broken or away holds nothing up."""
import datetime
import glob
import http.server
import json
import os
import sys
import threading
import time

import jsonschema

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import ClickHouse, free_port
from project import Project
from tap import eq, has, run, test

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMAS = {}
for path in glob.glob(os.path.join(HERE, "..", "..", "golden", "openlineage", "*.json")):
    with open(path, encoding="utf-8") as schema:
        SCHEMAS |= {(document := json.load(schema))["$id"]: document}
FORMATS = jsonschema.FormatChecker()
warehouse = ClickHouse()
warehouse.query("CREATE DATABASE raw ENGINE = Atomic")
warehouse.query("CREATE TABLE raw.orders (id Int64, amount Int64, at DateTime('UTC')) ORDER BY id")
warehouse.query("INSERT INTO raw.orders SELECT number, 10, '2026-11-20 10:00:00' FROM numbers(100)")
number = 0


class Receiver:
    """Takes events; `answer(n)` gives the status of the n-th request, or blocks."""

    def __init__(self, answer=lambda n: 201):
        self.events, self.requests, receiver = [], [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, self.headers.get("Authorization"), self.headers["Content-Type"]))
                status = answer(len(receiver.requests))
                if status < 300:
                    receiver.events.append(json.loads(body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, job):
        return [event for event in self.events if event["job"]["name"] == job]


FILES = {
    "models/sources.yml": "sources: [{name: raw, tables: [{name: orders, config: {event_time: at}}]}]",
    "models/staged.sql": "select id, amount, at from {{ source('raw', 'orders') }}",
    "models/tmp.sql": "{{ config(materialized='ephemeral') }} select id, amount + 1 as more from {{ ref('staged') }}",
    "models/total.sql": "{{ config(materialized='table') }} select sum(more) as total, count() as n from {{ ref('tmp') }}",
}
DAILY = """
    {{ config(materialized='incremental', incremental_strategy='microbatch', batch_size='day', event_time='at',
              begin='2026-11-20', order_by='id') }}
    select id, at from {{ source('raw', 'orders') }}
"""


def project(lineage, files=None, env=None, **models):
    global number
    number += 1
    top = {"lineage": lineage} if lineage else {}
    made = Project({**FILES, **(files or {})}, warehouse=warehouse, models={"database": f"db{number}", **models},
                   env=env, **top)
    made.database = f"db{number}"
    return made


@FORMATS.checks("date-time", ValueError)
def is_date_time(value):
    return datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).tzinfo is not None


def check_by(url, document):
    resolver = jsonschema.RefResolver(url, SCHEMAS[url.partition("#")[0]], store=SCHEMAS)
    jsonschema.Draft202012Validator({"$ref": url}, resolver=resolver, format_checker=FORMATS).validate(document)


def check(event):
    check_by(event["schemaURL"], event)
    facets = [*event["run"]["facets"].values(), *event["job"]["facets"].values()]
    for dataset in event["inputs"] + event["outputs"]:
        facets += [*dataset.get("facets", {}).values(), *dataset.get("outputFacets", {}).values()]
    for facet in facets:
        check_by(facet["_schemaURL"], facet)


def check_all(receiver):
    assert receiver.events
    for event in receiver.events:
        check(event)


@test
def each_run_and_each_model_is_told_as_the_specification_has_it():
    receiver = Receiver()
    p = project({"url": receiver.url + "/", "namespace": "shop", "api_key": "secret"})
    p.build()
    check_all(receiver)
    eq({request for request in receiver.requests}, {("/api/v1/lineage", "Bearer secret", "application/json")})
    eq([e["eventType"] for e in receiver.of("shop.build")], ["START", "COMPLETE"])
    start, complete = receiver.of("model.shop.total")
    eq((start["eventType"], complete["eventType"]), ("START", "COMPLETE"))
    eq(start["run"]["runId"], complete["run"]["runId"])
    eq(complete["job"]["namespace"], "shop")
    parent = complete["run"]["facets"]["parent"]
    eq((parent["run"]["runId"], parent["job"]["name"]), (receiver.of("shop.build")[0]["run"]["runId"], "shop.build"))
    has(complete["job"]["facets"]["sql"]["query"], "sum(more)")
    eq(len({e["run"]["runId"] for e in receiver.events}), 3)


@test
def a_model_names_what_it_reads_and_writes_column_by_column():
    receiver = Receiver()
    p = project({"url": receiver.url})
    p.build()
    complete = receiver.of("model.shop.total")[1]
    space = warehouse.http_url.replace("http://", "clickhouse://").rstrip("/")
    eq([(i["namespace"], i["name"]) for i in complete["inputs"]], [(space, f"{p.database}.staged")])
    eq([f["name"] for f in complete["inputs"][0]["facets"]["schema"]["fields"]], ["id", "amount", "at"])
    output = complete["outputs"][0]
    eq((output["namespace"], output["name"]), (space, f"{p.database}.total"))
    eq([f["name"] for f in output["facets"]["schema"]["fields"]], ["total", "n"])
    eq(output["facets"]["columnLineage"]["fields"]["total"]["inputFields"],
       [{"namespace": space, "name": f"{p.database}.staged", "field": "amount",
         "transformations": [{"type": "DIRECT", "subtype": "AGGREGATION"}]}])
    eq(output["outputFacets"]["outputStatistics"]["rowCount"], 1)
    view = receiver.of("model.shop.staged")[1]
    eq([i["name"] for i in view["inputs"]], ["raw.orders"])
    assert "outputFacets" not in view["outputs"][0], view


@test
def a_failure_is_told_with_its_message_and_what_is_skipped_is_not():
    receiver = Receiver()
    p = project({"url": receiver.url}, {"models/total.sql": "select no_such from {{ ref('tmp') }}",
                                        "models/last.sql": "select * from {{ ref('total') }}"})
    p.build(code=1)
    check_all(receiver)
    start, fail = receiver.of("model.shop.total")
    eq(fail["eventType"], "FAIL")
    has(fail["run"]["facets"]["errorMessage"]["message"], "no_such")
    eq(receiver.of("model.shop.last"), [])
    eq(receiver.of("shop.build")[-1]["eventType"], "FAIL")


@test
def the_check_of_events_is_one():
    receiver = Receiver()
    project({"url": receiver.url}).build()
    for spoil in (
        lambda e: e["run"].pop("runId"),
        lambda e: e["run"].update(runId="1234"),
        lambda e: e.update(eventType="ENDED"),
        lambda e: e.update(eventTime="today"),
        lambda e: e["outputs"][0].pop("namespace"),
        lambda e: e["outputs"][0]["facets"]["schema"].pop("_producer"),
        lambda e: e["run"]["facets"]["parent"].pop("job"),
    ):
        spoiled = json.loads(json.dumps(receiver.of("model.shop.total")[1]))
        spoil(spoiled)
        try:
            check(spoiled)
        except jsonschema.ValidationError:
            continue
        raise AssertionError(f"taken: {spoiled}")


@test
def what_a_killed_process_began_is_aborted_by_the_next():
    receiver = Receiver()
    p = project({"url": receiver.url})
    p.build(code=-9, TAILRACE_FAILPOINT="build.intended=kill")
    p.build()
    check_all(receiver)
    told = [(e["run"]["runId"], e["eventType"]) for e in receiver.of("model.shop.total")]
    aborted = next(run_id for run_id, kind in told if kind == "ABORT")
    assert (aborted, "COMPLETE") not in told, told
    eq(told[-1][1], "COMPLETE")


@test
def a_partition_has_its_nominal_time():
    receiver = Receiver()
    p = project({"url": receiver.url}, {"models/daily.sql": DAILY})
    p.command("backfill", "daily", "--from", "2026-11-20", "--to", "2026-11-20", check=True)
    check_all(receiver)
    time_of = receiver.of("model.shop.daily")[1]["run"]["facets"]["nominalTime"]
    eq(time_of["nominalStartTime"][:19], "2026-11-20T00:00:00")
    eq(time_of["nominalEndTime"][:19], "2026-11-21T00:00:00")
    eq(receiver.events[0]["job"]["name"], "shop.backfill")


@test
def the_environment_of_openlineage_clients_is_known():
    receiver = Receiver()
    env = {"OPENLINEAGE_URL": receiver.url, "OPENLINEAGE_API_KEY": "key", "OPENLINEAGE_NAMESPACE": "mine",
           "OPENLINEAGE_ENDPOINT": "/in"}
    project(None, env=env).build()
    eq(receiver.requests[0][:2], ("/in", "Bearer key"))
    eq(receiver.events[0]["job"]["namespace"], "mine")
    project(None, env={**env, "OPENLINEAGE_DISABLED": "true", "OPENLINEAGE_NAMESPACE": "off"}).build()
    eq({e["job"]["namespace"] for e in receiver.events}, {"mine"})


@test
def what_a_receiver_cannot_take_for_a_while_comes_once_it_can_and_in_order():
    receiver = Receiver(lambda n: 500 if n <= 2 else 200)
    p = project({"url": receiver.url}, {"models/slow.sql": "{{ config(materialized='table') }} select sleep(2) as s"})
    done = p.build()
    has(done.err, "what is posted cannot be delivered now")
    has(done.err, "answers 500")
    eq(receiver.events[0]["eventType"], "START")
    eq(receiver.events[0]["job"]["name"], "shop.build")
    eq(receiver.events[-1]["eventType"], "COMPLETE")
    eq(len(receiver.events), 8)


def built_with(lineage):
    """How long a build takes; it must succeed."""
    p = project(lineage)
    began = time.monotonic()
    done = p.build()
    took = time.monotonic() - began
    eq(warehouse.query(f"SELECT total FROM {p.database}.total"), [(1100,)])
    return took, done


@test
def a_receiver_that_always_fails_fails_no_build_and_what_is_dropped_is_said():
    receiver = Receiver(lambda n: 500)
    _, done = built_with({"url": receiver.url})
    has(done.err, "dropped")
    has(done.err, "number=6")
    eq(receiver.events, [])


@test
def a_receiver_that_refuses_is_not_asked_again():
    receiver = Receiver(lambda n: 400)
    _, done = built_with({"url": receiver.url})
    has(done.err, "what is posted is refused")
    eq(len(receiver.requests), 6)


@test
def a_receiver_that_hangs_holds_a_build_up_by_no_more_than_the_end():
    release = threading.Event()
    receiver = Receiver(lambda n: release.wait(60) and 200)
    took, done = built_with({"url": receiver.url})
    release.set()
    assert took < 8, took
    has(done.err, "dropped")


@test
def a_receiver_that_is_absent_holds_nothing_up():
    took, done = built_with({"url": f"http://127.0.0.1:{free_port()}"})
    assert took < 4, took
    has(done.err, "what is posted cannot be delivered now")


@test
def an_address_that_is_none_is_a_mistake_of_the_configuration():
    done = project({"url": "marquez:5000"}).build(code=2)
    has(done.err, "'marquez:5000' is no address of OpenLineage events")


run()
