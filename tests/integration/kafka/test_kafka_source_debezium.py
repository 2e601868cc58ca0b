#!/usr/bin/python3
"""What the real Debezium writes of a PostgreSQL, read into ClickHouse and compared with that PostgreSQL."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace  # noqa: E402
from kafka import Connect, Kafka, subscribed  # noqa: E402
from tap import eq, has, run, test, wait_until  # noqa: E402

pg, kafka = Postgres(), Kafka()
connect = Connect(kafka)

TABLES = """
CREATE TABLE numbers (id bigint PRIMARY KEY, small smallint, int int, real real, double double precision, fixed numeric(20, 4),
    free numeric, yes boolean, cash money, oid oid);
INSERT INTO numbers VALUES (1, -32768, -2147483648, 1.5, 1e300, -1234567890123456.7891, 0.1, true, 12.34, 4294967295),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, 0, 0, 'NaN', '-Infinity', 0, 123456789012345678901234567890.5, false, -1, 0);
CREATE TABLE times (id int PRIMARY KEY, date date, stamp timestamp, milli timestamp(3), zoned timestamptz, time time, timetz timetz, span interval);
INSERT INTO times VALUES (1, '2024-02-29', '2024-02-29 23:59:59.123456', '2024-02-29 23:59:59.123', '2024-02-29 23:59:59.123456+02', '23:59:59.123456', '23:59:59+02', '1 day 2 hours'),
    (2, '1969-12-31', '1969-12-31 00:00:00', '1960-01-01 00:00:00.001', '1901-01-01 00:00:00.000001+00', '00:00', '00:00+00', '-3 seconds');
INSERT INTO times (id) VALUES (3);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE texts (id uuid PRIMARY KEY, text text, fixed char(5), varying varchar(10), mood mood, json json, doc jsonb, ip inet, bytes bytea, bits bit(10),
    tags text[], numbers int[], words varchar(3)[] NOT NULL DEFAULT '{}');
INSERT INTO texts VALUES ('00000000-0000-0000-0000-000000000001', E'a\\tb"\\\\ü€😀', 'ab', 'varying', 'happy', '{"a": 1}', '{"a": [1, null]}', '10.0.0.1/8', '\\x00ff10', B'1010101010',
    ARRAY['x', NULL, 'y"'], '{1,2,NULL}', '{a,b}');
