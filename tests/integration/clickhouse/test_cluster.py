#!/usr/bin/python3
"""A database into a cluster of two servers: rows are spread by their keys, and all that holds of one server holds of both."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, clickhouse_cluster, mirror, on_cluster
from tap import eq, has, run, test, wait_until

pg = Postgres()
pg.sql(
    """
    CREATE TABLE orders (id int PRIMARY KEY, v text, n numeric(10,2));
    INSERT INTO orders SELECT i, 'v' || i, i FROM generate_series(1, 5000) i;
    CREATE TABLE past (a int, b uuid, v text, PRIMARY KEY (a, b));
    INSERT INTO past SELECT i, md5(i::text)::uuid, 'first' FROM generate_series(1, 1000) i;
    CREATE TABLE events (at timestamptz, what text);
    INSERT INTO events SELECT '2024-01-01'::timestamptz + i * interval '1 s', 'e' || i % 10 FROM generate_series(1, 1000) i
    """
)
servers = clickhouse_cluster()
config = mirror(pg, tables=["public.*", {"public.past": {"keep": "both"}}], warehouse=servers[0])
config["connections"]["warehouse"] |= on_cluster(servers)
tail = Tailrace(config)


def settled(*tables):
    tail.wait_live()
    tail.wait_caught_up(pg)
    tail.must_be_equal(*tables)


def everywhere(sql):
    """What each server says; they must agree."""
    answers = [server.query(sql) for server in servers]
    eq(answers[1:], answers[:-1])
    return answers[0]


def parts(name):
    return [server.value(f"SELECT count() FROM shop_shard.{name}") for server in servers]


@test
def check_is_content_with_a_cluster():
    done = tail.command("check")
    eq(done.code, 0, repr(done))


@test
def copied_rows_are_spread_and_seen_from_every_server():
    tail.start()
    settled()
    eq(everywhere("SELECT count(), sum(id) FROM shop.orders"), [(5000, 12502500)])
    assert all(2000 < n < 3000 for n in parts("orders__g1")), parts("orders__g1")
    assert all(parts("past_log__g1")) and all(parts("events_log__g1"))


@test
def changes_meet_the_rows_that_they_change():
    pg.sql("UPDATE orders SET v = v || '!' WHERE id % 3 = 0; DELETE FROM orders WHERE id % 5 = 0; UPDATE orders SET id = id + 10000 WHERE id < 10;"
           "UPDATE past SET v = 'second' WHERE a < 100; DELETE FROM past WHERE a > 990; INSERT INTO events VALUES (now(), 'new')")
    settled()
    eq(everywhere("SELECT count(), countIf(v LIKE '%!') FROM shop.orders"), pg.sql("SELECT count(*), count(*) FILTER (WHERE v LIKE '%!') FROM orders"))
    eq(everywhere("SELECT count() FROM shop.past_log WHERE _op = 'u'"), [(99,)])


@test
def columns_come_go_and_change_on_every_server():
    pg.sql("ALTER TABLE orders ADD COLUMN note text DEFAULT 'x'; ALTER TABLE orders RENAME COLUMN v TO w; UPDATE orders SET note = 'y' WHERE id = 1001")
    pg.sql("ALTER TABLE orders ALTER COLUMN n TYPE numeric(12,2); UPDATE orders SET n = 9999999999.99 WHERE id = 1002; ALTER TABLE orders DROP COLUMN w")
    settled()
    eq(everywhere("SELECT note, count() FROM shop.orders GROUP BY note ORDER BY note"), pg.sql("SELECT note, count(*) FROM orders GROUP BY note ORDER BY note"))
    eq(len(everywhere("SELECT name, type FROM system.columns WHERE database = 'shop' AND table = 'orders'")), 3)


@test
def a_table_is_emptied_on_every_server():
    pg.sql("TRUNCATE past; INSERT INTO past SELECT i, md5(i::text)::uuid, 'again' FROM generate_series(1, 100) i")
    settled()
    eq(everywhere("SELECT count() FROM shop.past"), [(100,)])


@test
def a_copy_anew_takes_the_place_of_the_old_one_and_leaves_nothing():
    for table in ("orders", "past"):
        before = tail.table(f"public.{table}")["generation"]
        eq(tail.command("resync", f"public.{table}").code, 0)
        tail.wait_for(lambda s: tail.table(f"public.{table}")["generation"] > before, f"{table} to be copied anew", 60)
    settled()
    # what was replaced is swept away behind it, but for histories: TRUNCATE may have had `past` copied anew once more
    names = "SELECT name FROM system.tables WHERE database = 'shop_shard' AND name NOT LIKE 'past_log%' ORDER BY name"
    wait_until(lambda: all(len(server.query(names)) == 3 for server in servers), "nothing to be left")
    eq([re.sub("g[0-9]+$", "gN", name) for (name,) in everywhere(names)], ["events_log__gN", "orders__gN", "past__gN"])
    eq(everywhere("SELECT count() FROM shop.orders"), pg.sql("SELECT count(*) FROM orders"))
    # an earlier history is kept
    assert everywhere("SELECT count() FROM shop_cdc.past_log__archive_g1")[0][0] > 1000
    # and a table that gets another name leaves the old one
    tail.stop()
    tail.config["streams"]["shop"]["tables"].append({"public.orders": {"as": "sales"}})
    tail.configure(tail.config)
    tail.start()
    settled()
    eq(everywhere("SELECT count() FROM shop.sales"), pg.sql("SELECT count(*) FROM orders"))
    eq(everywhere("SELECT count() FROM system.tables WHERE database LIKE 'shop%' AND name LIKE 'orders%'"), [(0,)])


@test
def a_server_that_is_killed_is_waited_for():
    servers[1].kill()
    pg.sql("INSERT INTO orders (id) SELECT i FROM generate_series(20001, 21000) i; UPDATE orders SET note = 'while it was away' WHERE id % 7 = 0")
    wait_until(lambda: tail.said("target is away"), "a word of it")
    eq(tail.stream()["status"] != "stopped", True)
    pg.sql("ALTER TABLE orders ADD COLUMN later int; UPDATE orders SET later = 1 WHERE id = 1001")
    servers[1].start()
    settled()
    eq(everywhere("SELECT sum(later), count() FROM shop.sales"), pg.sql("SELECT sum(later), count(*) FROM orders"))


@test
def a_configuration_that_does_not_fit_is_refused():
    warehouse = tail.config["connections"]["warehouse"]
    for change, said in [
        ({"cluster": "trio"}, "knows no cluster trio"),
        ({"cluster_nodes": ""}, "has 2 servers, and url and cluster_nodes name 1"),
        ({"cluster": None}, "name that as `cluster`"),
    ]:
        wrong = {k: v for k, v in (warehouse | change).items() if v is not None}
        other = Tailrace(tail.config | {"connections": tail.config["connections"] | {"warehouse": wrong}})
        done = other.command("check")
        eq(done.code, 1, repr(done))
        has(done.out, said)
    tail.stop()


run()
