#!/usr/bin/python3
"""Topics of a real Kafka into ClickHouse: what stands in them, who shares them, what cannot be read."""
import contextlib
import json
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from confluent_kafka import Producer  # noqa: E402
from confluent_kafka.admin import NewPartitions  # noqa: E402
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
        return [(p["end"], g["committed"], g["lag"]) for p in parts for g in p["groups"] if g["group"] == group]

    try:
        wait_until(lambda: (parts := lag()) and not any(behind for _, _, behind in parts), "all to be read", 60)
    except AssertionError as error:
        raise AssertionError(f"{error}; ends, committed, lag: {lag()}") from None


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
        eq(tail.table("public.t")["set_aside"], 2)
        # read again, they are no more than before
        tail.stop()
        tail.start()
        read_up(tail)
        eq(tail.value("SELECT count() FROM shop_cdc._set_aside FINAL"), 2)


KEPT = "__debezium_unavailable_value"


def event(op, place, **values):
    """As Debezium tells of a row of PostgreSQL that has an id."""
    source = {"connector": "postgresql", "schema": "public", "table": "t", "lsn": place, "sequence": f'["{place}","{place}"]'}
    return ({"id": values["id"]}, {"op": op, "before": None, "after": values, "source": source})


@test
def unchanged_values_are_taken_from_the_target_but_of_keys_that_miss_a_row_there():
    prefix = fresh()
    topic = f"{prefix}.public.t"

    def update(place, id, **values):
        return event("u", place, id=id, n=place, **values)

    where = {"public.t": {"key": "id", "fields": "id int32, n int32, big nullable(string)"}}
    kafka.produce(topic, [event("c", 10 + id, id=id, n=0, big=f"big {id}") for id in (1, 2, 3)])
    with reading(prefix, [where]) as tail:
        read_up(tail)
        # one cannot be read, with others beside it and others behind it
        kafka.produce(topic, [({"id": 1}, b"\x01\xff"), update(21, 1, big=KEPT), update(22, 2, big=KEPT)])
        read_up(tail)
        kafka.produce(topic, [update(31, 1, big=KEPT), update(32, 2, big=KEPT), update(33, 3, big=KEPT)])
        read_up(tail)
        eq(tail.query("SELECT id, n, big FROM shop.t ORDER BY id"), [(2, 32, "big 2"), (3, 33, "big 3")])
        aside = tail.query("SELECT key, `column` FROM shop_cdc._set_aside FINAL ORDER BY version")
        eq(aside, [('{"id":1}', ""), ('{"id":1}', "big"), ('{"id":1}', "big")])


@test
def a_row_that_the_target_cannot_hold_leaves_no_earlier_one_behind():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    kafka.produce(topic, [event("c", 10 + id, id=id, n=id, big=f"big {id}") for id in (1, 2, 3)])
    with reading(prefix, [{"public.t": {"key": "id", "fields": "id int32, n int32, big nullable(string)"}}]) as tail:
        read_up(tail)
        # nor does what comes behind it, beside it or later
        kafka.produce(topic, [event("u", 21, id=1, n=2 ** 40, big="x"), event("u", 22, id=2, n=2 ** 40, big="x"), event("u", 23, id=1, n=1, big=KEPT)])
        read_up(tail)
        eq(tail.query("SELECT id, n, big FROM shop.t"), [(3, 3, "big 3")])
        kafka.produce(topic, [event("u", 31, id=2, n=2, big=KEPT), event("u", 32, id=3, n=4, big=KEPT)])
        read_up(tail)
        eq(tail.query("SELECT id, n, big FROM shop.t"), [(3, 4, "big 3")])
        # until an event brings all of it
        kafka.produce(topic, [event("u", 40 + id, id=id, n=id, big="new") for id in (1, 2)])
        read_up(tail)
        eq(tail.query("SELECT id, n, big FROM shop.t ORDER BY id"), [(1, 1, "new"), (2, 2, "new"), (3, 4, "big 3")])
        eq(tail.query("SELECT key, `column` FROM shop_cdc._set_aside FINAL ORDER BY version"),
            [('{"id":1}', "n"), ('{"id":2}', "n"), ('{"id":1}', "big"), ('{"id":2}', "big")])


