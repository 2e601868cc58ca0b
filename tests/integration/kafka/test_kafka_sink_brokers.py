#!/usr/bin/python3
"""Three brokers, two of which must have each message, killed while rows count up: nothing is lost, nothing comes twice."""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from counters import Counters, begin, check_events, end  # noqa: E402
from harness import Postgres  # noqa: E402
from kafka import Kafka  # noqa: E402
from tap import eq, run, test, wait_until  # noqa: E402

SEED = int(os.environ.get("SEED", random.randrange(100000)))
random = random.Random(SEED)
print(f"# SEED={SEED}")

pg, kafka = Postgres(), Kafka(brokers=3, min_insync_replicas=2)


@test
def brokers_are_killed_and_come_back():
    counters = Counters(pg, SEED)
    tail = begin(pg, kafka, "brokers").start()
    tail.wait_live()
    for broker in kafka.brokers:
        broker.kill()
        time.sleep(random.uniform(1, 4))
        broker.start()
        kafka.wait_ready()
    check_events(pg, end(tail, kafka, "brokers", counters))


@test
def without_enough_replicas_nothing_is_confirmed():
    counters = Counters(pg, SEED)
    tail = begin(pg, kafka, "replicas").start()
    tail.wait_live()
    for broker in kafka.brokers[:2]:
        broker.kill()
    confirmed = pg.value("SELECT confirmed_flush_lsn FROM pg_replication_slots")
    wait_until(lambda: tail.said("session ended"), "the stream to complain", 150)
    assert pg.value("SELECT confirmed_flush_lsn - %s < 1000000 FROM pg_replication_slots", (confirmed,))
    eq(tail.get("/readyz")[0], 503)
    for broker in kafka.brokers[:2]:
        broker.start()
    kafka.wait_ready()
    check_events(pg, end(tail, kafka, "replicas", counters))


run()
