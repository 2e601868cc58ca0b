#!/usr/bin/python3
"""ClickHouse's own Kafka engine reads what tailrace writes: rows made flat, as JSON and as Avro, become the table
through a materialized view, as a user of ClickHouse without tailrace sets it up."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from counters import forget  # noqa: E402
from harness import ClickHouse, Postgres, Tailrace  # noqa: E402
from kafka import Kafka, published  # noqa: E402
from registry import Registry  # noqa: E402
from tap import run, test, wait_until  # noqa: E402

pg, kafka, registry, clickhouse = Postgres(), Kafka(), Registry(), ClickHouse()
ORDERS = """
    DROP TABLE IF EXISTS orders;
    CREATE TABLE orders (id int PRIMARY KEY, note text, price numeric(10,2), total bigint, paid bool, day date,
        made timestamptz, tags text[]);
    INSERT INTO orders SELECT i, 'order ' || i, i / 7.0, i * 10000000000, i % 2 = 0, '2024-02-29'::date + i,
        '2024-02-29 12:00:00.123456+02'::timestamptz + i * interval '1 hour', ARRAY['a', 'b' || i]
        FROM generate_series(1, 1000) i;
    INSERT INTO orders (id) VALUES (0);
"""
CHANGES = (
    "INSERT INTO orders (id, note, price, tags) SELECT i, 'é \"new\" ' || i, -i / 7.0, '{}' FROM generate_series(1001, 1100) i",
    "UPDATE orders SET note = 'changed', price = price * 2, made = made + interval '1 second' WHERE id % 3 = 0",
    "UPDATE orders SET note = NULL, day = NULL WHERE id % 10 = 1",
    "UPDATE orders SET id = id + 10000 WHERE id % 50 = 7",
    "DELETE FROM orders WHERE id % 11 = 5",
    "BEGIN; DELETE FROM orders WHERE id = 1; INSERT INTO orders (id, note) VALUES (1, 'again'); COMMIT",
)
HERE = """SELECT id, note, price::text, total, paid, (day - '1970-01-01')::int,
    to_char(made AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), array_to_string(coalesce(tags, '{}'), ',') FROM orders"""
THERE = """SELECT id, note, toDecimalString(price, 2), total, paid, day, replaceOne(toString(made), 'T', ' '),
    arrayStringConcat(tags, ',') FROM {}"""


def engine(name, types, settings, price):
    """A queue, the rows by their key, where the last in the topic wins, and a view from the one to the other."""
    columns = ", ".join(f"{column} {kind}" for column, kind in types.items())
    given = {"kafka_broker_list": kafka.address, "kafka_topic_list": f"{name}.public.orders", "kafka_group_name": name,
             "kafka_flush_interval_ms": 200, **settings}
    words = ", ".join(f"{key} = '{value}'" for key, value in given.items())
    clickhouse.raw(f"CREATE TABLE {name}_queue ({columns}, __deleted String) ENGINE = Kafka SETTINGS {words}")
    clickhouse.raw(
        f"CREATE TABLE {name}_rows (id Int32, note Nullable(String), price Nullable(Decimal(10, 2)), total Nullable(Int64),"
        " paid Nullable(Bool), day Nullable(Int32), made Nullable(DateTime64(6, 'UTC')), tags Array(String),"
        " place UInt64, gone UInt8) ENGINE = ReplacingMergeTree(place, gone) ORDER BY id"
    )
    clickhouse.raw(
        f"CREATE MATERIALIZED VIEW {name}_view TO {name}_rows AS SELECT * EXCEPT (price, made, __deleted), {price} AS price,"
        f" parseDateTime64BestEffortOrNull(made, 6, 'UTC') AS made, _offset AS place, __deleted = 'true' AS gone FROM {name}_queue"
    )
    clickhouse.raw(f"CREATE VIEW {name} AS SELECT * EXCEPT (place, gone) FROM {name}_rows FINAL")


TYPES = {
    "id": "Int32", "note": "Nullable(String)", "price": "Nullable(String)", "total": "Nullable(Int64)",
    "paid": "Nullable(Bool)", "day": "Nullable(Int32)", "made": "Nullable(String)", "tags": "Array(String)",
}


def becomes_what_it_is(name, settings, price="price", types=None, **connection):
    pg.sql(ORDERS)
    tail = Tailrace(published(
        pg, kafka, topic_prefix=name, partitions=3, envelope="flat", tombstones="false", **connection
    ))
    tail.start()
    try:
        tail.wait_live()
        engine(name, {**TYPES, **(types or {})}, settings, price)
        for change in CHANGES:
            pg.sql(change)
        expected = set(pg.sql(HERE))

        def differing():
            there = set(clickhouse.query(THERE.format(name)))
            return sorted(there - expected, key=repr)[:3], sorted(expected - there, key=repr)[:3]

        try:
            wait_until(lambda: differing() == ([], []), "ClickHouse to have the rows of the table", 60, every=0.5)
        except AssertionError as error:
            raise AssertionError(f"{error}; more, and missing: {differing()}") from None
    finally:
        tail.stop()
        forget(pg)


@test
def json_becomes_the_table():
    becomes_what_it_is("plain", {"kafka_format": "JSONEachRow"}, price="CAST(price, 'Nullable(Decimal(10, 2))')",
        decimal_handling_mode="string")


@test
def avro_becomes_the_table():
    becomes_what_it_is(
        "encoded", {"kafka_format": "AvroConfluent", "format_avro_schema_registry_url": registry.url},
        types={"price": "Nullable(Decimal(10, 2))"}, format="avro", registry=registry.url,
    )


run()
