"""Changes that wait in a slot, until they are durable in ClickHouse: beside pg_recvlogical, which throws them
away, on an equal slot, over the same kind of connection. tailrace as it is by default, which fetches such a
backlog in bulk; by the streaming protocol alone; and with its embedded ClickHouse."""
import os
import subprocess

from figures import to_its_end
from harness import ClickHouse, Tailrace
from mirrors import catch_up
from orders import Orders
from report import Part, ratio


# Slots of pg_recvlogical, with what it asks of pgoutput.
_YARDSTICKS = {"yardstick_text": "binary=false", "yardstick_binary": "binary=true"}


def thrown_away(pg, lsn, slot):
    """pg_recvlogical of all changes up to that LSN."""
    argv = [os.path.join(pg.bin, "pg_recvlogical"), "-d", pg.url(), "-S", slot, "--start", "-f", "-"]
    argv += ["-E", lsn, "--no-loop", "-o", "proto_version=1", "-o", "publication_names=tailrace_bulk"]
    argv += ["-o", _YARDSTICKS[slot]]
    usage = to_its_end(subprocess.Popen(argv, stdout=subprocess.DEVNULL))
    if usage.code:
        raise RuntimeError(f"pg_recvlogical: exit code {usage.code}")
    pg.sql("SELECT pg_drop_replication_slot(%s)", (slot,))
    return usage


class Drains:
    """One PostgreSQL with a slot for each of some tailraces, all in step with it."""

    def __init__(self, rows, names):
        self.orders, self.clickhouse = Orders(rows), ClickHouse()
        self.tails = {name: Tailrace(self._config(name)) for name in names}
        for tail in self.tails.values():
            catch_up(tail)

    def _config(self, name):
        config = self.orders.config(
            name,
            source={"bulk_threshold": "0"} if name == "streaming" else None,
            warehouse=None if name == "embedded" else self.clickhouse,
        )
        config["connections"]["warehouse"]["database"] = name
        return config

    def load(self, changes):
        """Lets changes wait, for each tailrace and each pg_recvlogical; where the log ends then."""
        for slot in _YARDSTICKS:
            self.orders.pg.sql("SELECT pg_copy_logical_replication_slot('tailrace_bulk', %s)", (slot,))
        self.orders.change(changes)
        self.orders.pg.sql("CHECKPOINT")
        return self.orders.pg.value("SELECT pg_current_wal_lsn()")

    def drain(self, name):
        usage = catch_up(self.tails[name])
        if name != "embedded":
            got = self.clickhouse.value(f"SELECT count() FROM {name}.orders")
            expected = self.orders.pg.value("SELECT count(*) FROM orders")
            if got != expected:
                raise RuntimeError(f"{name}: {got} rows, {expected} in the source")
        return usage


def run(options):
    changes = options.rows or 1_000_000
    part = Part(f"Draining {changes:,} waiting changes, transactions of 100", changes)
    drains = Drains(1_000_000, ("bulk", "streaming", "embedded"))
    text = part.line("pg_recvlogical, pgoutput to /dev/null")
    binary = part.line("pg_recvlogical, pgoutput to /dev/null, binary")
    bulk = part.line("tailrace")
    streaming = part.line("tailrace, by the streaming protocol alone")
    embedded = part.line("tailrace with its embedded ClickHouse, process start to end")
    for number in range(options.rounds):
        lsn = drains.load(changes)
        pg = drains.orders.pg
        part.round(
            number,
            (text, lambda: thrown_away(pg, lsn, "yardstick_text")),
            (binary, lambda: thrown_away(pg, lsn, "yardstick_binary")),
            (bulk, lambda: drains.drain("bulk")),
            (streaming, lambda: drains.drain("streaming")),
            (embedded, lambda: drains.drain("embedded")),
        )
    yardstick = min(text, binary, key=lambda line: line.middle("seconds"))
    part.reach("time of tailrace to that of pg_recvlogical", ratio(bulk, yardstick), at_most=0.8)
    part.reach("the same, streaming alone", ratio(streaming, yardstick), at_most=1.2)
    for what, line in (("bulk", bulk), ("streaming", streaming)):
        part.reach(f"CPU s of tailrace for a million changes, {what}", line.middle("cpu") * 1e6 / changes, at_most=1.5)
    part.reach("memory of tailrace, MiB", max(l.most("peak_mib") for l in (bulk, streaming, embedded)), at_most=128)
    part.note("The ratios are to the faster of the two pg_recvlogical.")
    return part
