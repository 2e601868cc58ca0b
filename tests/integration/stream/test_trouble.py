#!/usr/bin/python3
"""What users get wrong, and what is large: each said clearly, no stream or process in another's way."""
import os
import sys

import psycopg2
from psycopg2.extras import LogicalReplicationConnection

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import ClickHouse, Postgres, Tailrace, free_port, mirror
from tap import eq, has, run, test, wait_until

MIB = 1 << 20

pg = Postgres()
pg.sql(
    """
    CREATE ROLE mirror LOGIN REPLICATION PASSWORD 'pg-secret';
    CREATE ROLE limited LOGIN PASSWORD 'pg-secret';
    CREATE TABLE t (id int PRIMARY KEY, v text);
    INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i;
    CREATE TABLE big (id int PRIMARY KEY, n int, v text, b bytea);
    ALTER TABLE big ALTER v SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL;
    CREATE TABLE bad (id int PRIMARY KEY, n numeric(10,2));
    """
)
with open(os.path.join(pg.data, "pg_hba.conf"), "w", encoding="utf-8") as hba:
    hba.write("host all mirror 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n")
pg.sql("SELECT pg_reload_conf()")


def named(name, tables=("public.t",), **keys):
    config = mirror(pg, tables=tables, **keys)
    config["connections"]["shop"] |= {"slot": name, "publication": name}
    return config


def says(tail, status, *parts):
    """Until the stream has this status and says these words."""

    def said(_):
        stream = tail.stream()
        return stream and stream["status"] == status and all(part in stream["error"] for part in parts)

    tail.wait_for(said, f"the stream to be {status} and say {parts}")


def no_secrets(tail, *secrets):
    with open(tail.log, encoding="utf-8") as log:
        text = log.read() + tail.get("/api/v1/status")[1] + tail.get("/metrics")[1]
    for secret in secrets:
        assert secret not in text, f"{secret} was shown"


@test
def a_server_that_is_not_there_is_tried_again():
    config = named("nowhere")
    config["connections"]["shop"]["url"] = f"postgresql://mirror:pg-secret@127.0.0.1:{free_port()}/postgres"
    tail = Tailrace(config).start()
    says(tail, "retrying", "127.0.0.1")
    eq(tail.get("/healthz")[0], 200)
    code, body = tail.get("/readyz")
    eq(code, 503)
    has(body, "shop")
    no_secrets(tail, "pg-secret")
    eq(tail.stop(), 0)


@test
def a_wrong_password_is_said_and_not_shown():
    config = named("unwelcome")
    config["connections"]["shop"]["url"] = f"postgresql://mirror:pg-wrong@127.0.0.1:{pg.port}/postgres"
    tail = Tailrace(config)
    check = tail.command("check")
    eq(check.code, 1)
    has(check.out + check.err, "password authentication failed")
    tail.start()
    tail.wait_for(lambda s: "password authentication failed" in tail.stream()["error"], "the reason")
    eq(tail.get("/readyz")[0], 503)
    no_secrets(tail, "pg-wrong")
    assert "pg-wrong" not in check.out + check.err
    eq(tail.stop(), 0)


@test
def a_role_without_rights_and_a_missing_database_are_said():
    config = named("limited")
    config["connections"]["shop"]["url"] = pg.url(user="limited")
    check = Tailrace(config).command("check")
    eq(check.code, 1)
    has(check.out, "ALTER ROLE limited REPLICATION")
    config["connections"]["shop"]["url"] = pg.url("no_such_database")
    check = Tailrace(config).command("check")
    eq(check.code, 1)
    has(check.out + check.err, "no_such_database")


@test
def a_clickhouse_that_does_not_know_the_user_is_said():
    server = ClickHouse()
    config = named("strange", warehouse=server)
    config["connections"]["warehouse"] |= {"user": "nobody", "password": "ch-secret"}
    tail = Tailrace(config).start()
    tail.wait_for(lambda s: "nobody" in tail.stream()["error"], "the reason")
    eq(tail.get("/readyz")[0], 503)
    no_secrets(tail, "ch-secret")
    eq(tail.stop(), 0)
    server.stop()


@test
def a_slot_in_use_elsewhere_is_named_and_waited_for():
    tail = Tailrace(named("taken")).start()
    tail.wait_live()
    tail.stop()
    wait_until(lambda: not pg.value("SELECT active FROM pg_replication_slots WHERE slot_name = 'taken'"), "the slot")
    # it holds the slot and confirms nothing: what is confirmed by another would be a gap
    other = psycopg2.connect(pg.url(), connection_factory=LogicalReplicationConnection)
    other.cursor().start_replication(slot_name="taken", options={"proto_version": "1", "publication_names": "taken"})
    tail.start()
    tail.wait_for(lambda s: f"pid {other.info.backend_pid}" in tail.stream()["error"], "the holder to be named")
    other.close()
    tail.wait_for(lambda s: tail.stream()["status"] != "retrying", "the slot to be had")
    tail.stop()


