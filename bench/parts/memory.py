"""Memory of the tailrace process, without its ClickHouse, where it is hardest to bound: one transaction of
3,000,000 rows, live and as a backlog; and rows of 64 MiB, copied and streamed."""

from figures import memory_mib, reset_peak
from harness import Tailrace
from mirrors import catch_up
from orders import Orders
from report import Part
from tap import wait_until

ROW_BYTES = 64 << 20
_DOCUMENTS = "CREATE TABLE documents (id int PRIMARY KEY, body text NOT NULL)"
_ADD = "INSERT INTO documents SELECT %s, repeat(md5(random()::text), %s)"


def arrived(tail, sql, expected, what):
    wait_until(lambda: tail.value(sql) == expected, what, 600, every=0.2)


def live_peak(tail, act, sql, expected, what):
    """The peak of a process that runs, while something happens and until it has arrived."""
    reset_peak(tail.process.pid)
    act()
    arrived(tail, sql, expected, what)
    return memory_mib(tail.process.pid)


def one_transaction(part, rows):
    orders = Orders(1000)
    tail = Tailrace(orders.config("memory")).start()
    tail.wait_live("public.orders")
    count = "SELECT count() FROM shop.orders"
    live = live_peak(tail, lambda: orders.add(rows), count, rows + 1000, "the transaction")
    part.line(f"one transaction of {rows:,} rows, live", **{"peak MiB": round(live)})
    tail.stop()
    orders.add(rows)
    backlog = catch_up(tail).peak_mib
    part.line(f"one transaction of {rows:,} rows, as a backlog", **{"peak MiB": round(backlog)})
    part.reach("memory of tailrace, MiB", max(live, backlog), at_most=128)


def large_rows(part):
    orders = Orders(1000)
    pg = orders.pg
    pg.sql(_DOCUMENTS)
    pg.sql(_ADD, (1, ROW_BYTES // 32))
    config = orders.config("memory")
    config["streams"]["memory"]["tables"] = ["public.*"]
    tail = Tailrace(config).start()
    tail.wait_live("public.orders", "public.documents", seconds=300)
    copied = memory_mib(tail.process.pid)
    part.line("a row of 64 MiB, copied", **{"peak MiB": round(copied)})
    size = "SELECT sum(length(body)) FROM shop.documents"
    streamed = live_peak(tail, lambda: pg.sql(_ADD, (2, ROW_BYTES // 32)), size, 2 * ROW_BYTES, "the row")
    part.line("a row of 64 MiB, streamed", **{"peak MiB": round(streamed)})
    orders.add(1000)
    arrived(tail, "SELECT count() FROM shop.orders", 2000, "small rows behind it")
    afterwards = memory_mib(tail.process.pid, "VmRSS")
    part.line("afterwards", **{"peak MiB": round(afterwards)})
    part.reach("memory of tailrace while a row of 64 MiB passes, MiB", max(copied, streamed), at_most=300)
    part.reach("and once other rows have followed it, MiB", afterwards, at_most=128)


def run(options):
    part = Part("Memory of the tailrace process")
    one_transaction(part, options.rows or 3_000_000)
    large_rows(part)
    return part
