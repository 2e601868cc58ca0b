#!/usr/bin/python3
"""A database into a cluster of one shard with two replicas: each has all of the rows, also when one was killed meanwhile."""
import contextlib
import os
import shutil
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import ClickHouse, Postgres, Tailrace, clickhouse_cluster, mirror, on_cluster
from tap import eq, has, run, test, wait_until

pg = Postgres()
pg.sql(
    """
    CREATE TABLE orders (id int PRIMARY KEY, v text);
    INSERT INTO orders SELECT i, 'v' || i FROM generate_series(1, 3000) i;
    CREATE TABLE past (id int PRIMARY KEY, v text);
    INSERT INTO past SELECT i, 'first' FROM generate_series(1, 500) i;
    CREATE TABLE events (id int, v text);
    INSERT INTO events SELECT i, 'e' || i % 10 FROM generate_series(1, 500) i
    """
)
replicas = first, second = clickhouse_cluster(1, replicas=2)  # `url` is the first's
config = mirror(pg, tables=["public.*", {"public.past": {"keep": "history"}}], warehouse=first)
config["connections"]["warehouse"] |= on_cluster(replicas)
tail = Tailrace(config)


def storages(server):
    """Those of a server itself: by table, its latest generation."""
    names = server.query("SELECT name FROM system.tables WHERE database = 'shop_shard' ORDER BY toUInt32(extract(name, '\\\\d+$'))")
    return {name.split("__")[0]: f"shop_shard.{name}" for (name,) in names}


def own_rows(server, columns="id, v"):
    """What a server has itself of each table, the others not asked."""
    there = storages(server)
    latest = f"FROM {there['past_log']} ORDER BY id, _version DESC LIMIT 1 BY id"
    emptied = f"(SELECT max(_version) FROM {there['past_log']} WHERE _op = 't')"
    return {
        "orders": server.query(f"SELECT {columns} FROM {there['orders']} FINAL WHERE NOT _deleted ORDER BY id"),
        "past": server.query(f"SELECT {columns} FROM (SELECT * {latest}) WHERE _op NOT IN ('d', 't') AND _version > {emptied}"),
        "events": server.query(f"SELECT {columns} FROM {there['events_log']} FINAL ORDER BY id, v"),
    }


def settled(columns="id, v"):
    tail.wait_live()
    tail.wait_caught_up(pg)
    tail.must_be_equal()
    expected = {table: pg.sql(f"SELECT {columns} FROM {table} ORDER BY id, v COLLATE \"C\"") for table in ("orders", "past", "events")}
    for server in replicas:
        eq(own_rows(server, columns), expected, server.http_url)


def waits(before):
    wait_until(lambda: tail.said("target is away") > before, "a word of the replica that is away")


class Load:
    """Transactions without end, each of all tables, until stop()."""

    def __enter__(self):
        self.done, self.ended = 0, threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()
        self.further(3)
        return self

    def work(self):
        with contextlib.closing(pg.connect()) as connection:
            cursor = connection.cursor()
            while not self.ended.wait(0.01):
                n = self.done = self.done + 1
                cursor.execute(
                    f"""INSERT INTO orders SELECT max(id) + 1, 'new' FROM orders; UPDATE orders SET v = '{n}' WHERE id % 50 = {n % 50};
                    DELETE FROM orders WHERE id = {n}; UPDATE past SET v = '{n}' WHERE id % 50 = {n % 50}; INSERT INTO events VALUES ({n}, 'load')"""
                )

    def further(self, n):
        target = self.done + n
        wait_until(lambda: self.done >= target, "the load to go on")

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


@test
def check_is_content_with_replicas():
    done = tail.command("check")
    eq(done.code, 0, repr(done))


@test
def every_replica_has_every_row():
    tail.start()
    settled()


