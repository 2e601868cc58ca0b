"""Debezium on Kafka Connect beside tailrace: the same copy, the same waiting changes. Debezium is done when they
are in Kafka, where they still have to be fetched and merged by something else; tailrace when they are in ClickHouse.
Each configuration copies twice in one JVM and the second, warm, run counts."""
import contextlib

from figures import Span, Usage, memory_mib
from harness import Tailrace
from kafka import AS_SHIPPED, Connect, Kafka
from mirrors import catch_up, remove
from orders import Orders
from report import Part, ratio
from tap import wait_until

# what guides to its tuning agree on: large batches, long queues, compression
TUNED = {
    "max.batch.size": "16384",
    "max.queue.size": "65536",
    "poll.interval.ms": "50",
    "snapshot.fetch.size": "20000",
    "decimal.handling.mode": "string",
    "producer.override.linger.ms": "20",
    "producer.override.batch.size": "524288",
    "producer.override.compression.type": "lz4",
    "producer.override.buffer.memory": "134217728",
}
MODES = {"default": {}, "tuned": TUNED}


class Debezium:
    def __init__(self, pg):
        self.pg = pg
        pg.sql("CREATE PUBLICATION debezium FOR TABLE orders")
        self.kafka = Kafka(heap="1g", jvm=AS_SHIPPED)
        self.connect = Connect(self.kafka, jvm=AS_SHIPPED)

    def config(self, name, mode, snapshot):
        return {
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "tasks.max": "1",
            "database.hostname": "127.0.0.1",
            "database.port": str(self.pg.port),
            "database.user": "postgres",
            "database.password": "none",
            "database.dbname": "postgres",
            "plugin.name": "pgoutput",
            "publication.name": "debezium",
            "publication.autocreate.mode": "disabled",
            "slot.name": name,
            "topic.prefix": name,
            "table.include.list": "public.orders",
            "snapshot.mode": snapshot,
            **MODES[mode],
        }

    def messages(self, name):
        return self.kafka.messages(f"{name}.public.orders")

    def _arrived(self, name, expected):
        self.connect.fail_loudly(name)
        return self.messages(name) >= expected

    @contextlib.contextmanager
    def measured(self, usages):
        """CPU of both JVMs and the sum of their peaks."""
        with Span(self.connect.process.pid) as connect, Span(self.kafka.brokers[0].process.pid) as kafka:
            with Span(self.pg.process.pid, tree=True) as postgres:
                yield
        usages.append(self._taken(connect, kafka, postgres))

    def _taken(self, connect, kafka, postgres):
        usage = Usage(connect.usage.seconds, connect.usage.cpu + kafka.usage.cpu)
        usage.peak_mib = connect.usage.peak_mib + kafka.usage.peak_mib
        usage.postgres_cpu = postgres.usage.cpu
        return usage

    def copy(self, name, mode, rows):
        usages = []
        with self.measured(usages):
            self.connect.put(name, self.config(name, mode, "initial_only"))
            wait_until(lambda: self._arrived(name, rows), f"{rows} rows in Kafka", 900, every=0.1)
        self.connect.remove(name)
        return usages[0]

    def attach(self, name, mode):
        """Makes the slot and reads up to now, then stops; what follows waits in the slot."""
        self.connect.put(name, self.config(name, mode, "no_data"))
        active = "SELECT active FROM pg_replication_slots WHERE slot_name = %s"
        wait_until(lambda: self.pg.sql(active, (name,)) == [(True,)], f"slot {name}", 60)
        self.pg.sql("UPDATE orders SET status = status WHERE id = (SELECT max(id) FROM orders)")
        wait_until(lambda: self._arrived(name, 1), "a first change in Kafka", 60)
        self.connect.set_state(name, "stop")
        wait_until(lambda: self.pg.sql(active, (name,)) == [(False,)], f"slot {name} to be free", 60)

    def drain(self, name, changes):
        """A delete is two messages: itself and the tombstone."""
        usages, expected = [], self.messages(name) + changes + changes // 10
        with self.measured(usages):
            self.connect.set_state(name, "resume")
            wait_until(lambda: self._arrived(name, expected), f"{changes} changes in Kafka", 900, every=0.1)
        self.connect.remove(name)
        return usages[0]


def mirrored(orders, tail):
    """tailrace with its ClickHouse, from process start to end, and what PostgreSQL did for it."""
    with Span(orders.pg.process.pid, tree=True) as postgres:
        usage = catch_up(tail)
    usage.postgres_cpu = postgres.usage.cpu
    usage.peak_mib, usage.cpu = usage.tree_peak_mib, usage.tree_cpu
    return usage


def lines(part, what):
    return {name: part.line(f"{what}: {name}") for name in ("Debezium, default", "Debezium, tuned", "tailrace")}


def compare(part, what, found):
    for name in ("Debezium, default", "Debezium, tuned"):
        peer, own = found[name], found["tailrace"]
        part.reach(f"{what}: time of {name}, to tailrace's", ratio(peer, own))
        part.reach(f"{what}: CPU of {name}, to tailrace's", peer.middle("cpu") / own.middle("cpu"))
        part.reach(f"{what}: memory of {name}, to tailrace's", peer.most("peak_mib") / own.most("peak_mib"))


def measure_copy(part, orders, debezium, rounds):
    found = lines(part, "copy")
    for mode in MODES:
        for run in ("cold", "warm"):
            usage = debezium.copy(f"copy_{mode}_{run}", mode, orders.top)
        found[f"Debezium, {mode}"].add(usage)
    for _ in range(rounds):
        tail = Tailrace(orders.config("copy"))
        found["tailrace"].add(mirrored(orders, tail))
        remove(tail, orders.pg)
    return found


def measure_drain(part, orders, debezium, changes):
    found = lines(part, "drain")
    tail = Tailrace(orders.config("drain"))
    catch_up(tail)
    for mode in MODES:
        debezium.attach(f"drain_{mode}", mode)
    orders.change(changes)
    orders.pg.sql("CHECKPOINT")
    found["tailrace"].add(mirrored(orders, tail))
    for mode in MODES:
        found[f"Debezium, {mode}"].add(debezium.drain(f"drain_{mode}", changes))
    return found


def run(options):
    rows = options.rows or 1_000_000
    part = Part(f"Debezium: {rows:,} rows copied, {rows:,} waiting changes drained", rows)
    orders = Orders(rows)
    debezium = Debezium(orders.pg)
    copied = measure_copy(part, orders, debezium, options.rounds)
    drained = measure_drain(part, orders, debezium, rows)
    for line in part.lines:
        line.more["PostgreSQL CPU s"] = round(line.middle("postgres_cpu"), 2)
    compare(part, "copy", copied)
    compare(part, "drain", drained)
    part.note(
        "CPU and memory: of Kafka Connect and Kafka on the one side (heaps of 2 and 1 GiB), of tailrace and its"
        " ClickHouse on the other; tailrace's time is from the start of its process to its end."
    )
    return part
