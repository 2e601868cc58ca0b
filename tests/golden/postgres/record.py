#!/usr/bin/python3
"""Records what a real PostgreSQL sends, for the golden tests of formats/pgtype, pgcopy and pgoutput.

It starts a private server (PG_BIN, default that of Debian), makes the types and tables below and writes,
into its own folder:
    catalog.tsv     pg_type, as the source loads it
    values.tsv      each value of each type, in binary (hexadecimal) and in the server's own text
    tables.tsv      the columns of the tables below: table, name, type, typmod, dimensions, NOT NULL, key
    rows.copy       COPY ... (FORMAT binary) of a table with a column of many types
    binary.pgoutput, text.pgoutput
                    the messages of the changes below, in both modes: a length (uint32, network order)
                    and its bytes, each
What the tests make of them stands in the .expected files: UPDATE_GOLDEN=1 in the environment of a test
writes them anew, for a person to read the difference.
"""
import glob
import io
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

import psycopg2
import psycopg2.extensions

from values import CASES, PREPARE

HERE = os.path.dirname(os.path.abspath(__file__))
PG_BIN = os.environ.get("PG_BIN") or sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
SESSION = (
    "-c datestyle=ISO -c intervalstyle=iso_8601 -c timezone=UTC -c extra_float_digits=1 "
    "-c bytea_output=hex -c lc_monetary=C -c xmlbinary=base64"
)
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
WHERE (t.typtype <> 'c' OR t.oid >= 16384) AND (e.typtype IS DISTINCT FROM 'c' OR t.oid >= 16384)
ORDER BY t.oid
"""
COLUMNS = """
SELECT c.relname, a.attname, a.atttypid, a.atttypmod, a.attndims, a.attnotnull::int,
       coalesce(a.attnum = ANY (i.indkey), false)::int
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index i ON i.indrelid = c.oid AND CASE WHEN c.relreplident = 'i' THEN i.indisreplident ELSE i.indisprimary END
WHERE c.relname IN ('everything', 'keyed', 'full_identity', 'by_index') ORDER BY c.relname, a.attnum
"""

ROWS = """
CREATE TABLE everything (
    id bigint PRIMARY KEY, flag boolean, small smallint NOT NULL, whole integer, real4 real, real8 double precision,
    price numeric(12,2), exact numeric, label text, short varchar(20), padded char(6), raw bytea, u uuid,
    doc json, docb jsonb, day date, at timestamp, atz timestamptz, hour time, hourz timetz, span interval,
    mood mood, cash money, ip inet, bits varbit, words tsvector, query tsquery, period tstzrange,
    periods int4multirange, who person, spot point NOT NULL, shape polygon, pairs hstore NOT NULL, loose hstore,
    tags text[] NOT NULL, grid integer[][] NOT NULL, maybe numeric(8,3)[], people person[], amount positive,
    lsn pg_lsn, x xid8);
INSERT INTO everything VALUES
 (1, true, -7, 42, 1.5, 0.1, 19.99, 3.14159265358979323846, 'plain', 'v', 'ab', '\\x00ff41', '{uuid}',
  '{{"a": 1}}', '{{"b":[1,null]}}', '2024-02-29', '2024-02-29 12:00:00.5', '2024-02-29 12:00:00+02', '24:00:00',
  '12:34:56.7+05:30', '1 year 2 mons -3 days 04:05:06.7', 'so so', '-1234.56', '::ffff:1.2.3.4/128', '101',
  $$'a':1A 'b c':2,3$$, $$'x' & !( 'y' | 'z':*A )$$, '[2024-01-01,)', '{{[1,3),[7,9)}}',
  ROW('Ann "A"', 7, ROW(1.5,'x,y')), '(1,2)', '((0,0),(1,0),(1,1))', 'a=>1, b=>NULL', '"q\\"q"=>"v\\\\v"',
  ARRAY['one',NULL,'NULL','{{x}}'], '{{{{1,2}},{{3,NULL}}}}', '{{1.5,NULL}}', ARRAY[ROW('B',NULL,NULL)::person, NULL], 5,
  '16/B374D848', '18446744073709551615'),
 (2, NULL, 32767, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '(NaN,-Infinity)', NULL, '', NULL,
  '{{}}', '{{}}', NULL, NULL, NULL, NULL, NULL),
 (3, false, 0, 0, 'NaN', '-Infinity', 'NaN', 'NaN', '', '', '', '', '00000000-0000-0000-0000-000000000000',
  'null', '[]', 'infinity', '1850-01-01', '-infinity', '00:00', '00:00+00', '0', 'sad', '0', '10.0.0.0/8', '',
  '', '', 'empty', '{{}}', ROW(NULL,NULL,NULL), '(0,-0)', '((1,1))', '', '', '{{1}}', '{{1,2,3}}', '{{}}', '{{}}', 1,
  '0/0', '0'),
 (-9223372036854775808, true, -32768, -2147483648, 3.4e38, 5e-324, -9999999999.99, 1e-20, E'tab\\tnl\\n"q"\\\\', 'é',
  'é', '\\x', '{uuid}', '[1]', '{{}}', '1900-01-01', '1900-01-01', '2299-12-31 23:59:59.999999+00', '23:59:59.999999',
  '23:59:59-15:59', '-1 sec', 'it''s "x"', '92233720368547758.07', '2001:db8::1/64', '000000001', $$'it''s'$$,
  $$'a' <-> 'b' <3> 'c'$$, '(,2024-01-01]', '{{(,5)}}', ROW('', 0, ROW(NULL,'')), '(1e300,1e-300)', '((1,2),(3,4))',
  '""=>""', 'k=>v', ARRAY['"','\\',' ',''], '[0:1][5:6]={{{{1,2}},{{3,4}}}}', '{{-0.001}}', '{{}}', 99, 'FFFFFFFF/FFFFFFFF', '1');
