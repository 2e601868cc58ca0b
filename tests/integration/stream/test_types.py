#!/usr/bin/python3
"""Every type, with nasty values, through the copy and through the stream: the same in ClickHouse, and right.

The values are those of tests/golden/postgres/values.py. Each case is a table with one column, twice:
`copied` is filled before tailrace starts, `streamed` while it runs, by an insert and again by an update.
What must come of it stands in values.expected there, which the codecs' own tests are held to as well; here
it is read back from a real ClickHouse, the rows set aside with it.
"""
import decimal
import json
import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "..", "golden", "postgres")
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), GOLDEN]
from harness import Postgres, Tailrace, mirror
from tap import eq, run, test
from values import CASES, PREPARE

# The table of types, as docs/types.md promises it.
CLICKHOUSE = {
    "bool": "Bool",
    "bool, nullable": "Nullable(Bool)",
    "int2": "Nullable(Int16)",
    "int4": "Nullable(Int32)",
    "int8": "Nullable(Int64)",
    "float4": "Nullable(Float32)",
    "float8": "Nullable(Float64)",
    "numeric(10,2)": "Nullable(Decimal(10, 2))",
    "numeric(76,38)": "Nullable(Decimal(76, 38))",
    "numeric(77,0)": "Nullable(String)",
    "numeric(5,-2)": "Nullable(String)",
    "numeric(3,5)": "Nullable(String)",
    "numeric": "Nullable(String)",
    "numeric, decimal": "Nullable(Decimal(76, 38))",
    "numeric, float": "Nullable(Float64)",
    "text": "Nullable(String)",
    "varchar": "Nullable(String)",
    "bpchar": "Nullable(String)",
    "citext": "Nullable(String)",
    "xml": "Nullable(String)",
    "name": "Nullable(String)",
    "bytea": "Nullable(String)",
    "uuid": "Nullable(UUID)",
    "json": "Nullable(String)",
    "jsonb": "Nullable(String)",
    "jsonb, native": "Nullable(JSON)",
    "date": "Nullable(Date32)",
    "timestamp": "Nullable(DateTime64(6))",
    "timestamptz": "Nullable(DateTime64(6, 'UTC'))",
    "time": "Nullable(String)",
    "timetz": "Nullable(String)",
    "interval": "Nullable(String)",
    "enum": "LowCardinality(Nullable(String))",
    "money": "Nullable(Decimal(19, 2))",
    "inet": "Nullable(String)",
    "cidr": "Nullable(String)",
    "macaddr": "Nullable(String)",
    "bit": "Nullable(String)",
    "varbit": "Nullable(String)",
    "tsvector": "Nullable(String)",
    "tsquery": "Nullable(String)",
    "int4range": "Nullable(String)",
    "tstzmultirange": "Nullable(String)",
    "composite": "Nullable(String)",
    "point": "Tuple(Float64, Float64)",
    "point, nullable": "Nullable(String)",
    "point, NULL is empty": "Tuple(Float64, Float64)",
    "polygon": "Nullable(String)",
    "hstore": "Map(String, Nullable(String))",
    "hstore, nullable": "Nullable(String)",
    "oid": "Nullable(UInt32)",
    "xid": "Nullable(UInt32)",
    "pg_lsn": "Nullable(UInt64)",
    "xid8": "Nullable(UInt64)",
    "domain": "Nullable(Int32)",
    "domain over numeric": "Nullable(Decimal(10, 2))",
    "unknown extension": "Nullable(String)",
    "array of int4": "Array(Nullable(Int32))",
    "array of int4, nullable": "Nullable(String)",
    "array of int4, NULL is empty": "Array(Nullable(Int32))",
    "grid of int4": "Array(Array(Nullable(Int32)))",
    "array of numeric(10,2)": "Array(Nullable(Decimal(10, 2)))",
    "array of enum": "Array(LowCardinality(Nullable(String)))",
    "array of point": "Array(Tuple(Float64, Float64))",
    "array of hstore": "Array(Map(String, Nullable(String)))",
}
OPTIONS = {
    "numeric=decimal": {"numeric": "decimal"},
    "numeric=float": {"numeric": "float"},
    "json=native": {"json": "json"},
    "range=clamp": {"out_of_range": "clamp"},
    "empty": {"null_is_empty": True},
    "": {},
}


def golden():
    """{case: (type, [expected, a line each])}"""
    with open(os.path.join(GOLDEN, "values.expected"), encoding="utf-8") as file:
        parts = file.read().strip("\n").split("\n\n")
    heads = (part.split("\n") for part in parts)
    return {lines[0].rsplit(": ", 1)[0]: (lines[0].rsplit(": ", 1)[1], [l[1:] for l in lines[1:]]) for lines in heads}


EXPECTED = golden()
# column rules have a test of their own
PICKED = {f"c{n}": case for n, case in enumerate(CASES) if not case[3].startswith("rule=")}


# of types whose binary form is not known: a stream that has one of them goes in text
TEXT_ONLY = {table for table, case in PICKED.items() if re.search("unknown|reg|array of acl", case[0])}
TABLES = {"copied": PICKED, "streamed": {t: case for t, case in PICKED.items() if t not in TEXT_ONLY}}

pg = Postgres()
pg.sql("CREATE SCHEMA copied; CREATE SCHEMA streamed;" + PREPARE)
pg.sql(
    "; ".join(
        f"CREATE TABLE {schema}.{table} (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v {case[1]})"
        for schema, tables in TABLES.items()
        for table, case in tables.items()
    )
)


def fill(schema):
    with pg.connect() as connection, connection.cursor() as cursor:
        for table, (_, _, values, _) in TABLES[schema].items():
            for value in values:
                rows = value if value.startswith("SELECT") else f"VALUES ({value})"
                cursor.execute(f"INSERT INTO {schema}.{table} (v) {rows}")


