#!/usr/bin/python3
"""What changes of mirrored tables touch is marked, hour by hour: new rows, late updates and deletes, keys that
change, what a crash interrupts."""
import datetime
import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, run, test, wait_until

HOUR = 3600 * 10**6
NOW = datetime.datetime(2026, 11, 21, 10, 30, tzinfo=datetime.timezone.utc)
pg = Postgres()
pg.sql(
    """
    SET timezone = 'UTC';
    CREATE TABLE orders (id int PRIMARY KEY, ordered_at timestamptz, note text);
    INSERT INTO orders SELECT i, timestamptz '2026-11-21 10:30Z' - make_interval(days => i), 'copied'
        FROM generate_series(1, 100) i;
    CREATE TABLE full_orders (id int PRIMARY KEY, ordered_at timestamp, note text);
    ALTER TABLE full_orders REPLICA IDENTITY FULL;
    INSERT INTO full_orders SELECT id, ordered_at AT TIME ZONE 'UTC', note FROM orders;
    CREATE TABLE days (day date, id int, note text, PRIMARY KEY (day, id));
    INSERT INTO days SELECT '2026-11-21'::date - i, i, 'copied' FROM generate_series(1, 100) i;
    CREATE TABLE customers (id int PRIMARY KEY, name text);
    INSERT INTO customers VALUES (1, 'one');
    """
)
tail = Tailrace(
    mirror(pg, tables=["public.*", {"public.customers": {"keep": "both"}}], stream={"flush_interval": "10ms"})
)
YML = """
sources:
  - name: shop
    tables:
      - {name: orders, config: {event_time: ordered_at}}
      - {name: full_orders, config: {event_time: ordered_at}}
      - {name: days, config: {event_time: day}}
      - {name: customers}
"""


