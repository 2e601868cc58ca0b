"""The first copy: tailrace beside COPY to /dev/null over as many connections, and beside what ClickHouse does
by itself. All write into, or are compared with, one ClickHouse that already runs; tailrace once more with its
embedded one, from the start of the process to its end."""
import os
import subprocess
import time

from figures import Usage, memory_mib
from harness import ClickHouse, Tailrace
from mirrors import catch_up, remove
from orders import Orders
from report import Part, ratio

_PEER = """CREATE TABLE peer.orders (id Int64, customer_id Int32, amount Decimal(10,2), status String, note String,
    created_at DateTime64(6, 'UTC')) ENGINE = MergeTree ORDER BY id"""


def connections():
    """As many as tailrace takes by default."""
    return min(4, os.cpu_count() + 1)


def to_nowhere(pg, parts):
    """COPY of the table in so many ranges of its pages at once, thrown away."""
    pages = pg.value("SELECT relpages FROM pg_class WHERE relname = 'orders'")
    edges = [pages * n // parts for n in range(parts)] + [4294967295]
    start = time.monotonic()
    running = []
    for low, high in zip(edges, edges[1:]):
        sql = f"COPY (SELECT * FROM orders WHERE ctid >= '({low},0)' AND ctid < '({high},0)')"
        argv = [os.path.join(pg.bin, "psql"), "-qXd", pg.url(), "-o", "/dev/null"]
        argv += ["-c", sql + " TO STDOUT (FORMAT binary)"]
        running.append(subprocess.Popen(argv))
    if any([process.wait() for process in running]):
        raise RuntimeError("psql failed")
    return Usage(time.monotonic() - start)


def by_clickhouse(pg, clickhouse):
    clickhouse.raw("CREATE DATABASE IF NOT EXISTS peer")
    clickhouse.raw("DROP TABLE IF EXISTS peer.orders SYNC")
    clickhouse.raw(_PEER)
    source = f"postgresql('127.0.0.1:{pg.port}', 'postgres', 'orders', 'postgres', 'none')"
    start = time.monotonic()
    clickhouse.raw(f"INSERT INTO peer.orders SELECT * FROM {source}")
    return Usage(time.monotonic() - start)


def by_tailrace(orders, clickhouse, expected):
    """Into that ClickHouse, or None: the embedded one."""
    tail = Tailrace(orders.config("copy", warehouse=clickhouse))
    usage = catch_up(tail)
    if clickhouse:
        got = clickhouse.value("SELECT count() FROM shop.orders")
        if got != expected:
            raise RuntimeError(f"{got} rows arrived, {expected} were there")
    remove(tail, orders.pg, clickhouse)
    return usage


def run(options):
    rows = options.rows or 5_000_000
    orders, clickhouse, n = Orders(rows), ClickHouse(), connections()
    part = Part(f"First copy of {rows:,} rows", rows)
    one = part.line("COPY (FORMAT binary) to /dev/null, one connection")
    limit = part.line(f"COPY (FORMAT binary) to /dev/null, {n} connections")
    peer = part.line("INSERT INTO ... SELECT FROM postgresql(...) in ClickHouse")
    tail = part.line("tailrace, into the same ClickHouse")
    embedded = part.line("tailrace with its embedded ClickHouse, process start to end")
    for number in range(options.rounds):
        part.round(
            number,
            (one, lambda: to_nowhere(orders.pg, 1)),
            (limit, lambda: to_nowhere(orders.pg, n)),
            (peer, lambda: by_clickhouse(orders.pg, clickhouse)),
            (tail, lambda: by_tailrace(orders, clickhouse, rows)),
            (embedded, lambda: by_tailrace(orders, None, rows)),
        )
    part.reach("speed of tailrace to that of the peer", ratio(peer, tail), at_least=2)
    part.reach("speed of tailrace to the limit", ratio(limit, tail), at_least=0.6)
    part.reach("memory of tailrace, MiB", tail.most("peak_mib"), at_most=128)
    part.note(f"Peak memory of that ClickHouse: {memory_mib(clickhouse.process.pid):.0f} MiB.")
    return part
