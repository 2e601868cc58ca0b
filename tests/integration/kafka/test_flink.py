#!/usr/bin/python3
"""Flink SQL reads what tailrace writes with the formats it has for Debezium: its tables become what PostgreSQL's are,
while rows come, change, change their keys and go."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from counters import forget  # noqa: E402
from flink import Flink  # noqa: E402
from harness import Postgres, Tailrace  # noqa: E402
from kafka import Kafka, published  # noqa: E402
from registry import Registry  # noqa: E402
from tap import run, test  # noqa: E402

pg, kafka, registry, flink = Postgres(), Kafka(), Registry(), Flink()
# the identity as for real Debezium: Flink takes an update only with the row that was
ORDERS = """
    DROP TABLE IF EXISTS orders;
    CREATE TABLE orders (id int PRIMARY KEY, note text, price numeric(10,2), total bigint, paid bool, ratio float8,
        day date, made timestamp, seen timestamptz, tags text[]);
    ALTER TABLE orders REPLICA IDENTITY FULL;
    INSERT INTO orders SELECT i, 'order ' || i, i / 7.0, i * 10000000000, i % 2 = 0, i / 3.0::float8,
        '2024-02-29'::date + i, '2024-02-29 12:00:00.123456'::timestamp + i * interval '1 hour',
        '2024-02-29 12:00:00.123456+02'::timestamptz + i * interval '1 hour', ARRAY['a', 'b' || i]
        FROM generate_series(1, 500) i;
    INSERT INTO orders (id) VALUES (0);
"""
CHANGES = (
    "INSERT INTO orders (id, note, price) SELECT i, 'é \"new\" ' || i, -i / 7.0 FROM generate_series(501, 600) i",
    "UPDATE orders SET note = 'changed', price = price * 2, seen = seen + interval '1 second' WHERE id % 3 = 0",
    "UPDATE orders SET note = NULL, day = NULL, tags = NULL WHERE id % 10 = 1",
    "UPDATE orders SET id = id + 10000 WHERE id % 50 = 7",
    "DELETE FROM orders WHERE id % 11 = 5",
    "BEGIN; DELETE FROM orders WHERE id = 1; INSERT INTO orders (id, note) VALUES (1, 'again'); COMMIT",
)
# what both can say alike
HERE = """SELECT id, note, price::text, total, paid, ratio, (day - '1970-01-01')::int,
    (extract(epoch FROM made) * 1000000)::bigint, to_char(seen AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
    array_to_string(tags, ',') FROM orders"""


def table(name, types, options):
    given = {
        "connector": "kafka", "topic": f"{name}.public.orders", "properties.bootstrap.servers": kafka.address,
        "properties.isolation.level": "read_committed", "scan.startup.mode": "earliest-offset", **options,
    }
    columns = ", ".join(f"`{column}` {kind}" for column, kind in types.items())
    words = ", ".join(f"'{key}' = '{value}'" for key, value in given.items())
    flink.sql(f"CREATE TABLE {name} ({columns}) WITH ({words})")


TYPES = {
    "id": "INT", "note": "STRING", "price": "DECIMAL(10, 2)", "total": "BIGINT", "paid": "BOOLEAN", "ratio": "DOUBLE",
    "day": "INT", "made": "BIGINT", "seen": "TIMESTAMP_LTZ(6)", "tags": "ARRAY<STRING>",
}
ISO = "DATE_FORMAT(seen, 'yyyy-MM-dd HH:mm:ss.SSSSSS')"
ROW = f"id, note, CAST(price AS STRING), total, paid, ratio, `day`, made, {ISO}, ARRAY_JOIN(tags, ',')"


def becomes_what_it_is(name, options, row=ROW, types=None, **connection):
    """tailrace copies and follows the table while Flink reads the topic."""
    pg.sql(ORDERS)
    tail = Tailrace(published(pg, kafka, topic_prefix=name, partitions=3, **connection))
    tail.start()
    try:
        tail.wait_live()
        table(name, {**TYPES, **(types or {})}, options)
        for change in CHANGES:
            pg.sql(change)
        expected = pg.sql(HERE)
        flink.wait_rows(f"SELECT {row} FROM {name}", expected)
    finally:
        tail.stop()
        forget(pg)


@test
def debezium_json_becomes_the_table():
    becomes_what_it_is("plain", {
        "format": "debezium-json", "debezium-json.timestamp-format.standard": "ISO-8601",
    }, decimal_handling_mode="string")


@test
def debezium_json_with_schemas_becomes_the_table():
    becomes_what_it_is("described", {
        "format": "debezium-json", "debezium-json.timestamp-format.standard": "ISO-8601",
        "debezium-json.schema-include": "true",
    }, format="json_schema", decimal_handling_mode="string")


@test
def debezium_avro_confluent_becomes_the_table():
    seen = "REPLACE(REPLACE(seen, 'T', ' '), 'Z', '')"
    becomes_what_it_is("encoded", {
        "format": "debezium-avro-confluent", "debezium-avro-confluent.url": registry.url,
    }, row=ROW.replace(ISO, seen), types={"seen": "STRING"}, format="avro", registry=registry.url)


run()
