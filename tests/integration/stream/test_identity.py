#!/usr/bin/python3
"""Replica identities of every kind, tables without one, partitions; and users' own statements are never refused."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, has, run, test

pg = Postgres()
pg.sql(
    """
    CREATE TABLE by_index (id int PRIMARY KEY, code text NOT NULL, area int NOT NULL, v text);
    CREATE UNIQUE INDEX by_code ON by_index (code, area);
    ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_code;
    CREATE TABLE whole (id int PRIMARY KEY, v text, big text);
    ALTER TABLE whole REPLICA IDENTITY FULL;
    CREATE TABLE whole_keyless (a int, v text);
    ALTER TABLE whole_keyless REPLICA IDENTITY FULL;
    CREATE TABLE nothing (id int PRIMARY KEY, v text);
    ALTER TABLE nothing REPLICA IDENTITY NOTHING;
    CREATE TABLE keyless (a int, v text);
    CREATE TABLE late_key (id int NOT NULL, v text);
    CREATE TABLE turns (id int PRIMARY KEY, other int NOT NULL UNIQUE, v text);

    CREATE TABLE parts (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
    CREATE TABLE parts_2 (v text, junk int, at date NOT NULL, id int NOT NULL);
    ALTER TABLE parts_2 DROP junk;
    ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
    CREATE TABLE tree (id int, area text, v text) PARTITION BY LIST (area);
    CREATE TABLE tree_a PARTITION OF tree FOR VALUES IN ('a') PARTITION BY HASH (id);
    CREATE TABLE tree_a0 PARTITION OF tree_a FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE tree_a1 PARTITION OF tree_a FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE tree_rest PARTITION OF tree DEFAULT;

    INSERT INTO by_index SELECT i, 'c' || i, i % 3, 'first' FROM generate_series(1, 30) i;
    INSERT INTO whole SELECT i, 'first', repeat('y', 5000) FROM generate_series(1, 30) i;
    INSERT INTO whole_keyless SELECT i % 3, 'first' FROM generate_series(1, 30) i;
    INSERT INTO nothing SELECT i, 'first' FROM generate_series(1, 30) i;
    INSERT INTO keyless SELECT i % 3, 'first' FROM generate_series(1, 30) i;
    INSERT INTO late_key SELECT i, 'first' FROM generate_series(1, 30) i;
    INSERT INTO turns SELECT i, -i, 'first' FROM generate_series(1, 30) i;
    INSERT INTO parts SELECT i, '2024-01-01'::date + i, 'first' FROM generate_series(0, 50) i;
    INSERT INTO tree SELECT i, chr(97 + i % 3), 'first' FROM generate_series(1, 60) i;
    """
)
tail = Tailrace(mirror(pg))
tail.start()
tail.wait_live()


def settled(*tables):
    tail.wait_live(*tables)
    tail.wait_caught_up(pg)
    tail.must_be_equal(*tables)


def sorting_key(table):
    return tail.value(f"SELECT sorting_key FROM system.tables WHERE database = 'shop_cdc' AND name = '{table}'").strip("()")


@test
def an_index_as_identity_is_the_key():
    eq(sorting_key("by_index"), "code, area")
    pg.sql("UPDATE by_index SET v = 'second' WHERE id <= 10")
    pg.sql("UPDATE by_index SET id = id + 1000 WHERE id BETWEEN 11 AND 20")
    pg.sql("UPDATE by_index SET code = 'moved' || id WHERE id BETWEEN 21 AND 25")
    pg.sql("DELETE FROM by_index WHERE id BETWEEN 26 AND 28")
    pg.sql("UPDATE by_index SET code = 'c1', area = 77 WHERE id = 2")
    settled("public.by_index")
    eq(tail.value("SELECT count() FROM shop.by_index"), 27)


@test
def the_whole_row_as_identity_keeps_the_primary_key():
    eq(sorting_key("whole"), "id")
    pg.sql("UPDATE whole SET v = 'second' WHERE id <= 10; UPDATE whole SET id = -id WHERE id BETWEEN 5 AND 15;"
           "UPDATE whole SET v = NULL WHERE id = -7; DELETE FROM whole WHERE id IN (-8, 20)")
    settled("public.whole")
    eq(tail.query("SELECT count(), countIf(length(big) = 5000) FROM shop.whole"), [(28, 28)])


@test
def a_table_without_identity_is_kept_as_history_and_its_users_do_not_notice():
    for table in ("nothing", "keyless"):
        pg.sql(f"INSERT INTO {table} VALUES (100, 'streamed'), (100, 'streamed')" if table == "keyless"
               else f"INSERT INTO {table} VALUES (100, 'streamed'), (101, 'streamed')")
        # refused, if a publication of ours had them with updates and deletes
        pg.sql(f"UPDATE {table} SET v = 'second' WHERE v = 'first'")
        pg.sql(f"DELETE FROM {table} WHERE v = 'second'")
        pg.sql(f"INSERT INTO {table} VALUES (200, 'last')")
    tail.wait_caught_up(pg)
    for table in ("nothing", "keyless"):
        eq(
            tail.query(f"SELECT _op, v, count() FROM shop.{table}_log GROUP BY 1, 2 ORDER BY 1, 2"),
            [("c", "last", 1), ("c", "streamed", 2), ("r", "first", 30)],
            table,
        )
    eq(tail.query("SELECT name FROM system.tables WHERE database = 'shop' AND name IN ('keyless', 'nothing')"), [])


@test
def a_table_without_a_key_but_with_whole_rows_has_its_deletes_in_the_history():
    pg.sql("UPDATE whole_keyless SET v = 'second' WHERE a = 1; DELETE FROM whole_keyless WHERE a = 2")
    tail.wait_caught_up(pg)
    eq(
        tail.query("SELECT _op, a, v, count() FROM shop.whole_keyless_log GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"),
        [("d", 2, "first", 10), ("r", 0, "first", 10), ("r", 1, "first", 10), ("r", 2, "first", 10), ("u", 1, "second", 10)],
    )
    eq(tail.table("public.whole_keyless")["target"], "whole_keyless_log", "what people read")


@test
def a_key_that_comes_later_makes_it_a_table_of_latest_rows():
    pg.sql("UPDATE late_key SET v = 'unseen' WHERE id = 1")
    pg.sql("ALTER TABLE late_key ADD PRIMARY KEY (id)")
    tail.wait_for(lambda s: tail.table("public.late_key")["generation"] > 1, "a new generation")
    pg.sql("UPDATE late_key SET v = 'second' WHERE id = 2; DELETE FROM late_key WHERE id = 3")
    settled("public.late_key")
    eq(tail.query("SELECT id, v FROM shop.late_key WHERE id <= 3 ORDER BY id"), [(1, "unseen"), (2, "second")])


@test
def a_key_that_changes_has_the_table_copied_anew():
    pg.sql("UPDATE turns SET v = 'second' WHERE id <= 5")
    pg.sql("ALTER TABLE turns DROP CONSTRAINT turns_pkey, ADD PRIMARY KEY (other)")
    pg.sql("UPDATE turns SET id = 7 WHERE other = -1")
    pg.sql("UPDATE turns SET other = 500 WHERE other = -2; DELETE FROM turns WHERE other = -3")
    tail.wait_for(lambda s: tail.table("public.turns")["generation"] > 1, "a new generation")
    settled("public.turns")
    eq(sorting_key("turns"), "other")
    eq(tail.query("SELECT count(), countIf(id = 7) FROM shop.turns"), [(29, 2)])


@test
def a_key_that_is_lost_never_has_users_refused():
    pg.sql("ALTER TABLE turns DROP CONSTRAINT turns_pkey")
    tail.wait_for(lambda s: tail.query("EXISTS shop.turns_log") == [(1,)], "history instead")
    pg.sql("UPDATE turns SET v = 'third' WHERE id = 7")
    pg.sql("DELETE FROM turns WHERE id = 9")
    pg.sql("INSERT INTO turns VALUES (900, 900, 'new')")
    tail.wait_live("public.turns")
    tail.wait_caught_up(pg)
    eq(tail.value("SELECT count() FROM shop.turns_log WHERE id = 900"), 1)


@test
def partitions_are_one_table():
    pg.sql("UPDATE parts SET v = 'second' WHERE id <= 10; UPDATE parts SET at = at + 31 WHERE id BETWEEN 11 AND 20;"
           "DELETE FROM parts WHERE id = 50; INSERT INTO parts VALUES (99, '2024-02-02', 'new')")
    pg.sql("UPDATE parts_2 SET v = 'direct' WHERE id = 40; INSERT INTO parts_1 (id, at, v) VALUES (98, '2024-01-30', 'direct')")
    settled("public.parts")
    eq(tail.query("SELECT count(), countIf(v = 'direct') FROM shop.parts"), [(52, 2)])
    eq(tail.table("public.parts_1"), None)
    pg.sql("CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM ('2024-03-01') TO ('2024-04-01')")
    pg.sql("INSERT INTO parts VALUES (300, '2024-03-03', 'in a new leaf')")
    tail.wait_for(lambda s: tail.table("public.parts")["generation"] > 1, "a new generation")
    settled("public.parts")
    eq(tail.query("SELECT v FROM shop.parts WHERE id = 300"), [("in a new leaf",)])


@test
def partitions_of_partitions_without_a_key_are_history():
    pg.sql("INSERT INTO tree VALUES (1000, 'a', 'new'), (1001, 'z', 'new'); UPDATE tree SET v = 'second' WHERE id = 1")
    tail.wait_live("public.tree")
    tail.wait_caught_up(pg)
    eq(tail.query("SELECT _op, count() FROM shop.tree_log GROUP BY 1 ORDER BY 1"), [("c", 2), ("r", 60)])


@test
def check_says_which_tables_are_kept_as_history():
    out = tail.command("check").out
    for table in ("nothing", "keyless", "tree"):
        has(out, table)
    eq(tail.command("check").code, 0)


run()