@test
def what_was_set_aside_comes_in_by_retry_when_its_cause_is_mended_also_from_a_topic_that_lost_it():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    big = 2 ** 40

    def where(n):
        fields = {"key": "id", "fields": f"id int64, n {n}, note nullable(string)"}
        return [{"public.t": {**fields, "keep": "both"}}, {"public.large": fields}]

    kafka.produce(topic, [({"id": 1}, {"id": 1, "n": big, "note": "\\x41"}), ({"id": 2}, {"id": 2, "n": big}), ({"id": 3}, {"id": 3, "n": "x"}),
                          ({"id": 4}, b"\xff"), ({"id": 2}, {"id": 2, "n": 5}), ({"id": 5}, {"id": 5, "n": 5})])
    # more than are read at once
    kafka.produce(f"{prefix}.public.large", [({"id": id}, {"id": id, "n": big, "note": "x" * 600000}) for id in range(12)])
    with reading(prefix, where("int32")) as tail:
        read_up(tail)
        eq(tail.query("SELECT id, n FROM shop.t ORDER BY id"), [(2, 5), (5, 5)])
        kafka.delete_records(topic, 5)
        kafka.delete_records(f"{prefix}.public.large", 11)
        tail.stop()
        tail.config["streams"]["shop"]["tables"] = where("int64")
        # a group of its own need not wait for the member that is killed
        for group, failpoint in (("killed", {"TAILRACE_FAILPOINT": "retry.before_forget=kill"}), ("other", {})):
            tail.config["connections"]["events"]["group"] = f"{prefix}-{group}"
            tail.configure(tail.config)
            if failpoint:
                has(tail.command("retry", check=True).out, "by the next `tailrace run`")
            tail.start(ready=not failpoint, **failpoint)
            if failpoint:
                eq(tail.wait_end(120), -9)
        wait_until(lambda: tail.said("what was set aside has been tried again") == 2, "the retry")
        eq(tail.query("SELECT count(), uniqExact(id) FROM shop.large"), [(12, 12)])
        eq(tail.query("SELECT * FROM shop.t ORDER BY id"), [(1, big, "\\x41"), (2, 5, None), (5, 5, None)])
        eq(tail.query("SELECT id, n, _op FROM shop.t_log ORDER BY _version"), [(1, big, "u"), (2, big, "u"), (3, 0, "d"), (2, 5, "u"), (5, 5, "u")])
        ask = "SELECT key, reason FROM shop_cdc._set_aside{} ORDER BY key"
        left = tail.query(ask.format(""))
        eq([key for key, _ in left], ['{"id":3}', '{"id":4}'])
        # again, by the process that runs: what cannot be read stays as it is
        has(tail.command("retry", "t", check=True).out, "by the running process")
        wait_until(lambda: tail.said("what was set aside has been tried again") == 3, "the retry")
        eq(tail.query(ask.format(" FINAL")), left)
        eq(tail.table("public.t")["set_aside"], 4)  # each once, however often it was tried
        tail.raw("OPTIMIZE TABLE shop_cdc.t FINAL")
        eq(tail.query("SELECT id, n FROM shop.t ORDER BY id"), [(1, big), (2, 5), (5, 5)])


@test
def an_update_that_lacks_a_value_stays_set_aside_in_a_retry():
    prefix = fresh()
    topic = f"{prefix}.public.t"

    def where(n):
        return {"public.t": {"key": "id", "fields": f"id int32, n {n}, big nullable(string)"}}

    kafka.produce(topic, [event("c", 10 + id, id=id, n=id, big=f"big {id}") for id in (1, 2)])
    with reading(prefix, [where("int32")]) as tail:
        read_up(tail)
        kafka.produce(topic, [event("u", 21, id=1, n=2 ** 40, big=KEPT), event("u", 22, id=2, n=2 ** 40, big="new")])
        read_up(tail)
        eq(tail.query("SELECT id FROM shop.t"), [])
        tail.stop()
        tail.config["streams"]["shop"]["tables"] = [where("int64")]
        tail.configure(tail.config)
        tail.start()
        # what is read beside them is not filled from them
        kafka.produce(topic, [event("u", 31, id=2, n=3, big=KEPT)])
        read_up(tail)
        tail.command("retry", "public.t", check=True)
        wait_until(lambda: tail.said("what was set aside has been tried again"), "the retry")
        eq(tail.query("SELECT key, `column` FROM shop_cdc._set_aside FINAL ORDER BY key"), [('{"id":1}', "big"), ('{"id":2}', "big")])
        kafka.produce(topic, [event("u", 41, id=1, n=4, big=KEPT), event("u", 42, id=2, n=5, big="newest"), event("u", 43, id=2, n=6, big=KEPT)])
        read_up(tail)
        eq(tail.query("SELECT id, n, big FROM shop.t"), [(2, 6, "newest")])


@test
def of_two_copied_rows_of_a_key_a_retry_does_not_put_the_older_over_the_newer():
    prefix = fresh()
    topic = f"{prefix}.public.t"

    def where(n):
        return {"public.t": {"key": "id", "fields": f"id int32, n {n}, big nullable(string)"}}

    kafka.produce(topic, [event("r", 10 + i, id=id, n=n, big="x") for i, (id, n) in enumerate(((1, 2 ** 40), (1, 5), (2, 5), (2, 2 ** 40)))])
    with reading(prefix, [where("int32")]) as tail:
        read_up(tail)
        eq(tail.query("SELECT id, n FROM shop.t ORDER BY id"), [(1, 5), (2, 5)])
        tail.stop()
        tail.config["streams"]["shop"]["tables"] = [where("int64")]
        tail.configure(tail.config)
        tail.command("retry", check=True)
        tail.start()
        wait_until(lambda: tail.said("what was set aside has been tried again"), "the retry")
        eq(tail.query("SELECT id, n FROM shop.t ORDER BY id"), [(1, 5), (2, 2 ** 40)])
        eq(tail.value("SELECT count() FROM shop_cdc._set_aside"), 0)


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
    return len(tail.stream()["partitions"])


