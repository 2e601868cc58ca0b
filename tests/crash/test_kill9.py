#!/usr/bin/python3
"""kill -9 at random and at named places, during copy and during stream: source and target are equal in the end.

The workload keeps changing rows of all kinds while tailrace is killed and started again, dozens of
times; SEED picks the moments and is printed. The oracle is `tailrace verify`, and a count by hand beside it.
"""
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import diag, eq, run, test, wait_until

SEED = int(os.environ.get("SEED", time.time_ns() % 100000))
diag(f"SEED={SEED}")
pg = Postgres()
pg.sql(
    """
    CREATE TABLE plain (id bigint PRIMARY KEY, n int, t text);
    CREATE TABLE wide (a int, b text COLLATE "C", big text, n numeric(12,2), PRIMARY KEY (a, b));
    ALTER TABLE wide ALTER big SET STORAGE EXTERNAL;
    CREATE TABLE logged (id bigint PRIMARY KEY, v text);
    INSERT INTO plain SELECT i, i % 97, 'row ' || i FROM generate_series(1, 60000) i;
    INSERT INTO wide SELECT i, 'k' || i % 7, repeat(md5(i::text), 90), i / 3.0 FROM generate_series(1, 3000) i;
    INSERT INTO logged SELECT i, 'first' FROM generate_series(1, 2000) i;
    """
)


class Workload:
    """Changes of every kind, a transaction after another, until stopped."""

    next_id = 1000000  # of all of them together

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.over = threading.Event()
        self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def id(self):
        return Workload.next_id

    def _statements(self):
        r = self.random
        Workload.next_id += 50
        i = r.randrange(1, 60000)
        return r.sample(
            [
                f"INSERT INTO plain SELECT g, 1, 'new' FROM generate_series({self.id}, {self.id + 40}) g",
                f"UPDATE plain SET n = n + 1 WHERE id BETWEEN {i} AND {i + 30}",
                f"DELETE FROM plain WHERE id BETWEEN {i} AND {i + 3}",
                f"UPDATE plain SET id = -id WHERE id = {i + 50}",
                f"UPDATE wide SET n = n + 1 WHERE a BETWEEN {i % 3000} AND {i % 3000 + 10}",
                f"UPDATE wide SET b = b || 'x' WHERE a = {i % 3000}",
                f"UPDATE wide SET big = repeat('{i}', 2000) WHERE a = {(i * 7) % 3000}",
                f"INSERT INTO logged VALUES ({self.id}, 'x')",
                f"UPDATE logged SET v = v || '+' WHERE id = {i % 2000}",
                f"DELETE FROM logged WHERE id = {self.id - 50}",
            ],
            r.randrange(1, 8),
        )

    def _run(self):
        try:
            connection = pg.connect()
            with connection.cursor() as cursor:
                while not self.over.is_set():
                    end = "ROLLBACK" if self.random.random() < 0.1 else "COMMIT"
                    cursor.execute(f"BEGIN; {'; '.join(self._statements())}; {end}")
                    self.over.wait(self.random.random() * 0.01)
            connection.close()
        except Exception as error:  # shown by the test
            self.error = error

    def stop(self):
        self.over.set()
        self.thread.join()
        if self.error:
            raise self.error


def tables():
    return ["public.*", {"public.logged": {"keep": "both"}}]


def stream(name):
    """A configuration with a slot of its own, from a copy on."""
    config = mirror(pg, tables=tables())
    config["connections"]["shop"]["slot"] = name
    config["connections"]["shop"]["publication"] = name
    return config


def drop(name):
    wait_until(lambda: not pg.value("SELECT active FROM pg_replication_slots WHERE slot_name = %s", (name,)), "the slot to be free")
    pg.sql("SELECT pg_drop_replication_slot(%s)", (name,))


@test
def kills_at_random_lose_and_repeat_nothing():
    moments = random.Random(SEED)
    tail = Tailrace(stream("random"))
    work = Workload(SEED)
    try:
        for _ in range(int(os.environ.get("KILLS", "24"))):
            tail.start(ready=False)
            time.sleep(moments.random() ** 2 * 2.5)  # the moment of the kill, not a wait for something
            tail.kill()
    finally:
        work.stop()
    equal(tail, "random")


def equal(tail, slot):
    tail.start()
    tail.wait_live(seconds=120)
    tail.wait_caught_up(pg, slot)
    tail.must_be_equal()
    for table in ("plain", "wide", "logged"):
        eq(tail.value(f"SELECT count() FROM shop.{table}"), pg.value(f"SELECT count(*) FROM {table}"), table)
    # the log holds each version once
    eq(tail.value("SELECT count() - uniqExact(id, _version) FROM shop.logged_log"), 0)
    tail.stop()
    drop(slot)


def killed_at(point, times=3, later=1):
    """Runs until the failpoint has killed it, `times` times, each `later` passes later; then all must be equal."""
    slot = "at_" + point.replace(".", "_")
    tail = Tailrace(stream(slot))
    work = Workload(SEED + 1)
    try:
        for n in range(times):
            tail.start(ready=False, TAILRACE_FAILPOINT=f"{point}=kill@{1 + n * later}")
            eq(tail.wait_end(60), -9, point)
    finally:
        work.stop()
    equal(tail, slot)


@test
def killed_between_a_copied_batch_and_its_ledger():
    killed_at("copier.after_write", later=0)
    killed_at("copier.before_done", later=0)


@test
def killed_between_writing_recording_and_confirming():
    killed_at("writer.before_write")
    killed_at("writer.after_write")
    killed_at("writer.after_record")


run()
