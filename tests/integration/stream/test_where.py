#!/usr/bin/python3
"""Row filters that PostgreSQL applies itself: where it does, that nobody's statement suffers, and that the rows are the same."""
import os
import sys

import psycopg2

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, has, run, test, wait_until

# one column a type; NULLs, what collations, numbers and clocks tell apart or do not, and patterns
VALUES = {
    "t": ("text", ["", "a", "A", "ä", "a%b", "a_b", "axb", "\\", "it's", "straße", "NaN"]),
    "c": ("char(4)", ["a", "a  ", "ab", ""]),
    "v": ("varchar(10)", ["x", "X", "xy"]),
    "n": ("numeric(40,20)", ["1", "1.0", "1.00000000000000000001", "-5", "NaN", "12345678901234567890.5"]),
    "d": ("numeric(10,2)", ["1", "0.01", "-0.01", "99999999.99"]),
    "i": ("int", ["0", "1", "-1", "2147483647"]),
    "l": ("bigint", ["0", "9007199254740993", "-9223372036854775808"]),
    "f": ("float8", ["0", "-0", "0.1", "NaN", "Infinity", "1e300"]),
    "r": ("real", ["0.1", "0.5", "NaN"]),
    "b": ("boolean", ["true", "false"]),
    "da": ("date", ["2024-02-29", "0001-01-01", "infinity"]),
    "ts": ("timestamp", ["2024-02-29 12:00:00.000001", "2024-02-29"]),
    "tz": ("timestamptz", ["2024-02-29 12:00:00+02", "2024-02-29 10:00:00Z", "2024-02-29 10:00:00.000001Z"]),
    "u": ("uuid", ["1b4e28ba-2fa1-11d2-883f-0016d3cca427", "00000000-0000-0000-0000-000000000000"]),
}
FILTERS = [
    "t = 'a' OR t IN ('ä', 'a%b', 'it''s', 'NaN')",
    "t LIKE 'a\\_%' OR t LIKE '%\\\\' OR t LIKE 'stra_e'",
    "t NOT LIKE 'a%' AND t <> ''",
    "NOT (t = 'a' OR v = 'x')",
    "c IS NOT NULL AND v IS NULL OR v LIKE 'x%'",
    "n = 1 OR n > 5",
    "n <> 1.00000000000000000001 AND NOT n < 0",
    "d BETWEEN 0 AND 1 OR d IN (-0.01)",
    "i >= 1 OR l < -9223372036854775807 OR l = 9007199254740993",
    "f = 0 OR f > 1e299",
    "r = 0.5 OR r > 0.1",
    "b OR NOT b AND i IS NULL",
    "b IS NULL AND t IS NOT NULL",
    "da >= '2024-01-01' OR da < '0002-01-01'",
    "ts > '2024-02-29' OR tz = '2024-02-29 10:00:00' OR tz > '2024-02-29 12:00:00.000000+02:00'",
    "u = '1b4e28ba-2fa1-11d2-883f-0016d3cca427'",
]
COLUMNS = ", ".join(f"{name} {kind}" for name, (kind, _) in VALUES.items())

pg = Postgres()
pg.sql("CREATE TYPE area AS ENUM ('eu', 'us')")
for n, _ in enumerate(FILTERS):
    # the server filters the first, tailrace the second
    pg.sql(f"CREATE TABLE pushed_{n} (id int, {COLUMNS}); CREATE TABLE own_{n} (id int PRIMARY KEY, {COLUMNS})")