def patterns(schema):
    options = {f"{schema}.{table}": OPTIONS[case[3]] for table, case in TABLES[schema].items() if case[3]}
    return [f"{schema}.*", *({name: keys} for name, keys in options.items())]


fill("copied")
config = mirror(pg, tables=patterns("streamed"))
config["streams"]["words"] = {"from": "shop", "to": "warehouse", "tables": patterns("copied")}
tail = Tailrace(config)
tail.start()
tail.wait_live(seconds=300)  # 265 tables, each made by some ten statements, on a machine that may be busy
fill("streamed")
tail.wait_caught_up(pg)


def plain(text):
    """The text; bytes that are none as PostgreSQL's hex."""
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        return "\\x" + text.encode("utf-8", "surrogateescape").hex()


def is_of(kind, *names):
    return re.search(r"\b(" + "|".join(names) + r")\b", kind)


def normal(value, kind):
    """A value of either side in a form that both have."""
    if isinstance(value, list):
        return [normal(v, kind) for v in value]
    if isinstance(value, dict):
        return {plain(k): normal(v, kind) for k, v in value.items()}
    if value is None or isinstance(value, bool):
        return value
    if is_of(kind, "decimal"):
        return decimal.Decimal(value).normalize(decimal.Context(prec=100))
    if is_of(kind, "float32"):
        return str(struct.unpack("f", struct.pack("f", float(value))))
    if is_of(kind, "float64", "point"):
        return str(float(value))
    if is_of(kind, "json"):
        return json.loads(value)
    if is_of(kind, "timestamp", "timestamptz"):
        return re.sub(r"(\.\d*?)0*Z?$", lambda m: m[1].rstrip("."), value).rstrip("Z")
    return plain(value) if isinstance(value, str) else value


class Cut:
    """A value of which values.expected holds the beginning and the length of its JSON text."""

    def __init__(self, line):
        self.start, size = re.fullmatch(r"(.*)\.\.\. (\d+) bytes", line).groups()
        self.size = int(size)

    def __eq__(self, value):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.startswith(self.start) and len(text.encode()) == self.size

    def __repr__(self):
        return f"{self.start}... {self.size} bytes"


def parsed(line, kind):
    if line.endswith(" bytes"):
        return Cut(line)
    return normal(json.loads(line, parse_float=decimal.Decimal, parse_int=decimal.Decimal), kind)


def expected_of(case):
    kind, lines = EXPECTED[case[0]]
    rows, aside = {}, {}
    for number, line in enumerate(lines, 1):
        if line.startswith("! "):
            aside[number] = line[2:]
        else:
            rows[number] = parsed(line, kind)
    return rows, aside


def got(schema, table, case):
    kind = EXPECTED[case[0]][0]
    rows = tail.query(
        f"SELECT id, {'toString(v)' if is_of(kind, 'json', 'float32') else 'v'} FROM shop.{schema}_{table} ORDER BY id",
        date_time_output_format="iso",
        output_format_json_named_tuples_as_objects=0,
        output_format_json_validate_utf8=0,
        output_format_json_quote_64bit_floats=1,
    )
    aside = tail.query(
        "SELECT toUInt32(JSONExtractInt(key, 'id')), reason FROM shop_cdc._set_aside FINAL"
        f" WHERE `table` = '{schema}.{table}'"
    )
    return {row: normal(value, kind) for row, value in rows}, dict(aside)


def differences(schema):
    found = []
    for table, case in TABLES[schema].items():
        for what, is_, must in zip(("", " (set aside)"), got(schema, table, case), expected_of(case)):
            for row in sorted({*is_, *must}):
                if must.get(row) != is_.get(row):
                    found.append(f"{case[0]}{what}, value {row}: got {is_.get(row)!r}, expected {must.get(row)!r}")
    return found


@test
def each_type_is_what_the_documentation_says():
    names = {case[0]: table for table, case in PICKED.items()}
    types = dict(tail.query("SELECT table, type FROM system.columns WHERE database = 'shop' AND name = 'v'"))
    for schema in TABLES:
        picked = {name: type for name, type in CLICKHOUSE.items() if names[name] in TABLES[schema]}
        eq({name: types[f"{schema}_{names[name]}"] for name in picked}, picked)


@test
def each_value_is_copied_as_it_is():
    eq(differences("copied"), [])


@test
def each_value_is_streamed_as_it_is_in_binary():
    with open(pg.log, encoding="utf-8") as log:
        how = dict(re.findall(r'START_REPLICATION SLOT "(\w+)" .* \(.*?(binary .true.)?\)$', log.read(), re.M))
    eq(how, {"tailrace_shop": "binary 'true'", "tailrace_words": ""})
    eq(differences("streamed"), [])


@test
def each_value_is_streamed_as_it_is_in_text():
    pg.sql("; ".join(f"UPDATE copied.{table} SET v = v" for table in TABLES["copied"]))
    tail.wait_caught_up(pg, "tailrace_words")
    eq(differences("copied"), [])


@test
def rows_set_aside_are_counted_and_shown():
    for stream, schema, times in (("shop", "streamed", 1), ("words", "copied", 2)):
        status = tail.stream(stream)
        counts = {t["name"]: t["set_aside"] for t in status["tables"]}
        for table, case in TABLES[schema].items():
            eq(counts[f"{schema}.{table}"], len(expected_of(case)[1]) * times, case[0])
        eq(status["set_aside"], sum(counts.values()))
        metric = f'tailrace_stream_set_aside_total{{stream="{stream}"}} {status["set_aside"]}\n'
        assert metric in tail.get("/metrics")[1], metric


@test
def source_and_target_agree():
    tail.must_be_equal()


run()
