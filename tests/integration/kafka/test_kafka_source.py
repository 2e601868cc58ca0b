#!/usr/bin/python3
"""Topics of a real Kafka into ClickHouse: what stands in them, who shares them, what cannot be read."""
import contextlib
import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import ClickHouse, Postgres, Tailrace  # noqa: E402
from kafka import Kafka, published, subscribed  # noqa: E402
from tap import eq, has, run, test, wait_until  # noqa: E402

pg, kafka = Postgres(), Kafka()


def fresh():
    """A topic prefix of the test's own, and an empty database."""
    fresh.number += 1
    pg.sql("DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public")
    return f"s{fresh.number}"


fresh.number = 0


@contextlib.contextmanager
def reading(prefix, tables=("public.*",), stream=None, **connection):
    tail = Tailrace(subscribed(kafka, tables, stream=stream, topic_prefix=prefix, **connection))
    tail.start()
    try:
        yield tail
    finally:
        tail.stop()


@contextlib.contextmanager
def writing(prefix, tables=("public.*",), **connection):
    """A tailrace that carries the database to topics."""
    tail = Tailrace(published(pg, kafka, tables, topic_prefix=prefix, **connection))
    tail.start()
    tail.wait_live()
    try:
        yield tail
    finally:
        tail.stop()
        pg.sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


def read_up(tail, group="tailrace-shop"):
    """Until everything in the topics is durable and committed."""

    def lag():
        found = json.loads(tail.command("topics", "--json", check=True).out)
        parts = [p for c in found["connections"] for t in c["topics"] for p in t["partitions"]]
        return [g["lag"] for p in parts for g in p["groups"] if g["group"] == group]

    wait_until(lambda: (all_lags := lag()) and not any(all_lags), "all to be read", 60)


def rows(tail, sql):
    return wait_until(lambda: tail.query(sql), sql)


FIELDS = "id int64, name nullable(string), price nullable(decimal(10,2)), at nullable(timestamptz)"


@test
def plain_rows_without_a_schema_are_read_by_configured_fields():
    prefix = fresh()
    kafka.create_topic(f"{prefix}.public.t", 2)
    kafka.produce(f"{prefix}.public.t", [
        ({"id": 1}, {"id": 1, "name": "one", "price": 1.5, "at": "2026-01-02T03:04:05.678901Z"}),
        ({"id": 2}, {"id": 2, "name": None, "price": "12345678.90"}),
        ({"id": 1}, {"id": 1, "name": "uno"}),
        ({"id": 3}, {"id": 3, "name": "three"}),
        ({"id": 3}, None),
    ])
    with reading(prefix, [{"public.t": {"key": "id", "fields": FIELDS}}], decimal_handling_mode="string") as tail:
        read_up(tail)
        eq(tail.query("SELECT id, name, price, at FROM shop.t ORDER BY id"),
            [(1, "uno", None, None), (2, None, "12345678.9", None)])
        kafka.produce(f"{prefix}.public.t", [({"id": 2}, {"id": 2, "name": "due", "at": "2026-01-02T03:04:05.678901Z"})])
        read_up(tail)
        eq(tail.query("SELECT name, toString(at) FROM shop.t WHERE id = 2"), [("due", "2026-01-02 03:04:05.678901")])


@test
def messages_without_a_schema_and_without_fields_are_said_and_not_guessed():
    prefix = fresh()
    kafka.produce(f"{prefix}.public.t", [({"id": 1}, {"id": 1})])
    with reading(prefix) as tail:
        tail.wait_for(lambda s: tail.table("public.t"), "the table to be there")
        table = tail.table("public.t")
        eq(table["status"], "broken")
        has(table["error"], "fields: ")
        config = tail.config
        config["streams"]["shop"]["tables"] = [{"public.t": {"fields": "id int64", "key": "id"}}]
        tail.stop()
        tail.configure(config)
        tail.start()
        read_up(tail)
        eq(tail.query("SELECT id FROM shop.t"), [(1,)])


@test
def a_message_that_cannot_be_read_is_set_aside_with_its_place_and_its_bytes():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    kafka.produce(topic, [({"id": 1}, {"id": 1}), ({"id": 2}, b"\x01\xffnot json"), ({"id": 3}, '{"id": "three"}'), ({"id": 4}, {"id": 4})])
    with reading(prefix, [{"public.t": {"key": "id", "fields": "id int64"}}]) as tail:
        read_up(tail)
        eq(tail.query("SELECT id FROM shop.t ORDER BY id"), [(1,), (4,)])
        aside = tail.query("SELECT key, row, reason FROM shop_cdc._set_aside ORDER BY version")
        eq([key for key, _, _ in aside], ['{"id":2}', '{"id":"three"}'])
        eq(json.loads(aside[0][1]), {
            "topic": topic, "partition": 0, "offset": 1, "key": '{"id": 2}', "value": "\\x01ff6e6f74206a736f6e"})
        has(aside[1][2], "id")
        eq(tail.table("public.t")["set_aside"], 2)
        # read again, they are no more than before
        tail.stop()
        tail.start()
        read_up(tail)
        eq(tail.value("SELECT count() FROM shop_cdc._set_aside FINAL"), 2)


