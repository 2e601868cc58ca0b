#!/usr/bin/python3
"""The whole of docs/scale-out.md: PostgreSQL, tailrace, three brokers, three tailrace in one group, two ClickHouse. One
of the three and one of the two are killed while everything moves; then all of it is compared with PostgreSQL."""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, clickhouse_cluster, on_cluster  # noqa: E402
from kafka import Kafka, published, subscribed  # noqa: E402
from tap import eq, run, test, wait_until  # noqa: E402

pg = Postgres()
pg.sql("""
    CREATE TABLE orders (id int PRIMARY KEY, status text, amount numeric(10,2), at timestamptz DEFAULT now());
    INSERT INTO orders SELECT i, 'new', i FROM generate_series(1, 3000) i;
    CREATE TABLE lines (order_id int, line int, what text, PRIMARY KEY (order_id, line));
    INSERT INTO lines SELECT i, l, 'article ' || l FROM generate_series(1, 1000) i, generate_series(1, 3) l
""")
kafka = Kafka(brokers=3)
servers = clickhouse_cluster()

# --- as in docs/scale-out.md
capture = published(pg, kafka, partitions=3, replication_factor=2, topic_settings="min.insync.replicas=1", format="json_schema")


def land():
    config = subscribed(kafka, stream={"verify_with": "origin"}, warehouse=servers[0])
    config["connections"]["warehouse"] |= on_cluster(servers)
    config["connections"]["origin"] = {"kind": "postgres", "url": pg.url()}
    return config


sender, tails = Tailrace(capture), [Tailrace(land()) for _ in range(3)]


def shares():
    return [len(tail.stream()["partitions"]) if tail.running else 0 for tail in tails]


class Load:
    """Changes, until it is over."""

    def __enter__(self):
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        n = 0
        while not self._over.wait(0.02):
            n += 1
            pg.sql(f"UPDATE orders SET status = 's{n}', amount = amount + 1 WHERE id % 50 = {n % 50}; DELETE FROM lines WHERE order_id = {n};"
                   f"INSERT INTO orders VALUES ({10000 + n}, 'late', {n}); UPDATE lines SET what = 'changed in {n}' WHERE order_id = {1000 - n % 500};"
                   f"UPDATE orders SET id = id + 100000 WHERE id = {n}")

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


@test
def three_processes_share_what_one_writes():
    sender.start()
    sender.wait_live()
    for tail in tails:
        tail.start()
    wait_until(lambda: shares() == [2, 2, 2], "each to have a partition of each topic", 90)


@test
def a_process_and_a_server_are_killed_and_nothing_is_lost():
    with Load():
        tails[1].kill()
        wait_until(lambda: sum(shares()) == 6, "the others to take over", 90)
        servers[1].kill()
        wait_until(lambda: tails[0].said("target is away") or tails[2].said("target is away"), "a word of the server", 60)
        tails[1].start(ready=False)
        servers[1].start()
        wait_until(lambda: shares() == [2, 2, 2], "all to be back", 90)
    sender.wait_caught_up(pg)
    tails[2].must_be_equal()
    for server in servers:
        eq(server.query("SELECT count(), sum(amount) FROM shop.orders"), [(n, str(total)) for n, total in pg.sql("SELECT count(*), trim_scale(sum(amount)) FROM orders")])
        assert server.value("SELECT count() FROM shop_shard.orders__g1")
    eq([tail.said("level=error") for tail in tails], [0, 0, 0])


run()
