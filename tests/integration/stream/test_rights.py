#!/usr/bin/python3
"""A role that may read and replicate and nothing else: what it cannot publish is broken, and said to be, until
somebody who may has published it.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
import psycopg2.extras
from harness import Postgres, Tailrace, mirror
from tap import eq, has, run, test

pg = Postgres()
pg.sql("CREATE DATABASE shop")
pg.sql("CREATE ROLE app LOGIN; ALTER SCHEMA public OWNER TO app; CREATE ROLE reader LOGIN REPLICATION", dbname="shop")


def as_app(statement):
    pg.sql("SET ROLE app; " + statement, dbname="shop")


as_app(
    """
    CREATE TABLE orders (id int PRIMARY KEY, v text);
    CREATE TABLE audit (what text);
    INSERT INTO orders VALUES (1, 'before');
    GRANT USAGE ON SCHEMA public TO reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader
    """
)
pg.sql("CREATE PUBLICATION tailrace_shop FOR TABLE orders WITH (publish_via_partition_root = true)", dbname="shop")
pg.sql(
    "CREATE PUBLICATION tailrace_shop_insert FOR TABLE audit"
    " WITH (publish = 'insert, truncate', publish_via_partition_root = true)",
    dbname="shop",
)
config = mirror(pg, dbname="shop")
config["connections"]["shop"]["url"] = pg.url("shop", user="reader")
tail = Tailrace(config)


def is_broken(status):
    table = tail.table("public.late")
    return table and table["status"] == "broken" and table["error"]


@test
def a_role_without_ownership_mirrors_what_others_published():
    done = tail.command("check")
    eq(done.code, 0, done.out)
    tail.start()
    tail.wait_live("public.orders", "public.audit")
    as_app("INSERT INTO orders VALUES (2, 'after'); INSERT INTO audit VALUES ('something')")
    tail.wait_caught_up(pg)
    eq(tail.query("SELECT * FROM shop.orders ORDER BY id"), [(1, "before"), (2, "after")])
    eq(tail.query("SELECT what FROM shop.audit_log"), [("something",)])


@test
def a_table_that_it_cannot_publish_is_broken_and_stays_so():
    as_app("CREATE TABLE late (id int PRIMARY KEY)")
    tail.wait_for(is_broken, "public.late to be broken")
    has(tail.table("public.late")["error"], 'ALTER PUBLICATION "tailrace_shop" ADD TABLE ONLY "public"."late"')
    # two more looks at the catalog do not bring it back
    pg.sql("CREATE TABLE second (id int PRIMARY KEY)", dbname="shop")
    tail.wait_for(lambda s: tail.table("public.second"), "another table to be seen")
    as_app("INSERT INTO late VALUES (1); INSERT INTO orders VALUES (3, 'meanwhile')")
    tail.wait_caught_up(pg)
    assert is_broken(None), tail.table("public.late")
    eq(tail.stream()["status"], "streaming")


@test
def it_comes_back_once_it_is_published():
    pg.sql("ALTER PUBLICATION tailrace_shop ADD TABLE late", dbname="shop")
    tail.wait_live("public.late")
    as_app("INSERT INTO late VALUES (2)")
    tail.wait_caught_up(pg)
    eq(tail.query("SELECT id FROM shop.late ORDER BY id"), [(1,), (2,)])


@test
def a_table_that_someone_takes_out_of_the_publication_is_broken_as_well():
    pg.sql("ALTER PUBLICATION tailrace_shop DROP TABLE late", dbname="shop")
    tail.wait_for(is_broken, "public.late to be broken")
    as_app("INSERT INTO late VALUES (3)")
    pg.sql("ALTER PUBLICATION tailrace_shop ADD TABLE late", dbname="shop")
    tail.wait_live("public.late")
    tail.wait_caught_up(pg)
    tail.must_be_equal("public.late")
    eq(tail.value("SELECT count() FROM shop.late"), 3)


@test
def a_start_without_tables_that_it_cannot_publish_keeps_no_other_from_flowing():
    tail.stop()
    as_app("CREATE TABLE unpublished (id int PRIMARY KEY); INSERT INTO unpublished VALUES (1)")
    pg.sql("ALTER PUBLICATION tailrace_shop DROP TABLE late", dbname="shop")
    as_app("INSERT INTO late VALUES (4); INSERT INTO orders VALUES (4, 'while it was down')")
    tail.start()
    for name in ("late", "unpublished"):
        tail.wait_for(lambda s: (tail.table("public." + name) or {}).get("status") == "broken", f"{name} to be broken")
        has(tail.table("public." + name)["error"], f'ALTER PUBLICATION "tailrace_shop" ADD TABLE ONLY "public"."{name}"')
    tail.wait_live("public.orders", "public.audit")
    as_app("INSERT INTO orders VALUES (5, 'after'); INSERT INTO unpublished VALUES (2)")
    tail.wait_caught_up(pg)
    tail.must_be_equal("public.orders")
    eq(tail.value("SELECT count() FROM shop.orders"), 5)
    eq(tail.get("/readyz")[0], 200)
    # and they come as soon as somebody has published them
    pg.sql("ALTER PUBLICATION tailrace_shop ADD TABLE late, unpublished", dbname="shop")
    tail.wait_live("public.late", "public.unpublished")
    tail.wait_caught_up(pg)
    tail.must_be_equal("public.late", "public.unpublished")
    eq(tail.value("SELECT count() FROM shop.late"), 4)


@test
def a_first_start_does_as_well():
    tail.stop()
    pg.sql("ALTER PUBLICATION tailrace_shop DROP TABLE unpublished", dbname="shop")
    other = mirror(pg, dbname="shop")
    other["connections"]["shop"] |= {"url": pg.url("shop", user="reader"), "slot": "first", "publication": "tailrace_shop"}
    first = Tailrace(other)
    first.start()
    first.wait_live("public.orders", "public.audit", "public.late")
    first.wait_for(lambda s: first.table("public.unpublished")["status"] == "broken", "unpublished to be broken")
    first.wait_caught_up(pg, slot="first")
    first.must_be_equal("public.orders", "public.late")
    # no copy that no changes would follow
    eq(first.query("SELECT name FROM system.tables WHERE database = 'shop' AND name = 'unpublished'"), [])
    pg.sql("ALTER PUBLICATION tailrace_shop ADD TABLE unpublished", dbname="shop")
    first.wait_live("public.unpublished")
    as_app("INSERT INTO unpublished VALUES (3)")
    first.wait_caught_up(pg, slot="first")
    eq(first.value("SELECT count() FROM shop.unpublished"), 3)
    first.stop()


@test
def a_publication_that_nobody_made_is_asked_for_with_all_of_its_tables():
    pg.sql("DROP PUBLICATION tailrace_shop, tailrace_shop_insert", dbname="shop")
    other = mirror(pg, dbname="shop", tables=["public.orders", "public.late"])
    other["connections"]["shop"] |= {"url": pg.url("shop", user="reader"), "slot": "asked"}
    asking = Tailrace(other)
    asking.start()
    asking.wait_for(lambda s: asking.stream()["status"] == "stopped", "the stream to stop")
    has(asking.stream()["error"], 'CREATE PUBLICATION "tailrace_shop" FOR TABLE ONLY "public"."')
    has(asking.stream()["error"], 'ONLY "public"."late"')
    asking.stop()


@test
def check_names_slots_and_senders_that_are_all_taken():
    full = Postgres(max_replication_slots=1, max_wal_senders=1)
    full.sql("CREATE TABLE t (id int PRIMARY KEY)")
    full.sql("SELECT pg_create_logical_replication_slot('other', 'pgoutput')")
    sender = psycopg2.connect(full.url(), connection_factory=psycopg2.extras.LogicalReplicationConnection)
    sender.cursor().start_replication(slot_name="other", options={"proto_version": "1", "publication_names": "none"})
    said = Tailrace(mirror(full)).command("check")
    eq(said.code, 1)
    has(said.out, "all 1 replication slots are taken")
    has(said.out, "max_replication_slots = 6")
    has(said.out, "all 1 WAL senders are busy")
    has(said.out, "max_wal_senders = 6")
    sender.close()
    full.stop()


run()