@test
def what_tailrace_writes_comes_back_as_it_was():
    prefix = fresh()
    pg.sql("CREATE TABLE t (id int PRIMARY KEY, name text, price numeric(10,2), at timestamptz, tags text[], doc jsonb);"
           "INSERT INTO t SELECT i, 'row ' || i, i / 4.0, '2026-01-02 03:04:05.678901+00', ARRAY['a', NULL], '{\"n\": 1}'"
           " FROM generate_series(1, 1000) i")
    with writing(prefix, format="json_schema", partitions=3) as sender, reading(prefix) as tail:
        pg.sql("UPDATE t SET name = 'changed' WHERE id % 10 = 0; DELETE FROM t WHERE id % 7 = 0; UPDATE t SET id = id + 5000 WHERE id <= 5;"
               "ALTER TABLE t ADD COLUMN note text DEFAULT 'x'; UPDATE t SET note = 'y' WHERE id = 6")
        sender.wait_caught_up(pg)
        read_up(tail)
        ask = "SELECT count(*), sum(id), sum(price) FROM {}t"
        n, ids, prices = pg.sql(ask.format(""))[0]
        eq(tail.query(ask.format("shop."))[0], (n, int(ids), str(float(prices)).rstrip("0").rstrip(".")))
        eq(tail.query("SELECT id, name, toString(at), tags, doc, note FROM shop.t WHERE id IN (6, 5001) ORDER BY id"), [
            (6, "row 6", "2026-01-02 03:04:05.678901", '["a",null]', '{"n": 1}', "y"),
            (5001, "row 1", "2026-01-02 03:04:05.678901", '["a",null]', '{"n": 1}', "x"),
        ])

@contextlib.contextmanager
def members(n, prefix, **options):
    """So many processes of one group, each with a state of its own, into one ClickHouse."""
    warehouse = ClickHouse()
    tails = [Tailrace(subscribed(kafka, topic_prefix=prefix, warehouse=warehouse, **options)) for _ in range(n)]
    try:
        yield warehouse, tails
    finally:
        for tail in tails:
            tail.stop()
        warehouse.stop()


def same(got, expected):
    """Equal rows, in any order; says which are not."""
    got, expected = set(got), set(expected)
    eq((sorted(got - expected)[:10], sorted(expected - got)[:10]), ([], []), "more, and missing")


def partitions(tail):
    """Those that a process has now."""
    position = tail.stream()["position"]
    return len(position.split(",")) if position else 0


@test
def processes_that_come_and_go_share_the_partitions_and_lose_nothing():
    prefix = fresh()
    pg.sql("CREATE TABLE t (id int PRIMARY KEY, n int, pad text); INSERT INTO t SELECT i, 0, repeat('x', 100) FROM generate_series(1, 3000) i")
    with writing(prefix, format="json_schema", partitions=6) as sender, members(3, prefix) as (warehouse, tails):
        stop, alter = threading.Event(), threading.Event()

        def load():
            n = 0
            while not stop.is_set():
                n += 1
                if alter.is_set():
                    sender.wait_caught_up(pg)
                    pg.sql("ALTER TABLE t ADD COLUMN note text")
                    sender.wait_caught_up(pg)
                    alter.clear()
                pg.sql(f"UPDATE t SET n = {n} WHERE id % 7 = {n % 7}; DELETE FROM t WHERE id = {3000 - n};"
                       f"INSERT INTO t VALUES ({10000 + n}, {n}, 'new'); UPDATE t SET id = id + 20000 WHERE id = {n}")

        loader = threading.Thread(target=load)
        loader.start()
        try:
            tails[0].start()
            wait_until(lambda: tails[0].stream()["changes"] > 0, "the first to read")
            tails[1].start()
            tails[2].start()
            wait_until(lambda: [partitions(t) for t in tails] == [2, 2, 2], "each to have its share", 60)
            tails[1].kill()
            wait_until(lambda: partitions(tails[0]) + partitions(tails[2]) == 6, "the others to take over", 60)
            alter.set()
            tails[1].start()
            wait_until(lambda: partitions(tails[1]) == 2, "it to be back", 60)
            tails[0].stop()
            wait_until(lambda: partitions(tails[1]) + partitions(tails[2]) == 6, "the others to take over", 60)
            tails[0].start()
            wait_until(lambda: not alter.is_set(), "the table to be altered")
        finally:
            stop.set()
            loader.join()
        sender.wait_caught_up(pg)
        read_up(tails[2])
        same(warehouse.query("SELECT id, n, note FROM shop.t"), pg.sql("SELECT id, n, note FROM t"))
        eq(warehouse.query("SELECT DISTINCT bitShiftRight(_version, 120) FROM shop_cdc.t"), [(1,)], "epochs")
        eq([t.said("level=error") for t in tails], [0, 0, 0])


run()
