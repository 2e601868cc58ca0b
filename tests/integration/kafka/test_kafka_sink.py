#!/usr/bin/python3
"""PostgreSQL into a real Kafka: what stands on the topics, in which order, in which form."""
import contextlib
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace  # noqa: E402
from kafka import Kafka, published  # noqa: E402
from tap import eq, has, run, test, wait_until  # noqa: E402

pg, kafka = Postgres(), Kafka()


@contextlib.contextmanager
def publishing(*statements, tables=("public.t",), stream=None, **connection):
    """A tailrace that writes what the statements make, until it is live; its topics begin with the test's prefix."""
    publishing.number += 1
    prefix = f"p{publishing.number}"
    pg.sql("DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public")
    for statement in statements:
        pg.sql(statement)
    tail = Tailrace(published(pg, kafka, tables, stream=stream, topic_prefix=prefix, **connection))
    tail.prefix = prefix
    tail.start()
    tail.wait_live()
    try:
        yield tail
    finally:
        tail.stop()
        pg.sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
        for (name,) in pg.sql("SELECT pubname FROM pg_publication"):
            pg.sql(f'DROP PUBLICATION "{name}"')


publishing.number = 0


def messages(tail, table="public.t", **read):
    tail.wait_caught_up(pg)
    return kafka.read(f"{tail.prefix}.{table}", **read)


def told(message):
    """(op, key, after) of an event; None of a tombstone."""
    return message.value and (message.value["op"], message.key["id"], message.value["after"])


T = "CREATE TABLE t (id int PRIMARY KEY, name text)"


@test
def copied_and_streamed_rows_are_events_in_their_order():
    with publishing(T, "INSERT INTO t VALUES (1, 'one'), (2, 'two')") as tail:
        pg.sql("INSERT INTO t VALUES (3, 'three')")
        pg.sql("UPDATE t SET name = 'uno' WHERE id = 1")
        pg.sql("DELETE FROM t WHERE id = 2")
        got = messages(tail)
        eq([told(m) for m in got], [
            ("r", 1, {"id": 1, "name": "one"}), ("r", 2, {"id": 2, "name": "two"}),
            ("c", 3, {"id": 3, "name": "three"}), ("u", 1, {"id": 1, "name": "uno"}), ("d", 2, None), None,
        ])
        eq(got[-1].key, {"id": 2}, "the tombstone")
        eq(got[4].value["before"]["id"], 2)


@test
def the_source_block_says_where_a_change_comes_from():
    with publishing(T) as tail:
        pg.sql("INSERT INTO t VALUES (1, 'one')")
        xid, lsn = pg.value("SELECT xmin::text::bigint FROM t"), pg.value("SELECT pg_current_wal_lsn() - '0/0'")
        [event] = messages(tail)
        source = event.value["source"]
        eq((source["connector"], source["name"], source["db"], source["schema"], source["table"], source["txId"]),
            ("postgresql", tail.prefix, "postgres", "public", "t", xid))
        eq((source["lsn"] < lsn, source["snapshot"]), (True, "false"))


@test
def a_change_of_the_key_is_a_delete_and_an_insert_that_name_one_another():
    with publishing(T, "INSERT INTO t VALUES (1, 'one')") as tail:
        pg.sql("UPDATE t SET id = 7")
        got = messages(tail)[1:]
        eq([told(m) for m in got], [("d", 1, None), None, ("c", 7, {"id": 7, "name": "one"})])
        eq([m.headers for m in got], [
            {"__debezium.newkey": b'{"id":7}'}, {"__debezium.newkey": b'{"id":7}'}, {"__debezium.oldkey": b'{"id":1}'},
        ])


