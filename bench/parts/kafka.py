"""PostgreSQL into Kafka: tailrace beside Debezium on Kafka Connect, the same changes into the same broker, in the same
form (Debezium's envelope as JSON without schemas). Of Debezium the second of two runs in one JVM counts, which is warm;
tailrace is measured from the start of its process to its end."""
from figures import Span
from harness import Tailrace
from kafka import Connect, Kafka, published
from mirrors import catch_up, remove
from orders import Orders
from parts.debezium import MODES, Debezium
from report import Part, ratio


def config(orders, kafka, stream, **connection):
    made = published(orders.pg, kafka, ["public.orders"], topic_prefix=stream, **connection)
    made["streams"] = {stream: made["streams"]["shop"]}
    return made


def published_by(tail, orders, kafka):
    """One run of tailrace to its end, and what PostgreSQL and the broker did for it."""
    broker = kafka.brokers[0].process.pid
    with Span(orders.pg.process.pid, tree=True) as postgres, Span(broker) as kafka_span:
        usage = catch_up(tail)
    usage.postgres_cpu, usage.kafka_cpu = postgres.usage.cpu, kafka_span.usage.cpu
    return usage


class Peer(Debezium):
    """CPU and memory are of Kafka Connect alone: the broker is the same for all."""

    def _taken(self, connect, kafka, postgres):
        usage = connect.usage
        usage.postgres_cpu, usage.kafka_cpu = postgres.usage.cpu, kafka.usage.cpu
        return usage


NAMES = [f"Debezium, {mode}" for mode in MODES]


def lines(part, what):
    own = ("tailrace", "tailrace, at least once")
    return {name: part.line(f"{what}: {name}") for name in (*NAMES, *own)}


def of_tailrace(orders, kafka, stream):
    once = "exactly_once" if stream.endswith("exactly") else "at_least_once"
    return Tailrace(config(orders, kafka, stream, delivery=once))


def measure_copy(part, orders, peer, rounds):
    found = lines(part, "copy")
    for mode in MODES:
        for run in ("cold", "warm"):
            usage = peer.copy(f"copy_{mode}_{run}", mode, orders.top)
        found[f"Debezium, {mode}"].add(usage)
    for number in range(rounds):
        for name, stream in (("tailrace", "exactly"), ("tailrace, at least once", "least")):
            tail = of_tailrace(orders, peer.kafka, f"copy_{number}_{stream}")
            found[name].add(published_by(tail, orders, peer.kafka))
            remove(tail, orders.pg)
    return found


def measure_drain(part, orders, peer, changes):
    found = lines(part, "drain")
    tails = {
        "tailrace": of_tailrace(orders, peer.kafka, "drain_exactly"),
        "tailrace, at least once": of_tailrace(orders, peer.kafka, "drain_least"),
    }
    for tail in tails.values():
        catch_up(tail)
    for mode in MODES:
        peer.attach(f"drain_{mode}", mode)
    orders.change(changes)
    orders.pg.sql("CHECKPOINT")
    for name, tail in tails.items():
        found[name].add(published_by(tail, orders, peer.kafka))
    for mode in MODES:
        found[f"Debezium, {mode}"].add(peer.drain(f"drain_{mode}", changes))
    return found


def compare(part, what, found):
    own = found["tailrace"]
    tuned = found["Debezium, tuned"]
    part.reach(f"{what}: speed of tailrace to that of Debezium, tuned", ratio(tuned, own), at_least=4)
    part.reach(f"{what}: CPU of tailrace to that of Debezium, tuned", own.middle("cpu") / tuned.middle("cpu"), at_most=0.1)
    part.reach(
        f"{what}: memory of tailrace to that of Debezium, tuned", own.most("peak_mib") / tuned.most("peak_mib"), at_most=0.05
    )


def run(options):
    rows = options.rows or 1_000_000
    part = Part(f"Into Kafka: {rows:,} rows copied, {rows:,} waiting changes drained", rows)
    orders = Orders(rows)
    peer = Peer(orders.pg)
    copied = measure_copy(part, orders, peer, options.rounds)
    drained = measure_drain(part, orders, peer, rows)
    for line in part.lines:
        line.more["PostgreSQL CPU s"] = round(line.middle("postgres_cpu"), 2)
        line.more["broker CPU s"] = round(line.middle("kafka_cpu"), 2)
    compare(part, "copy", copied)
    compare(part, "drain", drained)
    part.note("CPU and memory are of tailrace, and of Kafka Connect (a heap of 2 GiB); the broker is the same for all.")
    return part