pg.sql(
    """
    CREATE TABLE orders (region text, id int, n int, big text, PRIMARY KEY (region, id));
    ALTER TABLE orders ALTER big SET STORAGE EXTERNAL;
    CREATE TABLE full_orders (LIKE orders INCLUDING ALL); ALTER TABLE full_orders REPLICA IDENTITY FULL;
    CREATE TABLE parts (region text, id int, big text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
    CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu'); CREATE TABLE parts_us PARTITION OF parts FOR VALUES IN ('us');
    CREATE TABLE unkeyed (id int PRIMARY KEY, n int);
    CREATE TABLE areas (area area, id int, PRIMARY KEY (area, id));
    CREATE TABLE events (what text, n int);
    CREATE TABLE migrated (region text, id int, v text, PRIMARY KEY (region, id));
    CREATE TABLE byhand (id int PRIMARY KEY, v text);
    """
)
REGION = "region = 'eu'"
WHERE = {
    **{f"{kind}_{n}": where for n, where in enumerate(FILTERS) for kind in ("pushed", "own")},
    "orders": REGION,
    "full_orders": REGION,
    "parts": REGION,
    "unkeyed": "n > 5",
    "areas": "area = 'eu'",
    "events": "n > 5 OR what IS NULL",
    "migrated": REGION,
    "byhand": "id < 100",
}
KEYED = ("orders", "full_orders", "parts")


def tables(where):
    more = {"orders": {"keep": "both"}}
    return ["public.*", *({f"public.{t}": {**more.get(t, {}), **({"where": w} if w else {})}} for t, w in where.items())]


def fill():
    for table in KEYED:
        big = "repeat(md5(i::text || '{}'), 200)".format(table)
        columns = f"CASE i % 2 WHEN 0 THEN 'eu' ELSE 'us' END, i, {'i, ' if table != 'parts' else ''}{big}"
        pg.sql(f"INSERT INTO {table} SELECT {columns} FROM generate_series(1, 20) i")


fill()
pg.sql("INSERT INTO events SELECT 'copied', i FROM generate_series(1, 10) i; INSERT INTO migrated VALUES ('eu', 1, 'a'), ('us', 2, 'b')")
config = mirror(pg, tables=tables(WHERE))
tail = Tailrace(config)
check = tail.command("check").out
tail.start()
tail.wait_live()


def filters():
    """{table: the filter that the publications have on it}"""
    return dict(
        pg.sql(
            "SELECT c.relname, pg_get_expr(prqual, prrelid) FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid"
            " WHERE prqual IS NOT NULL"
        )
    )


def settled(*names):
    names = [f"public.{name}" for name in names or KEYED]

    def compared():
        tail.wait_live(*names)
        tail.wait_caught_up(pg)
        done = tail.verify(*names)
        return done if done.json["verdict"] != "incomplete" else None  # a copy anew has begun meanwhile

    done = wait_until(compared, f"{names} to be compared")
    eq(done.json["verdict"], "equal", done)


@test
def the_server_filters_where_the_key_decides_or_there_is_none():
    there = filters()
    for table in (*KEYED, "migrated", "events", "byhand", "pushed_0"):
        has(there[table], "tailrace")
    assert not {"unkeyed", "areas", "own_0"} & set(there), there
    before = {table: tail.table(f"public.{table}")["changes"] for table in (*KEYED, "events")}
    for table in KEYED:
        pg.sql(f"INSERT INTO {table} (region, id) SELECT 'us', i FROM generate_series(1001, 2000) i; INSERT INTO {table} (region, id) VALUES ('eu', 1)")
    pg.sql("INSERT INTO events SELECT 'small', 1 FROM generate_series(1, 1000); INSERT INTO events VALUES ('large', 6)")
    settled()
    eq({table: tail.table(f"public.{table}")["changes"] - count for table, count in before.items()}, dict.fromkeys(before, 1))
    eq(tail.query("SELECT _op, n, count() FROM shop.events_log WHERE n > 5 GROUP BY ALL ORDER BY ALL"),
       [("c", 6, 1), *(("r", n, 1) for n in range(6, 11))])
    eq(tail.value("SELECT count() FROM shop.events_log"), 6)


@test
def the_statements_of_users_are_never_refused():
    pg.sql("UPDATE unkeyed SET n = 7; UPDATE events SET n = n + 1; DELETE FROM events WHERE n > 100; UPDATE orders SET n = 0; DELETE FROM orders WHERE id = 1001")
    for table in KEYED:
        pg.sql(f"UPDATE {table} SET id = -id WHERE id = 1002; DELETE FROM {table} WHERE id = 1003")
    settled()


