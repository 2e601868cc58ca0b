#!/usr/bin/python3
"""Either end fails under load, and comes back: nothing is lost, nothing doubled, and status tells why it waits."""
import os
import signal
import sys
import threading
import time

import psycopg2

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from between import Between
from harness import ClickHouse, Postgres, Tailrace, mirror
from tap import eq, run, test, wait_until

pg = Postgres(wal_sender_timeout="5s")
pg.sql(
    """
    CREATE TABLE busy (id bigint PRIMARY KEY, n int, t text);
    INSERT INTO busy SELECT i, 0, 'row ' || i FROM generate_series(1, 20000) i;
    CREATE TABLE logged (id bigint PRIMARY KEY, v text);
    """
)
TABLES = ["public.*", {"public.logged": {"keep": "both"}}]


class Load:
    """Changes of every kind until it is stopped; survives a server that restarts."""

    next_id = 1000000  # of all of them

    def __init__(self):
        self.over = threading.Event()
        self.done = 0
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def _run(self):
        connection = None
        while not self.over.is_set():
            try:
                connection = connection or pg.connect()
                with connection.cursor() as cursor:
                    cursor.execute(self._transaction())
                self.done += 1
            except (psycopg2.OperationalError, psycopg2.InterfaceError):  # the server is being restarted
                connection = None
            self.over.wait(0.005)

    def _transaction(self):
        Load.next_id += 50
        first, some = self.next_id, self.done * 7 % 20000
        return (
            f"BEGIN; INSERT INTO busy SELECT i, 1, 'new' FROM generate_series({first}, {first + 40}) i;"
            f"UPDATE busy SET n = n + 1 WHERE id BETWEEN {some} AND {some + 20}; DELETE FROM busy WHERE id IN ({some}, {first});"
            f"UPDATE busy SET id = -id WHERE id = {first + 1}; INSERT INTO logged VALUES ({first}, 'x'); COMMIT"
        )

    def goes_on(self, transactions=30):
        """Waits for so many more."""
        upto = self.done + transactions
        wait_until(lambda: self.done >= upto, "the load to go on")


def named(name, **keys):
    config = mirror(pg, tables=TABLES, **keys)
    config["connections"]["shop"] |= {"slot": name, "publication": name}
    return config


def equal(tail, slot):
    tail.wait_live()
    tail.wait_caught_up(pg, slot)
    tail.must_be_equal()
    eq(tail.value("SELECT count() FROM shop.busy"), pg.value("SELECT count(*) FROM busy"))
    # a row that was written while it was copied is in the history as a copy and as an insert
    eq(tail.query("SELECT uniqExact(id), count() - uniqExact(id, _version) FROM shop.logged_log"),
       [(pg.value("SELECT count(*) FROM logged"), 0)])


def end(tail, slot):
    eq(tail.stop(), 0)
    wait_until(lambda: not pg.value("SELECT active FROM pg_replication_slots WHERE slot_name = %s", (slot,)), "the slot to be free")
    pg.sql("SELECT pg_drop_replication_slot(%s)", (slot,))