""".format(uuid="6f1c2f4e-3b57-4a0e-9d3a-0123456789ab")

CHANGES = [
    # Each a transaction. `keyed` by its primary key, `full` and `unique` by their replica identity.
    "INSERT INTO everything SELECT * FROM everything_copied ORDER BY id",
    "INSERT INTO keyed VALUES (1, 'one', 'x', 10), (2, 'two', repeat('t', 20), NULL)",
    "UPDATE keyed SET n = n + 1 WHERE id = 1",
    "UPDATE keyed SET id = 3, n = 0 WHERE id = 1",
    # Values of 20,000 incompressible bytes are stored outside of the row: unchanged, they are not sent.
    "UPDATE keyed SET body = big.body FROM big WHERE id = 2",
    "UPDATE keyed SET n = 7 WHERE id = 2",
    "DELETE FROM keyed WHERE id = 3",
    "INSERT INTO full_identity SELECT 1, body, 5 FROM big",
    "UPDATE full_identity SET n = 6",
    "DELETE FROM full_identity",
    "INSERT INTO by_index VALUES (1, 2, 'a', 'first'); UPDATE by_index SET note = 'second';"
    " UPDATE by_index SET b = 'b'; DELETE FROM by_index",
    "INSERT INTO keyed VALUES (4, 'four', 'x', 4); ALTER TABLE keyed ADD COLUMN extra text DEFAULT 'd';"
    " ALTER TABLE keyed DROP COLUMN label; INSERT INTO keyed VALUES (5, 'y', 5, 'e')",
    "TRUNCATE keyed, by_index RESTART IDENTITY CASCADE",
    "SELECT pg_logical_emit_message(true, 'tailrace', 'in \\x01 a transaction')",
    "SELECT pg_logical_emit_message(false, 'tailrace', 'outside')",
    "SELECT pg_replication_origin_create('elsewhere'); SELECT pg_replication_origin_session_setup('elsewhere');"
    " SELECT pg_replication_origin_xact_setup('0/ABCD', '2024-01-01'); INSERT INTO keyed VALUES (6, 'z', 6, 'f')",
]


class Server:
    """A private cluster, owned by an unprivileged user where this runs as root."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="record-", dir="/var/tmp")
        self.run_as = []
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            self.run_as = ["runuser", "-u", "postgres", "--"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def pg_ctl(self, *arguments):
        subprocess.run(
            [*self.run_as, f"{PG_BIN}/pg_ctl", "-D", f"{self.folder}/data", "-w", "-s", *arguments],
            check=True, cwd="/", stdout=subprocess.DEVNULL)

    def __enter__(self):
        subprocess.run(
            [*self.run_as, f"{PG_BIN}/initdb", "-D", f"{self.folder}/data", "-A", "trust", "-U", "postgres",
             "-E", "UTF8", "--locale=C.UTF-8", "-N"], check=True, cwd="/", stdout=subprocess.DEVNULL)
        self.pg_ctl("start", "-l", f"{self.folder}/log", "-o",
                    f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c wal_level=logical"
                    " -c fsync=off")
        return self

    def __exit__(self, *_):
        self.pg_ctl("stop", "-m", "immediate")
        shutil.rmtree(self.folder)

    def connect(self):
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres", dbname="postgres",
                                      client_encoding="UTF8", options=SESSION)
        connection.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
        return connection


