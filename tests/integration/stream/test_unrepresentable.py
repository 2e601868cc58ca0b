#!/usr/bin/python3
"""Values that the target cannot hold: set aside with their reason, made NULL, or the end of their table."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, has, run, test

BAD = "(2, 'NaN', '2024-01-01', '{1}'), (3, 1, 'infinity', '{1}'), (4, 1, '0001-01-01', '{1}'), (5, 1, '2024-01-01', '{{1}}')"
GOOD = "(1, 1.5, '2024-01-01', '{1}'), (6, 2.5, '2024-01-02', '{2}')"
COLUMNS = "id int PRIMARY KEY, n numeric(10,2) NOT NULL, d date NOT NULL, a int[] NOT NULL"

pg = Postgres()
pg.sql("CREATE SCHEMA copied; CREATE SCHEMA streamed")
pg.sql("CREATE TABLE large (id int PRIMARY KEY, n numeric(10,2), big text); ALTER TABLE large ALTER big SET STORAGE EXTERNAL")
for schema in ("copied", "streamed"):
    for table in ("aside", "nulled", "stopped", "fine"):
        pg.sql(f"CREATE TABLE {schema}.{table} ({COLUMNS})")
    pg.sql(f"CREATE TABLE {schema}.days (d date PRIMARY KEY, n int)")
    pg.sql(f"CREATE TABLE {schema}.days_near (d date PRIMARY KEY, far date); CREATE TABLE {schema}.floats (n numeric PRIMARY KEY, f numeric)")
    pg.sql(f"CREATE TABLE {schema}.both_kept ({COLUMNS})")


def fill(schema):
    for table in ("aside", "nulled", "stopped", "both_kept"):
        pg.sql(f"INSERT INTO {schema}.{table} VALUES {GOOD}, {BAD}")
    pg.sql(f"INSERT INTO {schema}.fine VALUES {GOOD}")
    pg.sql(f"INSERT INTO {schema}.days VALUES ('2024-01-01', 1), ('infinity', 2), ('0044-03-15 BC', 3)")
    pg.sql(f"INSERT INTO {schema}.days_near VALUES ('2024-01-01', 'infinity'), ('infinity', NULL), ('3000-01-01', NULL)")
    pg.sql(f"INSERT INTO {schema}.floats VALUES (0.1, 0.5), (0.10000000000000000001, 1)")


fill("copied")
tail = Tailrace(
    mirror(
        pg,
        tables=[
            "copied.*",
            "streamed.*",
            {"*.nulled": {"on_unrepresentable": "null"}},
            {"*.stopped": {"on_unrepresentable": "stop"}},
            {"*.both_kept": {"keep": "both"}},
            "public.large",
            {"public.large": {"keep": "both"}},
            {"*.days_near": {"out_of_range": "clamp"}},
            {"*.floats": {"numeric": "float"}},
        ],
    )
)
tail.start()
others = [f"{schema}.{table}" for schema in ("copied", "streamed") for table in ("aside", "nulled", "fine", "days", "both_kept",
          "days_near", "floats")]
tail.wait_live(*others)
tail.wait_live("streamed.stopped")
fill("streamed")
tail.wait_caught_up(pg)


def aside(table):
    return tail.query(
        "SELECT key, column, any(reason), argMax(row, version) FROM shop_cdc._set_aside FINAL"
        f" WHERE table = '{table}' GROUP BY key, column ORDER BY key"
    )


@test
def rows_are_set_aside_with_their_reason():
    for schema in ("copied", "streamed"):
        eq(tail.query(f"SELECT id FROM shop.{schema}_aside ORDER BY id"), [(1,), (6,)])
        rows = aside(f"{schema}.aside")
        eq([(key, column) for key, column, _, _ in rows],
           [('{"id":2}', "n"), ('{"id":3}', "d"), ('{"id":4}', "d"), ('{"id":5}', "a")])
        has(rows[0][2], "NaN")
        has(rows[1][2], "out_of_range: clamp")
        has(rows[3][2], "dimension")
        eq(json.loads(rows[0][3]), {"id": "2", "n": "NaN", "d": "2024-01-01", "a": "{1}"})
        eq(json.loads(rows[3][3])["a"], "{{1}}")


@test
def a_place_in_the_log_stands_beside_a_row_set_aside():
    where = "FROM shop_cdc._set_aside FINAL WHERE table = 'streamed.aside'"
    eq(tail.query(f"SELECT DISTINCT op, stream, commit_lsn > 0, commit_time > now() - 600 {where}"), [("c", "shop", 1, 1)])


@test
def values_become_null_where_that_is_asked_for():
    for schema in ("copied", "streamed"):
        eq(
            tail.query(f"SELECT id, n, d FROM shop.{schema}_nulled ORDER BY id"),
            [(1, "1.5", "2024-01-01"), (2, None, "2024-01-01"), (3, "1", None), (4, "1", None), (6, "2.5", "2024-01-02")],
        )
        eq([key for key, _, _, _ in aside(f"{schema}.nulled")], ['{"id":5}'], "an array is never NULL")
        eq(tail.table(f"{schema}.nulled")["status"], "live")


@test
def a_table_stops_alone_where_that_is_asked_for():
    for schema in ("copied", "streamed"):
        tail.wait_for(lambda status: tail.table(f"{schema}.stopped")["status"] == "broken", "the table to stop")
        has(tail.table(f"{schema}.stopped")["error"], "NaN")
    eq(tail.stream()["status"], "streaming")
    pg.sql("INSERT INTO streamed.fine VALUES (7, 1, '2024-01-01', '{}')")
    tail.wait_caught_up(pg)
    eq(tail.value("SELECT count() FROM shop.streamed_fine"), 3)


@test
def history_has_what_can_be_held():
    for schema in ("copied", "streamed"):
        eq(tail.query(f"SELECT id FROM shop.{schema}_both_kept_log ORDER BY id"), [(1,), (6,)])
        eq(tail.query(f"SELECT id FROM shop.{schema}_both_kept ORDER BY id"), [(1,), (6,)])
        eq(len(aside(f"{schema}.both_kept")), 4)


@test
def no_option_makes_one_key_of_two():
    for schema in ("copied", "streamed"):
        eq(tail.query(f"SELECT d, far FROM shop.{schema}_days_near"), [("2024-01-01", "2299-12-31")])
        eq([key for key, _, _, _ in aside(f"{schema}.days_near")], ['{"d":"3000-01-01"}', '{"d":"infinity"}'])
        eq(tail.query(f"SELECT n, f FROM shop.{schema}_floats ORDER BY f"), [("0.1", 0.5), ("0.10000000000000000001", 1)])
        pg.sql(f"DELETE FROM {schema}.floats WHERE n = 0.1; DELETE FROM {schema}.days_near WHERE d = 'infinity'")
    tail.wait_caught_up(pg)
    for schema in ("copied", "streamed"):
        eq(tail.query(f"SELECT n FROM shop.{schema}_floats"), [("0.10000000000000000001",)])
    tail.must_be_equal("copied.floats", "streamed.floats", "copied.days_near", "streamed.days_near")


@test
def a_row_that_is_set_aside_leaves_no_earlier_one_behind():
    for schema in ("copied", "streamed"):
        pg.sql(f"UPDATE {schema}.both_kept SET n = 'NaN' WHERE id = 1; UPDATE {schema}.aside SET n = 'NaN' WHERE id = 1")
    tail.wait_caught_up(pg)
    for schema in ("copied", "streamed"):
        eq(tail.query(f"SELECT id FROM shop.{schema}_aside UNION ALL SELECT id FROM shop.{schema}_both_kept"), [(6,), (6,)])
        eq(tail.query(f"SELECT _op FROM shop.{schema}_both_kept_log WHERE id = 1 ORDER BY _version DESC LIMIT 1"), [("d",)])
        pg.sql(f"UPDATE {schema}.both_kept SET n = 3 WHERE id = 1; UPDATE {schema}.aside SET n = 3 WHERE id = 1")
    tail.wait_caught_up(pg)
    for schema in ("copied", "streamed"):
        eq(tail.query(f"SELECT n FROM shop.{schema}_aside WHERE id = 1 UNION ALL SELECT n FROM shop.{schema}_both_kept WHERE id = 1"), [("3",)] * 2)


@test
def a_history_with_rows_set_aside_has_each_large_value_in_its_time():
    pg.sql("INSERT INTO large SELECT i, 0, repeat('a', 9000) FROM generate_series(1, 2) i")
    tail.wait_caught_up(pg)
    pg.sql("UPDATE large SET n = 'NaN', big = repeat('b', 9000) WHERE id = 1")
    tail.wait_caught_up(pg)
    tail.stop()
    for n in (1, 2):
        pg.sql(f"UPDATE large SET n = {n}")
        pg.sql(f"UPDATE large SET big = repeat('{n}', 9000)")
    tail.start()
    tail.wait_caught_up(pg)
    log = tail.query("SELECT n, left(big, 1) FROM shop.large_log WHERE id = 2 ORDER BY _version")
    eq(log, [("0", "a"), ("1", "a"), ("1", "1"), ("2", "1"), ("2", "2")])


@test
def a_mended_row_arrives():
    pg.sql("UPDATE copied.aside SET n = 7 WHERE id = 2; UPDATE streamed.aside SET d = '2024-05-05' WHERE id = 3")
    tail.wait_caught_up(pg)
    eq(tail.query("SELECT n FROM shop.copied_aside WHERE id = 2"), [("7",)])
    eq(tail.query("SELECT d FROM shop.streamed_aside WHERE id = 3"), [("2024-05-05",)])


@test
def keys_that_cannot_be_held_come_and_go_without_harm():
    for schema in ("copied", "streamed"):
        eq(tail.query(f"SELECT d, n FROM shop.{schema}_days"), [("2024-01-01", 1)])
        eq(len(aside(f"{schema}.days")), 2)
        pg.sql(f"UPDATE {schema}.days SET n = 5 WHERE d = 'infinity'")
        pg.sql(f"DELETE FROM {schema}.days WHERE d = '0044-03-15 BC'")
        pg.sql(f"UPDATE {schema}.days SET d = '2024-02-02' WHERE d = 'infinity'")
        pg.sql(f"UPDATE {schema}.days SET d = '-infinity' WHERE d = '2024-01-01'")
    tail.wait_caught_up(pg)
    for schema in ("copied", "streamed"):
        eq(tail.query(f"SELECT d, n FROM shop.{schema}_days"), [("2024-02-02", 5)])


@test
def verify_says_which_rows_are_set_aside_and_calls_no_other_different():
    done = tail.verify("copied.aside", "copied.fine", "copied.nulled", "streamed.days")
    eq(done.code, 0, done)


@test
def no_value_of_a_row_is_in_the_log_or_the_status():
    pg.sql("CREATE SCHEMA told; CREATE TABLE told.aside (id text PRIMARY KEY, d date NOT NULL, v text);"
           "CREATE TABLE told.stopped (id text PRIMARY KEY, d date NOT NULL, v text)")
    config = mirror(pg, tables=["told.*", {"told.stopped": {"on_unrepresentable": "stop"}}])
    config["connections"]["shop"] |= {"slot": "told", "publication": "told"}
    config["server"]["log_level"] = "debug"
    other = Tailrace(config)
    pg.sql("INSERT INTO told.aside VALUES ('secret-1', '0044-03-15 BC', 'secret-2'), ('secret-3', '2024-01-01', 'secret-4')")
    other.start()
    other.wait_live()
    for table in ("aside", "stopped"):
        pg.sql(f"INSERT INTO told.{table} VALUES ('secret-5', '0044-03-16 BC', 'secret-6'), ('secret-7', '2024-01-01', 'secret-8')")
    other.wait_for(lambda _: other.table("told.stopped")["status"] == "broken", "the table to stop")
    other.wait_caught_up(pg, "told")
    eq(other.table("told.aside")["set_aside"], 2)
    with open(other.log, encoding="utf-8") as log:
        text = log.read() + other.get("/api/v1/status")[1] + other.get("/metrics")[1]
    for value in ("secret", "0044", "2024-01-01"):
        assert value not in text, f"{value} was told: " + "\n".join(line for line in text.splitlines() if value in line)
    eq(other.stop(), 0)


run()
