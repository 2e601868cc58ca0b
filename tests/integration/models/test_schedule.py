#!/usr/bin/python3
"""What runs by itself: on change, by schedule, what is missing, limits of age; and why it ran, or did not."""
import datetime
import json
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, has, run, test, wait_until

TODAY = datetime.datetime.now(datetime.timezone.utc).date()


def day(n):
    return str(TODAY - datetime.timedelta(days=n))


pg = Postgres()
pg.sql(
    f"""
    CREATE TABLE orders (id int PRIMARY KEY, ordered_at timestamptz NOT NULL, amount int NOT NULL);
    INSERT INTO orders SELECT i, timestamptz '{TODAY} 00:00Z' - make_interval(days => i) + '1 hour', i
        FROM generate_series(0, 5) i;
    """
)
tail = Tailrace(mirror(pg, stream={"flush_interval": "10ms"}))
DAILY = (
    "materialized='incremental', incremental_strategy='microbatch', event_time='ordered_at', batch_size='day', "
    f"begin='{day(5)}'"
)


def write(path, text):
    path = os.path.join(tail.folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def model(name, config, sql="select ordered_at, amount from {{ source('shop', 'orders') }}"):
    write(f"models/{name}.sql", f"{{{{ config({config}) }}}}\n{sql}\n")


write("dbt_project.yml", "name: shop\nversion: '1'\n")
write(
    "models/sources.yml",
    "sources: [{name: shop, tables: [{name: orders, config: {event_time: ordered_at}}]}]\n",
)


def why(name):
    return tail.command("why", name, "--json", check=True).json


def said(name):
    """What was said of it, newest first."""
    return [reason["text"] for reason in why(name)["reasons"]]


def wait_said(name, part, seconds=30):
    wait_until(lambda: any(part in text for text in said(name)), f"{name}: {part!r}", seconds, every=0.2)


def runs():
    """(reason, {model: [partitions]}) of every run that has ended, oldest first."""
    db = sqlite3.connect(f"file:{tail.folder}/.tailrace/state.db?mode=ro", uri=True, timeout=10)
    try:
        found = []
        for number, reason, status in db.execute("SELECT id, reason, status FROM runs ORDER BY id").fetchall():
            steps = db.execute("SELECT asset, part FROM steps WHERE run = ? ORDER BY number", (number,)).fetchall()
            built = {}
            for asset, partition in steps:
                if asset.startswith("model."):
                    built.setdefault(asset.split(".")[-1], []).append(partition)
            found.append((reason, built, status))
        return found
    finally:
        db.close()


def listed():
    return tail.command("runs", "--json", check=True).json["runs"]


def of(name, since=0):
    """What the runs behind that many built of the model."""
    return [(reason, sorted(built[name])) for reason, built, status in runs()[since:] if name in built]


def wait_rows(name, expected, seconds=30):
    wait_until(
        lambda: exists(name) and tail.query(f"SELECT count(), sum(amount) FROM analytics.{name}")[0] == expected,
        f"{name} to hold {expected}",
        seconds,
    )


def tick_of(name, ago):
    """As if the last tick was that long ago."""
    db = sqlite3.connect(f"{tail.folder}/.tailrace/state.db", timeout=10)
    at = int((datetime.datetime.now(datetime.timezone.utc) - ago).timestamp())
    db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (f"tick model.shop.{name}", str(at)))
    db.commit()
    db.close()


def seen_at(name, line, ago):
    """As if the line was seen first that long ago, by a process that ended before it came."""
    db = sqlite3.connect(f"{tail.folder}/.tailrace/state.db", timeout=10)
    at = int((datetime.datetime.now(datetime.timezone.utc) - ago).timestamp())
    db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (f"schedule model.shop.{name}", f"{at} {line} "))
    db.commit()
    db.close()


def exists(name):
    return tail.value(f"SELECT count() FROM system.tables WHERE database = 'analytics' AND name = '{name}'")


@test
def a_model_on_change_is_built_as_soon_as_its_parent_is_there():
    model("changed", DAILY + ", on='change', at_most_every='1s'")
    tail.start()
    tail.wait_live()
    wait_until(lambda: exists("changed"), "the model")
    wait_rows("changed", (6, 15))
    has(said("changed")[0], "a change of what it stands on")


@test
def a_late_update_builds_its_day_alone():
    before = len(runs())
    pg.sql("UPDATE orders SET amount = 103 WHERE id = 3")
    wait_rows("changed", (6, 115))
    eq(of("changed", before), [("on change", [day(3)])])
    before = len(runs())
    pg.sql(f"UPDATE orders SET ordered_at = ordered_at + interval '2 days' WHERE id = 4")
    wait_until(lambda: of("changed", before), "a run")
    eq(of("changed", before)[0], ("on change", sorted([day(2), day(4)])))
    wait_until(lambda: tail.value(
        f"SELECT count() FROM analytics.changed WHERE toDate(ordered_at) = '{day(2)}'") == 2, "the moved row")