@test
def processes_that_come_and_go_share_the_partitions_and_lose_nothing():
    prefix = fresh()
    pg.sql("CREATE TABLE t (id int PRIMARY KEY, n int, pad text); INSERT INTO t SELECT i, 0, repeat('x', 100) FROM generate_series(1, 3000) i")
    with writing(prefix, format="json_schema", partitions=6) as sender, members(3, prefix) as (warehouse, tails):
        stop, alter = threading.Event(), threading.Event()

        def load():
            n = 0
            while not stop.wait(0.05):
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


def row(columns, required=("id",), **values):
    """A plain row with its schema, as Kafka Connect's converters write it; columns: names and Connect's types."""
    fields = [{"field": name, "type": kind, "optional": name not in required} for name, kind in columns.items()]
    return {"schema": {"type": "struct", "optional": False, "fields": fields},
            "payload": {name: values.get(name) for name in columns}}


def key(id):
    return row({"id": "int32"}, id=id)


OLD = {"id": "int32", "name": "string", "gone": "string"}
NEW = {"id": "int64", "name": "string", "came": "int32"}


def produce(topic, partition, *pairs, at=0):
    """To a partition of one's choice, as if written at that time."""
    producer = Producer(kafka.client)
    for k, v in pairs:
        producer.produce(topic, partition=partition, key=json.dumps(k), value=v if v is None else json.dumps(v), timestamp=at)
    eq(producer.flush(30), 0)


@test
def a_schema_that_changes_is_followed_and_older_rows_behind_it_are_read_into_the_table_as_it_is():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    kafka.create_topic(topic, 2)
    old = {"id": "int32", "n": "int32", "name": "string", "gone": "string"}
    new = {"id": "int32", "n": "int64", "name": "string", "came": "int32"}
    now = int(time.time() * 1000)
    produce(topic, 0, (key(1), row(old, id=1, n=1, name="one", gone="x")), at=now)
    with reading(prefix) as tail:
        read_up(tail)
        eq(tail.query("SELECT * FROM shop.t"), [(1, 1, "one", "x")])
        produce(topic, 0, (key(1), row(new, id=1, n=2 ** 40, name="one", came=5)), at=now + 20)
        read_up(tail)
        produce(topic, 1, (key(2), row(old, id=2, n=2, name="two", gone="y")), at=now + 10)
        read_up(tail)
        eq(tail.query("SELECT id, n, name, came FROM shop.t ORDER BY id"), [(1, 2 ** 40, "one", 5), (2, 2, "two", None)])
        eq(tail.said("table changed its columns"), 1)
        eq(tail.value("SELECT count() FROM shop_cdc._set_aside"), 0)


@test
def a_delete_says_nothing_of_the_schema_and_of_one_moment_the_later_message_does():
    prefix, now = fresh(), int(time.time() * 1000)
    topic = f"{prefix}.public.t"
    kafka.create_topic(topic, 2)
    columns = {"id": "int32", "name": "string"}
    produce(topic, 0, (key(1), row(columns, id=1, name="one")), at=now)
    with reading(prefix) as tail:
        read_up(tail)
        produce(topic, 1, (key(2), None), at=now + 30)
        read_up(tail)
        produce(topic, 0, (key(1), row(columns, id=1, name="uno")), (key(1), row({**columns, "more": "int32"}, id=1, name="uno", more=1)), at=now + 20)
        read_up(tail)
        eq(tail.query("SELECT * FROM shop.t"), [(1, "uno", 1)])


@test
def a_column_whose_optionality_is_told_late_is_followed():
    """Debezium takes a new column for optional as long as it cannot know better."""
    prefix, now = fresh(), int(time.time() * 1000)
    topic = f"{prefix}.public.t"
    kafka.create_topic(topic, 1)
    produce(topic, 0, (key(1), row({"id": "int32", "n": "int32"}, id=1)), at=now)
    with reading(prefix) as tail:
        read_up(tail)
        for id, kind, n in ((2, "int32", 2), (3, "int64", 2 ** 40)):
            produce(topic, 0, (key(id), row({"id": "int32", "n": kind}, required=("id", "n"), id=id, n=n)), at=now + id)
            read_up(tail)
        eq(tail.query("SELECT id, n FROM shop.t ORDER BY id"), [(1, None), (2, 2), (3, 2 ** 40)])
        eq([tail.said("table changed its columns"), tail.said("level=error")], [2, 0])


def envelope(id, place, row_schema, row):
    """An event of Debezium with its schema; row_schema: fields of `after`, as dictionaries."""
    inner = {"type": "struct", "optional": True, "fields": row_schema}
    source = {"type": "struct", "optional": False, "field": "source",
              "fields": [{"field": name, "type": "string", "optional": False} for name in ("connector", "sequence", "schema", "table")]}
    fields = [{**inner, "field": "before"}, {**inner, "field": "after"}, source, {"field": "op", "type": "string", "optional": False}]
    return (key(id), {"schema": {"type": "struct", "optional": False, "fields": fields},
                      "payload": {"before": None, "after": row, "op": "c", "source": {
                          "connector": "postgresql", "sequence": f'["{place}","{place}"]', "schema": "public", "table": "t"}}})


