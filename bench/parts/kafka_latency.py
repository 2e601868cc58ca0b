"""From the commit of a row to its message in Kafka, at 1,000 changes/s: tailrace beside Debezium on Kafka Connect, one
after the other. PostgreSQL keeps the time of each commit (pg_xact_commit_timestamp); one and the same consumer, which
reads committed messages, notes when each row is first there."""
import json
import time

from confluent_kafka import Consumer, TopicPartition
from figures import Span, percentile
from harness import Tailrace
from orders import Orders
from parts.debezium import MODES
from parts.kafka import Peer, config
from parts.latency import RATE, load
from report import Part

SECONDS = 30
QUICK = {"poll.interval.ms": "1", "producer.override.linger.ms": "0"}


class Watcher:
    """The rows of a topic of one partition, and since when they are there."""

    def __init__(self, kafka, topic):
        self.seen = {}
        self._consumer = Consumer({**kafka.client, "group.id": "watcher", "isolation.level": "read_committed",
            "fetch.wait.max.ms": 5, "fetch.min.bytes": 1, "auto.offset.reset": "earliest"})
        self._consumer.assign([TopicPartition(topic, 0, 0)])

    def look(self):
        for message in self._consumer.consume(1000, timeout=0.01):
            if not message.error() and message.value():
                row = json.loads(message.value())["after"]
                self.seen.setdefault(row and row["id"], time.time())

    def until(self, condition, what, seconds=90):
        end = time.monotonic() + seconds
        while not condition(self.seen):
            if time.monotonic() > end:
                raise RuntimeError(f"waited {seconds} s for {what}")
            self.look()


def watch(pg, watcher, seconds):
    """Lets the load run; the delays of its rows in ms."""
    low = pg.value("SELECT last_value - (NOT is_called)::int FROM order_ids")
    running = load(pg, seconds)
    while running.poll() is None:
        watcher.look()
    commits = pg.sql(
        "SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM orders WHERE id > %s", (low,)
    )
    watcher.until(lambda seen: all(id in seen for id, _ in commits), "all rows")
    return [(watcher.seen[id] - at) * 1000 for id, at in commits]


def measured(part, name, pg, kafka, topic, process):
    """Topics that the process has begun with a first row."""
    watcher = Watcher(kafka, topic)
    watcher.until(bool, "a first row in " + topic)
    watch(pg, watcher, 3)
    with Span(process.pid) as span:
        delays = watch(pg, watcher, SECONDS)
    p50, p99 = percentile(delays, 0.5), percentile(delays, 0.99)
    part.line(name, **{"changes": len(delays), "p50 ms": round(p50, 1), "p99 ms": round(p99, 1), "max ms": round(max(delays), 1)},
        **{"CPU s": round(span.usage.cpu, 2), "peak MiB": round(span.usage.peak_mib)})
    return p50, p99


def of_tailrace(part, name, orders, peer, stream, **stream_options):
    settings = config(orders, peer.kafka, stream, partitions=1)
    settings["streams"][stream].update(stream_options)
    tail = Tailrace(settings).start()
    tail.wait_live()
    found = measured(part, name, orders.pg, peer.kafka, f"{stream}.public.orders", tail.process)
    tail.stop()
    return found


def of_debezium(part, orders, peer, mode, **more):
    name = "latency_" + mode
    peer.connect.put(name, {**peer.config(name, mode if mode in MODES else "default", "initial"), **more})
    found = measured(part, f"Debezium, {mode}", orders.pg, peer.kafka, f"{name}.public.orders", peer.connect.process)
    peer.connect.remove(name)
    return found


def run(options):
    part = Part(f"Latency from commit to Kafka, {RATE:,} changes/s for {SECONDS} s")
    orders = Orders(options.rows or 1000)
    orders.pg.sql(f"CREATE SEQUENCE order_ids START {orders.top + 1}")
    peer = Peer(orders.pg)
    own = of_tailrace(part, "tailrace", orders, peer, "latency")
    of_tailrace(part, "tailrace, flush_interval 5 ms", orders, peer, "latency_quick", flush_interval="5ms")
    default = of_debezium(part, orders, peer, "default")
    of_debezium(part, orders, peer, "tuned")
    of_debezium(part, orders, peer, "quick", **QUICK)
    part.reach("p50 of tailrace to that of Debezium as it is by default", own[0] / default[0], at_most=1)
    part.reach("p99 of tailrace to that of Debezium as it is by default", own[1] / default[1], at_most=1)
    part.note("quick: poll.interval.ms=1, linger.ms=0. CPU and memory are of tailrace, and of Kafka Connect.")
    return part
