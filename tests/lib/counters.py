"""Rows that count up while tailrace writes them into Kafka, and whether each step of theirs stands on the topic once."""
import collections
import random
import threading
import time

from harness import Tailrace
from kafka import published
from tap import eq, wait_until

KEYS = 300


class Counters:
    """A table `t` whose rows count up in n, in small transactions and now and then a large one, until stop()."""

    def __init__(self, pg, seed, keys=KEYS):
        self.pg, self.keys, self._random = pg, keys, random.Random(seed)
        pg.sql("DROP TABLE IF EXISTS t")
        pg.sql("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, pad text)")
        pg.sql("INSERT INTO t SELECT g, 0, repeat('x', 200) FROM generate_series(1, %s) g", (keys,))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self):
        connection, fresh, chance = self.pg.connect(), self.keys, self._random
        connection.autocommit = False
        while not self._over.is_set():
            with connection, connection.cursor() as cursor:
                for _ in range(chance.choice((1, 1, 2, 5))):
                    low = chance.randrange(self.keys)
                    cursor.execute("UPDATE t SET n = n + 1 WHERE id BETWEEN %s AND %s", (low, low + 2))
                if chance.random() < 0.3:
                    fresh += 1
                    cursor.execute("INSERT INTO t VALUES (%s, 0)", (fresh,))
                if chance.random() < 0.2:
                    cursor.execute("DELETE FROM t WHERE id = %s", (chance.randrange(1, fresh + 1),))
                if chance.random() < 0.02:
                    cursor.execute("UPDATE t SET n = n + 1 WHERE id <= 300")
            time.sleep(0.01)
        connection.close()

    def stop(self):
        self._over.set()
        self._thread.join()


def check_events(pg, events):
    """What each event makes of its key follows from the event before."""
    last = {}
    for event in events:
        if event.value is None:
            assert last.get(event.key["id"]) == "gone", f"a tombstone of a key that is there: {event}"
            continue
        key, op, after = event.key["id"], event.value["op"], event.value["after"]
        before, now = last.get(key), after["n"] if after else "gone"
        fits = {
            "r": before in (None, now),
            "c": before in (None, "gone") and now == 0,
            "u": before is None or now == before + 1 if before != "gone" else False,
            "d": before != "gone",
        }[op]
        assert fits, f"key {key} was {before}: {event}"
        last[key] = now
    there = dict(pg.sql("SELECT id, n FROM t"))
    eq({key: n for key, n in last.items() if n != "gone"}, there)


def begin(pg, kafka, prefix, **connection):
    copies = len(kafka.brokers)
    settings = dict(topic_prefix=prefix, partitions=3, replication_factor=copies)
    if copies > 2:
        settings["topic_settings"] = "min.insync.replicas=2"
    return Tailrace(published(pg, kafka, ("public.t",), {"flush_interval": "20ms"}, **settings, **connection))


def end(tail, kafka, prefix, counters):
    """Lets all arrive; the events of the topic."""
    pg = counters.pg
    try:
        counters.stop()
        tail.wait_caught_up(pg, seconds=120)
        tail.wait_live()
        tail.stop()
        return kafka.read(f"{prefix}.public.t")
    finally:
        tail.kill()
        forget(pg)


def forget(pg):
    active = "SELECT count(*) FROM pg_replication_slots WHERE active"
    wait_until(lambda: pg.value(active) == 0, "the slot to be free")
    pg.sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    for (name,) in pg.sql("SELECT pubname FROM pg_publication"):
        pg.sql(f'DROP PUBLICATION "{name}"')


def count(events):
    return collections.Counter(event.value["op"] for event in events if event.value)


