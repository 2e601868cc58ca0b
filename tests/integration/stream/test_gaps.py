#!/usr/bin/python3
"""Gaps in the log are never bridged in silence: the stream stops and says so, or copies all anew where that is
asked for. Rows that were deleted meanwhile do not come back.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres
from mirrored import Mirrored
from tap import eq, has, run, test, wait_until

pg = Postgres(max_wal_size="64MB")


@test
def a_slot_that_was_dropped_stops_the_stream_and_a_copy_anew_mends_it():
    case = Mirrored(pg, "dropped")
    case.tail.stop()
    case.drop_slot()
    case.change_meanwhile()
    case.must_stop("dropped", "gone", "on_gap")
    check = case.tail.command("check")
    eq(check.code, 1)
    has(check.out, 'it stopped when it last ran: source shop: slot "dropped" is gone')
    eq("ready to run" in check.out, False)
    case.recopying()
    check = case.tail.command("check")
    eq(check.code, 0)
    has(check.out, "the next start copies every table anew")
    case.must_recover()
    case.tail.stop()
    eq("it stopped" in case.tail.command("check").out, False)


@test
def a_slot_that_was_made_again_is_another_one():
    case = Mirrored(pg, "remade")
    case.tail.stop()
    case.drop_slot()
    case.change_meanwhile()
    case.make_slot()
    case.must_stop("remade")
    case.recopying()
    case.must_recover()
    case.tail.stop()


@test
def a_slot_that_was_invalidated_is_no_use():
    case = Mirrored(pg, "lost")
    case.tail.stop()
    case.change_meanwhile()
    pg.sql("ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'")
    pg.sql("SELECT pg_reload_conf()")
    lost = "SELECT wal_status = 'lost' FROM pg_replication_slots WHERE slot_name = 'lost'"
    pg.sql("CREATE TABLE filler (t text)", dbname="lost")

    def fill():
        case.sql("INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
        pg.sql("SELECT pg_switch_wal()")
        pg.sql("CHECKPOINT")
        return pg.value(lost)

    wait_until(fill, "the slot to be lost", 60)
    pg.sql("ALTER SYSTEM RESET max_slot_wal_keep_size")
    pg.sql("SELECT pg_reload_conf()")
    case.sql("DROP TABLE filler")
    case.must_stop("lost", "max_slot_wal_keep_size")
    case.recopying()
    case.must_recover()
    case.tail.stop()


@test
def what_was_logged_while_the_publication_was_gone_is_a_gap_although_there_is_one_again():
    case = Mirrored(pg, "republished")
    case.tail.stop()
    case.sql("DROP PUBLICATION republished")
    case.change_meanwhile()
    case.sql("CREATE PUBLICATION republished FOR TABLE t, kept WITH (publish_via_partition_root = true)")
    case.must_stop("republished", "does not exist", "on_gap")
    case.recopying()
    case.tail.start()
    case.tail.wait_for(lambda s: case.tail.stream()["epoch"] == 2, "the gap to be bridged")
    case.must_be_equal()
    eq(case.tail.query("SELECT id FROM shop.t WHERE id <= 11"), [(11,)])
    case.tail.stop()


@test
def another_server_under_the_same_address_is_noticed():
    case = Mirrored(pg, "elsewhere")
    case.tail.stop()
    other = Postgres(start=False)
    port = other.port
    other.port = pg.port
    pg.stop()
    try:
        other.start()
        other.sql("CREATE DATABASE elsewhere")
        other.sql("CREATE TABLE t (id int PRIMARY KEY, v text)", dbname="elsewhere")
        case.must_stop("another")
    finally:
        other.stop()
        other.port = port
        pg.start()
    case.tail.start()
    case.must_be_equal()
    eq(case.tail.stream()["epoch"], 1)
    case.tail.stop()


@test
def a_stream_that_stopped_for_a_gap_does_not_stop_another():
    case = Mirrored(pg, "one_of_two")
    case.tail.stop()
    case.drop_slot()
    config = case.tail.config
    config["streams"]["fine"] = {"from": "shop2", "to": "warehouse2", "tables": ["public.t"]}
    config["connections"]["shop2"] = {"kind": "postgres", "url": pg.url("one_of_two")}
    config["connections"]["warehouse2"] = {**config["connections"]["warehouse"], "database": "fine"}
    case.tail.configure(config)
    case.tail.start()
    case.tail.wait_for(lambda s: case.tail.stream()["status"] == "stopped", "the stream to stop")
    case.tail.wait_for(lambda s: (case.tail.table("public.t", "fine") or {}).get("status") == "live", "the other one's copy")
    case.sql("DELETE FROM t WHERE id < 90")
    case.tail.wait_for(lambda s: case.tail.value("SELECT count() FROM fine.t") == 10, "the deletes")
    status, body = case.tail.get("/readyz")
    eq(status, 503)
    has(body, "one_of_two")
    case.tail.stop()


run()