@test
def nothing_runs_while_nothing_changes():
    wait_until(lambda: why("changed")["to_build"] == [], "nothing to build")
    before = len(runs())
    pg.sql("CREATE TABLE other (id int PRIMARY KEY)")
    tail.wait_live("public.other")
    pg.sql("INSERT INTO other VALUES (1)")
    tail.wait_caught_up(pg)
    eq(of("changed", before), [])


@test
def a_project_that_is_edited_is_read_again():
    model("added", "materialized='table', on='change', at_most_every='1s'",
          "select sum(amount) as amount from {{ ref('changed') }}")
    wait_rows("added", (1, 115))
    pg.sql("UPDATE orders SET amount = 102 WHERE id = 2")
    wait_rows("added", (1, 215))


@test
def a_cron_line_that_is_wrong_is_told_with_file_and_line():
    model("wrong", "materialized='table', schedule='0 25 * * *'", "select 1 as amount")
    wait_said("wrong", "models/wrong.sql:1: cron line \"0 25 * * *\": hour '25' is none of 0 to 23")
    model("of_stream", "materialized='view'", "select * from {{ source('shop', 'that_no_yml_declares') }}")
    done = tail.command("project", "check")
    eq((done.code, "of_stream" in done.out), (1, False))
    has(tail.command("project", "check", ".").out, "models/of_stream.sql:")
    os.unlink(os.path.join(tail.folder, "models/of_stream.sql"))
    has(done.out, "models/wrong.sql:1: cron line \"0 25 * * *\": hour '25' is none of 0 to 23")
    model("wrong", "materialized='table', schedule='0 5 * * *', timezone='Europe/Berlinn'", "select 1 as amount")
    wait_said("wrong", "there is no time zone 'Europe/Berlinn'")
    os.unlink(os.path.join(tail.folder, "models/wrong.sql"))


@test
def a_schedule_that_was_missed_builds_yesterday_once():
    tail.stop()
    model("nightly", DAILY + ", schedule='0 0 * * *'")
    model("caught_up", DAILY + ", schedule='0 0 * * *', catchup=true")
    model("first", DAILY + ", schedule='0 0 * * *'")
    model("altered", DAILY + ", schedule='0 0 * * *'")
    tick_of("nightly", datetime.timedelta(days=4))
    seen_at("first", "0 0 * * *", datetime.timedelta(days=4))
    seen_at("altered", "0 1 * * *", datetime.timedelta(days=4))
    tick_of("caught_up", datetime.timedelta(days=4))
    before = len(runs())
    tail.start()
    wait_until(lambda: of("nightly", before) and of("caught_up", before), "the tick")
    eq(of("first", before), [("schedule 0 0 * * *", [day(1)])])
    eq(of("altered", before), [])
    wait_until(lambda: exists("nightly") and exists("caught_up"), "the tables")
    eq(of("nightly", before), [("schedule 0 0 * * *", [day(1)])])
    eq(of("caught_up", before), [("schedule 0 0 * * *", [day(4), day(3), day(2), day(1)])])
    has(said("nightly")[0], f"the tick {TODAY}T00:00:00Z of its schedule '0 0 * * *'")
    has(why("nightly")["schedule"], f"last at {TODAY}T00:00:00Z")


@test
def what_its_parent_gets_while_it_is_built_is_built_as_well():
    model("slow", DAILY + ", on='change', at_most_every='1s', query_settings={'function_sleep_max_microseconds_per_block': 0}",
          "select ordered_at, amount, sleepEachRow(0.4) as z from {{ source('shop', 'orders') }}")
    model("behind", DAILY + ", on='change', at_most_every='1s'", "select ordered_at, amount from {{ ref('slow') }}")
    built = "SELECT uniqExact(toDate(ordered_at)) FROM analytics."
    wait_until(lambda: exists("slow") and tail.value(built + "slow") == tail.value(built + "changed"), "the parent")
    wait_until(lambda: exists("behind") and tail.value(built + "behind") == tail.value(built + "slow"), "the child", 15)


@test
def what_fails_is_not_tried_at_once_again():
    before = len(runs())
    model("old", "materialized='table', freshness={'max_age': '1s'}",
          "select nothing_of_the_kind from {{ source('shop', 'orders') }}")
    wait_said("old", "Z, as the last run did not build it")
    eq(len(of("old", before)), 1)
    has(tail.command("why", "old", check=True).out, "failed: models/")
    eq(why("old")["latest"]["status"], "failed")
    model("old", "materialized='table', freshness={'max_age': '1s'}", "select 1 as a from {{ source('shop', 'orders') }}")
    wait_until(lambda: exists("old"), "what is mended to be built at once", 10)
    for name in ("old", "slow", "behind"):
        os.unlink(os.path.join(tail.folder, f"models/{name}.sql"))


