#!/usr/bin/python3
"""Sensors: a file that appears or changes, a query that becomes true, a word by HTTP."""
import os
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, has, run, test, wait_until

pg = Postgres()
pg.sql("CREATE TABLE switches (name text PRIMARY KEY, is_on boolean NOT NULL); INSERT INTO switches VALUES ('a', false)")
tail = Tailrace(
    mirror(
        pg,
        stream={"flush_interval": "10ms"},
        sensors={
            "arrival": {"file": "in/*.csv", "select": "by_file", "every": "1s"},
            "switch": {"sql": "SELECT max(is_on) FROM shop.switches", "select": "by_value", "every": "1s"},
            "call": {"webhook": "true", "select": "tag:called"},
            "guarded": {"webhook": "true", "select": "by_call", "token": "open sesame"},
            "lost": {"webhook": "true", "select": "nothing_of_the_kind"},
            "wrong": {"sql": "SELECT nothing FROM nowhere", "select": "by_value", "every": "1s"},
        },
    )
)


def write(path, text):
    path = os.path.join(tail.folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


write("dbt_project.yml", "name: shop\n")
for name, config in (("by_file", ""), ("by_value", ""), ("by_call", ", tags=['called']"), ("also", ", tags=['called']")):
    write(f"models/{name}.sql", f"{{{{ config(materialized='table'{config}) }}}} select now64(6) as at\n")


def runs(sensor):
    """The models of each run of the sensor that has succeeded, oldest first."""
    found = []
    for one in reversed(tail.command("runs", "--json", check=True).json["runs"]):
        if one["reason"] == f"sensor {sensor}" and one["status"] == "succeeded":
            steps = tail.command("runs", str(one["id"]), "--json", check=True).json["steps"]
            found.append(sorted(step["asset"].split(".")[-1] for step in steps))
    return found


def wait_runs(sensor, expected):
    wait_until(lambda: runs(sensor) == expected, f"runs of {sensor}: {expected}", 30, every=0.2)


def post(path, authorization=None):
    request = urllib.request.Request(tail.api_url + path, data=b"", method="POST")
    if authorization:
        request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@test
def a_file_that_appears_or_changes_has_its_models_built():
    tail.start()
    tail.wait_live()
    write("in/first.csv", "1\n")
    wait_runs("arrival", [["by_file"]])
    write("in/second.csv", "1\n")
    wait_runs("arrival", [["by_file"]] * 2)
    write("in/first.csv", "1\n2\n")
    wait_runs("arrival", [["by_file"]] * 3)
    os.unlink(os.path.join(tail.folder, "in/second.csv"))
    before = fact("sensor arrival")
    wait_until(lambda: fact("sensor arrival") != before, "the file to be missed")
    wait_runs("arrival", [["by_file"]] * 3)


@test
def a_value_that_becomes_true_has_them_built_once():
    eq(runs("switch"), [])
    pg.sql("UPDATE switches SET is_on = true")
    wait_runs("switch", [["by_value"]])
    pg.sql("INSERT INTO switches VALUES ('b', true)")
    write("in/third.csv", "")
    wait_runs("arrival", [["by_file"]] * 4)  # another sensor was looked at since
    eq(runs("switch"), [["by_value"]])
    pg.sql("UPDATE switches SET is_on = false")
    tail.wait_caught_up(pg)
    wait_until(lambda: fact("sensor switch") == "", "the value to be seen")
    pg.sql("UPDATE switches SET is_on = true")
    wait_runs("switch", [["by_value"]] * 2)


def fact(name):
    import sqlite3

    db = sqlite3.connect(f"file:{tail.folder}/.tailrace/state.db?mode=ro", uri=True, timeout=10)
    try:
        return (db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone() or [None])[0]
    finally:
        db.close()


@test
def a_word_by_http_has_what_is_selected_built():
    eq(post("/api/v1/sensors/call"), 202)
    wait_runs("call", [["also", "by_call"]])
    eq(post("/api/v1/sensors/call"), 202)
    wait_runs("call", [["also", "by_call"]] * 2)
    eq(post("/api/v1/sensors/arrival"), 404)
    has(tail.command("why", "by_call", check=True).out, "\nby the sensor call\nby the sensor guarded\n20")


@test
def a_webhook_with_a_token_asks_for_it():
    for wrong in (None, "Bearer ", "Bearer open", "Bearer open sesame!", "Bearer open sesameopen sesame", "open sesame"):
        eq((wrong, post("/api/v1/sensors/guarded", wrong)), (wrong, 401))
    eq(runs("guarded"), [])
    eq(post("/api/v1/sensors/guarded", "bearer open sesame"), 202)
    wait_runs("guarded", [["by_call"]])
    eq(tail.said("sesame"), 0)


@test
def a_sensor_that_is_wrong_is_told_and_keeps_nothing_else_from_running():
    has(tail.command("why", "by_value", check=True).out, "sensor 'wrong': ")
    eq(post("/api/v1/sensors/lost"), 202)
    wait_until(lambda: tail.said("sensor 'lost': nothing is selected by 'nothing_of_the_kind'"), "the log")
    write("models/ticked.sql", "{{ config(materialized='table', on='missing') }} select 1 as a\n")
    wait_until(lambda: tail.command("why", "ticked").out.count("of 1 step: by"), "a model to run by itself", 30)
    eq(tail.said("sensor 'lost': "), 1)
    eq(tail.said("sensor 'wrong': "), 1)


@test
def a_restart_is_no_news():
    before = [runs(name) for name in ("arrival", "switch", "call")]
    tail.stop()
    tail.start()
    write("in/fourth.csv", "")
    wait_runs("arrival", before[0] + [["by_file"]])
    eq([runs(name) for name in ("switch", "call")], before[1:])


@test
def sensors_that_are_wrong_are_told_with_their_line():
    good = tail.config["sensors"]
    for sensors, expected in (
        ({"x": {"select": "by_file"}}, "sensor 'x': it takes one of file, sql and webhook"),
        ({"x": {"file": "a", "sql": "b", "select": "c"}}, "sensor 'x': it takes one of file, sql and webhook"),
        ({"x": {"file": "a", "select": "c", "token": "t"}}, "sensor 'x': a token is of a webhook"),
        ({"x": {"file": "a"}}, "'select'"),
        ({"x": {"file": "a", "selct": "c"}}, "did you mean 'select'"),
        ({"x y": {"file": "a", "select": "c"}}, "sensor name 'x y'"),
    ):
        tail.configure({**tail.config, "sensors": sensors})
        done = tail.command("why", "by_file")
        eq(done.code, 2)
        has(done.err, expected)
        has(done.err, "tailrace.yaml:")
    tail.configure({**tail.config, "sensors": good, "models": {"schedules": "false"}})
    has(tail.command("why", "by_file", check=True).out, "by the sensor arrival\nnot now: `schedules: false`")


if __name__ == "__main__":
    run()
