#!/usr/bin/python3
"""Records what a real Debezium writes with Confluent's AvroConverter, for the golden tests of formats/avro.

It captures the tables below from a PostgreSQL of its own through Kafka Connect, and writes debezium.tsv into its own
folder: of each message the schema that the registry has, and the message in hexadecimal, without its header;
first the keys, then the values, table by table. debezium.expected is what they say (see record.py).
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lib"))

from harness import Postgres  # noqa: E402
from kafka import Connect, Kafka  # noqa: E402
from registry import HEADER_BYTES, Registry  # noqa: E402
from tap import wait_until  # noqa: E402

TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE kinds (
    id int8 PRIMARY KEY DEFAULT 5, small int2 DEFAULT -7, number int, on_off bool DEFAULT true, single real DEFAULT 0.1,
    ratio float8 DEFAULT 1e20, price numeric(10, 2) DEFAULT 12.34, loose numeric, day date DEFAULT '2020-01-01',
    clock time, at timestamp DEFAULT '2021-01-01', zoned timestamptz DEFAULT '2021-01-01 00:00:00+00',
    note text DEFAULT 'a "quote"', raw bytea DEFAULT '\\x00ff', uuid uuid, doc jsonb, mood mood DEFAULT 'ok',
    ints int[], texts text[], long interval, place point, xml xml, bits bit(5), host inet, cash money DEFAULT 5
);
CREATE SCHEMA "my-odd";
CREATE TABLE "my-odd"."the table" ("a-b" int PRIMARY KEY, "9x" text);
ALTER TABLE "my-odd"."the table" REPLICA IDENTITY FULL;
INSERT INTO kinds (id) VALUES (1);
INSERT INTO kinds VALUES (2, 1, 2, false, 1.5, 2.5, 3.5, 4.123, '2022-02-02', '12:34:56.789', '2022-02-02 01:02:03',
    '2022-02-02 01:02:03+00', 'x', '\\x01', '0cf20bda-7ef9-42aa-8802-8c72831cdc3d', '{"a": 1}', 'sad', '{1,2,NULL}',
    '{a,b}', '1 day', '(1,2)', '<a/>', '10101', '10.0.0.1', 7);
INSERT INTO "my-odd"."the table" VALUES (1, 'x');
"""
CHANGES = """
UPDATE "my-odd"."the table" SET "9x" = NULL;
DELETE FROM "my-odd"."the table";
"""
TOPICS = {"my-shop.public.kinds": 2, "my-shop.my-odd.the_table": 4}  # a delete is two


def fields(message, registry):
    schema = registry.call("GET", f"/schemas/ids/{int.from_bytes(message[1:HEADER_BYTES], 'big')}")["schema"]
    return f"{schema}\t{message[HEADER_BYTES:].hex()}\n"


def main():
    pg, kafka, registry = Postgres(), Kafka(), Registry()
    connect = Connect(kafka)
    pg.sql(TABLES)
    connect.put("debezium", {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "database.hostname": "127.0.0.1", "database.port": str(pg.port), "database.dbname": "postgres",
        "database.user": "postgres", "database.password": "none", "topic.prefix": "my-shop", "plugin.name": "pgoutput",
        "schema.name.adjustment.mode": "avro", "field.name.adjustment.mode": "avro", **registry.converters,
    })

    def arrived(topic):
        connect.fail_loudly("debezium")
        return kafka.read(topic, decode=lambda data: data)

    wait_until(lambda: all(arrived(topic) for topic in TOPICS), "the snapshot", 60)
    pg.sql(CHANGES)
    with open(os.path.join(HERE, "debezium.tsv"), "w", encoding="utf-8") as out:
        for topic, n in TOPICS.items():
            messages = wait_until(lambda: len(arrived(topic)) == n and arrived(topic), f"{n} messages", 60)
            out.write(fields(messages[0].key, registry))
            out.writelines(fields(m.value, registry) for m in messages if m.value)


if __name__ == "__main__":
    main()