@test
def a_default_that_is_told_late_is_what_rows_from_before_the_column_have():
    """Debezium reads it from the catalog, which may not show yet what the log says already."""
    prefix = fresh()
    topic = f"{prefix}.public.t"
    kafka.create_topic(topic, 1)
    id = {"field": "id", "type": "int32", "optional": False}
    unknown = [id, *({"field": name, "type": "int32", "optional": True} for name in "nm")]
    known = [id, {"field": "n", "type": "int32", "optional": False, "default": 7}, {"field": "m", "type": "int32", "optional": True, "default": 8}]
    produce(topic, 0, *(envelope(i, 10 + i, [id], {"id": i}) for i in (1, 2)))
    with reading(prefix, tables=[{"public.t": {"keep": "both"}}]) as tail:
        read_up(tail)
        produce(topic, 0, envelope(2, 20, unknown, {"id": 2, "n": 2, "m": None}))
        read_up(tail)
        eq(tail.query("SELECT id, n, m FROM shop.t ORDER BY id"), [(1, None, None), (2, 2, None)])
        tail.raw("OPTIMIZE TABLE shop_cdc.t FINAL")
        produce(topic, 0, envelope(3, 30, known, {"id": 3, "n": 3, "m": 3}))
        read_up(tail)
        eq(tail.query("SELECT id, n, m FROM shop.t ORDER BY id"), [(1, 7, None), (2, 2, None), (3, 3, 3)])
        eq(tail.value("SELECT count() FROM shop_cdc._set_aside"), 0)
        eq(tail.said("level=error"), 0)


@test
def processes_that_know_different_schemas_write_into_one_table():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    kafka.create_topic(topic, 2)
    old, new = {"id": "int32", "name": "string", "gone": "string"}, {"id": "int32", "name": "string", "came": "int32"}
    for p in (0, 1):
        produce(topic, p, (key(p), row(old, id=p, name="first", gone="x")))
    with members(2, prefix) as (warehouse, tails):
        for tail in tails:
            tail.start()
        wait_until(lambda: [partitions(t) for t in tails] == [1, 1], "each to have a partition", 60)
        read_up(tails[0])
        for n in range(5):
            produce(topic, 0, (key(0), row(new, id=0, name=f"new {n}", came=n)))
            produce(topic, 1, (key(1), row(old, id=1, name=f"old {n}", gone="y")))
        read_up(tails[0])
        eq(warehouse.query("SELECT id, name, came FROM shop.t ORDER BY id"), [(0, "new 4", 4), (1, "old 4", None)])
        produce(topic, 1, (key(1), row(new, id=1, name="newer", came=7)))
        read_up(tails[0])
        eq(warehouse.query("SELECT id, name, came FROM shop.t ORDER BY id"), [(0, "new 4", 4), (1, "newer", 7)])
        eq([t.said("level=error") for t in tails], [0, 0])


@contextlib.contextmanager
def two_members(prefix, columns, at, **failpoint):
    """Each with a partition of public.t and a row in it; yields the warehouse, the processes, and what writes a row to that of one."""
    topic = f"{prefix}.public.t"
    kafka.create_topic(topic, 2)
    for p in (0, 1):
        produce(topic, p, (key(p), row(columns, id=p, name=str(p))), at=at)
    with members(2, prefix) as (warehouse, tails):
        tails[0].start(**failpoint)
        read_up(tails[0])
        tails[1].start()
        wait_until(lambda: [partitions(t) for t in tails] == [1, 1], "each to have a partition", 60)

        def write(tail, columns, at, **values):
            p = tail.stream()["partitions"][0]["partition"]
            produce(topic, p, (key(p), row(columns, id=p, **values)), at=at)

        yield warehouse, tails, write


@test
def an_older_schema_that_comes_later_to_another_process_takes_no_newer_column_away():
    prefix, now = fresh(), int(time.time() * 1000)
    first = {"id": "int32", "name": "string", "n": "int32", "again": "string"}
    older = {"id": "int32", "name": "string", "n": "int64", "between": "string"}
    newest = {**first, "came": "int32"}
    with two_members(prefix, first, now) as (warehouse, tails, write):
        write(tails[0], newest, now + 20, name="newest", n=1, again="yes", came=1)
        read_up(tails[0])
        write(tails[1], older, now + 10, name="older", n=2 ** 40, between="x")
        read_up(tails[0])
        eq(warehouse.query("SELECT * EXCEPT (id) FROM shop.t ORDER BY name"), [("newest", 1, "yes", 1), ("older", 2 ** 40, None, None)])
        write(tails[0], {**newest, "between": "string"}, now + 30, name="last", n=3, again="yes", came=2, between="y")
        read_up(tails[0])
        eq(warehouse.query("SELECT name, n, again, came, between FROM shop.t ORDER BY name"),
           [("last", 3, "yes", 2, "y"), ("older", 2 ** 40, None, None, "x")])
        eq([t.said("level=error") for t in tails], [0, 0])