def write(path, text):
    path = os.path.join(tail.folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


write("dbt_project.yml", "name: shop\nversion: '1'\n")
write("models/sources.yml", YML)
for table in ("orders", "full_orders", "days", "customers"):
    write(f"models/m_{table}.sql", f"select * from {{{{ source('shop', '{table}') }}}}")


def marks(table):
    """Disjoint (from, to, seq) of the table, ascending."""
    db = sqlite3.connect(f"file:{tail.folder}/.tailrace/state.db?mode=ro", uri=True, timeout=10)
    try:
        return db.execute(
            "SELECT from_us, to_us, seq FROM marks WHERE asset = ? ORDER BY from_us", (f"source.shop.{table}",)
        ).fetchall()
    finally:
        db.close()


def seq():
    return max((row[2] for table in ("orders", "full_orders", "days", "customers") for row in marks(table)), default=0)


def hour(days, hours=0):
    """The hour of that many days before NOW."""
    at = NOW - datetime.timedelta(days=days, hours=hours)
    return int(at.timestamp() * 10**6) // HOUR


def touched(table, since):
    """The hours that were marked behind `since`; "all"."""
    found = set()
    for first, last, at in marks(table):
        if at <= since:
            continue
        if last - first > 10**6 * HOUR:
            return "all"
        found |= set(range(first // HOUR, last // HOUR))
    return found


def touches(table, statement, expected):
    """After the statement just these hours of the table are marked, and nothing of another table."""
    before = seq()
    pg.sql(statement)
    tail.wait_caught_up(pg)
    eq(touched(table, before), expected, statement)
    for other in ("orders", "full_orders", "days", "customers"):
        if other != table:
            eq(touched(other, before), set(), other)


def fresh_start():
    tail.start()
    tail.wait_live()
    tail.wait_caught_up(pg)


@test
def a_copy_that_is_done_marks_all():
    fresh_start()
    for table in ("orders", "full_orders", "days", "customers"):
        eq(touched(table, 0), "all", table)


@test
def a_new_row_touches_its_hour():
    touches("orders", "INSERT INTO orders VALUES (1000, '2026-11-21 10:59:59.999Z', 'new')", {hour(0)})
    touches("orders", "INSERT INTO orders VALUES (1001, '1969-12-31 23:30Z', 'old')", {-1})
    touches("orders", "INSERT INTO orders VALUES (1002, NULL, 'never')", set())


@test
def a_late_update_touches_the_old_day():
    touches("orders", "UPDATE orders SET note = 'late' WHERE id = 40", {hour(40)})
    touches("full_orders", "UPDATE full_orders SET note = 'late' WHERE id = 40", {hour(40)})


@test
def a_row_that_moves_touches_both_days():
    touches("orders", "UPDATE orders SET ordered_at = '2026-11-21 10:30Z' WHERE id = 30", {hour(0), hour(30)})
    touches(
        "full_orders", "UPDATE full_orders SET ordered_at = '2026-11-21 10:30' WHERE id = 30", {hour(0), hour(30)}
    )
    touches("orders", "UPDATE orders SET ordered_at = NULL WHERE id = 31", {hour(31)})


@test
def a_delete_of_an_old_row_touches_its_day():
    touches("orders", "DELETE FROM orders WHERE id = 50", {hour(50)})
    touches("full_orders", "DELETE FROM full_orders WHERE id = 50", {hour(50)})
    day = hour(50) // 24 * 24
    touches("days", "DELETE FROM days WHERE id = 50", set(range(day, day + 24)))


@test
def a_key_change_touches_the_day_of_the_old_key():
    touches("orders", "UPDATE orders SET id = 2060 WHERE id = 60", {hour(60)})
    touches("orders", "UPDATE orders SET id = 2061, ordered_at = '2026-11-21 10:30Z' WHERE id = 61", {hour(0), hour(61)})
    touches("full_orders", "UPDATE full_orders SET id = 2061, ordered_at = '2026-11-21 10:30' WHERE id = 61",
            {hour(0), hour(61)})
    first, second = hour(62) // 24 * 24, hour(7) // 24 * 24
    touches("days", "UPDATE days SET day = '2026-11-14' WHERE id = 62",
            set(range(first, first + 24)) | set(range(second, second + 24)))


@test
def several_changes_of_a_row_in_one_transaction_touch_where_it_was_and_will_be():
    touches(
        "orders",
        "UPDATE orders SET ordered_at = '2026-11-01 00:30Z' WHERE id = 70;"
        "UPDATE orders SET ordered_at = '2026-11-02 00:30Z' WHERE id = 70;"
        "DELETE FROM orders WHERE id = 70;"
        "INSERT INTO orders VALUES (70, '2026-11-03 00:30Z', 'again')",
        {hour(70), hour(20, 10), hour(19, 10), hour(18, 10)},
    )


@test
def a_table_without_event_time_is_marked_as_a_whole():
    before = seq()
    touches("customers", "UPDATE customers SET name = 'uno'", "all")
    eq(touched("customers_log", before), "all")


@test
def a_truncate_touches_all():
    touches("days", "TRUNCATE days", "all")


@test
def what_a_crash_interrupts_is_marked_all_the_same():
    """The row has moved in the target already when its old day would be looked up again."""
    for point in ("writer.before_write", "writer.after_write", "watch.foreseen"):
        number = {"writer.before_write": 80, "writer.after_write": 81, "watch.foreseen": 82}[point]
        tail.stop()
        before = seq()
        tail.start(TAILRACE_FAILPOINT=f"{point}=kill", ready=False)
        pg.sql(f"UPDATE orders SET ordered_at = '2026-11-21 10:30Z' WHERE id = {number}")
        wait_until(lambda: not tail.running, f"the failpoint {point}")
        tail.start()
        tail.wait_caught_up(pg)
        eq(touched("orders", before), {hour(0), hour(number)}, point)


@test
def a_table_that_is_copied_anew_is_marked_as_a_whole():
    before = seq()
    tail.command("resync", "public.orders", check=True)
    wait_until(lambda: touched("orders", before) == "all", "the copy to be marked")
    eq(touched("customers", before), set())


def planned():
    """(name, reason) of what a build would do now."""
    plan = tail.command("plan", "all_cols+", "+kept", "--json", check=True).json
    return [(asset["name"], part["reason"]) for asset in plan["assets"] for part in asset["build"]]


def build():
    tail.command("build", "all_cols+", "+kept", check=True)


@test
def views_have_the_columns_of_what_they_read():
    write("models/all_cols.sql", "select * from {{ source('shop', 'customers') }}")
    write("models/of_view.sql", "select * from {{ ref('all_cols') }}")
    write("models/of_views.sql", "{{ config(materialized='table') }} select id, count() as n from {{ ref('of_view') }} group by id")
    write("models/kept.sql", "{{ config(materialized='materialized_view', engine='ReplacingMergeTree(_version, _deleted)', order_by='id') }}"
          " select id, upper(name) as name, _version, _deleted from shop_cdc.customers")
    build()
    eq(planned(), [])
    for change, columns in (("ADD city text DEFAULT 'x'", ["id", "name", "city"]), ("DROP city", ["id", "name"])):
        pg.sql(f"ALTER TABLE customers {change}")
        wait_until(lambda: len(tail.query("DESCRIBE TABLE shop.customers")) == len(columns), "the column")
        wait_until(lambda: {("all_cols", "changed"), ("of_view", "changed")} <= set(planned()), "the views to be planned")
        build()
        eq(planned(), [])
        eq([row[0] for row in tail.query("DESCRIBE TABLE analytics.of_view")], columns)


@test
def a_view_that_follows_inserts_is_filled_anew_once_its_table_was_copied_anew():
    """Rows that come by the copy alone, as of a rewrite or behind a gap, are not inserted into it."""
    kept = "SELECT id, name FROM analytics.kept FINAL ORDER BY id"
    before = pg.sql("SELECT id, upper(name) FROM customers ORDER BY id")
    eq(tail.query(kept), before)
    pg.sql("ALTER TABLE customers ALTER name TYPE varchar(20) USING name || '!'")
    wait_until(lambda: ("kept", "changed") in planned(), "the view to be planned")
    eq(tail.query(kept), before)
    build()
    eq(planned(), [])
    eq(tail.query(kept), pg.sql("SELECT id, upper(name) FROM customers ORDER BY id"))


@test
def a_source_that_is_quiet_is_fresh():
    db = sqlite3.connect(f"file:{tail.folder}/.tailrace/state.db?mode=ro", uri=True, timeout=10)
    as_of = lambda: db.execute("SELECT commit_time_us FROM streams WHERE name = 'shop'").fetchone()[0]
    then = pg.value("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    wait_until(lambda: as_of() > then, "the stream to be as of a later time")
    assert as_of() <= pg.value("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    db.close()


if __name__ == "__main__":
    run()
