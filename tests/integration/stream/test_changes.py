#!/usr/bin/python3
"""Every kind of change of a row, copied and streamed, ends as it is in the source."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, run, test

pg = Postgres()
pg.sql(
    """
    CREATE TABLE items (id bigint PRIMARY KEY, name text, price numeric(10,2) NOT NULL, tags text[], at timestamptz);
    INSERT INTO items SELECT i, 'item ' || i, i * 1.25, ARRAY['a', NULL, i::text], '2024-01-01Z'::timestamptz
        + i * interval '1 second' FROM generate_series(1, 1000) i;
    CREATE TABLE pairs (b text COLLATE "C", a int, note text, PRIMARY KEY (a, b));
    INSERT INTO pairs SELECT chr(97 + i % 26), i, NULL FROM generate_series(1, 100) i;
    CREATE TABLE whole (id int PRIMARY KEY, big text, n int);
    ALTER TABLE whole REPLICA IDENTITY FULL;
    CREATE TABLE toasted (id int PRIMARY KEY, big text, n int);
    ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL;
    INSERT INTO toasted SELECT i, repeat(md5(i::text), 400), 0 FROM generate_series(1, 20) i;
    CREATE TABLE emptied (id int PRIMARY KEY, v text);
    INSERT INTO emptied SELECT i, 'old' FROM generate_series(1, 50) i;
    CREATE SCHEMA sales;
    CREATE TABLE sales.orders (id int PRIMARY KEY, total money);
    INSERT INTO sales.orders VALUES (1, 12.34);
    """
)
tail = Tailrace(mirror(pg, tables=["public.*", "sales.*"]))
tail.start()
tail.wait_live()


def settled():
    tail.wait_caught_up(pg)
    tail.must_be_equal()


@test
def a_first_copy_holds_every_row():
    eq(tail.query("SELECT count(), sum(price) FROM shop.items"), [(1000, "625625")])
    eq(tail.query("SELECT id, total FROM shop.sales_orders"), [(1, "12.34")])
    settled()


@test
def inserts_updates_and_deletes_arrive():
    pg.sql("INSERT INTO items SELECT i, 'new', 1, '{}', now() FROM generate_series(2001, 2100) i")
    pg.sql("UPDATE items SET price = price + 1, name = NULL WHERE id <= 10")
    pg.sql("DELETE FROM items WHERE id BETWEEN 11 AND 20")
    settled()
    eq(tail.value("SELECT count() FROM shop.items"), 1090)
    eq(tail.query("SELECT name, price FROM shop.items WHERE id = 4"), [(None, "6")])


@test
def a_deleted_row_never_comes_back():
    pg.sql("INSERT INTO items VALUES (5000, 'short', 1)")
    pg.sql("DELETE FROM items WHERE id = 5000")
    settled()
    eq(tail.query("SELECT * FROM shop.items WHERE id = 5000"), [])


@test
def many_changes_of_one_row_in_one_transaction_leave_the_last():
    pg.sql(
        "BEGIN; INSERT INTO items VALUES (6000, 'a', 1); UPDATE items SET name = 'b' WHERE id = 6000;"
        "DELETE FROM items WHERE id = 6000; INSERT INTO items VALUES (6000, 'c', 2); COMMIT"
    )
    settled()
    eq(tail.query("SELECT name, price FROM shop.items WHERE id = 6000"), [("c", "2")])


@test
def a_key_change_moves_the_row():
    pg.sql("UPDATE items SET id = 7001 WHERE id = 100")
    pg.sql("UPDATE pairs SET b = 'zz' WHERE a = 5")
    settled()
    eq(tail.query("SELECT id FROM shop.items WHERE id IN (100, 7001)"), [(7001,)])
    eq(tail.query("SELECT a, b FROM shop.pairs WHERE a = 5"), [(5, "zz")])


@test
def keys_that_change_places_keep_their_rows():
    pg.sql("BEGIN; UPDATE items SET id = -1 WHERE id = 1; UPDATE items SET id = 1 WHERE id = 2;"
           "UPDATE items SET id = 2 WHERE id = -1; COMMIT")
    settled()


@test
def a_whole_old_row_is_no_key_change():
    pg.sql("INSERT INTO whole VALUES (1, repeat('x', 9000), 1), (2, 'b', 2)")
    pg.sql("UPDATE whole SET n = n + 1")
    pg.sql("UPDATE whole SET id = 3 WHERE id = 2")
    settled()
    eq(tail.query("SELECT id, length(big), n FROM shop.whole ORDER BY id"), [(1, 9000, 2), (3, 1, 3)])


@test
def an_unchanged_large_value_stays_what_it_was():
    pg.sql("UPDATE toasted SET n = n + 1 WHERE id <= 10")
    pg.sql("UPDATE toasted SET id = id + 100 WHERE id BETWEEN 11 AND 15")
    settled()
    eq(tail.value("SELECT countIf(length(big) = 12800) FROM shop.toasted"), 20)


@test
def an_insert_and_a_partial_update_in_one_batch_keep_the_large_value():
    pg.sql("BEGIN; INSERT INTO toasted VALUES (900, repeat('y', 10000), 1); UPDATE toasted SET n = 2 WHERE id = 900;"
           "UPDATE toasted SET id = 901 WHERE id = 900; UPDATE toasted SET n = 3 WHERE id = 901; COMMIT")
    settled()
    eq(tail.query("SELECT id, length(big), n FROM shop.toasted WHERE id >= 900"), [(901, 10000, 3)])


@test
def truncate_removes_what_was_and_keeps_what_comes_after():
    pg.sql("BEGIN; INSERT INTO emptied VALUES (99, 'gone too'); TRUNCATE emptied; INSERT INTO emptied VALUES (1, 'new');"
           "COMMIT")
    settled()
    eq(tail.query("SELECT id, v FROM shop.emptied"), [(1, "new")])


@test
def rows_of_one_copy_share_records_and_all_arrive():
    connection = pg.connect()
    with connection.cursor() as cursor:
        import io
        cursor.copy_expert(
            "COPY items (id, name, price) FROM STDIN",
            io.StringIO("".join(f"{i}\tcopied\t1\n" for i in range(10000, 15000))),
        )
    connection.close()
    settled()
    eq(tail.value("SELECT uniqExact(_version) FROM shop_cdc.items WHERE name = 'copied'"), 5000)


run()
