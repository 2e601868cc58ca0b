"""Kafka into ClickHouse: rows that wait in a topic of three partitions, until they are in a table: tailrace beside the
server's own Kafka engine, on the same flat JSON; and tailrace as one, two and three processes of a group."""
import time

from figures import Span, Usage, cpu_seconds, memory_mib
from harness import ClickHouse, Tailrace
from kafka import AS_SHIPPED, Kafka, published, subscribed
from mirrors import catch_up
from orders import Orders
from report import Part, ratio
from tap import wait_until

PARTITIONS = 3
FORM = {"format": "json", "envelope": "flat", "decimal_handling_mode": "string"}
FIELDS = "id int64, customer_id int32, amount decimal(10,2), status string, note string, created_at timestamptz"
COLUMNS = "id Int64, customer_id Int32, amount Decimal(10, 2), status String, note String, created_at DateTime64(6, 'UTC')"
ENGINES = {
    "Kafka engine, default": "",
    "Kafka engine, tuned":
        f", kafka_num_consumers = {PARTITIONS}, kafka_thread_per_consumer = 1, kafka_max_block_size = 1048576,"
        " kafka_flush_interval_ms = 500",
}


def fill(orders, kafka):
    """The rows of `orders` as messages."""
    catch_up(Tailrace(published(orders.pg, kafka, ["public.orders"], partitions=PARTITIONS, **FORM)))


class Rounds:
    """One round after another, each into a database of its own."""

    def __init__(self, kafka, rows):
        self.kafka, self.rows, self.number = kafka, rows, 0
        self.server = ClickHouse()

    def _database(self):
        self.number += 1
        return f"round{self.number}"

    def _wait(self, table):
        wait_until(lambda: self.server.value(f"SELECT count() FROM {table}") >= self.rows, f"{self.rows} rows in {table}", 900, every=0.05)

    def engine(self, settings):
        name = self._database()
        self.server.raw(f"CREATE DATABASE {name}")
        self.server.raw(f"CREATE TABLE {name}.orders ({COLUMNS}) ENGINE = ReplacingMergeTree ORDER BY id SETTINGS fsync_after_insert = 1, fsync_part_directory = 1")
        self.server.raw(
            f"CREATE TABLE {name}.queue ({COLUMNS}) ENGINE = Kafka SETTINGS kafka_broker_list = '{self.kafka.address}',"
            f" kafka_topic_list = 'shop.public.orders', kafka_group_name = '{name}', kafka_format = 'JSONEachRow',"
            f" date_time_input_format = 'best_effort', input_format_skip_unknown_fields = 1{settings}"
        )
        with Span(self.server.process.pid, tree=True) as span:
            self.server.raw(f"CREATE MATERIALIZED VIEW {name}.pipe TO {name}.orders AS SELECT * FROM {name}.queue")
            self._wait(name + ".orders")
        self.server.raw(f"DROP DATABASE {name} SYNC")
        span.usage.server_cpu, span.usage.peak_mib = span.usage.cpu, None
        return span.usage

    def tailrace(self, processes):
        """From the start of the first to the last row; CPU is of all of them."""
        name = self._database()
        options = [{"public.orders": {"key": "id", "fields": FIELDS}}]
        configs = [subscribed(self.kafka, options, warehouse=self.server, group=name, **FORM) for _ in range(processes)]
        for config in configs:
            config["connections"]["warehouse"]["database"] = name
        tails = [Tailrace(config) for config in configs]
        with Span(self.server.process.pid, tree=True) as server:
            start = time.monotonic()
            for tail in tails:
                tail.start(ready=False)
            wait_until(lambda: self.server.value(f"EXISTS TABLE {name}_cdc.orders"), "the table", 60)
            self._wait(f"{name}_cdc.orders")
            seconds = time.monotonic() - start
        usage = Usage(seconds, *self._taken(tails))
        usage.server_cpu = server.usage.cpu
        for tail in tails:
            tail.stop()
        self.server.raw(f"DROP DATABASE {name} SYNC")
        self.server.raw(f"DROP DATABASE {name}_cdc SYNC")
        return usage

    @staticmethod
    def _taken(tails):
        return sum(cpu_seconds(t.process.pid) for t in tails), max(memory_mib(t.process.pid) for t in tails)


def run(options):
    rows = options.rows or 1_000_000
    part = Part(f"Out of Kafka: {rows:,} rows that wait in {PARTITIONS} partitions, into ClickHouse", rows)
    orders, kafka = Orders(rows), Kafka(heap="1g", jvm=AS_SHIPPED)
    fill(orders, kafka)
    rounds = Rounds(kafka, rows)
    engines = {name: part.line(name) for name in ENGINES}
    groups = {n: part.line(f"tailrace, {n} process{'es' if n > 1 else ''}") for n in range(1, PARTITIONS + 1)}
    for _ in range(options.rounds):
        for name, settings in ENGINES.items():
            engines[name].add(rounds.engine(settings))
        for n, line in groups.items():
            line.add(rounds.tailrace(n))
    for line in part.lines:
        line.more["server CPU s"] = round(line.middle("server_cpu"), 2)
    best = min(engines.values(), key=lambda line: line.middle("seconds"))
    part.reach("speed of tailrace to that of the better engine", ratio(best, groups[1]), at_least=1)
    part.reach("CPU of three processes to that of one", groups[3].middle("cpu") / groups[1].middle("cpu"), at_most=1.5)
    part.note("CPU is of the processes of tailrace together, or of the server with its engine; server CPU is the server's.")
    return part