@test
def a_column_that_two_processes_bring_at_once_is_one_and_is_shown():
    prefix, now = fresh(), int(time.time() * 1000)
    first = {"id": "int32", "name": "string"}
    newest = {**first, "came": "int32"}
    with two_members(prefix, first, now, TAILRACE_FAILPOINT="clickhouse.before_alter=stop@2") as (warehouse, tails, write):
        slow, quick = tails
        write(slow, newest, now + 20, name="slow", came=1)
        wait_until(lambda: slow.halted, "the first to be about to add the column")
        write(quick, newest, now + 10, name="quick", came=2)
        wait_until(lambda: quick.said("table changed its columns"), "the other to have its column")
        slow.send_signal(signal.SIGCONT)
        read_up(quick)
        write(quick, {**newest, "last": "int32"}, now + 30, name="quick", came=3, last=4)
        read_up(quick)
        eq(warehouse.query("SELECT name, came, last FROM shop.t ORDER BY name"), [("quick", 3, 4), ("slow", 1, None)])
        eq([t.said("level=error") for t in tails], [0, 0])


@test
def what_waits_for_a_copy_anew_is_not_lost_with_the_process_that_waits():
    prefix, now = fresh(), int(time.time() * 1000)
    with two_members(prefix, {"id": "int32", "name": "string"}, now) as (warehouse, (stays, leaves), write):
        other = stays.stream()["partitions"][0]["partition"]
        write(leaves, {"id": "int32", "name": "int32", "came": "int32"}, now + 10, name=7, came=8)
        wait_until(lambda: leaves.said("a copy waits"), "it to wait for the other to stop")
        leaves.stop()
        wait_until(lambda: (stays.table("public.t") or {}).get("generation") == 2, "the other to copy the table anew", 60)
        read_up(stays)
        eq(warehouse.query("SELECT name, came FROM shop.t ORDER BY name"), [(other, None), (7, 8)])
        eq(stays.said("level=error"), 0)


@test
def a_view_that_one_process_makes_while_another_adds_a_column_has_that_column():
    prefix, now = fresh(), int(time.time() * 1000)
    first = {"id": "int32", "name": "string"}
    with two_members(prefix, first, now, TAILRACE_FAILPOINT="clickhouse.before_view=stop@2") as (warehouse, tails, write):
        slow, quick = tails
        write(slow, {**first, "a": "int32"}, now + 10, name="slow", a=1)
        wait_until(lambda: slow.halted, "the first to be about to make its view")
        write(quick, {**first, "a": "int32", "b": "int32"}, now + 20, name="quick", a=2, b=3)
        wait_until(lambda: quick.said("table changed its columns"), "the other to have made its own")
        slow.send_signal(signal.SIGCONT)
        read_up(quick)
        eq(warehouse.query("SELECT name, a, b FROM shop.t ORDER BY name"), [("quick", 2, 3), ("slow", 1, None)])
        eq([t.said("level=error") for t in tails], [0, 0])


@test
def a_storage_that_was_made_for_an_older_schema_is_taken_over_by_who_knows_the_newer_one():
    prefix, now = fresh(), int(time.time() * 1000)
    columns = {"id": "int32", "n": "int32", "kind": "string", "gone": "string"}
    with members(2, prefix) as (warehouse, tails):
        for table in "tu":
            produce(f"{prefix}.public.{table}", 0, (key(1), row(columns, id=1, n=1, kind="5", gone="x")), at=now)
        tails[0].start()
        read_up(tails[0])
        tails[0].stop()
        del columns["gone"]
        produce(f"{prefix}.public.t", 0, (key(2), row({**columns, "n": "int64", "came": "int32"}, id=2, n=2 ** 40, kind="7", came=3)), at=now + 1)
        produce(f"{prefix}.public.u", 0, (key(2), row({**columns, "kind": "int32", "came": "int32"}, id=2, n=2, kind=7, came=3)), at=now + 1)
        tails[1].start()
        read_up(tails[1])
        eq(warehouse.query("SELECT * FROM shop.t ORDER BY id"), [(1, 1, "5", None), (2, 2 ** 40, "7", 3)])
        wait_until(lambda: tails[1].table("public.u")["generation"] == 2, "the other to be copied anew", 60)
        read_up(tails[1])
        eq(warehouse.query("SELECT * FROM shop.u ORDER BY id"), [(1, 1, 5, None), (2, 2, 7, 3)])
        eq(tails[1].said("level=error"), 0)


