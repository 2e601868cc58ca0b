#!/usr/bin/python3
"""A physical standby as the source (PostgreSQL 16 and later): what must be made on its primary, copy, stream, backlog, and a promotion."""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from standby import Standby
from tap import Skip, eq, has, run, test, wait_until
from versions import versions

HERE = versions()


class World:
    """A primary with tables, its standby, and a tailrace that reads the standby."""

    def __init__(self, version, on_gap="stop"):
        if version not in HERE:
            raise Skip(f"PostgreSQL {version} is not here; tools/setup test fetches it when there is a network")
        self.primary = Postgres(bin=HERE[version])
        self.primary.sql(
            """
            CREATE TABLE orders (id int PRIMARY KEY, v text);
            INSERT INTO orders SELECT i, 'first' FROM generate_series(1, 5000) i;
            CREATE TABLE events (what text); INSERT INTO events VALUES ('before');
            CREATE TABLE parts (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
            CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
            CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
            INSERT INTO parts SELECT i, '2024-01-01'::date + i FROM generate_series(0, 50) i;
            """
        )
        self.standby = Standby(self.primary)
        config = mirror(self.standby, tables=["public.*", {"public.orders": {"where": "id <> 13"}}], stream={"on_gap": on_gap})
        config["connections"]["shop"]["bulk_threshold"] = "256KiB"
        self.tail = Tailrace(config)

    def publish(self):
        """What check says, word for word, on the primary."""
        for stream in self.tail.command("check", "--json").json["streams"]:
            for finding in stream["findings"]:
                if "publications are missing" in finding["what"]:
                    self.primary.sql(finding["mend"].removeprefix("on the primary: "))

    def begin(self):
        self.publish()
        self.tail.start()
        # a slot on a standby begins where the primary lists its open transactions, which it does as long as it is at work
        wait_until(self._has_slot, "the slot", 60, 0.3)
        self.settle()

    def _has_slot(self):
        self.primary.sql("SELECT pg_log_standby_snapshot()")
        return self.standby.value("SELECT count(*) FROM pg_replication_slots WHERE confirmed_flush_lsn IS NOT NULL")

    def settle(self):
        lsn = self.primary.value("SELECT pg_current_wal_insert_lsn()")
        self.primary.sql("SELECT pg_logical_emit_message(true, 'tailrace-test', '')")
        ask = "SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots WHERE slot_name = 'tailrace_shop'"
        self.tail.wait_live()
        wait_until(lambda: self.standby.value(ask, (lsn,)), f"the slot to reach {lsn}")

    def must_be_equal(self):
        self.settle()
        self.tail.must_be_equal("public.orders", "public.parts")
        eq(self.tail.value("SELECT count() FROM shop.orders"), self.primary.value("SELECT count(*) FROM orders WHERE id <> 13"))

    def end(self):
        self.tail.stop()
        self.standby.stop()
        self.primary.stop()


def mirrors(version):
    world = World(version)
    tail, primary = world.tail, world.primary
    check = tail.command("check")
    eq(check.code, 1)
    has(check.out, "publications are missing, and nothing can be made on a standby")
    tail.start()
    tail.wait_for(lambda s: tail.stream()["status"] == "stopped", "the stream to stop")
    for statement in ('on its primary, run: CREATE PUBLICATION "tailrace_shop" FOR TABLE', 'CREATE PUBLICATION "tailrace_shop_insert" FOR TABLE'):
        has(tail.stream()["error"], statement)
    tail.stop()

    world.begin()
    world.must_be_equal()
    primary.sql(
        """
        UPDATE orders SET v = 'second' WHERE id % 10 = 0; DELETE FROM orders WHERE id % 10 = 1; UPDATE orders SET id = -id WHERE id % 10 = 2;
        INSERT INTO events VALUES ('after'); UPDATE parts SET at = at + 31 WHERE id = 3;
        """
    )
    world.must_be_equal()
    eq(tail.query("SELECT what FROM shop.events_log ORDER BY what"), [("after",), ("before",)])

    # a change of the schema, a TRUNCATE, a table that is made, and what waits while nobody reads: in bulk
    primary.sql("ALTER TABLE orders ADD extra text DEFAULT 'given'; INSERT INTO orders VALUES (10001, 'x', 'y')")
    world.settle()
    eq(tail.value("SELECT countIf(extra = 'given') FROM shop.orders"), tail.value("SELECT count() - 1 FROM shop.orders"))
    tail.stop()
    primary.sql("INSERT INTO orders SELECT i, 'backlog', NULL FROM generate_series(20000, 40000) i; UPDATE orders SET v = 'third' WHERE id < 100")
    primary.sql("TRUNCATE parts; INSERT INTO parts VALUES (1, '2024-01-05')")
    tail.start()
    world.must_be_equal()
    assert tail.said("backlog|bulk") or "peek_binary_changes" in open(world.standby.log, encoding="utf-8").read()
    eq(tail.query("SELECT id FROM shop.parts"), [(1,)])

    late(world)
    world.end()


