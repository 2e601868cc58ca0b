#!/usr/bin/python3
"""kill -9 at random and at named places, during copy and during stream: source and target are equal in the end.

The workload keeps changing rows of all kinds while tailrace is killed and started again, dozens of
times; SEED picks the moments and is printed. The oracle is `tailrace verify`, and a count by hand beside it.
"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import diag, eq, run, test, wait_until
from workload import Workload, make_tables

SEED = int(os.environ.get("SEED", time.time_ns() % 100000))
diag(f"SEED={SEED}")
pg = Postgres()
make_tables(pg)


def tables():
    return ["public.*", {"public.logged": {"keep": "both"}}]


def stream(name):
    """A configuration with a slot of its own, from a copy on."""
    config = mirror(pg, tables=tables())
    config["connections"]["shop"]["slot"] = name
    config["connections"]["shop"]["publication"] = name
    return config


def drop(name):
    wait_until(lambda: not pg.value("SELECT active FROM pg_replication_slots WHERE slot_name = %s", (name,)), "the slot to be free")
    pg.sql("SELECT pg_drop_replication_slot(%s)", (name,))


@test
def kills_at_random_lose_and_repeat_nothing():
    moments = random.Random(SEED)
    tail = Tailrace(stream("random"))
    work = Workload(pg, SEED)
    try:
        for _ in range(int(os.environ.get("KILLS", "24"))):
            tail.start(ready=False)
            time.sleep(moments.random() ** 2 * 2.5)  # the moment of the kill, not a wait for something
            tail.kill()
    finally:
        work.stop()
    equal(tail, "random")


def equal(tail, slot):
    tail.start()
    tail.wait_live(seconds=120)
    tail.wait_caught_up(pg, slot)
    tail.must_be_equal()
    for table in ("plain", "wide", "logged"):
        eq(tail.value(f"SELECT count() FROM shop.{table}"), pg.value(f"SELECT count(*) FROM {table}"), table)
    # the log holds each version once
    eq(tail.value("SELECT count() - uniqExact(id, _version) FROM shop.logged_log"), 0)
    tail.stop()
    drop(slot)


def killed_at(point, times=3, later=1):
    """Runs until the failpoint has killed it, `times` times, each `later` passes later; then all must be equal."""
    slot = "at_" + point.replace(".", "_")
    tail = Tailrace(stream(slot))
    work = Workload(pg, SEED + 1)
    try:
        for n in range(times):
            tail.start(ready=False, TAILRACE_FAILPOINT=f"{point}=kill@{1 + n * later}")
            eq(tail.wait_end(60), -9, point)
    finally:
        work.stop()
    equal(tail, slot)


@test
def killed_between_a_copied_batch_and_its_ledger():
    killed_at("copier.after_write", later=0)
    killed_at("copier.before_done", later=0)


@test
def killed_between_writing_recording_and_confirming():
    killed_at("writer.before_write")
    killed_at("writer.after_write")
    killed_at("writer.after_record")


run()