@test
def rows_come_and_go_by_their_key():
    for table in KEYED:
        # out, in, out and in again with another large value, all the time without touching it within one statement
        pg.sql(
            f"UPDATE {table} SET region = 'us' WHERE id IN (2, 4, 6); UPDATE {table} SET region = 'eu' WHERE id IN (3, 5, 7);"
            f"UPDATE {table} SET region = 'us' WHERE id = 8; UPDATE {table} SET big = repeat(md5('hidden'), 200) WHERE id = 8;"
            f"UPDATE {table} SET region = 'eu' WHERE id = 8; UPDATE {table} SET id = 10000 + id, region = 'eu' WHERE id = 9;"
            f"UPDATE {table} SET id = 10000 + id WHERE id = 10; DELETE FROM {table} WHERE id IN (11, 12)"
        )
    settled()
    for table in KEYED:
        expected = pg.sql(f"SELECT id, md5(big) FROM {table} WHERE region = 'eu' ORDER BY id")
        eq(tail.query(f"SELECT id, lower(hex(MD5(big))) FROM shop.{table} WHERE big IS NOT NULL ORDER BY id"), [row for row in expected if row[1]])
        eq(tail.value(f"SELECT count() FROM shop.{table}"), len(expected))
    # a stay outside is a delete in the history, and no more is told of it
    eq(tail.query("SELECT _op FROM shop.orders_log WHERE region = 'eu' AND id = 8 ORDER BY _version"), [("r",), ("u",), ("d",), ("c",)])


@test
def what_happens_while_it_is_down_is_the_same():
    tail.stop()
    for table in KEYED:
        pg.sql(f"UPDATE {table} SET region = 'us' WHERE id = 14; UPDATE {table} SET big = repeat(md5('meanwhile'), 200) WHERE id = 14;"
               f"UPDATE {table} SET region = 'eu' WHERE id = 14; UPDATE {table} SET region = 'us' WHERE id = 16; UPDATE {table} SET region = 'eu' WHERE id = 15")
    tail.start()
    settled()


@test
def the_server_and_tailrace_take_the_same_rows():
    rows = []
    for name, (kind, values) in VALUES.items():
        rows += [f"({{}}{''.join(', ' + (quoted(value, kind) if other == name else 'NULL') for other in VALUES)})" for value in values]
    rows.append("({}" + ", NULL" * len(VALUES) + ")")
    for at in range(5):
        rows.append("({}" + "".join(", " + quoted(values[at % len(values)], kind) for kind, values in VALUES.values()) + ")")
    numbered = ", ".join(row.format(i) for i, row in enumerate(rows))
    for n, _ in enumerate(FILTERS):
        for kind in ("pushed", "own"):
            pg.sql(f"INSERT INTO {kind}_{n} VALUES {numbered}")
    tail.wait_caught_up(pg)
    for n, where in enumerate(FILTERS):
        taken = [i for i, in pg.sql(f"SELECT id FROM own_{n} WHERE {where} ORDER BY id".replace("%", "%%"), ())]
        assert 0 < len(taken) < len(rows), where
        aside = "SELECT toInt32(JSONExtractString(row, 'id')) AS id FROM shop_cdc._set_aside WHERE table = 'public.{}_{}'"
        for kind, view in (("pushed", f"pushed_{n}_log"), ("own", f"own_{n}")):
            got = tail.query(f"SELECT id FROM shop.{view} UNION ALL {aside.format(kind, n)}")
            eq(sorted(i for i, in got if i in taken), taken, f"{kind}: {where}")
        eq(sorted(i for i, in tail.query(f"SELECT id FROM shop.own_{n}")), sorted(i for i, in tail.query(f"SELECT id FROM shop.pushed_{n}_log")), where)


def quoted(value, kind):
    return "'" + value.replace("'", "''") + "'::" + kind


def reconfigure(**where):
    tail.stop()
    config["streams"]["shop"]["tables"] = tables({**WHERE, **where})
    tail.configure(config)


