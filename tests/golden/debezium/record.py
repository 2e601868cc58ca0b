#!/usr/bin/python3
"""Records the events that a real Debezium makes of a real PostgreSQL, for the golden tests of formats/debezium.

It starts PostgreSQL, Kafka and Kafka Connect (see tests/lib; Java 17 or newer, Maven) and writes, into its own
folder:
    catalog.tsv     pg_type, as the source loads it
    columns.tsv     the columns of the tables: table, name, type, typmod, dimensions, NOT NULL, key, and the
                    source's words: type, base of a domain, labels, default
    NAME.copy       COPY ... (FORMAT binary) of a table
    MODE.jsonl      events, a line each: {"table":..,"key":..,"value":..,"headers":..}
    MODE.schemas.json
                    {table: {"key":..,"value":..}}, as JsonConverter prints schemas
`every` has a row copied by the snapshot as id 1, 2 ... and streamed as 101, 102 ...; then 101 becomes 301 and
102 is deleted. `toasted` and `whole` (REPLICA IDENTITY FULL) have a row that changes; the latter is deleted,
and both are truncated.
"""
import io
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "lib")]
from harness import Postgres  # noqa: E402
from kafka import Connect, Kafka  # noqa: E402
from tap import wait_until  # noqa: E402
from values import COLUMNS, PREPARE, TOASTED  # noqa: E402

MODES = {
    "default": {},
    "texts": {
        "decimal.handling.mode": "string",
        "time.precision.mode": "adaptive_time_microseconds",
        "binary.handling.mode": "base64",
        "interval.handling.mode": "string",
        "hstore.handling.mode": "map",
    },
    "connect": {
        "decimal.handling.mode": "double",
        "time.precision.mode": "connect",
        "binary.handling.mode": "base64-url-safe",
    },
    "micros": {"time.precision.mode": "microseconds", "binary.handling.mode": "hex"},
    "nanos": {"time.precision.mode": "nanoseconds"},
    "iso": {"time.precision.mode": "isostring"},
    "flat": {
        "transforms": "flat",
        "transforms.flat.type": "io.debezium.transforms.ExtractNewRecordState",
        "transforms.flat.delete.tombstone.handling.mode": "rewrite",
        "transforms.flat.add.fields": "op,source.ts_ms,source.lsn",
    },
}
TABLES = ("every", "toasted", "whole")

CATALOG = """
SELECT t.oid, n.nspname, t.typname, t.typtype, t.typcategory, t.typdelim, (t.typsend = 0)::int,
       coalesce(e.oid, 0), t.typbasetype, t.typtypmod, t.typndims, coalesce(r.rngsubtype, m.rngtypid, 0),
       coalesce((SELECT string_agg(a.attname || ' ' || a.atttypid, ' ' ORDER BY a.attnum)
                 FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '')
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_type e ON e.typarray = t.oid
LEFT JOIN pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_range m ON m.rngmultitypid = t.oid
WHERE t.oid >= 16384 ORDER BY t.oid
"""
COLUMN_WORDS = """
SELECT c.relname, a.attname, a.atttypid, a.atttypmod, a.attndims, a.attnotnull::int,
       coalesce(a.attnum = ANY (i.indkey), false)::int, format_type(a.atttypid, a.atttypmod),
       CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE '' END,
       coalesce((SELECT string_agg(l.enumlabel, ',' ORDER BY l.enumsortorder) FROM pg_enum l
                 WHERE l.enumtypid IN (t.oid, t.typelem, t.typbasetype)), ''),
       coalesce(pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relname IN ('every', 'toasted', 'whole') ORDER BY c.relname, a.attnum
"""


def value_of(declaration, values, row):
    if row < len(values):
        return values[row]
    return values[0] if "NOT NULL" in declaration or "serial" in declaration else "NULL"


def make_tables(pg):
    pg.sql(PREPARE)
    columns = ", ".join(f"{name} {declaration}" for name, declaration, _ in COLUMNS)
    pg.sql(f"CREATE TABLE every (id int PRIMARY KEY, {columns})")
    for row in range(max(len(values) for _, _, values in COLUMNS)):
        cells = ", ".join(value_of(declaration, values, row) for _, declaration, values in COLUMNS)
        pg.sql(f"INSERT INTO every VALUES ({row + 1}, {cells})")
    columns = ", ".join(f"{name} {declaration}" for name, declaration, _ in TOASTED)
    pg.sql(f"CREATE TABLE toasted (id int PRIMARY KEY, n int, {columns})")
    for name, _, _ in TOASTED:
        pg.sql(f"ALTER TABLE toasted ALTER {name} SET STORAGE EXTERNAL")
    pg.sql("INSERT INTO toasted VALUES (1, 0, " + ", ".join(sql for _, _, sql in TOASTED) + ")")
    pg.sql("CREATE TABLE whole (id int PRIMARY KEY, label text, n int NOT NULL); ALTER TABLE whole REPLICA IDENTITY FULL")
    pg.sql("INSERT INTO whole VALUES (1, 'one', 1)")


