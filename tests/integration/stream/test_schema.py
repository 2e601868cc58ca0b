#!/usr/bin/python3
"""Schema changes of the source are followed while rows keep coming."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, has, run, test

pg = Postgres()
pg.sql("CREATE TYPE mood AS ENUM ('sad', 'glad')")


def table(name, columns="id int PRIMARY KEY, a text, b int"):
    pg.sql(f"CREATE TABLE {name} ({columns})")
    pg.sql(f"INSERT INTO {name} (id) SELECT i FROM generate_series(1, 10) i")


for name in ("added", "dropped", "renamed", "widened", "rewritten", "swapped", "again", "doomed", "labels"):
    table(name)
pg.sql("ALTER TABLE labels ADD m mood; UPDATE labels SET m = 'sad'")
pg.sql(
    "CREATE TABLE parts (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
    "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');"
    "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');"
    "INSERT INTO parts SELECT i, '2024-01-01'::date + i, 'x' FROM generate_series(0, 50) i"
)
# what happens to a table behind a row whose large value only the source has: can it be had there still?
AHEAD = {
    "others": ("ALTER TABLE {0} ALTER a TYPE numeric(12,2), DROP b", True),
    "nulls": ("UPDATE {0} SET big = '' WHERE big IS NULL; ALTER TABLE {0} ALTER big SET NOT NULL", True),
    "type": ("ALTER TABLE {0} ALTER big TYPE int USING 1", False),
    "column": ("ALTER TABLE {0} DROP big", False),
    "key": ("ALTER TABLE {0} ALTER id TYPE bigint", False),
    "rekeyed": ("ALTER TABLE {0} DROP CONSTRAINT {0}_pkey, ADD PRIMARY KEY (other)", False),
}
for name in AHEAD:
    pg.sql(f"CREATE TABLE ahead_{name} (id int PRIMARY KEY, other int NOT NULL, n int NOT NULL, a numeric(10,2), b int, big text);"
           f"ALTER TABLE ahead_{name} ALTER big SET STORAGE EXTERNAL; INSERT INTO ahead_{name} SELECT i, i, 0, 1, 2, repeat('x', 5000) FROM generate_series(1, 3) i")
tail = Tailrace(mirror(pg, tables=["public.*", {"public.ahead_*": {"where": "n > 5"}}]))
tail.start()
tail.wait_live()


def settled(*tables):
    tail.wait_caught_up(pg)
    tail.wait_live(*tables)
    tail.must_be_equal(*tables)


def columns(table):
    return [name for name, in tail.query(f"SELECT name FROM system.columns WHERE database = 'shop' AND table = '{table}' ORDER BY position")]


@test
def an_added_column_comes_with_its_default_for_old_rows():
    pg.sql("ALTER TABLE added ADD c text NOT NULL DEFAULT 'old', ADD d int")
    pg.sql("INSERT INTO added VALUES (11, 'a', 1, 'new', 5)")
    tail.wait_caught_up(pg)
    eq(tail.query("SELECT c, count() FROM shop.added GROUP BY c ORDER BY c"), [("new", 1), ("old", 10)])
    settled("public.added")


@test
def a_default_that_cannot_be_held_sets_the_rows_aside_and_bytes_arrive_as_they_are():
    pg.sql("CREATE TABLE endless (id int PRIMARY KEY); INSERT INTO endless VALUES (1), (2); CREATE TABLE bytes AS TABLE endless; ALTER TABLE bytes ADD PRIMARY KEY (id)")
    tail.wait_live("public.endless", "public.bytes")
    pg.sql("ALTER TABLE endless ADD till timestamptz NOT NULL DEFAULT 'infinity'; ALTER TABLE bytes ADD b bytea DEFAULT '\\x18ff'")
    pg.sql("INSERT INTO endless VALUES (3, '2024-01-01 00:00:00+00'); INSERT INTO bytes VALUES (3, '\\x18fe')")
    settled("public.endless", "public.bytes")
    tail.wait_for(lambda s: "b" in columns("bytes") and "till" in columns("endless"), "the columns")
    settled("public.endless", "public.bytes")
    eq(tail.query("SELECT id, hex(b) FROM shop.bytes ORDER BY id"), [(1, "18FF"), (2, "18FF"), (3, "18FE")])
    eq(tail.query("SELECT id, toString(till) FROM shop.endless"), [(3, "2024-01-01 00:00:00.000000")])


@test
def an_added_column_shows_before_any_row_comes():
    pg.sql("ALTER TABLE added ADD e int DEFAULT 7")
    tail.wait_for(lambda status: "e" in columns("added"), "the column")
    settled("public.added")


@test
def a_volatile_default_has_the_table_copied_anew():
    pg.sql("ALTER TABLE rewritten ADD c float8 DEFAULT random()")
    tail.wait_for(lambda s: tail.table("public.rewritten")["generation"] > 1, "a new generation")
    settled("public.rewritten")


@test
def a_dropped_column_keeps_its_data():
    pg.sql("UPDATE dropped SET a = 'kept'")
    pg.sql("ALTER TABLE dropped DROP a")
    pg.sql("INSERT INTO dropped VALUES (11, 1)")
    settled("public.dropped")
    eq(columns("dropped"), ["id", "b"])
    stored = [n for n, in tail.query("SELECT name FROM system.columns WHERE database = 'shop_cdc' AND table = 'dropped'")]
    eq(len([n for n in stored if n.startswith("a")]), 1)


@test
def a_column_dropped_and_added_again_is_another_one():
    pg.sql("UPDATE again SET a = 'first'")
    pg.sql("ALTER TABLE again DROP a")
    pg.sql("ALTER TABLE again ADD a text")
    pg.sql("UPDATE again SET a = 'second' WHERE id = 1")
    settled("public.again")
    eq(tail.query("SELECT a FROM shop.again WHERE id <= 2 ORDER BY id"), [("second",), (None,)])


@test
def a_renamed_column_keeps_its_rows():
    pg.sql("UPDATE renamed SET a = 'x'")
    pg.sql("ALTER TABLE renamed RENAME a TO z")
    pg.sql("UPDATE renamed SET z = 'y' WHERE id = 1")
    settled("public.renamed")
    eq(tail.query("SELECT z, count() FROM shop.renamed GROUP BY z ORDER BY z"), [("x", 9), ("y", 1)])


@test
def columns_that_swap_names_keep_their_rows():
    pg.sql("ALTER TABLE swapped ALTER b TYPE text")
    pg.sql("UPDATE swapped SET a = 'A', b = 'B'")
    settled("public.swapped")
    pg.sql("BEGIN; ALTER TABLE swapped RENAME a TO t; ALTER TABLE swapped RENAME b TO a; ALTER TABLE swapped RENAME t TO b;"
           "COMMIT")
    pg.sql("UPDATE swapped SET a = 'new' WHERE id = 1")
    settled("public.swapped")
    eq(tail.query("SELECT a, b FROM shop.swapped WHERE id <= 2 ORDER BY id"), [("new", "A"), ("B", "A")])


@test
def a_column_added_filled_and_renamed_in_one_transaction_keeps_its_values():
    pg.sql("BEGIN; ALTER TABLE swapped ADD n int DEFAULT 7; UPDATE swapped SET n = 8 WHERE id = 1; ALTER TABLE swapped RENAME n TO m;"
           "UPDATE swapped SET m = 9 WHERE id = 2; COMMIT")
    settled("public.swapped")
    pg.sql("UPDATE swapped SET a = 'newer' WHERE id = 1")
    settled("public.swapped")
    eq(tail.query("SELECT id, m FROM shop.swapped WHERE id <= 3 ORDER BY id"), [(1, 8), (2, 9), (3, 7)])


@test
def a_wider_type_and_a_converted_one_are_followed():
    pg.sql("UPDATE widened SET b = 2000000000")
    pg.sql("ALTER TABLE widened ALTER b TYPE bigint USING b::bigint * 10")
    pg.sql("INSERT INTO widened VALUES (11, 'x', 30000000000)")
    settled("public.widened")
    pg.sql("ALTER TABLE widened ALTER a TYPE int USING length(a)")
    a_type = "SELECT type FROM system.columns WHERE database = 'shop' AND table = 'widened' AND name = 'a'"
    tail.wait_for(lambda s: "Int32" in tail.value(a_type), "the new type")
    settled("public.widened")


WIDER = [("v", "varchar(20)"), ("v", "text"), ("n", "numeric(12,2)"), ("n", "numeric(60,2)"), ("t", "timestamp(6)"), ("b", "varbit(12)"), ("b", "varbit")]


@test
def types_that_are_widened_without_a_rewrite_are_widened_in_place():
    pg.sql("CREATE TABLE exact (id int PRIMARY KEY, v varchar(10), n numeric(10,2), t timestamp(3), b varbit(8))")
    pg.sql("INSERT INTO exact SELECT i, 'v' || i, i + 0.25, '2024-01-01 00:00:00.125'::timestamp + i * interval '1 s', B'101' FROM generate_series(1, 100) i")
    tail.wait_live("public.exact")

    def anew():
        with open(tail.log, encoding="utf-8") as log:
            return [line for line in log if " table=exact " in line and "reason=" in line]

    for i, (column, kind) in enumerate(WIDER):
        if i % 2:
            tail.stop()
        pg.sql(f"ALTER TABLE exact ALTER {column} TYPE {kind}; UPDATE exact SET {column} = {column} WHERE id = {i + 1}")
        pg.sql(f"INSERT INTO exact (id, {column}) SELECT 1000 + {i}, {column} FROM exact WHERE id = {i + 10}")
        if i % 2:
            tail.start()
        settled("public.exact")
        eq((column, kind, tail.table("public.exact")["generation"], anew()), (column, kind, 1, []))
    pg.sql("INSERT INTO exact VALUES (2000, repeat('long', 20), 1e50, '2024-01-01 00:00:00.123456', B'1111111100000000')")
    settled("public.exact")
    eq(tail.table("public.exact")["generation"], 1)
    eq(tail.query("SELECT name, type FROM system.columns WHERE database = 'shop' AND table = 'exact' AND name = 'n'"), [("n", "Nullable(Decimal(60, 2))")])


@test
def a_column_that_takes_no_null_any_more_and_then_widens_keeps_the_nulls_of_its_history():
    pg.sql("CREATE TABLE filled (id int PRIMARY KEY, n numeric(10,2)); INSERT INTO filled VALUES (1, NULL), (2, 1.25)")
    tail.wait_live("public.filled")
    for change in ("UPDATE filled SET n = 0 WHERE n IS NULL; ALTER TABLE filled ALTER n SET NOT NULL", "ALTER TABLE filled ALTER n TYPE numeric(12,2)"):
        pg.sql(f"{change}; INSERT INTO filled SELECT max(id) + 1, 99.5 FROM filled")
        settled("public.filled")
    pg.sql("INSERT INTO filled VALUES (9, 1234567890.25)")
    settled("public.filled")
    eq(tail.table("public.filled")["generation"], 1)
    eq(tail.value("SELECT type FROM system.columns WHERE database = 'shop' AND table = 'filled' AND name = 'n'"), "Nullable(Decimal(12, 2))")


@test
def a_type_whose_change_rewrites_the_rows_is_copied_anew_since_they_may_be_other_ones():
    pg.sql("CREATE TABLE doubled (id int PRIMARY KEY, n int)")
    pg.sql("INSERT INTO doubled SELECT i, i FROM generate_series(1, 100) i")
    tail.wait_live("public.doubled")
    # to the catalog it is the same change as without USING
    pg.sql("ALTER TABLE doubled ALTER n TYPE bigint USING n * 2")
    tail.wait_for(lambda s: tail.table("public.doubled")["generation"] > 1, "a new generation")
    settled("public.doubled")
    eq(tail.value("SELECT sum(n) FROM shop.doubled"), 10100)


@test
def a_large_value_that_only_the_source_has_is_taken_from_a_table_altered_since_or_comes_with_a_copy():
    for name, (alter, _) in AHEAD.items():
        pg.sql(f"BEGIN; INSERT INTO ahead_{name} VALUES (4, 4, 8); UPDATE ahead_{name} SET n = 7 WHERE id = 1;"
               f"{alter.format(f'ahead_{name}')}; UPDATE ahead_{name} SET n = 9 WHERE id = 4; COMMIT")
    settled(*(f"public.ahead_{name}" for name in AHEAD))
    tables = {name: tail.table(f"public.ahead_{name}") for name in AHEAD}
    eq({name: (table["generation"] == 1, table["set_aside"]) for name, table in tables.items()}, {name: (there, 0) for name, (_, there) in AHEAD.items()})
    eq({name: tail.query(f"SELECT id, n FROM shop.ahead_{name} ORDER BY id") for name in AHEAD}, dict.fromkeys(AHEAD, [(1, 7), (4, 9)]))
    eq([tail.value(f"SELECT length(big) FROM shop.ahead_{name} WHERE id = 1") for name, (_, there) in AHEAD.items() if there], [5000, 5000])


@test
def a_new_table_joins_by_itself_and_a_dropped_one_is_kept():
    table("late")
    tail.wait_for(lambda s: tail.table("public.late"), "the table to join")
    pg.sql("INSERT INTO late VALUES (77)")
    settled("public.late")
    pg.sql("DROP TABLE doomed")
    tail.wait_for(lambda s: tail.table("public.doomed")["status"] == "dropped", "the drop to be seen")
    eq(tail.value("SELECT count() FROM shop.doomed"), 10)


@test
def a_renamed_table_is_copied_under_its_new_name_and_what_stays_behind_is_marked():
    pg.sql("CREATE TABLE leads (id int PRIMARY KEY, v text); INSERT INTO leads VALUES (1, 'a'), (2, 'b')")
    tail.wait_live("public.leads")
    pg.sql("ALTER TABLE leads RENAME TO contacts; DELETE FROM contacts WHERE id = 1")
    tail.wait_live("public.contacts")
    settled("public.contacts")
    eq(tail.query("SELECT id FROM shop.contacts"), [(2,)])

    def left_behind():
        left = tail.table("public.leads")
        eq((left["status"], left["target"]), ("dropped", "leads"))
        has(left["error"], "it is public.contacts in the source now")
        eq(tail.value("SELECT count() FROM shop.leads"), 2)

    left_behind()
    # renamed again while nobody looks, and the first name taken by another table
    tail.stop()
    left = next(t for t in tail.command("status", "--json").json["streams"][0]["tables"] if t["name"] == "public.leads")
    eq(left["status"], "dropped")
    pg.sql("ALTER TABLE contacts RENAME TO people; INSERT INTO people VALUES (3, 'c')")
    tail.start()
    tail.wait_live("public.people")
    settled("public.people")
    left_behind()
    has(tail.table("public.contacts")["error"], "it is public.people in the source now")
    pg.sql("CREATE TABLE leads (id int PRIMARY KEY); INSERT INTO leads VALUES (7)")
    tail.wait_live("public.leads")
    settled("public.leads")
    eq(tail.query("SELECT id FROM shop.leads"), [(7,)])
    eq(sum(t["name"] == "public.leads" for t in tail.stream()["tables"]), 1)
    # back to an earlier name, which is free
    pg.sql("ALTER TABLE people RENAME TO contacts")
    tail.wait_live("public.contacts")
    settled("public.contacts")
    eq(tail.query("SELECT id FROM shop.contacts ORDER BY id"), [(2,), (3,)])
    eq(tail.table("public.people")["status"], "dropped")


@test
def new_labels_need_no_copy_and_renamed_ones_do():
    pg.sql("ALTER TYPE mood ADD VALUE 'calm'")
    pg.sql("UPDATE labels SET m = 'calm' WHERE id = 1")
    tail.wait_caught_up(pg)
    tail.must_be_equal("public.labels")
    eq(tail.table("public.labels")["generation"], 1)
    pg.sql("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'")
    tail.wait_for(lambda s: tail.table("public.labels")["generation"] > 1, "a new generation")
    settled("public.labels")


@test
def leaves_that_come_and_go_have_the_root_copied_anew():
    settled("public.parts")
    pg.sql("ALTER TABLE parts DETACH PARTITION parts_1")
    tail.wait_for(lambda s: tail.table("public.parts")["generation"] > 1, "a new generation")
    settled("public.parts")
    eq(tail.value("SELECT count() FROM shop.parts"), pg.value("SELECT count(*) FROM parts"))
    pg.sql("TRUNCATE parts_2")
    tail.wait_for(lambda s: tail.table("public.parts")["generation"] > 2, "a new generation")
    settled("public.parts")
    eq(tail.value("SELECT count() FROM shop.parts"), 0)


@test
def a_resync_gives_the_same_rows_and_never_an_empty_view():
    before = tail.table("public.added")["generation"]
    tail.command("resync", "public.added", check=True)
    tail.wait_for(lambda s: tail.table("public.added")["generation"] > before, "a new generation")
    settled("public.added")


run()