@test
def a_filter_that_changes_is_another_in_the_publication_and_nothing_is_lost():
    generations = {table: tail.table(f"public.{table}")["generation"] for table in KEYED}
    reconfigure(**{table: "region IN ('eu', 'us') AND id < 5000" for table in KEYED})
    for table in KEYED:
        pg.sql(f"UPDATE {table} SET region = 'us' WHERE id IN (2, 3, 18, 20); UPDATE {table} SET region = 'eu' WHERE id = 17; INSERT INTO {table} (region, id) VALUES ('us', 77), ('eu', 78)")
    tail.start()
    tail.wait_for(lambda s: all((tail.table(f"public.{t}") or {}).get("generation", 0) > g for t, g in generations.items()), "new generations")
    settled()
    for table in KEYED:
        has(filters()[table], "5000")
        eq(tail.value(f"SELECT count() FROM shop.{table}"), pg.value(f"SELECT count(*) FROM {table} WHERE id < 5000"))
        pg.sql(f"UPDATE {table} SET id = id + 10000 WHERE id = 77")
    settled()


@test
def a_filter_that_goes_from_the_configuration_goes_from_the_publication():
    reconfigure(**{table: None for table in KEYED}, events=None)
    tail.start()
    settled()
    assert not {*KEYED, "events"} & set(filters()), filters()
    eq(tail.value("SELECT count() FROM shop.orders"), pg.value("SELECT count(*) FROM orders"))
    pg.sql("INSERT INTO events VALUES ('small', 1)")
    tail.wait_caught_up(pg)
    eq(tail.value("SELECT count() FROM shop.events_log WHERE what = 'small' AND _op = 'c'"), 1)


@test
def a_key_that_changes_takes_the_filter_off_before_long():
    pg.sql("ALTER TABLE migrated DROP CONSTRAINT migrated_pkey, ADD PRIMARY KEY (id)")
    wait_until(lambda: "migrated" not in filters(), "the filter to go")
    pg.sql("UPDATE migrated SET region = 'eu' WHERE id = 2; UPDATE migrated SET region = 'us' WHERE id = 1")
    settled("migrated")
    eq(tail.query("SELECT id FROM shop.migrated"), [(2,)])
    pg.sql("ALTER TABLE migrated DROP CONSTRAINT migrated_pkey, ADD PRIMARY KEY (id, region)")
    wait_until(lambda: "migrated" in filters(), "the filter to come back")
    pg.sql("UPDATE migrated SET region = 'eu' WHERE id = 1")
    settled("migrated")


@test
def a_filter_of_someone_elses_is_taken_off_and_the_table_copied_anew():
    generation = tail.table("public.byhand")["generation"]
    pg.sql("BEGIN; ALTER PUBLICATION tailrace_shop DROP TABLE byhand; ALTER PUBLICATION tailrace_shop ADD TABLE byhand WHERE (id = 1);"
           "INSERT INTO byhand VALUES (1, 'a'), (2, 'b'); COMMIT")
    tail.wait_for(lambda s: tail.table("public.byhand")["generation"] > generation, "a new generation")
    pg.sql("INSERT INTO byhand VALUES (3, 'c'), (100, 'd')")
    settled("byhand")
    eq(tail.query("SELECT id FROM shop.byhand ORDER BY id"), [(1,), (2,), (3,)])
    has(filters()["byhand"], "tailrace")


@test
def columns_of_a_filter_can_be_changed_within_a_transaction_without_it():
    try:
        pg.sql("ALTER TABLE migrated ALTER id TYPE bigint; ALTER TABLE byhand ALTER id TYPE bigint")
        raise AssertionError("PostgreSQL lets a column of a filter change its type")
    except psycopg2.Error as error:
        has(str(error), "publication")
    pg.sql("BEGIN; ALTER PUBLICATION tailrace_shop DROP TABLE byhand; ALTER TABLE byhand ALTER id TYPE bigint;"
           "ALTER PUBLICATION tailrace_shop ADD TABLE ONLY byhand; COMMIT")
    wait_until(lambda: "tailrace" in filters().get("byhand", ""), "the filter to come back")
    pg.sql("INSERT INTO byhand VALUES (4, 'e')")
    settled("byhand")


@test
def it_can_be_left_to_tailrace():
    tail.stop()
    config["connections"]["shop"]["push_where"] = False
    tail.configure(config)
    tail.start()
    settled("migrated", "byhand")
    eq(filters(), {})
    pg.sql("INSERT INTO byhand VALUES (101, 'x'), (5, 'y')")
    settled("byhand")


run()