@test
def a_truncate_is_an_event_or_none():
    with publishing(T, "INSERT INTO t VALUES (1, 'one')") as tail:
        pg.sql("TRUNCATE t")
        pg.sql("INSERT INTO t VALUES (2, 'two')")
        got = messages(tail)
        eq([m.value["op"] for m in got], ["r", "t", "c"])
        before, cut, after = (m.value["source"] for m in got)
        assert before["ts_us"] < cut["ts_us"] < after["ts_us"] and cut["txId"] < after["txId"], (cut, after)
    with publishing(T, "INSERT INTO t VALUES (1, 'one')", truncate_events="false") as tail:
        pg.sql("TRUNCATE t")
        pg.sql("INSERT INTO t VALUES (2, 'two')")
        eq([m.value["op"] for m in messages(tail)], ["r", "c"])


@test
def tombstones_can_be_left_out():
    with publishing(T, "INSERT INTO t VALUES (1, 'one')", tombstones="false") as tail:
        pg.sql("DELETE FROM t")
        eq([told(m) for m in messages(tail)], [("r", 1, {"id": 1, "name": "one"}), ("d", 1, None)])


@test
def topics_are_made_as_configured():
    with publishing(T, partitions=5, cleanup_policy="compact", topic_settings="retention.ms=86400000, segment.bytes=2000000") as tail:
        name = f"{tail.prefix}.public.t"
        eq(kafka.topics()[name], 5)
        config = kafka.topic_config(name)
        eq([config[k] for k in ("cleanup.policy", "retention.ms", "segment.bytes")], ["compact", "86400000", "2000000"])