@test
def a_stop_while_tables_are_taken_up_takes_none_of_them_for_gone():
    prefix, warehouse = fresh(), ClickHouse()
    names = [f"t{n}" for n in range(5)]

    def produce_row(id):
        for name in names:
            produce(f"{prefix}.public.{name}", 0, (key(id), row(OLD, id=id, name=name)))

    produce_row(1)
    tail = Tailrace(subscribed(kafka, topic_prefix=prefix, warehouse=warehouse))
    tail.start()
    read_up(tail)
    tail.stop()
    produce_row(2)
    tail.start()
    wait_until(lambda: tail.said("partitions taken") == 2, "the tables to be taken up", every=0.01)
    warehouse.send_signal(signal.SIGSTOP)  # so that the stop is in time
    tail.send_signal(signal.SIGTERM)
    wait_until(lambda: tail.said("msg=stopping") == 2, "the stop")
    warehouse.send_signal(signal.SIGCONT)
    eq(tail.wait_end(60), 0)
    eq(tail.said("gone from the source"), 0)
    tail.start()
    read_up(tail)
    found = tail.query(" UNION ALL ".join(f"SELECT name, id FROM shop.{name}" for name in names))
    eq(sorted(found), [(name, id) for name in names for id in (1, 2)])
    tail.stop()
    warehouse.stop()


@test
def brokers_that_do_not_take_a_commit_do_not_keep_a_process_from_ending():
    """What was not committed is read again, and written equal."""
    silent = Kafka()
    silent.produce("away.public.t", [(key(1), row(NEW, id=1, name="one"))])
    tail = Tailrace(subscribed(silent, topic_prefix="away"))
    tail.start(TAILRACE_FAILPOINT="writer.after_record=stop")
    wait_until(lambda: tail.halted, "the failpoint")
    silent.brokers[0].send_signal(signal.SIGSTOP)
    tail.send_signal(signal.SIGCONT)
    wait_until(lambda: tail.stream()["position"], "what is written to be confirmed")
    eq(tail.stop(), 0)
    silent.brokers[0].send_signal(signal.SIGCONT)
    silent.produce("away.public.t", [(key(2), row(NEW, id=2, name="two"))])
    tail.start()
    read_up(tail)
    eq(tail.query("SELECT id, name FROM shop.t ORDER BY id"), [(1, "one"), (2, "two")])
    tail.stop()


@test
def topics_that_come_later_join():
    prefix = fresh()
    with reading(prefix) as tail:
        tail.wait_for(lambda s: tail.stream()["status"] == "streaming", "the stream to begin")
        kafka.create_topic(f"{prefix}.public.empty", 1)
        produce(f"{prefix}.public.t", 0, (key(1), row(OLD, id=1, name="one")))
        produce(f"{prefix}.sales.t", 0, (key(2), row(OLD, id=2, name="two")))
        wait_until(lambda: tail.table("public.t"), "the table to join")
        read_up(tail)
        eq(tail.query("SELECT id FROM shop.t"), [(1,)])
        tail.wait_for(lambda s: tail.table("public.t")["status"] == "live", "it to be live")
        eq(tail.table("sales.t"), None)
        eq(tail.table("public.empty"), None)


@test
def what_is_lost_by_retention_is_a_gap():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    produce(topic, 0, *[(key(n), row(OLD, id=n, name="first")) for n in range(10)])
    with reading(prefix) as tail:
        read_up(tail)
        tail.stop()
        produce(topic, 0, *[(key(n), row(OLD, id=n, name="second")) for n in range(10)])
        kafka.delete_records(topic, 15)
        tail.start()
        tail.wait_for(lambda s: tail.stream()["status"] == "stopped", "the stream to stop")
        has(tail.stream()["error"], f"{topic} [0] from offset 10")
        eq(tail.query("SELECT DISTINCT name FROM shop.t"), [("first",)])


@test
def a_group_whose_offsets_were_forgotten_begins_anew_where_nothing_can_be_lost():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    produce(topic, 0, *[(key(n), row(OLD, id=n, name="first")) for n in range(10)])
    with reading(prefix, group=prefix) as tail:
        read_up(tail, prefix)
        tail.stop()
        kafka.delete_group(prefix)
        tail.start()
        read_up(tail, prefix)
        eq(tail.value("SELECT count() FROM shop.t"), 10)
        tail.stop()
        kafka.delete_group(prefix)
        kafka.delete_records(topic, 5)
        tail.start()
        tail.wait_for(lambda s: tail.stream()["status"] == "stopped", "the stream to stop")
        has(tail.stream()["error"], "has no offsets any more")


