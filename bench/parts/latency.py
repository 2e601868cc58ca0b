"""From the commit of a row to its being seen by a query, at 1,000 changes/s. PostgreSQL keeps the time of each
commit (pg_xact_commit_timestamp); a loop of queries notes when each row is first there, at the answer's arrival."""
import http.client
import os
import subprocess
import time
import urllib.parse

from figures import Span, percentile
from harness import Tailrace, new_folder
from orders import Orders
from report import Part

SECONDS, RATE = 30, 1000

_INSERT = """INSERT INTO orders SELECT id, 42, 12.34, 'new', 'note of forty characters for ' || lpad(id::text, 11, '0'),
    clock_timestamp() FROM nextval('order_ids') id;
"""


class Watcher:
    """Which rows above an id are there, and since when."""

    def __init__(self, tail, low):
        address = urllib.parse.urlsplit(tail.http_url)
        self._http = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        self._low, self.seen = low, {}

    def look(self):
        """Takes only rows behind those that are there without a gap."""
        self._http.request("POST", "/", f"SELECT id FROM shop.orders WHERE id > {self._low} FORMAT TSV")
        answer = self._http.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(body.decode(errors="replace"))
        now = time.time()
        for line in body.split():
            self.seen.setdefault(int(line), now)
        while self._low + 1 in self.seen:
            self._low += 1


def load(pg, seconds):
    path = os.path.join(new_folder("load"), "insert.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write(_INSERT)
    argv = [os.path.join(pg.bin, "pgbench"), "-n", "-h", "127.0.0.1", "-p", str(pg.port), "-U", "postgres"]
    argv += ["-R", str(RATE), "-c", "8", "-j", "1", "-T", str(seconds), "-f", path, "postgres"]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def watch(orders, tail, seconds):
    """Lets the load run; the delays of its rows in ms."""
    pg, low = orders.pg, orders.pg.value("SELECT last_value - (NOT is_called)::int FROM order_ids")
    watcher = Watcher(tail, low)
    running = load(pg, seconds)
    while running.poll() is None:
        watcher.look()
        time.sleep(0.005)
    commits = pg.sql(
        "SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM orders WHERE id > %s", (low,)
    )
    end = time.monotonic() + 60
    while len(watcher.seen) < len(commits):
        if time.monotonic() > end:
            raise RuntimeError(f"{len(watcher.seen)} rows of {len(commits)} arrived")
        watcher.look()
        time.sleep(0.005)
    return [(watcher.seen[key] - at) * 1000 for key, at in commits]


def run(options):
    part = Part(f"Latency from commit to visible by query, {RATE:,} changes/s for {SECONDS} s")
    orders = Orders(options.rows or 100_000)
    orders.pg.sql(f"CREATE SEQUENCE order_ids START {orders.top + 1}")
    tail = Tailrace(orders.config("latency")).start()
    tail.wait_live("public.orders")
    watch(orders, tail, 3)
    with Span(tail.process.pid) as span:
        delays = watch(orders, tail, SECONDS)
    p50, p99 = percentile(delays, 0.5), percentile(delays, 0.99)
    part.line(
        "tailrace with its embedded ClickHouse",
        **{"changes": len(delays), "p50 ms": round(p50), "p90 ms": round(percentile(delays, 0.9))},
        **{"p99 ms": round(p99), "max ms": round(max(delays)), "CPU s": round(span.usage.cpu, 2)},
        **{"peak MiB": round(span.usage.peak_mib)},
    )
    part.reach("p50, ms", p50, at_most=150)
    part.reach("p99, ms", p99, at_most=500)
    part.reach("memory of tailrace, MiB", span.usage.peak_mib, at_most=128)
    return part
