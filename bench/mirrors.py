"""tailrace as the measurements run it."""
import contextlib
import shutil
import time
import urllib.request

from figures import Moment, to_its_end
from harness import tail_of


def stream_of(tail):
    return next(iter(tail.config["streams"]))


def _ping(tail):
    return urllib.request.urlopen(tail.http_url + "/ping", timeout=1).status == 200


def catch_up(tail):
    """tailrace run --catch-up, start to end. ready_s: until its ClickHouse, where it has one, answered."""
    start = time.monotonic()
    tail.start("--catch-up", ready=False)
    ready = Moment(lambda: _ping(tail)) if "warehouse" in tail.config["connections"] else None
    usage = to_its_end(tail.process, start)
    at = ready.stop() if ready else None
    usage.ready_s = at - start if at else None
    if usage.code:
        raise RuntimeError(f"tailrace run --catch-up: exit code {usage.code}\n{tail_of(tail.log, 20)}")
    return usage


def remove(tail, pg, clickhouse=None):
    """Its folder, and what it made in source and target, so that the next one begins anew."""
    name = "tailrace_" + stream_of(tail)
    pg.sql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", (name,))
    for (publication,) in pg.sql("SELECT pubname FROM pg_publication WHERE starts_with(pubname, %s)", (name,)):
        pg.sql(f'DROP PUBLICATION "{publication}"')
    if clickhouse:
        database = tail.config["connections"]["warehouse"]["database"]
        for each in (database, database + "_cdc"):
            with contextlib.suppress(RuntimeError):
                clickhouse.raw(f"DROP DATABASE IF EXISTS {each} SYNC")
    shutil.rmtree(tail.folder, ignore_errors=True)