@test
def a_table_that_breaks_is_held_back_and_goes_on_where_it_was():
    prefix = fresh()
    warehouse = ClickHouse()
    warehouse.raw("CREATE DATABASE shop_cdc")
    warehouse.raw("CREATE TABLE shop_cdc.t (mine Int32) ENGINE = MergeTree ORDER BY mine")
    for table in ("t", "u"):
        produce(f"{prefix}.public.{table}", 0, *[(key(n), row(OLD, id=n, name="first")) for n in range(10)])
    tail = Tailrace(subscribed(kafka, topic_prefix=prefix, warehouse=warehouse))
    tail.start()
    wait_until(lambda: (tail.table("public.u") or {}).get("changes") == 10, "the other table to be read")
    eq(tail.table("public.t")["status"], "broken")
    has(tail.table("public.t")["error"], "shop_cdc.t")
    produce(f"{prefix}.public.t", 0, *[(key(n), row(OLD, id=n, name="second")) for n in range(5)])
    produce(f"{prefix}.public.u", 0, (key(10), row(OLD, id=10, name="second")))
    wait_until(lambda: tail.table("public.u")["changes"] == 11, "the other table to go on")
    warehouse.raw("DROP TABLE shop_cdc.t")
    tail.wait_live("public.t", seconds=60)
    read_up(tail)
    eq(warehouse.query("SELECT name, count() FROM shop.t GROUP BY name ORDER BY name"), [("first", 5), ("second", 5)])
    tail.stop()


@test
def a_resync_reads_the_topic_again_and_never_shows_an_empty_table():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    kafka.create_topic(topic, 2)
    for p in (0, 1):
        produce(topic, p, *[(key(n * 2 + p), row(OLD, id=n * 2 + p, name="first")) for n in range(20)])
    with reading(prefix) as tail:
        read_up(tail)
        tail.raw("ALTER TABLE shop_cdc.t DELETE WHERE id < 10", mutations_sync=2)
        eq(tail.value("SELECT count() FROM shop.t"), 30)
        tail.command("resync", "public.t", check=True)
        counts = set()
        wait_until(lambda: counts.add(tail.value("SELECT count() FROM shop.t")) or tail.table("public.t")["generation"] == 2,
                   "the table to be copied anew")
        eq(min(counts) >= 30, True, counts)
        tail.wait_live()
        read_up(tail)
        eq(tail.value("SELECT count() FROM shop.t"), 40)
        # another column rule has it read again as well
        config = tail.config
        config["streams"]["shop"]["tables"] = [{"public.t": {"columns": {"name": "mask"}}}]
        tail.stop()
        tail.configure(config)
        tail.start()
        wait_until(lambda: (tail.table("public.t") or {}).get("generation") == 3, "the table to be copied anew")
        tail.wait_live()
        read_up(tail)
        eq(tail.query("SELECT count(), countIf(name = 'first') FROM shop.t"), [(40, 0)])


@test
def a_topic_that_lost_its_beginning_is_not_read_again():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    produce(topic, 0, *[(key(n), row(OLD, id=n, name="first")) for n in range(10)])
    with reading(prefix) as tail:
        read_up(tail)
        kafka.delete_records(topic, 5)
        tail.command("resync", "public.t", check=True)
        wait_until(lambda: tail.said("a table is not copied anew"), "the reason to be said")
        eq((tail.table("public.t")["status"], tail.table("public.t")["generation"]), ("live", 1))
        produce(topic, 0, (key(11), row(OLD, id=11, name="later")))
        read_up(tail)
        eq(tail.value("SELECT count() FROM shop.t"), 11)


@test
def catching_up_ends_when_all_is_read():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    kafka.create_topic(topic, 3)
    for p in range(3):
        produce(topic, p, *[(key(n * 3 + p), row(OLD, id=n * 3 + p, name="first")) for n in range(20)])
    tail = Tailrace(subscribed(kafka, topic_prefix=prefix))
    for _ in range(2):
        eq(tail.command("run", "--catch-up", timeout=60, check=True).code, 0)
    read_up(tail)
    with reading(prefix, group="other") as other:
        read_up(other, "other")
        eq(other.value("SELECT count() FROM shop.t"), 60)


@test
def poison_without_a_schema_leaves_the_table_as_it_is():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    poison = [(json.dumps(key(2)), b"\0"), (json.dumps(key(3)), "junk"), (json.dumps(key(4)), {"id": 4, "name": "four"})]
    kafka.produce(topic, [(key(1), row(OLD, id=1, name="one"))])
    with reading(prefix) as tail:
        read_up(tail)
        kafka.produce(topic, [*poison, (key(5), row(OLD, id=5, name="five")), *poison])
        read_up(tail)
        eq(tail.query("SELECT id, name FROM shop.t ORDER BY id"), [(1, "one"), (5, "five")])
        eq((tail.table("public.t")["status"], tail.table("public.t")["set_aside"]), ("live", 6))
    # nor is a table made of it that is not known yet
    with reading(prefix, group="other") as tail:
        read_up(tail, "other")
        eq(tail.query("SELECT id FROM shop.t ORDER BY id"), [(1,), (5,)])


@test
def a_message_is_one_object_and_nothing_behind_it():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    texts = [b'\xef\xbb\xbf{"id": 0}', b'{"id": 1}{"id": 11}', b'[{"id": 2}]', b"3", b'{"id": 4}\n']
    kafka.produce(topic, [({"id": n}, text) for n, text in enumerate(texts)])
    with reading(prefix, [{"public.t": {"key": "id", "fields": "id int64"}}]) as tail:
        read_up(tail)
        eq(tail.query("SELECT id FROM shop.t ORDER BY id"), [(0,), (4,)])
        no_object = "the value is not made of fields, as an object is"
        eq(tail.query("SELECT key, reason FROM shop_cdc._set_aside ORDER BY version"), [
            ('{"id":1}', "JSON, at byte 9: there is more behind the document"), ('{"id":2}', no_object), ('{"id":3}', no_object)])