@test
def two_processes_on_one_state_do_not_both_run():
    tail = Tailrace(named("twice")).start()
    tail.wait_live()
    second = tail.command("run", timeout=30)
    assert second.code in (1, 2), second
    has(second.err, str(tail.process.pid))
    assert tail.running
    pg.sql("INSERT INTO t VALUES (1000, 'x')")
    tail.wait_caught_up(pg, "twice")
    eq(tail.value("SELECT count() FROM shop.t"), pg.value("SELECT count(*) FROM t"))
    tail.stop()


@test
def one_stream_in_trouble_leaves_the_others_alone():
    config = named("fine", tables=["public.t", "public.bad", {"public.bad": {"on_unrepresentable": "stop"}}])
    config["connections"]["lost"] = {"kind": "postgres", "url": f"postgresql://x@127.0.0.1:{free_port()}/x"}
    config["connections"]["elsewhere"] = {**config["connections"]["warehouse"], "database": "lost"}
    config["streams"]["lost"] = {"from": "lost", "to": "elsewhere", "tables": ["public.*"]}
    tail = Tailrace(config).start()
    tail.wait_live("public.t", "public.bad")
    eq(tail.stream("lost")["status"], "retrying")
    code, body = tail.get("/readyz")
    eq(code, 503)
    has(body, "lost")
    pg.sql("INSERT INTO bad VALUES (1, 'NaN')")
    tail.wait_for(lambda s: tail.table("public.bad")["status"] == "broken", "the table to break")
    pg.sql("INSERT INTO t VALUES (2000, 'x'); DELETE FROM t WHERE id = 1")
    tail.wait_caught_up(pg, "fine")
    tail.must_be_equal("public.t")
    metrics = tail.get("/metrics")[1]
    has(metrics, 'tailrace_stream_progressing{stream="lost"} 0')
    has(metrics, 'tailrace_stream_progressing{stream="shop"} 1')
    has(metrics, "public.bad")
    tail.stop()


@test
def values_of_twenty_megabytes_pass():
    tail = Tailrace(named("large", tables=["public.big"]))
    pg.sql("INSERT INTO big VALUES (1, 0, repeat('copied', 3500000), decode(repeat('00ff', 10000000), 'hex'))")
    tail.start()
    tail.wait_live()
    pg.sql("INSERT INTO big VALUES (2, 0, repeat('stream', 3500000), decode(repeat('ff00', 10000000), 'hex'))")
    pg.sql("UPDATE big SET n = 1; UPDATE big SET id = 3 WHERE id = 2")
    tail.wait_caught_up(pg, "large")
    eq(
        tail.query("SELECT id, n, length(v), substring(v, 1, 6), length(b), hex(substring(b, 1, 2)) FROM shop.big ORDER BY id"),
        [(1, 1, 21000000, "copied", 20000000, "00FF"), (3, 1, 21000000, "stream", 20000000, "FF00")],
    )
    tail.must_be_equal()
    tail.wait_for(lambda s: s["memory_bytes"] < 200 * MIB, "the memory to be given back")
    tail.stop()


@test
def one_transaction_of_300000_rows_passes_in_bounded_memory():
    pg.sql("CREATE TABLE many (id int PRIMARY KEY, n int, t text)")
    tail = Tailrace(named("many", tables=["public.many"])).start()
    tail.wait_live()
    pg.sql("BEGIN; INSERT INTO many SELECT i, 0, repeat('x', 200) FROM generate_series(1, 300000) i;"
           "UPDATE many SET n = 1 WHERE id % 10 = 0; DELETE FROM many WHERE id % 7 = 0; COMMIT")
    lsn = pg.value("SELECT pg_current_wal_insert_lsn()")
    pg.sql("SELECT pg_logical_emit_message(true, 'x', '')")
    most = 0

    def arrived():
        nonlocal most
        most = max(most, tail.status()["memory_bytes"])
        return pg.value("SELECT confirmed_flush_lsn >= %s FROM pg_replication_slots WHERE slot_name = 'many'", (lsn,))

    wait_until(arrived, "the transaction to arrive", 60)
    assert most < 160 * MIB, f"{most / MIB:.0f} MiB"
    tail.must_be_equal()
    eq(tail.query("SELECT count(), countIf(n = 1) FROM shop.many"), list(pg.sql("SELECT count(*), count(*) FILTER (WHERE n = 1) FROM many")))
    tail.stop()


run()