def copy_out(cursor, query, form):
    out = io.BytesIO()
    cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT {form})", out)
    return out.getvalue()


def binary_fields(stream):
    """The one field of each row of a COPY BINARY; None for NULL."""
    at, fields = 19, []
    while stream[at:at + 2] != b"\xff\xff":
        (length,) = struct.unpack_from("!i", stream, at + 2)
        at += 6
        fields.append(None if length < 0 else stream[at:at + length])
        at += max(length, 0)
    return fields


def record_values(cursor):
    """A line `column NAME TYPE-OID TYPMOD DIMS NOT-NULL SETTINGS`, then `value HEX TEXT` lines, NULL being \\N."""
    lines = []
    for number, (name, declaration, literals, settings) in enumerate(CASES):
        table = f"case_{number}"
        cursor.execute(f"CREATE TABLE {table} (n serial, v {declaration})")
        for literal in literals:
            if literal.startswith("SELECT "):
                cursor.execute(f"INSERT INTO {table} (v) {literal}")
            else:
                cursor.execute(f"INSERT INTO {table} (v) VALUES ({literal})")
        cursor.execute("SELECT atttypid, atttypmod, attndims, attnotnull::int FROM pg_attribute"
                       " WHERE attrelid = %s::regclass AND attname = 'v'", (table,))
        described = "\t".join(str(x) for x in cursor.fetchone())
        lines.append(f"column\t{name}\t{described}\t{settings}".encode())
        query = f"SELECT v FROM {table} ORDER BY n"
        texts = copy_out(cursor, query, "text").split(b"\n")[:-1]
        try:
            binaries = binary_fields(copy_out(cursor, query, "binary"))
        except psycopg2.errors.UndefinedFunction:  # no send function
            binaries = [b""] * len(texts)
        for binary, text in zip(binaries, texts, strict=True):
            lines.append(b"value\t" + (b"\\N" if binary is None else binary.hex().encode()) + b"\t" + text)
    return b"\n".join(lines) + b"\n"


def record_changes(cursor):
    random.seed(1)
    body = "".join(random.choice("0123456789abcdef") for _ in range(20000))
    cursor.execute(
        "CREATE TABLE keyed (id int PRIMARY KEY, label varchar(10), body text, n bigint);"
        "CREATE TABLE full_identity (id int, body text, n int); ALTER TABLE full_identity REPLICA IDENTITY FULL;"
        "CREATE TABLE by_index (p int PRIMARY KEY, a int NOT NULL, b text NOT NULL, note text);"
        "CREATE UNIQUE INDEX by_index_key ON by_index (b, a);"
        "ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_key;"
        "CREATE TABLE big AS SELECT %s AS body;"
        "ALTER TABLE keyed ALTER body SET STORAGE EXTERNAL;"
        "CREATE TABLE everything_copied AS TABLE everything; TRUNCATE everything;"
        "CREATE PUBLICATION recorded FOR TABLE everything, keyed, full_identity, by_index", (body,))
    cursor.execute("SELECT pg_create_logical_replication_slot('recorded', 'pgoutput')")
    for change in CHANGES:
        cursor.execute(change)  # several statements in one go are one transaction
    for mode in ("binary", "text"):
        cursor.execute(
            "SELECT data FROM pg_logical_slot_peek_binary_changes('recorded', NULL, NULL, 'proto_version', '1',"
            " 'publication_names', 'recorded', 'messages', 'true', 'binary', %s)", (str(mode == "binary"),))
        messages = [bytes(row[0]) for row in cursor.fetchall()]
        write(f"{mode}.pgoutput", b"".join(struct.pack("!I", len(m)) + m for m in messages))


def write(name, data):
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(data)


def main():
    with Server() as server:
        cursor = server.connect().cursor()
        cursor.execute(PREPARE)
        cursor.execute(ROWS)
        write("rows.copy", copy_out(cursor, "TABLE everything", "binary"))
        write("values.tsv", record_values(cursor))
        record_changes(cursor)
        write("tables.tsv", copy_out(cursor, COLUMNS, "text"))
        write("catalog.tsv", copy_out(cursor, CATALOG, "text"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