@test
def a_process_joins_a_group_that_has_begun_and_partitions_that_are_added_are_read():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    kafka.create_topic(topic, 2)
    produce(topic, 0, (key(0), row(OLD, id=0, name="first")))
    with members(2, prefix) as (warehouse, tails):
        tails[0].start()
        wait_until(lambda: partitions(tails[0]) == 2, "the first to read")
        kafka.create_topic(f"{prefix}.public.empty", 2)
        tails[1].start()
        wait_until(lambda: [partitions(t) for t in tails] == [1, 1], "each to have its share", 30)
        kafka.admin.create_partitions([NewPartitions(topic, 3)])[topic].result(30)
        wait_until(lambda: sum(partitions(t) for t in tails) == 3, "the new partition to be read", 30)
        produce(topic, 2, (key(2), row(OLD, id=2, name="later")))
        wait_until(lambda: warehouse.query("SELECT id FROM shop.t ORDER BY id") == [(0,), (2,)], "its row")


@test
def a_group_that_reads_other_topics_is_not_joined_and_the_way_out_is_told():
    one, other = fresh(), fresh()
    for prefix in (one, other):
        kafka.create_topic(f"{prefix}.public.t")
        produce(f"{prefix}.public.t", 0, (key(0), row(OLD, id=0, name="first")))
    with reading(one, group="taken") as first:
        wait_until(lambda: partitions(first) == 1, "the first to read")
        with reading(other, group="taken") as second:
            wait_until(lambda: "give the connection a `group` of its own" in (second.stream()["error"] or ""), "the second to tell")


@test
def a_topic_that_was_made_anew_is_a_gap_until_another_group_begins():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    produce(topic, 0, *[(key(n), row(OLD, id=n, name="first")) for n in range(10)])
    with reading(prefix) as tail:
        read_up(tail)
        tail.stop()
        kafka.delete_topic(topic)
        produce(topic, 0, *[(key(n), row(OLD, id=n, name="second")) for n in range(5, 9)])
        for _ in range(2):
            tail.start()
            tail.wait_for(lambda s: tail.stream()["status"] == "stopped", "the stream to stop")
            has(tail.stream()["error"], f"topic {topic} was deleted and made anew")
            assert "on_gap" not in tail.stream()["error"], tail.stream()
            tail.stop()
        tail.config["connections"]["events"]["group"] = prefix
        tail.configure(tail.config)
        tail.start()
        read_up(tail, prefix)
        tail.command("resync", "public.t", check=True)
        wait_until(lambda: tail.query("SELECT id, name FROM shop.t ORDER BY id") == [(n, "second") for n in range(5, 9)], "its rows alone", 30)


@test
def tail_shows_every_message_and_ends_where_it_is_told_to():
    prefix = fresh()
    topic = f"{prefix}.public.t"
    kafka.create_topic(topic, 2)
    produce(topic, 0, *[(n, {"id": n}) for n in range(3)])
    writer = Producer({**kafka.client, "transactional.id": prefix})
    writer.init_transactions()
    for value, end in ((b'{"n": 12345678901234567890.10}', writer.commit_transaction), (b"lost", writer.abort_transaction),
                       (b"\0\0\0\0\7a", writer.commit_transaction), (b"\xff", writer.commit_transaction)):
        writer.begin_transaction()
        writer.produce(topic, partition=1, value=value, headers=[("h", b"1"), ("h", None)] if value[:1] == b"{" else None)
        writer.flush()
        end()
    tail = Tailrace(subscribed(kafka, topic_prefix=prefix))

    def shown(*args):
        lines = tail.command("tail", topic, "--until-end", *args, check=True).out.splitlines()
        return [json.loads(line, parse_float=str) for line in lines]

    eq([m["value"] for m in shown("--partition", "0", "--from", "-2")], [{"id": 1}, {"id": 2}])
    messages = shown("--partition", "1", "--from", "-3")
    eq([m["value"] for m in messages], [{"n": "12345678901234567890.10"}, "\\x000000000761", "\\xff"])
    eq(messages[0]["headers"], [["h", "1"], ["h", None]])
    has(messages[1]["error"], "the message is Avro")
    eq(sorted(m["offset"] for m in shown("--from", "-1")), [2, 6])
    eq(len(shown("--from", "2020-01-01T00:00:00Z")), 6)
    eq(len(shown("--from", "beginning", "--count", "2")), 2)
    for wrong, said in (("t", f"did you mean '{topic}'?"), (topic + "s", f"did you mean '{topic}'?"), ("none", "`tailrace topics` lists them")):
        done = tail.command("tail", wrong)
        eq(done.code, 2)
        has(done.err, said)
    has(tail.command("tail", topic, "--partition", "2").err, "has the partitions 0 to 1")


run()