INSERT INTO texts (id) VALUES ('00000000-0000-0000-0000-000000000002');
CREATE TABLE pairs (a int, b text, v text, PRIMARY KEY (b, a));
INSERT INTO pairs SELECT i, 'k' || i % 10, 'v' || i FROM generate_series(1, 500) i;
CREATE TABLE marks (n int PRIMARY KEY);
CREATE TABLE large (id int PRIMARY KEY, big text, n int);
ALTER TABLE large ALTER COLUMN big SET STORAGE EXTERNAL;
INSERT INTO large SELECT i, repeat(md5(i::text), 300), 0 FROM generate_series(1, 20) i;
"""


def capture(name):
    """A connector that writes to topics under its name."""
    converter = {}
    for side in ("key", "value"):
        converter[f"{side}.converter"] = "org.apache.kafka.connect.json.JsonConverter"
        converter[f"{side}.converter.schemas.enable"] = "true"
    connect.put(name, {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "plugin.name": "pgoutput",
        "database.hostname": "127.0.0.1", "database.port": str(pg.port), "database.user": "postgres", "database.dbname": "postgres",
        "topic.prefix": name, "slot.name": name, "publication.name": name, "schema.include.list": "public",
        "topic.creation.default.partitions": "3", "topic.creation.default.replication.factor": "1",
        "poll.interval.ms": "10", **converter,
    })


def caught_up():
    """Until what is committed now has come through: a mark behind it has, and nothing is left to be read."""
    caught_up.mark += 1
    pg.sql(f"INSERT INTO marks VALUES ({caught_up.mark})")

    def marked():
        connect.fail_loudly("dbz")
        return tail.table("public.marks") and tail.value("SELECT max(n) FROM shop.marks") == caught_up.mark

    wait_until(marked, "the mark to come through", 90)
    wait_until(lambda: not waiting(), "all to be read", 60)


caught_up.mark = 0


def waiting():
    """Messages that the group has yet to read."""
    found = json.loads(tail.command("topics", "--json", check=True).out)
    parts = [p for c in found["connections"] for t in c["topics"] for p in t["partitions"]]
    return sum(g["lag"] for p in parts for g in p["groups"])


def change():
    pg.sql("UPDATE numbers SET free = 7.25, real = -0.0 WHERE id = 1; DELETE FROM numbers WHERE id = 2;"
           "INSERT INTO numbers (id, fixed) VALUES (4, 9.9999); UPDATE numbers SET id = 30 WHERE id = 3")
    pg.sql("UPDATE times SET stamp = NULL, date = '9999-12-31' WHERE id = 1; UPDATE texts SET doc = '[]', mood = 'sad', tags = '{}' WHERE mood = 'happy'")
    pg.sql("DELETE FROM pairs WHERE a % 3 = 0; UPDATE pairs SET v = v || '!' WHERE a % 2 = 0; UPDATE pairs SET b = 'moved', a = a + 1000 WHERE a < 10")
    pg.sql("UPDATE large SET n = n + 1 WHERE id <= 10; UPDATE large SET big = 'short' WHERE id = 20")


config = subscribed(kafka, topic_prefix="dbz", stream={"verify_with": "origin"})
config["connections"]["origin"] = {"kind": "postgres", "url": pg.url()}
tail = Tailrace(config)


@test
def a_snapshot_and_changes_in_json_with_schemas_are_as_in_postgresql():
    pg.sql(TABLES)
    capture("dbz")
    names = [f"public.{t}" for t in ("numbers", "times", "texts", "pairs", "large")]
    tail.start()
    wait_until(lambda: all(tail.table(name) for name in names), "the tables to join", 90)
    change()
    caught_up()
    done = tail.verify()
    eq(done.code, 0, repr(done))
    notes = {t["table"]: t["note"] for t in done.json["tables"]}
    has(notes["public.times"], "in another form or not at all: timetz, span")
    has(notes["public.numbers"], ": cash, oid")
    eq(notes["public.texts"], None)
    eq(tail.query("SELECT id, n, length(big) FROM shop.large WHERE id IN (1, 11, 20) ORDER BY id"), [(1, 1, 9600), (11, 0, 9600), (20, 0, 5)])


@test
def what_differs_from_the_database_is_found():
    tail.raw("ALTER TABLE shop_cdc.pairs DELETE WHERE a = 100", mutations_sync=2)
    done = tail.verify("public.pairs")
    table = done.json["tables"][0]
    eq((done.code, table["missing"], table["extra"], table["different"]), (1, 1, 0, 0))
    eq(table["differences"][0]["key"], {"b": "k0", "a": 100})
    has(table["note"], "what has not come into the topics yet counts as different")


@test
def columns_that_come_and_go_are_followed():
    pg.sql("ALTER TABLE pairs ADD COLUMN note text, ADD COLUMN n int NOT NULL DEFAULT 7; UPDATE pairs SET note = 'x' WHERE a % 5 = 0")
    pg.sql("ALTER TABLE pairs DROP COLUMN v; UPDATE pairs SET n = 8 WHERE a % 7 = 0; ALTER TABLE pairs ALTER COLUMN n TYPE bigint; UPDATE pairs SET n = 9000000000 WHERE a = 100")
    caught_up()
    for column in ("n", "note"):
        ask = f"SELECT {column}, count(*) FROM {{}}pairs GROUP BY 1 ORDER BY 1"
        eq(sorted(map(str, tail.query(ask.format("shop.")))), sorted(map(str, pg.sql(ask.format("")))))
    tail.must_be_equal("public.pairs")


run()