def murmur2(data):
    """Kafka's DefaultPartitioner (org.apache.kafka.common.utils.Utils.murmur2)."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    for i in range(0, len(data) & ~3, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    tail = data[len(data) & ~3:]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return (h ^ h >> 15) & 0x7FFFFFFF


@test
def a_key_is_in_the_partition_where_java_would_put_it():
    with publishing(T, "INSERT INTO t SELECT g, 'x' FROM generate_series(1, 200) g", partitions=3) as tail:
        pg.sql("UPDATE t SET name = 'y'")
        got = messages(tail, decode=lambda data: data)
        eq(len(got), 400)
        eq([m for m in got if m.partition != murmur2(m.key) % 3], [])


@test
def an_unchanged_large_value_has_a_placeholder():
    with publishing(
        "CREATE TABLE t (id int PRIMARY KEY, n int, doc text); ALTER TABLE t ALTER doc SET STORAGE EXTERNAL",
        "INSERT INTO t VALUES (1, 0, repeat('x', 5000))",
    ) as tail:
        pg.sql("UPDATE t SET n = 1")
        pg.sql("UPDATE t SET doc = 'short'")
        docs = [m.value["after"]["doc"] for m in messages(tail)]
        eq(docs, ["x" * 5000, "__debezium_unavailable_value", "short"])


@test
def a_large_value_goes_along_when_its_key_changes():
    with publishing("CREATE TABLE t (id int PRIMARY KEY, n int, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
                    "INSERT INTO t SELECT i, 0, repeat('x', 5000) FROM generate_series(1, 3) i") as tail:
        pg.sql("BEGIN; UPDATE t SET id = 10 WHERE id = 1; UPDATE t SET n = 1 WHERE id = 2; UPDATE t SET id = 30 WHERE id = 3; COMMIT")
        after = [m.value["after"] for m in messages(tail) if m.value and m.value["op"] in "cu"]
        eq([(row["id"], row["big"][:26]) for row in after], [(10, "x" * 26), (2, "__debezium_unavailable_val"), (30, "x" * 26)])


@test
def events_have_the_row_as_it_was_where_its_identity_is_full():
    with publishing(T, "ALTER TABLE t REPLICA IDENTITY FULL", "INSERT INTO t VALUES (1, 'one'), (2, 'two')") as tail:
        pg.sql("INSERT INTO t VALUES (3, 'three')")
        pg.sql("UPDATE t SET name = 'uno' WHERE id = 1; UPDATE t SET id = 7 WHERE id = 1; DELETE FROM t WHERE id = 2")
        got = [(m.value["op"], m.value["before"], m.value["after"]) for m in messages(tail)[2:] if m.value]
        eq(got, [
            ("c", None, {"id": 3, "name": "three"}),
            ("u", {"id": 1, "name": "one"}, {"id": 1, "name": "uno"}),
            ("d", {"id": 1, "name": "uno"}, None),
            ("c", None, {"id": 7, "name": "uno"}),
            ("d", {"id": 2, "name": "two"}, None),
        ])


@test
def what_is_hidden_from_events_is_hidden_from_the_row_as_it_was():
    rules = {"public.t": {"columns": {"name": "mask"}, "where": "id < 10"}}
    with publishing(T, "ALTER TABLE t REPLICA IDENTITY FULL", "INSERT INTO t VALUES (1, 'one'), (11, 'far')", tables=(rules,)) as tail:
        pg.sql("UPDATE t SET name = 'uno' WHERE id = 1; UPDATE t SET name = 'farther' WHERE id = 11")
        pg.sql("DELETE FROM t")
        got = [(m.value["op"], m.value["before"], m.value["after"]) for m in messages(tail) if m.value and m.key["id"] == 1]
        hidden = {"id": 1, "name": "***"}
        eq(got, [("r", None, hidden), ("u", hidden, hidden), ("d", hidden, None)])


@test
def columns_come_and_go_with_the_table():
    with publishing(T, "INSERT INTO t VALUES (1, 'one')") as tail:
        pg.sql("ALTER TABLE t ADD COLUMN price numeric(10,2) DEFAULT 1.5")
        pg.sql("INSERT INTO t VALUES (2, 'two', 2.5)")
        tail.wait_caught_up(pg)
        pg.sql("ALTER TABLE t DROP COLUMN name")
        pg.sql("INSERT INTO t VALUES (3, 3.5)")
        eq([sorted(m.value["after"]) for m in messages(tail)], [["id", "name"], ["id", "name", "price"], ["id", "price"]])


@test
def rows_that_are_gone_before_their_table_is_copied_anew_are_told_of():
    five = "INSERT INTO t SELECT i, 'x', i FROM generate_series(1, 5) i"
    rewritten = (
        "ALTER TABLE t ALTER id TYPE bigint, ALTER n TYPE bigint", "DELETE FROM t WHERE id = 1", "UPDATE t SET id = 20 WHERE id = 2",
        "INSERT INTO t VALUES (6, 'y', 6)", "UPDATE t SET n = 7 WHERE id = 3",
    )

    def last(tail):
        return {m.key["id"]: m.value and m.value["after"] for m in messages(tail) if m.value}

    def check(tail):
        wait_until(lambda: 20 in last(tail), "the copy")
        tail.wait_live()
        gone = {1: None, 2: None, 6: {"id": 6, "name": "y", "n": 6}, 20: {"id": 20, "name": "x", "n": 2}}
        same = {4: {"id": 4, "name": "x", "n": 4}, 5: {"id": 5, "name": "x", "n": 5}}
        eq(last(tail), {**gone, **same, 3: {"id": 3, "name": "x", "n": 7}})
        eq([m.value for m in messages(tail) if m.key["id"] == 1][-1], None, "the tombstone")

    with publishing("CREATE TABLE t (id int PRIMARY KEY, name text, n int)", five) as tail:
        tail.send_signal(signal.SIGSTOP)
        for statement in rewritten:
            pg.sql(statement)
        tail.send_signal(signal.SIGCONT)
        check(tail)
    with publishing("CREATE TABLE t (id int PRIMARY KEY, name text, n int)", five) as tail:
        tail.stop()
        for statement in rewritten:
            pg.sql(statement)
        tail.start()
        check(tail)


@test
def a_copy_of_what_the_log_lost_track_of_has_its_newest_columns():
    def last(tail):
        return {m.key["payload"]["id"]: m.value["payload"]["after"] for m in messages(tail) if m.value}

    for also in ("", "ALTER TABLE t ALTER id TYPE bigint;"):
        with publishing(T, "INSERT INTO t SELECT i, 'x' FROM generate_series(1, 4) i", format="json_schema", schema_changes="true") as tail:
            pg.sql("BEGIN; ALTER TABLE t ADD n int DEFAULT 7; DELETE FROM t WHERE id = 1; UPDATE t SET n = 8; UPDATE t SET id = 20 WHERE id = 2;"
                   f"ALTER TABLE t RENAME n TO m; {also} DELETE FROM t WHERE id = 3; COMMIT")
            wait_until(lambda: 20 in last(tail), "the copy")
            tail.wait_live()
            eq(last(tail), {**dict.fromkeys((1, 2, 3)), **{i: {"id": i, "name": "x", "m": 8} for i in (4, 20)}}, also)
            columns = [[c["name"] for c in m.value["payload"]["columns"]] for m in kafka.read(tail.prefix)]
            eq(columns, [["id", "name"], ["id", "name", "m"]])


@test
def a_table_without_a_key_has_messages_without_one():
    with publishing("CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)") as tail:
        pg.sql("INSERT INTO t VALUES (2)")
        eq([(m.key, m.value["op"], m.value["after"]) for m in messages(tail)], [(None, "r", {"a": 1}), (None, "c", {"a": 2})])


@test
def with_schemas_a_message_says_what_it_is_made_of():
    with publishing(T, "INSERT INTO t VALUES (1, 'one')", format="json_schema") as tail:
        [event] = messages(tail)
        eq(event.key["payload"], {"id": 1})
        eq(event.key["schema"]["type"], "struct")
        eq(event.value["payload"]["after"], {"id": 1, "name": "one"})
        eq(event.value["schema"]["name"], f"{tail.prefix}.public.t.Envelope")


@test
def flat_rows_are_the_columns_alone():
    with publishing(T, "INSERT INTO t VALUES (1, 'one')", envelope="flat") as tail:
        pg.sql("DELETE FROM t")
        first, gone, tombstone = messages(tail)
        eq((first.value["id"], first.value["name"]), (1, "one"))
        eq((gone.key, gone.value["__deleted"], tombstone.value), ({"id": 1}, "true", None))


@test
def tables_go_to_topics_of_their_own_and_one_name_is_never_shared():
    with publishing(
        'CREATE TABLE "a b" (id int PRIMARY KEY); CREATE TABLE "a_b" (id int PRIMARY KEY)',
        "CREATE TABLE c (id int PRIMARY KEY); INSERT INTO c VALUES (1)",
        tables=("public.c", {"public.a b": {"as": "other"}}, "public.a_b"),
    ) as tail:
        made = {name for name in kafka.topics() if name.startswith(tail.prefix)}
        eq(made, {f"{tail.prefix}.{name}" for name in ("public.c", "other", "public.a_b", "tailrace.positions")})
    pg.sql('CREATE TABLE IF NOT EXISTS "a b" (id int PRIMARY KEY)')
    tail = Tailrace(published(pg, kafka, topic_prefix="shared"))
    has(tail.command("check").out, "topic shared.public.a_b is that of")


@test
def what_is_larger_than_the_topic_takes_is_set_aside():
    with publishing(T, topic_settings="max.message.bytes=2000000") as tail:
        pg.sql("INSERT INTO t VALUES (1, repeat('x', 1500000)), (2, repeat('y', 2500000)), (3, 'z')")
        eq([m.key["id"] for m in messages(tail)], [1, 3])
        [aside] = kafka.read(f"{tail.prefix}.tailrace.set_aside")
        eq((aside.key, aside.value["op"]), ({"schema": "public", "table": "t", "key": {"id": 2}}, "c"))
        has(aside.value["reason"], "max.message.bytes")
        eq(len(aside.value["row"]["name"]), 2500000)
        eq(tail.table("public.t")["set_aside"], 1)
        kafka.set_topic_config(f"{tail.prefix}.public.t", max_message_bytes=3000000)

        def taken():
            pg.sql("INSERT INTO t SELECT max(id) + 1, repeat('y', 2500000) FROM t")
            return len(messages(tail)) > 2

        wait_until(taken, "the limit that was raised to be seen")


@test
def rows_reach_a_topic_that_takes_but_small_messages():
    with publishing(T, topic_settings="max.message.bytes=20000", compression="none") as tail:
        pg.sql("INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, 500) g")
        eq([m.key["id"] for m in messages(tail)], list(range(1, 501)))


@test
def check_says_what_the_brokers_would_refuse():
    pg.sql(f"DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public; {T}")
    for wrong, said in (({"topic_settings": "no.such=1"}, "no.such"), ({"replication_factor": 3}, "lower replication_factor")):
        done = Tailrace(published(pg, kafka, topic_prefix="refused", **wrong)).command("check")
        eq(done.code, 1)
        has(done.out, said)
    has(Tailrace(published(pg, kafka, topic_prefix="refused")).command("check").out, "topic refused.public.t can be made")
    eq([name for name in kafka.topics() if name.startswith("refused")], [])


@test
def a_message_larger_than_what_may_wait_goes_out():
    with publishing(T, topic_settings="max.message.bytes=60000000") as tail:
        pg.sql("INSERT INTO t VALUES (1, repeat('x', 34000000)), (2, 'y')")
        wait_until(lambda: tail.table("public.t")["changes"] == 2, "both changes to be written")
        eq([(m.key["id"], len(m.value["after"]["name"])) for m in messages(tail)], [(1, 34000000), (2, 1)])


@test
def a_topic_that_is_gone_is_filled_anew():
    with publishing(T, "INSERT INTO t VALUES (1, 'one')") as tail:
        tail.stop()
        kafka.delete_topic(f"{tail.prefix}.public.t")
        pg.sql("INSERT INTO t VALUES (2, 'two')")
        tail.start()
        wait_until(lambda: len(messages(tail)) >= 2 and tail.table("public.t")["status"] == "live", "the topic to be filled")
        eq({m.key["id"] for m in messages(tail)}, {1, 2})


@test
def topics_deleted_under_a_running_stream_are_made_anew_as_configured():
    quick = "topic.metadata.refresh.interval.ms=200, topic.metadata.propagation.max.ms=1000"
    with publishing(T, "INSERT INTO t VALUES (1, 'one')", partitions=3, cleanup_policy="compact", properties=quick) as tail:
        names = [f"{tail.prefix}.{name}" for name in ("public.t", "tailrace.positions")]
        for name in names:
            kafka.delete_topic(name)
        wait_until(lambda: tail.said("partition count changed") > 1, "the client to see it")
        pg.sql("INSERT INTO t VALUES (2, 'two')")
        wait_until(lambda: {m.key["id"] for m in messages(tail)} == {1, 2}, "the topic to be filled")
        eq([kafka.topics()[name] for name in names], [3, 1])
        eq([kafka.topic_config(name)["cleanup.policy"] for name in names], ["compact", "compact"])


@test
def transactions_are_told_of():
    u = "CREATE TABLE u (id int PRIMARY KEY)"
    with publishing(T, u, "INSERT INTO t VALUES (1, 'one')", tables=("public.*",), transaction_metadata="true") as tail:
        pg.sql("BEGIN; INSERT INTO t VALUES (2, 'two'); INSERT INTO u VALUES (1); INSERT INTO t VALUES (3, 'three'); COMMIT")
        pg.sql("DELETE FROM u")
        copied, two, three = messages(tail)
        eq(copied.value["transaction"], None)
        one = kafka.read(f"{tail.prefix}.public.u")[0]
        blocks = [e.value["transaction"] for e in (two, one, three)]
        eq([(b["total_order"], b["data_collection_order"]) for b in blocks], [(1, 1), (2, 1), (3, 2)])
        eq(len({b["id"] for b in blocks}), 1)
        told = [m.value for m in kafka.read(f"{tail.prefix}.transaction")]
        eq([m["status"] for m in told], ["BEGIN", "END", "BEGIN", "END"])
        eq((told[0]["id"], told[0]["event_count"], told[1]["event_count"]), (blocks[0]["id"], None, 3))
        eq(sorted((c["data_collection"], c["event_count"]) for c in told[1]["data_collections"]), [("public.t", 2), ("public.u", 1)])


@test
def changes_of_columns_are_told_of():
    with publishing(T, schema_changes="true") as tail:
        pg.sql("ALTER TABLE t ADD COLUMN price numeric(10,2)")
        pg.sql("INSERT INTO t VALUES (1, 'one', 1)")
        tail.wait_caught_up(pg)
        told = [m.value for m in kafka.read(tail.prefix)]
        eq([(m["type"], m["tableName"], [c["name"] for c in m["columns"]]) for m in told],
            [("CREATE", "t", ["id", "name"]), ("ALTER", "t", ["id", "name", "price"])])
        eq(told[1]["columns"][2], {"name": "price", "typeName": "numeric(10,2)", "position": 3, "optional": True})


@test
def heartbeats_come_while_nothing_changes():
    with publishing(T, heartbeat_interval="500ms") as tail:
        topic = f"__debezium-heartbeat.{tail.prefix}"
        beats = wait_until(lambda: len(kafka.read(topic)) >= 3 and kafka.read(topic), "heartbeats")
        eq(beats[0].key, {"serverName": tail.prefix})
        assert beats[2].value["ts_ms"] > beats[0].value["ts_ms"]


@test
def rows_of_an_outbox_go_where_they_say():
    outbox = """CREATE TABLE outbox (id uuid PRIMARY KEY, aggregatetype text NOT NULL, aggregateid text NOT NULL,
        type text, payload jsonb)"""
    number = "11111111-2222-3333-4444-555555555555"
    with publishing(T, outbox, tables=("public.*",), outbox="public.outbox", outbox_topic="events.{aggregatetype}") as tail:
        pg.sql("BEGIN; INSERT INTO outbox VALUES (%s, 'order 1', '7', 'placed', '{\"total\": 5}'); DELETE FROM outbox; COMMIT", (number,))
        tail.wait_caught_up(pg)
        [event] = kafka.read("events.order_1", decode=lambda data: data)
        eq((event.key, event.value, event.headers), (b"7", b'{"total": 5}', {"id": number.encode()}))
        assert f"{tail.prefix}.public.outbox" not in kafka.topics()
        pg.sql("INSERT INTO outbox VALUES (%s, 'order 1', '8', 'placed', to_jsonb(repeat('x', 2000000)))", (number,))
        tail.wait_caught_up(pg)
        has(kafka.read(f"{tail.prefix}.tailrace.set_aside")[0].value["reason"], "max.message.bytes")


@test
def a_second_process_of_the_stream_waits_and_the_first_goes_on():
    with publishing(T) as tail:
        other = Tailrace(dict(tail.config, server={"listen": "off"}))
        other.start(ready=False)
        wait_until(lambda: other.said("is in use by pid"), "the second to be told")
        pg.sql("INSERT INTO t VALUES (1, 'one')")
        eq([told(m) for m in messages(tail)], [("c", 1, {"id": 1, "name": "one"})])
        other.stop()
        eq(tail.said("another process"), 0)


@test
def it_cannot_be_verified_and_says_so():
    with publishing(T) as tail:
        done = tail.command("verify")
        eq(done.code, 2)
        has(done.err, "logs of changes")


@test
def status_and_metrics_count_what_went_out():
    with publishing(T, "INSERT INTO t VALUES (1, 'one')") as tail:
        pg.sql("INSERT INTO t VALUES (2, 'two')")
        tail.wait_caught_up(pg)
        table = tail.table("public.t")
        eq((table["rows_copied"], table["changes"]), (1, 1))
        has(tail.get("/metrics")[1], "tailrace")
        eq(tail.get("/readyz")[0], 200)


@test
def a_table_is_copied_anew_behind_what_is_there():
    with publishing(T, "INSERT INTO t VALUES (1, 'one')") as tail:
        eq(tail.command("resync", "public.t").code, 0)
        wait_until(lambda: len(messages(tail)) == 2, "the row to come again")
        eq([m.value["op"] for m in messages(tail)], ["r", "r"])


run()
