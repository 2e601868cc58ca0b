#!/usr/bin/python3
"""Databases in other encodings than UTF-8, and sessions that roles and databases give settings of their own:
what arrives is the same, copied or streamed."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, has, run, test

pg = Postgres()


def database(name, encoding):
    pg.sql(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")


def mirrored(name, **options):
    config = mirror(pg, dbname=name, **options)
    config["connections"]["shop"] |= {"slot": f"tailrace_{name}", "publication": f"tailrace_{name}"}
    tail = Tailrace(config).start()
    tail.wait_live()
    return tail


def same_both_ways(tail, name, rows):
    """`rows` are values of an INSERT, for the table t of that database, which then has them copied and streamed."""
    tail.wait_caught_up(pg, f"tailrace_{name}")
    eq(tail.query("SELECT count() FROM shop.t"), [(2 * rows,)])
    eq(tail.query("SELECT count() FROM (SELECT * EXCEPT id FROM shop.t GROUP BY ALL HAVING count() % 2 = 1)"), [(0,)])
    eq(tail.command("verify").code, 0)


@test
def latin_text_arrives_as_utf_8():
    database("latin", "LATIN1")
    pg.sql('CREATE TABLE t (id int PRIMARY KEY, v text, "größe" text)', dbname="latin")
    pg.sql("INSERT INTO t VALUES (1, 'äöü', 'ß'), (2, '£', NULL)", dbname="latin")
    tail = mirrored("latin")
    pg.sql('INSERT INTO t SELECT id + 10, v, "größe" FROM t', dbname="latin")
    same_both_ways(tail, "latin", 2)
    eq(tail.query("SELECT v, `größe` FROM shop.t WHERE id IN (1, 11)"), [("äöü", "ß")] * 2)
    tail.stop()


@test
def text_of_no_encoding_arrives_as_the_bytes_it_is():
    database("bytes", "SQL_ASCII")
    pg.sql("CREATE TABLE t (id int PRIMARY KEY, v text)", dbname="bytes")
    pg.sql(r"INSERT INTO t SELECT 1, convert_from('\xe9ff80'::bytea, 'SQL_ASCII')", dbname="bytes")
    tail = mirrored("bytes")
    pg.sql(r"INSERT INTO t SELECT 2, convert_from('\xe9ff80'::bytea, 'SQL_ASCII')", dbname="bytes")
    same_both_ways(tail, "bytes", 1)
    eq(tail.query("SELECT hex(v) FROM shop.t"), [("E9FF80",)] * 2)
    has(tail.command("check").out, "SQL_ASCII")
    tail.stop()


@test
def settings_of_a_database_change_nothing():
    database("settings", "UTF8")
    pg.sql(
        "CREATE TABLE public.t (id int PRIMARY KEY, ts timestamptz, d date, i interval, f float8, b bytea, r tstzrange);"
        "INSERT INTO public.t SELECT n, '2024-02-29 12:00:00.123456+00', '2024-02-29', '1 mon 2 days 03:04:05.6', n + 0.1,"
        r" '\x00ff', '[2024-02-29 12:00:00+00,)' FROM generate_series(1, 20000) n",
        dbname="settings",
    )
    for setting in (
        "datestyle = 'German, DMY'", "intervalstyle = 'sql_standard'", "timezone = 'Asia/Kolkata'",
        "extra_float_digits = -5", "bytea_output = 'escape'", "search_path = 'nowhere'", "row_security = off",
        "statement_timeout = '50ms'", "idle_in_transaction_session_timeout = '50ms'", "lock_timeout = '5ms'",
    ):
        pg.sql(f"ALTER DATABASE settings SET {setting}")
    tail = mirrored("settings")
    pg.sql(
        "SET statement_timeout = 0; INSERT INTO public.t SELECT id + 20000, ts, d, i, f, b, r FROM public.t",
        dbname="settings",
    )
    same_both_ways(tail, "settings", 20000)
    tail.stop()


run()
