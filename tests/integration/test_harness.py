#!/usr/bin/python3
"""The servers that the other tests stand on: they start, die and come back with their data."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import ClickHouse, Postgres
from tap import eq, raises, run, test


@test
def postgres_comes_back_with_its_data_after_a_crash():
    pg = Postgres()
    eq(pg.value("SHOW wal_level"), "logical")
    pg.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS id")
    pg.crash()
    eq(pg.running, False)
    pg.start()
    eq(pg.value("SELECT count(*) FROM t"), 1000)
    pg.kill()
    pg.start()
    eq(pg.value("SELECT count(*) FROM t"), 1000)
    eq(pg.stop(), 0)


@test
def clickhouse_comes_back_with_its_data_after_kill_9():
    ch = ClickHouse()
    ch.raw("CREATE TABLE t (id Int64, d Decimal(10, 2), s Nullable(String)) ENGINE = MergeTree ORDER BY id")
    ch.raw("INSERT INTO t FORMAT CSV", data=b"9007199254740993,1.10,\\N\n")
    ch.kill()
    ch.start()
    eq(ch.query("SELECT * FROM t"), [(9007199254740993, "1.1", None)])
    with raises(RuntimeError, "UNKNOWN_TABLE"):
        ch.raw("SELECT * FROM nothing")
    ch.stop()
    eq(ch.running, False)


run()