@test
def hooks_run_with_what_is_built_by_itself():
    write("dbt_project.yml", "name: shop\nversion: '1'\non-run-start: select 1\non-run-end: select 2\n")
    model("hooked", "materialized='table', on='missing'", "select 1 as x")
    done = wait_until(lambda: [r for r in listed() if r["selector"] == "hooked" and r["ended"]], "a run of it", 30)[0]
    steps = tail.command("runs", str(done["id"]), "--json", check=True).json["steps"]
    eq([(s["why"].split(":")[0], s["status"]) for s in steps],
       [("on-run-start", "succeeded"), ("new", "succeeded"), ("on-run-end", "succeeded")])
    write("dbt_project.yml", "name: shop\nversion: '1'\n")


@test
def what_is_missing_is_built_but_for_the_day_that_goes_on():
    before = len(runs())
    model("filled", DAILY + ", on='missing'")
    wait_until(lambda: of("filled", before), "a run")
    eq(of("filled", before), [("on missing", [day(n) for n in (5, 4, 3, 2, 1)])])


@test
def a_partition_waits_for_its_parent():
    tail.stop()
    model("parent", DAILY)
    model("child", DAILY + ", schedule='0 0 * * *'", "select ordered_at, amount from {{ ref('parent') }}")
    tick_of("child", datetime.timedelta(days=2))
    before = len(runs())
    tail.start()
    wait_said("child", "it waits for parent")
    eq(of("child", before), [])
    model("parent", DAILY + ", on='missing'")
    wait_until(lambda: of("child", before), "the child to run")
    eq(of("child", before), [("schedule 0 0 * * *", [day(1)])])
    has(said("child")[0], "run ")


@test
def a_model_that_is_too_old_is_built():
    before = len(runs())
    model("aged", "materialized='table', freshness={'max_age': '1s'}",
          "select sum(amount) as amount from {{ source('shop', 'orders') }}")
    wait_until(lambda: of("aged", before), "a run", 30)
    wait_until(lambda: exists("aged"), "the model")
    has("\n".join(said("aged")), "its limit of age")


@test
def an_asset_that_is_unknown_has_its_nearest_name():
    done = tail.command("why", "chnged")
    eq(done.code, 2)
    has(done.err, "there is no asset 'chnged'; did you mean 'changed'?")


def metric(line):
    """The value of one sample; None: it is not among them."""
    text = tail.get("/metrics")[1]
    found = [float(at.rsplit(" ", 1)[1]) for at in text.splitlines() if at.rsplit(" ", 1)[0] == line]
    return found[0] if found else None


def of_model(name, model, more=""):
    return metric(f'tailrace_model_{name}{{project="shop",model="{model}"{more}}}')


@test
def models_are_measured():
    model("measured", "materialized='table'")
    wait_until(lambda: of_model("up_to_date", "measured") == 0, "the model to be seen", 30)
    eq(of_model("last_built_timestamp_seconds", "measured"), None)
    eq(of_model("status", "measured", ',status="succeeded"'), 0)
    before = time.time()
    tail.command("build", "measured", check=True)
    wait_until(lambda: of_model("up_to_date", "measured") == 1, "the model to be up to date", 30)
    assert before - 1 <= of_model("last_built_timestamp_seconds", "measured") <= time.time() + 1
    committed = of_model("freshness_timestamp_seconds", "measured")
    assert 0 < committed <= time.time(), committed
    eq(of_model("last_build_rows", "measured"), 6)
    assert 0 < of_model("last_build_seconds", "measured") < 60
    eq(of_model("status", "measured", ',status="succeeded"'), 1)
    eq(metric('tailrace_runs_open{status="interrupted"}'), 0)

    pg.sql("INSERT INTO orders VALUES (6, %s, 6)", (f"{TODAY} 00:30Z",))
    wait_until(lambda: of_model("up_to_date", "measured") == 0, "the change to be seen", 30)
    model("measured", "materialized='table'", "select nothing_of_the_kind from {{ source('shop', 'orders') }}")
    eq(tail.command("build", "measured").code, 1)
    wait_until(lambda: of_model("status", "measured", ',status="failed"') == 1, "the failure", 30)
    eq(of_model("last_build_rows", "measured"), 6)


@test
def status_sums_the_models_up():
    models = tail.status()["models"]
    eq(models["failed"], 1)
    assert 0 < models["up_to_date"] < models["total"], models
    has(tail.command("status", check=True).out, "to build, 1 failed; runs: ")
    os.unlink(os.path.join(tail.folder, "models/measured.sql"))
    wait_until(lambda: of_model("up_to_date", "measured") is None, "what no file makes to be told of no more", 30)
    eq(tail.status()["models"]["failed"], 0)


@test
def why_is_told_to_people_as_well():
    out = tail.command("why", "changed", check=True).out
    has(out, "model.shop.changed\nup to date\non change, at most every 1s\n")
    has(out, "by a change of what it stands on")
    has(tail.command("why", "shop.orders", check=True).out, "source.shop.orders")


if __name__ == "__main__":
    run()