def warehouse_pid(tail):
    """The embedded ClickHouse: the child of tailrace that runs as a server."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stat, open(f"/proc/{pid}/cmdline", encoding="utf-8") as command:
                parent, line = int(stat.read().rsplit(")", 1)[1].split()[1]), command.read()
        except OSError:
            continue
        if parent == tail.process.pid and "warehouse-server" in line:
            return int(pid)
    return None


def retrying(tail, *parts, stream="shop"):
    """Until the stream says that it tries again, with these words."""
    ok = lambda s: s and s["status"] == "retrying" and all(part in s["error"] for part in parts)
    tail.wait_for(lambda status: ok(tail.stream(stream)), f"the stream to say {parts}")


@test
def the_embedded_clickhouse_killed_under_load_comes_back_by_itself():
    tail = Tailrace(named("embedded"))
    with Load() as load:
        tail.start()
        load.goes_on()
        for _ in range(4):
            pid = warehouse_pid(tail)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: warehouse_pid(tail) not in (None, pid), "another child")
            load.goes_on()
    equal(tail, "embedded")
    end(tail, "embedded")


@test
def a_clickhouse_server_that_restarts_under_load_is_waited_for():
    server = ClickHouse()
    tail = Tailrace(named("restarted", warehouse=server))
    with Load() as load:
        server.stop()
        tail.start()
        retrying(tail, str(server.http_port))
        eq(tail.get("/readyz")[0], 503)
        server.start()
        tail.wait_live()
        load.goes_on()
        server.kill()
        load.goes_on(100)
        retrying(tail, str(server.http_port))
        server.start()
        load.goes_on()
    equal(tail, "restarted")
    eq(tail.get("/readyz")[0], 200)
    end(tail, "restarted")
    server.stop()


def restarted(server, name, text):
    """With another configuration."""
    server.stop()
    server._write(name, text)
    server.start()


@test
def a_statement_whose_server_dies_has_not_succeeded():
    """The head of its answer has begun by then: ClickHouse tells of progress there every five seconds."""
    server, done = ClickHouse(), []
    asks = Tailrace(mirror(pg, warehouse=server))
    slow = "SELECT count() FROM numbers(1000) WHERE sleepEachRow(0.1) = 0 SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0"
    thread = threading.Thread(target=lambda: done.append(asks.command("query", slow)))
    thread.start()
    running = "SELECT max(elapsed) FROM system.processes WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%processes%'"
    wait_until(lambda: server.value(running) > 6, "the statement to run for a while")
    server.kill()
    thread.join()
    eq((done[0].code, done[0].out), (1, ""), repr(done[0]))


@test
def a_clickhouse_that_takes_no_rows_for_a_while_is_waited_for():
    server = ClickHouse()
    tail = Tailrace(named("refused", warehouse=server))
    tail.start()
    tail.wait_live()
    with Load() as load:
        # a user who may only read, as a server in maintenance has it
        restarted(server, "users.xml", server._users("<query>GRANT SELECT, SHOW, SYSTEM ON *.*</query>"))
        load.goes_on(50)
        retrying(tail, "grant")
        eq(tail.get("/readyz")[0], 503)
        restarted(server, "users.xml", server._users("<query>GRANT ALL ON *.*</query>"))
        load.goes_on(20)
    equal(tail, "refused")
    end(tail, "refused")
    server.stop()


@test
def a_disk_that_is_full_is_waited_for():
    full = (
        "<storage_configuration><disks><default><keep_free_space_bytes>{}</keep_free_space_bytes></default></disks>"
        "</storage_configuration>"
    )
    server = ClickHouse(config=full.format(0))
    tail = Tailrace(named("full", warehouse=server))
    tail.start()
    tail.wait_live()
    restarted(server, "config.xml", server._config(full.format(10**18)))
    with Load() as load:
        load.goes_on(50)
        retrying(tail, "space")
        restarted(server, "config.xml", server._config(full.format(0)))
    equal(tail, "full")
    end(tail, "full")
    server.stop()


@test
def a_slow_clickhouse_holds_reading_back_in_bounded_memory_and_the_connection_stays():
    server = ClickHouse()
    slow = Between(server.http_port)
    pg.sql("CREATE TABLE slow (id int PRIMARY KEY, t text)")
    config = mirror(pg, tables=["public.slow"], warehouse=server)
    config["connections"]["shop"] |= {"slot": "slow", "publication": "slow"}
    config["connections"]["warehouse"]["url"] = f"http://127.0.0.1:{slow.port}"
    config["server"]["memory"] = "16MiB"
    tail = Tailrace(config)
    tail.start()
    tail.wait_live()
    walsender = pg.sql("SELECT pid FROM pg_stat_replication")
    slow.bytes_per_second = 1_000_000
    pg.sql("INSERT INTO slow SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 300000) i")  # 77 MB
    most, long_enough = 0, time.monotonic() + 7  # longer than wal_sender_timeout

    def over():
        nonlocal most
        most = max(most, tail.status()["memory_bytes"])
        return time.monotonic() > long_enough

    wait_until(over, "time to pass")
    assert tail.value("SELECT count() FROM shop.slow") < 300000, "it was not slow"
    assert most < 64 << 20, f"{most >> 20} MiB"
    eq(pg.sql("SELECT pid FROM pg_stat_replication"), walsender)
    slow.bytes_per_second = None
    tail.wait_caught_up(pg, "slow")
    tail.must_be_equal()
    end(tail, "slow")
    pg.sql("DROP TABLE slow")
    server.stop()


@test
def many_tables_are_made_in_a_slow_clickhouse_and_the_connection_stays():
    server = ClickHouse()
    slow = Between(server.http_port, bytes_per_second=60_000)
    pg.sql("CREATE SCHEMA many;" + ";".join(f"CREATE TABLE many.t{n} (id int PRIMARY KEY)" for n in range(30)))
    config = mirror(pg, tables=["many.*"], warehouse=server)
    config["connections"]["shop"] |= {"slot": "many", "publication": "many"}
    config["connections"]["warehouse"]["url"] = f"http://127.0.0.1:{slow.port}"
    tail = Tailrace(config)
    began = time.monotonic()
    tail.start()
    streams = "SELECT pid FROM pg_stat_replication WHERE state = 'streaming'"
    walsender = wait_until(lambda: pg.sql(streams), "the stream")
    tail.wait_live()
    assert time.monotonic() - began > 6, "it was not slow"  # wal_sender_timeout is 5 s
    eq(pg.sql(streams), walsender)
    end(tail, "many")
    pg.sql("DROP SCHEMA many CASCADE")
    server.stop()


@test
def a_postgres_that_restarts_or_ends_the_connection_is_waited_for():
    tail = Tailrace(named("source"))
    with Load() as load:
        tail.start()
        tail.wait_live()
        for _ in range(3):
            pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
            load.goes_on()
        pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ 'tailrace'")
        load.goes_on()
        pg.stop()
        retrying(tail, str(pg.port))
        pg.start()
        load.goes_on()
        pg.crash()
        pg.start()
        load.goes_on()
    equal(tail, "source")
    end(tail, "source")


@test
def a_clean_stop_under_load_is_quick_and_loses_nothing():
    tail = Tailrace(named("stopped"))
    with Load() as load:
        for _ in range(3):
            tail.start()
            load.goes_on(40)
            eq(tail.stop(seconds=15), 0)
            load.goes_on(10)
    tail.start()
    equal(tail, "stopped")
    end(tail, "stopped")


run()