@test
def a_replica_that_is_killed_under_load_is_read_around_and_gets_what_it_missed():
    for killed, other in ((second, first), (first, second)):
        with Load() as load:
            before = tail.said("target is away")
            killed.kill()
            waits(before)
            load.further(20)
            assert other.value("SELECT count() FROM shop.orders") >= 2900
            eq(tail.stream()["status"] != "stopped", True)
            killed.start()
            load.further(20)
        settled()


@test
def a_truncate_while_a_replica_is_away_reaches_both():
    before = tail.said("target is away")
    second.kill()
    pg.sql("TRUNCATE past, orders")
    waits(before)
    pg.sql("INSERT INTO past SELECT i, 'again' FROM generate_series(1, 100) i; INSERT INTO orders SELECT i, 'again' FROM generate_series(1, 1000) i")
    second.start()
    settled()
    # where it had the table copied anew as well, that is the earlier history
    for server in replicas:
        eq(server.value("SELECT count() FROM shop_shard.past_log__g1 FINAL WHERE _op = 't'"), 1)


def columns_of(server):
    return {name for (name,) in server.query("SELECT name FROM system.columns WHERE database = 'shop' AND table = 'orders'")}


@test
def a_column_that_comes_while_a_replica_is_away_is_waited_for_and_made_on_both():
    """The replica of `url` is the last one: the other has what is waited for already, and finds it made the second time."""
    for killed, other, column in ((second, first, "a"), (first, second, "b")):
        before = tail.said("target is away")
        killed.kill()
        pg.sql(f"ALTER TABLE orders ADD COLUMN {column} int DEFAULT 7; UPDATE orders SET {column} = id WHERE id % 2 = 0")
        waits(before)
        eq(other.value("SELECT countIf(v = 'again') FROM shop.orders"), 1000)
        assert column not in columns_of(other)
        killed.start()
        tail.wait_caught_up(pg)
    expected = pg.sql("SELECT id, v, a, b FROM orders ORDER BY id")
    for server in replicas:
        eq(columns_of(server), {"id", "v", "a", "b"})
        eq(server.query(f"SELECT id, v, a, b FROM {storages(server)['orders']} FINAL ORDER BY id"), expected)


@test
def a_copy_anew_while_a_replica_is_away_takes_place_on_both():
    before = tail.said("target is away")
    second.kill()
    eq(tail.command("resync", "public.orders").code, 0)
    waits(before)
    eq(first.value("SELECT count() FROM shop.orders"), 1000)
    second.start()
    wait_until(lambda: tail.said("table is live.*table=orders .*generation=2"), "orders to be copied anew", 60)
    settled()
    for server in replicas:
        eq(storages(server)["orders"], "shop_shard.orders__g2")
        eq(server.value("SELECT count() FROM system.tables WHERE database LIKE 'shop%' AND name = 'orders__g1'"), 0)


@test
def a_replica_that_lost_its_disk_gets_that_of_the_other():
    before = tail.said("target is away")
    second.kill()
    pg.sql("UPDATE orders SET v = 'while it had none' WHERE id < 100")
    waits(before)
    first.stop()
    shutil.rmtree(f"{second.folder}/data")
    shutil.copytree(f"{first.folder}/data", f"{second.folder}/data", symlinks=True)
    for server in replicas:
        server.start()
    settled()


@test
def replicas_that_the_servers_would_have_to_keep_equal_are_refused():
    tail.stop()
    places = "".join(f"<replica><host>127.0.0.1</host><port>{server.tcp_port}</port></replica>" for server in replicas)
    server = ClickHouse(config=f"<remote_servers><duo><shard><internal_replication>true</internal_replication>{places}</shard></duo></remote_servers>")
    refused = Tailrace(config | {"connections": config["connections"] | {"warehouse": config["connections"]["warehouse"] | {"url": server.http_url}}})
    done = refused.command("check")
    eq(done.code, 1, repr(done))
    has(done.out, "cluster duo has replicas with internal_replication on")
    has(done.out, "<internal_replication>false</internal_replication>")


run()