def late(world):
    """A table that joins is copied only once the transactions of the primary have ended that wrote to it before it was published,
    although their ids are above that of the publication's."""
    tail, primary = world.tail, world.primary
    primary.sql("CREATE TABLE late (id int PRIMARY KEY)")
    tail.wait_for(lambda s: (tail.table("public.late") or {}).get("status") == "broken", "late to be broken")
    has(tail.table("public.late")["error"], 'on its primary, run: ALTER PUBLICATION "tailrace_shop" ADD TABLE ONLY "public"."late"')
    publisher, writer = primary.connect(), primary.connect()
    publisher.autocommit = writer.autocommit = False
    publisher.cursor().execute("ALTER PUBLICATION tailrace_shop ADD TABLE ONLY late")
    writer.cursor().execute("INSERT INTO late VALUES (1)")
    publisher.commit()
    tail.wait_for(lambda s: tail.table("public.late")["status"] == "copying", "the copy to begin")
    wait_until(lambda: tail.said("waiting for transactions that were open before the copy began"), "the copy to wait")
    writer.commit()
    publisher.close()
    writer.close()
    tail.wait_live("public.late")
    primary.sql("INSERT INTO late VALUES (2)")
    world.settle()
    eq(tail.query("SELECT id FROM shop.late ORDER BY id"), [(1,), (2,)])


@test
def a_standby_of_postgres_16_is_mirrored():
    mirrors(16)


@test
def a_standby_of_postgres_18_is_mirrored():
    mirrors(18)


@test
def an_idle_primary_is_asked_for_what_a_slot_begins_with():
    world = World(17)
    writer = world.primary.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'")
    os.kill(writer, signal.SIGSTOP)  # who logs what a slot begins with, every 15 s unless nothing happens
    world.publish()
    has(world.tail.command("check").out, "pg_log_standby_snapshot()")
    world.tail.start()
    wait_until(lambda: world.tail.said("pg_log_standby_snapshot"), "the log to say what the slot waits for")
    world.primary.sql("SELECT pg_log_standby_snapshot()")
    os.kill(writer, signal.SIGCONT)
    world.must_be_equal()
    world.end()


@test
def a_promotion_is_a_gap_that_is_said():
    world = World(17)
    world.begin()
    world.primary.stop()
    world.standby.promote()
    world.standby.sql("INSERT INTO orders VALUES (50000, 'after the promotion')")
    world.tail.wait_for(lambda s: world.tail.stream()["status"] == "stopped", "the stream to stop")
    has(world.tail.stream()["error"], "the standby was promoted")
    world.tail.stop()
    world.tail.start()
    world.tail.wait_for(lambda s: world.tail.stream()["status"] == "stopped", "the stream to stop again")
    has(world.tail.stream()["error"], "timeline=1")
    has(world.tail.stream()["error"], "timeline=2")
    world.tail.stop()
    config = world.tail.config
    config["streams"]["shop"]["on_gap"] = "recopy"
    world.tail.configure(config)
    world.tail.start()
    world.primary = world.standby
    world.must_be_equal()
    world.standby.sql("DELETE FROM orders WHERE id < 100")
    world.must_be_equal()
    world.tail.stop()
    world.standby.stop()


@test
def a_slot_that_conflicts_with_the_primary_is_a_gap():
    world = World(17)
    world.begin()
    world.tail.stop()
    world.standby.sql("ALTER SYSTEM RESET hot_standby_feedback")
    # what the standby says of its slot's rows stands in its replication slot on the primary until it says otherwise
    world.standby.settings["hot_standby_feedback"] = "off"
    world.standby.restart()
    wait_until(lambda: world.primary.value("SELECT xmin IS NULL AND catalog_xmin IS NULL FROM pg_replication_slots"), "the primary to forget the standby's rows")
    for statement in ("CREATE TABLE churned (id int PRIMARY KEY)", "DROP TABLE churned", "VACUUM pg_class", "VACUUM pg_attribute",
                      "INSERT INTO orders VALUES (60000, 'x')"):
        world.primary.sql(statement)
    wait_until(lambda: world.standby.value("SELECT invalidation_reason FROM pg_replication_slots") == "rows_removed", "the slot to be invalidated")
    world.tail.start()
    world.tail.wait_for(lambda s: world.tail.stream()["status"] == "stopped", "the stream to stop")
    has(world.tail.stream()["error"], "rows_removed")
    world.end()


run()
