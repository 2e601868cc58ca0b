#!/usr/bin/python3
"""Each change is once on its topic, for who reads what is committed, though tailrace is killed wherever it hurts while
rows count up: between two events of a key nothing may be missing, and nothing come back."""
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from counters import Counters, begin, check_events, count, end, forget  # noqa: E402
from harness import Postgres  # noqa: E402
from kafka import Kafka  # noqa: E402
from tap import eq, run, test, wait_until  # noqa: E402

SEED = int(os.environ.get("SEED", random.randrange(100000)))
random = random.Random(SEED)
print(f"# SEED={SEED}")

# only the session that asks for it waits for a standby, and there is none
pg, kafka = Postgres(synchronous_standby_names="nobody", synchronous_commit="local"), Kafka()


# those of the copy first: there is only one
FAILPOINTS = {
    "copier.before_done": (1,), "copier.after_done": (1,), "writer.before_write": (1, 4), "writer.after_write": (1, 4),
    "kafka.before_commit": (1, 4), "kafka.committed": (1, 4), "writer.after_commit": (1, 4),
    "writer.after_record": (1, 4), "postgres.before_confirm": (1, 4),
}


@test
def killed_at_each_step_nothing_is_lost_or_repeated():
    counters = Counters(pg, SEED)
    tail = begin(pg, kafka, "steps")
    for point, times in FAILPOINTS.items():
        for pass_ in times:
            tail.start(ready=False, TAILRACE_FAILPOINT=f"{point}=kill@{pass_}")
            eq(tail.wait_end(60), -9, f"{point}@{pass_}")
    tail.start()
    events = end(tail, kafka, "steps", counters)
    check_events(pg, events)
    assert count(events)["u"] > 1000, count(events)


@test
def killed_at_random_nothing_is_lost_or_repeated():
    counters = Counters(pg, SEED)
    tail = begin(pg, kafka, "random")
    end_at = time.monotonic() + 30
    while time.monotonic() < end_at:
        tail.start(ready=False)
        time.sleep(random.uniform(0.1, 3))
        tail.kill()
    tail.start()
    check_events(pg, end(tail, kafka, "random", counters))


@test
def a_copy_beside_changes_lets_no_key_go_back():
    counters = Counters(pg, SEED, keys=200_000)
    tail = begin(pg, kafka, "copy").start()
    tail.wait_live()
    events = end(tail, kafka, "copy", counters)
    check_events(pg, events)
    assert 0 < count(events)["r"] <= 200_000, count(events)
    assert count(events)["u"] > 100, count(events)


def commits_unseen(statement):
    """In a thread: what is committed is in the log, and no snapshot sees it until its wait is cancelled."""
    connection = pg.connect()
    work = threading.Thread(target=lambda: connection.cursor().execute(statement), daemon=True)
    connection.cursor().execute("SET synchronous_commit = on")
    work.start()
    return work, connection.info.backend_pid


@test
def a_copy_taken_up_again_lets_no_key_go_back_that_was_written_before():
    pg.sql("DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)")
    pg.sql("INSERT INTO t VALUES (1, 0), (2, 0)")
    tail = begin(pg, kafka, "again").start()
    tail.wait_live()
    holder = pg.connect()
    holder.autocommit = False
    holder.cursor().execute("SELECT pg_current_xact_id()")
    tail.command("resync", "public.t", check=True)

    def state(_):
        table = tail.table("public.t") or {"status": "", "error": ""}
        return "waits" if "open before the copy began" in (table["error"] or "") else table["status"]

    tail.wait_for(lambda s: state(s) == "waits", "the copy to be planned")
    work, pid = commits_unseen("UPDATE t SET n = 1 WHERE id = 1")
    wait_until(lambda: "u" in count(kafka.read("again.public.t")), "the change to be written")
    tail.kill()
    holder.rollback()
    tail.start()
    tail.wait_for(lambda s: state(s) in ("waits", "live"), "the copy to go on")
    pg.sql("SELECT pg_cancel_backend(%s)", (pid,))
    work.join(30)
    tail.wait_live()
    tail.stop()
    check_events(pg, kafka.read("again.public.t"))
    forget(pg)


@test
def without_transactions_nothing_is_lost():
    counters = Counters(pg, SEED)
    tail = begin(pg, kafka, "least", delivery="at_least_once")
    for _ in range(5):
        tail.start(ready=False)
        time.sleep(random.uniform(0.5, 2))
        tail.kill()
    tail.start()
    events = end(tail, kafka, "least", counters)
    last = {e.key["id"]: e.value and e.value["after"] and e.value["after"]["n"] for e in events}
    eq({key: n for key, n in last.items() if n is not None}, dict(pg.sql("SELECT id, n FROM t")))


run()