def change(pg):
    names = ", ".join(name for name, _, _ in COLUMNS)
    pg.sql(f"INSERT INTO every (id, {names}) SELECT id + 100, {names} FROM every ORDER BY id")
    pg.sql("UPDATE every SET id = 301 WHERE id = 101")
    pg.sql("DELETE FROM every WHERE id = 102")
    pg.sql("UPDATE toasted SET n = 1")
    pg.sql("UPDATE whole SET n = 2")
    pg.sql("DELETE FROM whole")
    pg.sql("TRUNCATE whole")


def copy_out(pg, query, form="text"):
    out = io.BytesIO()
    session = "-c datestyle=ISO -c intervalstyle=iso_8601 -c timezone=UTC -c bytea_output=hex -c lc_monetary=C"
    with pg.connect(options=session) as connection, connection.cursor() as cursor:
        cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT {form})", out)
    return out.getvalue()


def selected():
    """The columns as the source selects them: the extension's type in its text form."""
    return ", ".join(f"{name}::text" if declaration.startswith("ltree") else name for name, declaration, _ in COLUMNS)


def write(name, data):
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(data)


def connector(pg, mode):
    return {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "plugin.name": "pgoutput",
        "database.hostname": "127.0.0.1",
        "database.port": pg.port,
        "database.user": "postgres",
        "database.dbname": "postgres",
        "topic.prefix": mode,
        "slot.name": mode,
        "publication.name": "recorded",
        "table.include.list": ",".join(f"public.{table}" for table in TABLES),
        "skipped.operations": "none",
        "poll.interval.ms": 20,
        **MODES[mode],
    }


def record(kafka, mode):
    schemas, lines = {}, []
    for table in TABLES:
        for message in kafka.read(f"{mode}.public.{table}"):
            key, value = message.key, message.value
            if value is None:
                continue
            schemas.setdefault(table, {"key": key and key["schema"], "value": value["schema"]})
            event = value["payload"]
            row = event.get("after") or event.get("before") or event
            # the rows themselves, in modes other than the first, once; the great values never
            streamed = row.get("id") and 100 < row["id"] and mode != "default" and event.get("op", event.get("__op")) == "c"
            if streamed and row["id"] != 301 or table == "toasted" and event.get("op", event.get("__op")) == "r":
                continue
            headers = {
                name: text.decode() for name, text in message.headers.items() if not name.startswith("__debezium.context")
            }
            lines.append({"table": table, "key": key and key["payload"], "value": event, "headers": headers})
    write(f"{mode}.schemas.json", json.dumps(schemas, ensure_ascii=False, indent=0).encode() + b"\n")
    write(f"{mode}.jsonl", b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines))


def main():
    pg = Postgres()
    make_tables(pg)
    write("columns.tsv", copy_out(pg, COLUMN_WORDS))
    write("catalog.tsv", copy_out(pg, CATALOG))
    pg.sql("CREATE PUBLICATION recorded FOR TABLE " + ", ".join(TABLES))
    kafka = Kafka()
    connect = Connect(kafka, key_converter_schemas_enable="true", value_converter_schemas_enable="true")
    rows = pg.value("SELECT count(*) FROM every")
    for mode in MODES:
        connect.put(mode, connector(pg, mode))

    def have(topic, wanted):
        def all_there():
            for mode in MODES:
                connect.fail_loudly(mode)
            return all(kafka.messages(f"{mode}.public.{topic}") >= wanted for mode in MODES)
        return all_there

    wait_until(have("whole", 1), "the snapshots", 300)
    write("every.copy", copy_out(pg, f"SELECT id, {selected()} FROM every ORDER BY id", "binary"))
    write("toasted.copy", copy_out(pg, "TABLE toasted", "binary"))
    wait_until(lambda: pg.value("SELECT count(*) FROM pg_replication_slots WHERE active") == len(MODES), "the streams", 60)
    change(pg)
    # 'u', 'd' and its tombstone; the truncation has no flat form
    wait_until(have("whole", 3), "the changes", 120)
    wait_until(have("every", 2 * rows + 3), "the changes", 120)
    wait_until(have("toasted", 2), "the changes", 120)
    for mode in MODES:
        record(kafka, mode)


main()
