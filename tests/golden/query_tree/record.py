#!/usr/bin/python3
"""Records what ClickHouse says of each query of this folder: record.py http://127.0.0.1:8123, of a server whose
user may do everything. NAME.sql becomes NAME.tree: the columns with their types, an empty line, the query tree."""
import glob
import json
import os
import sys
import urllib.error
import urllib.request

SETUP = """
CREATE DATABASE golden ENGINE = Atomic;
CREATE TABLE golden.orders (id Int64, customer Int64, amount Decimal(18, 2), tags Array(String), t DateTime,
    meta Tuple(a Int, b String), n Nested(x Int32, y String)) ORDER BY id;
CREATE TABLE golden.customers (id Int64, name String, country LowCardinality(String)) ORDER BY id;
CREATE TABLE golden.versions (id UInt64, v Int64) ENGINE = ReplacingMergeTree(v) ORDER BY id SAMPLE BY id;
CREATE TABLE golden.`odd, table` (`with space` Int64, `with space Int64` String, `x, result_type: y` Int8,
    long String ALIAS toString(`with space`), kind Enum8('a' = 1, 'b, source_id: 7' = 2)) ORDER BY tuple();
CREATE TABLE golden.`new line` (`a
  PROJECTION` Int64, b Int64) ORDER BY tuple();
CREATE TABLE golden.joined (id Int64, name String) ENGINE = Join(ANY, LEFT, id);
"""
folder = os.path.dirname(os.path.abspath(__file__))


def ask(sql):
    try:
        return urllib.request.urlopen(sys.argv[1], sql.encode()).read().decode()
    except urllib.error.HTTPError as error:
        sys.exit(f"{sql}\n{error.read().decode()}")


ask("DROP DATABASE IF EXISTS golden")
for statement in SETUP.strip().rstrip(";").split(";\n"):
    ask(statement)
for path in sorted(glob.glob(os.path.join(folder, "*.sql"))):
    with open(path, encoding="utf-8") as file:
        sql = file.read().strip()
    columns = json.loads(ask(f"DESCRIBE ({sql}) FORMAT JSON"))["data"]
    tree = ask(f"EXPLAIN QUERY TREE run_passes = 1, passes = 1 {sql} FORMAT TSVRaw")
    lines = [f"{column['name']}\t{column['type']}".replace("\n", " ") for column in columns]
    with open(path.removesuffix(".sql") + ".tree", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + f"\n\n{tree}")
ask("DROP DATABASE golden")
