#!/usr/bin/python3
"""kill -9 of everything between PostgreSQL and ClickHouse, at random, while tables change: of the tailrace that writes
to Kafka, of one of three brokers, of the schema registry, of one of three tailrace processes that share the topics.

In the end ClickHouse holds what PostgreSQL holds, and on the topics, for who reads what is committed, each change
stands once: PostgreSQL's own decoding of its log, through a slot of its own, tells which changes there were. FOR: the
seconds of killing; SEED picks victims and moments and is printed.
"""
import collections
import json
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import ClickHouse, Postgres, Tailrace  # noqa: E402
from kafka import Kafka, published, subscribed  # noqa: E402
from registry import Registry  # noqa: E402
from tap import diag, eq, run, test, wait_until  # noqa: E402
from workload import Workload, make_tables  # noqa: E402

SEED = int(os.environ.get("SEED", time.time_ns() % 100000))
SECONDS = float(os.environ.get("FOR", "30"))
diag(f"SEED={SEED}")
ROWS = 5000

KEYS = {"plain": ("id",), "wide": ("a", "b"), "logged": ("id",)}
COMPARED = {
    "plain": ("id, n, t",) * 2,
    "wide": ("a, b, md5(big), n::float8", "a, b, lower(hex(MD5(big))), toFloat64(n)"),
    "logged": ("id, v",) * 2,
}
HOW = {"topic_prefix": "shop", "format": "avro"}

pg, kafka, registry, warehouse = Postgres(), Kafka(brokers=3, min_insync_replicas=2), Registry(), ClickHouse()
make_tables(pg, ROWS)
HOW["registry"] = registry.url
sender = Tailrace(published(pg, kafka, partitions=3, replication_factor=3, **HOW))
members = [Tailrace(subscribed(kafka, warehouse=warehouse, **HOW)) for _ in range(3)]


class Victims:
    """Kills one after another, each for a moment; all live when it returns."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.deaths = collections.Counter()

    def _round(self):
        """Each kind at least once; another broker only once the cluster is whole: three bear the loss of one."""
        kinds = ["sender", "broker", "registry", "member", "member"]
        self.random.shuffle(kinds)
        for kind in kinds:
            if kind == "broker":
                kafka.wait_ready()
            yield kind, {"sender": sender, "registry": registry}.get(kind) or self.random.choice(
                kafka.brokers if kind == "broker" else members
            )

    def kill_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for kind, victim in self._round():
                victim.kill()
                self.deaths[kind] += 1
                time.sleep(self.random.random() * 1.5)  # how long it is away
                victim.start(**({"ready": False} if isinstance(victim, Tailrace) else {}))
                time.sleep(self.random.random() * 1.5)
        kafka.wait_ready()
        diag(f"killed: {dict(self.deaths)}")


def key_of(table, row):
    return tuple(row[name] for name in KEYS[table])


def told(text):
    """Columns of a row as test_decoding tells them, those of keys alone."""
    values = re.findall(r"(id|a|b)\[(?:bigint|integer|text)\]:(?:'((?:[^']|'')*)'|(-?\d+))", text)
    return {name: int(number) if number else quoted for name, quoted, number in values}


CHANGE = re.compile(r"table public\.(\w+): (INSERT|UPDATE|DELETE): (.*)", re.DOTALL)


def changes_of_the_log():
    """Each change as (table, op, key, lsn, transaction); an update of the key is a delete and an insert."""
    found = collections.Counter()
    for lsn, xid, text in pg.sql(
        "SELECT lsn - '0/0', xid::text::bigint, data FROM pg_logical_slot_get_changes('truth', NULL, NULL)"
    ):
        change = CHANGE.match(text)
        if not change:
            continue
        table, op, row = change.groups()
        place = (int(lsn), xid)
        if row.startswith("old-key: "):
            old, row = row[9:].split(" new-tuple: ")
            if key_of(table, told(old)) != key_of(table, told(row)):
                found[(table, "d", key_of(table, told(old)), *place)] += 1
                op = "INSERT"
        key = key_of(table, told(row))
        found[(table, {"INSERT": "c", "UPDATE": "u", "DELETE": "d"}[op], key, *place)] += 1
    return found


def events_on_the_topics():
    """The same, of what is committed there; copied rows by themselves."""
    streamed, copied = collections.Counter(), collections.Counter()
    for table in KEYS:
        for m in kafka.read(f"shop.public.{table}", decode=registry.decode):
            if m.value is None:
                continue
            key = tuple(m.key[name] for name in KEYS[table])
            if m.value["op"] == "r":
                copied[(table, key)] += 1
            else:
                source = m.value["source"]
                streamed[(table, m.value["op"], key, source["lsn"], source["txId"])] += 1
    return streamed, copied


def read_up():
    def lags():
        found = json.loads(members[0].command("topics", "--json", check=True).out)
        parts = [p for c in found["connections"] for t in c["topics"] for p in t["partitions"]]
        return [g["lag"] for p in parts for g in p["groups"] if g["group"] == "tailrace-shop"]

    wait_until(lambda: (found := lags()) and not any(found), "all to be read", 120, every=0.3)



@test
def whatever_is_killed_nothing_is_lost_and_each_change_is_once_on_its_topic():
    copied = {(table, tuple(key)) for table in KEYS for key in pg.sql(f"SELECT {', '.join(KEYS[table])} FROM {table}")}
    sender.start()
    sender.wait_live()
    pg.sql("SELECT pg_create_logical_replication_slot('truth', 'test_decoding')")
    for member in members:
        member.start()
    work = Workload(pg, SEED, ROWS, pause=0.03)
    try:
        Victims(SEED).kill_for(SECONDS)
    finally:
        work.stop()
    wait_until(lambda: sender.get("/readyz")[0] == 200, "the sender to be ready", 120)
    sender.wait_caught_up(pg, seconds=120)
    read_up()
    truth = changes_of_the_log()
    streamed, seen = events_on_the_topics()
    eq((list((truth - streamed).items())[:5], list((streamed - truth).items())[:5]), ([], []), "missing, and more than once")
    assert len(truth) > 1000, len(truth)
    eq(seen, collections.Counter(copied), "copied rows")
    for table, (columns, of_warehouse) in COMPARED.items():
        there = collections.Counter(warehouse.query(f"SELECT {of_warehouse} FROM shop.{table}"))
        here = collections.Counter(pg.sql(f"SELECT {columns} FROM {table}"))
        eq((list((there - here).items())[:5], list((here - there).items())[:5]), ([], []), f"{table}: more, and missing")
    # a large value that was to be looked up under a key that had gone on by then
    eq(warehouse.value("SELECT count() FROM shop_cdc._set_aside WHERE `column` != 'big'"), 0, "set aside")


run()
