#!/usr/bin/python3
"""What happens in the source while tailrace is not running is made good when it comes back."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, run, test

pg = Postgres()
for name in ("rewritten", "altered", "swapped", "emptied", "gone", "plain"):
    pg.sql(f"CREATE TABLE {name} (id int PRIMARY KEY, a text, n int)")
    pg.sql(f"INSERT INTO {name} SELECT i, 'a' || i, i FROM generate_series(1, 500) i")
BIG = "repeat('x', 3000)"
pg.sql("CREATE TABLE filled (id int PRIMARY KEY, n int, d int[], big text); ALTER TABLE filled ALTER big SET STORAGE EXTERNAL;"
       f"INSERT INTO filled SELECT i, nullif(i % 3, 0), '{{1}}', {BIG} FROM generate_series(1, 30) i; UPDATE filled SET d = NULL WHERE id = 6")
pg.sql("CREATE TABLE rekeyed (id int PRIMARY KEY, other int); ALTER TABLE rekeyed REPLICA IDENTITY FULL; INSERT INTO rekeyed VALUES (1, 5), (3, 6)")
tail = Tailrace(mirror(pg, tables=["public.*", {"public.filled": {"keep": "both"}}]))
tail.start()
tail.wait_live()
tail.wait_caught_up(pg)
tail.stop()

pg.sql("UPDATE rewritten SET n = n + 1; ALTER TABLE rewritten ALTER n TYPE int USING n * 10")
pg.sql("UPDATE altered SET a = 'before'; ALTER TABLE altered DROP a; ALTER TABLE altered ADD a text;"
       "UPDATE altered SET a = 'after' WHERE id <= 10")
pg.sql("UPDATE swapped SET n = -n")
pg.sql("ALTER TABLE swapped ADD late int DEFAULT 5")
pg.sql("INSERT INTO swapped VALUES (1000, 'x', 1, 2)")
pg.sql("BEGIN; INSERT INTO emptied VALUES (1000, 'gone'); TRUNCATE emptied; INSERT INTO emptied VALUES (1, 'new'); COMMIT")
pg.sql("INSERT INTO filled (id) VALUES (31); UPDATE filled SET n = 7 WHERE n IS NULL AND id > 3; DELETE FROM filled WHERE id = 1;"
       "UPDATE filled SET n = 8 WHERE n IS NULL; ALTER TABLE filled ALTER n SET NOT NULL; INSERT INTO filled (id, n) VALUES (32, 9)")
pg.sql("INSERT INTO rekeyed VALUES (2, 5); DELETE FROM rekeyed WHERE id = 1;"
       "ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey, ADD PRIMARY KEY (other)")
pg.sql("DROP TABLE gone; CREATE TABLE gone (id int PRIMARY KEY, other text); INSERT INTO gone VALUES (1, 'another')")
pg.sql("CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh SELECT generate_series(1, 100)")
pg.sql("UPDATE plain SET n = n + 1; DELETE FROM plain WHERE id > 400")
tail.start()


def settled(*tables):
    tail.wait_live(*tables)
    tail.wait_caught_up(pg)
    tail.wait_live(*tables)
    tail.must_be_equal(*tables)


@test
def rows_from_before_a_rewrite_do_not_win_over_the_copy():
    settled("public.rewritten")
    eq(tail.value("SELECT n FROM shop.rewritten WHERE id = 7"), 80)


@test
def rows_from_before_a_column_took_no_null_any_more_keep_their_nulls():
    settled("public.filled")
    of = "SELECT n, length(big) FROM shop.filled_log WHERE id = {} ORDER BY _version"
    eq([tail.query(of.format(id)) for id in (3, 6, 31, 32)],
       [[(None, 3000), (8, 3000)], [(None, 3000), (7, 3000)], [(None, None), (7, None)], [(9, None)]])
    table = tail.table("public.filled")
    eq((table["generation"], table["set_aside"]), (1, 0))


@test
def rows_from_before_another_key_do_not_win_over_the_copy():
    settled("public.rekeyed")
    eq(tail.query("SELECT id, other FROM shop.rekeyed ORDER BY id"), [(2, 5), (3, 6)])


@test
def a_column_dropped_and_added_again_has_no_old_values():
    settled("public.altered")
    eq(tail.query("SELECT a, count() FROM shop.altered GROUP BY a ORDER BY a"), [("after", 10), (None, 490)])


@test
def an_added_column_and_the_rows_around_it_arrive():
    settled("public.swapped")
    eq(tail.query("SELECT late, count() FROM shop.swapped GROUP BY late ORDER BY late"), [(2, 1), (5, 500)])


@test
def a_truncate_leaves_only_what_came_after():
    settled("public.emptied")
    eq(tail.query("SELECT id, a FROM shop.emptied"), [(1, "new")])


@test
def a_table_dropped_and_made_again_is_the_new_one():
    settled("public.gone")
    eq(tail.query("SELECT id, other FROM shop.gone"), [(1, "another")])


@test
def a_new_table_and_plain_changes_arrive():
    settled("public.fresh", "public.plain")
    eq(tail.value("SELECT count() FROM shop.fresh"), 100)
    eq(tail.query("SELECT count(), sum(n) FROM shop.plain"), [(400, 400 * 401 // 2 + 400)])


run()
