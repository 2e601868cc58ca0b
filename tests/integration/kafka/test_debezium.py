#!/usr/bin/python3
"""tailrace beside a real Debezium: both capture the same changes from one PostgreSQL, each into topics of its own, and
their events are equal, field by field, and so are their schemas, but for what docs/debezium.md lists.

The changes are random: SEED picks them and is printed. Copied rows are compared by their keys, changes in their order.
"""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace  # noqa: E402
from kafka import Connect, Kafka, decoded, published  # noqa: E402
from registry import Registry  # noqa: E402
from tap import diag, eq, run, test, wait_until  # noqa: E402

SEED = int(os.environ.get("SEED", random.randrange(100000)))
diag(f"SEED={SEED}")
chance = random.Random(SEED)

pg, kafka, registry = Postgres(), Kafka(), Registry()
connect = Connect(kafka)


def text(least, most, letters="abc é\\\"'{}\u20ac\U0001f600"):
    return "'" + "".join(chance.choice(letters) for _ in range(chance.randint(least, most))).replace("'", "''") + "'"


def digits(n):
    return str(chance.randrange(10**n))


def day():
    return f"{chance.randrange(1900, 2299)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"


def clock(fraction):
    return "{:02}:{:02}:{:02}.{:0{}}".format(
        chance.randrange(24), chance.randrange(60), chance.randrange(60), chance.randrange(10**fraction), fraction
    )


def array(kind, *elements):
    return f"'{{{','.join(chance.choice(elements) for _ in range(chance.randrange(4)))}}}'::{kind}[]"


# a column's type, and a value of it
KINDS = {
    "small int2": lambda: chance.randrange(-32768, 32768),
    "number int": lambda: chance.randrange(-(2**31), 2**31),
    "large int8": lambda: chance.randrange(-(2**63), 2**63),
    "on_off bool": lambda: chance.choice(("true", "false")),
    "single real": lambda: chance.choice(("0", "'-0'", "0.1", "1e30", "-2.5", "1e-30")),
    "ratio float8": lambda: repr(chance.uniform(-1e6, 1e6)),
    "price numeric(10,2)": lambda: f"{chance.randrange(-10**8, 10**8)}.{digits(2)}",
    "huge numeric(38,10)": lambda: f"-{digits(28)}.{digits(10)}",
    "loose numeric": lambda: f"{digits(chance.randint(1, 40))}.{digits(3)}",
    "day date": lambda: f"'{day()}'",
    "clock time": lambda: f"'{clock(6)}'",
    "clock_ms time(3)": lambda: f"'{clock(3)}'",
    "clock_tz timetz": lambda: f"'{clock(6)}+02:30'",
    "at timestamp": lambda: f"'{day()} {clock(6)}'",
    "at_ms timestamp(3)": lambda: f"'{day()} {clock(3)}'",
    "zoned timestamptz": lambda: f"'{day()} {clock(6)}-05'",
    "note text": lambda: text(0, 40),
    "short varchar(12)": lambda: text(0, 12),
    "fixed char(5)": lambda: text(0, 5, "ab"),
    "raw bytea": lambda: f"'\\x{os.urandom(chance.randrange(20)).hex()}'",
    "id_of uuid": lambda: f"'{chance.randrange(16**32):032x}'",
    "doc jsonb": lambda: chance.choice(("'{\"a\": [1, 2.50, null]}'", "'[]'", "'\"x\"'", "'null'")),
    "plain json": lambda: chance.choice(("'{ \"b\":1,  \"a\": \"\\u00e9\" }'", "'12'")),
    "mood mood": lambda: chance.choice(("'sad'", "'ok'")),
    "ints int[]": lambda: array("int", "1", "-7", "NULL"),
    "texts text[]": lambda: array("text", "a", '"b c"', "NULL", '""'),
    "long_ago interval": lambda: f"'{chance.randrange(100)} months {chance.randrange(40)} days {clock(6)}'",
    "place point": lambda: f"'({chance.randrange(100)},{chance.uniform(-1, 1)!r})'",
    "bits bit(5)": lambda: f"B'{chance.randrange(32):05b}'",
    "flag bit(1)": lambda: f"B'{chance.randrange(2)}'",
    "more_bits varbit(20)": lambda: f"B'1{chance.randrange(2**9):09b}'",
    "host inet": lambda: chance.choice(("'10.0.0.1'", "'10.0.0.0/8'", "'::1'")),
    "cash money": lambda: chance.randrange(-10**6, 10**6),
    "page xml": lambda: "'<a>é</a>'",
    "span int4range": lambda: chance.choice(("'[1,5)'", "'empty'", "'(,3]'")),
}
TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE kinds (id int PRIMARY KEY, {columns});
CREATE TABLE whole (a text, b bigint, {columns}, PRIMARY KEY (b, a));
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE big (id int PRIMARY KEY, n int NOT NULL DEFAULT 7, body text NOT NULL, extra bytea);
ALTER TABLE big ALTER body SET STORAGE EXTERNAL;
ALTER TABLE big ALTER extra SET STORAGE EXTERNAL;
CREATE TABLE keyless (n int, note text);
CREATE TABLE "Odd Näme 😀.x" ("Id" int PRIMARY KEY, "two words" text, "dot.ted" int, "ünï" text, "1st" int, "a-b" bool);
CREATE TABLE keys (note text, u uuid, n numeric(6,2), t timestamptz, raw bytea, f float8, PRIMARY KEY (u, n, t, raw, f));
CREATE TABLE parted (id int, day date, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE parted_20 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE parted_21 PARTITION OF parted FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE given (id int PRIMARY KEY, a int GENERATED ALWAYS AS IDENTITY, n int NOT NULL DEFAULT 5,
    t text NOT NULL DEFAULT 'it''s', at timestamptz NOT NULL DEFAULT now(), u uuid NOT NULL DEFAULT gen_random_uuid(),
    price numeric(5,2) NOT NULL DEFAULT 1.25, day date NOT NULL DEFAULT '2020-02-03', doc jsonb NOT NULL DEFAULT '{{}}',
    long_ago interval NOT NULL DEFAULT '1 day 02:00', later interval NOT NULL DEFAULT (now() - now()));
CREATE TABLE grows (id int PRIMARY KEY, note varchar(10));
CREATE TABLE last (id int PRIMARY KEY);
""".format(columns=", ".join(KINDS))
NAMES = ("kinds", "whole", "big", "keyless", "Odd_N_me___.x", "keys", "parted", "given", "grows", "last")
# rows before, and changes: of names, keys and tables that are not like others
ODD_ROWS = """
INSERT INTO "Odd Näme 😀.x" VALUES (1, 'a', 1, 'ü', 1, true);
INSERT INTO keys VALUES ('a', '6f1c2f4e-3b57-4a0e-9d3a-0123456789ab', 1.5, '2020-01-01+00', '\\x00ff', 1.5);
INSERT INTO parted VALUES (1, '2020-05-05', 'a'), (2, '2021-05-05', 'b');
INSERT INTO given VALUES (1);
INSERT INTO grows VALUES (1, 'a')
"""
ODD_CHANGES = """
INSERT INTO "Odd Näme 😀.x" VALUES (2, 'b', 2, '', NULL, false);
UPDATE "Odd Näme 😀.x" SET "two words" = 'c d' WHERE "Id" = 1;
UPDATE "Odd Näme 😀.x" SET "Id" = 7 WHERE "Id" = 1;
DELETE FROM "Odd Näme 😀.x" WHERE "Id" = 2;
INSERT INTO keys VALUES ('b', '7f1c2f4e-3b57-4a0e-9d3a-0123456789ab', -1.5, '2020-01-01 00:00:00.5+02', '\\x', -0.1);
UPDATE keys SET note = 'c';
UPDATE keys SET n = 2.25 WHERE n = 1.5;
UPDATE keys SET t = '2021-01-01+00', raw = '\\x22' WHERE n < 0;
DELETE FROM keys WHERE n = 2.25;
INSERT INTO parted VALUES (3, '2020-06-05', 'c');
UPDATE parted SET note = 'd' WHERE id = 1;
UPDATE parted SET day = '2021-01-07' WHERE id = 1;
DELETE FROM parted WHERE id = 2;
CREATE TABLE parted_22 PARTITION OF parted FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
INSERT INTO parted VALUES (5, '2022-06-05', 'e');
TRUNCATE parted;
INSERT INTO parted VALUES (4, '2020-06-05', 'f');
INSERT INTO given VALUES (2);
UPDATE given SET n = 9;
DELETE FROM given WHERE id = 1;
INSERT INTO grows VALUES (2, 'b');
ALTER TABLE grows ALTER note TYPE text;
ALTER TABLE grows ADD COLUMN price numeric(8,2);
INSERT INTO grows VALUES (3, 'more than ten letters', 1.5);
UPDATE grows SET price = 2 WHERE id = 1;
DELETE FROM grows WHERE id = 2
"""


def value(kind):
    return "NULL" if chance.random() < 0.15 else str(KINDS[kind]())


def insert(table, id):
    if table == "big":
        extra = "NULL" if chance.random() < 0.3 else f"decode(repeat('{id % 10}f', 3000), 'hex')"
        return f"INSERT INTO big VALUES ({id}, {id}, repeat('body {id} ', 1000), {extra})"
    if table == "keyless":
        return f"INSERT INTO keyless VALUES ({id}, {text(0, 9)})"
    key = f"{id}" if table == "kinds" else f"'key {id % 3}', {id}"
    return f"INSERT INTO {table} VALUES ({key}, {', '.join(value(kind) for kind in KINDS)})"


def update(table, id):
    if table == "big":
        return chance.choice((
            f"UPDATE big SET n = n + 1 WHERE id = {id}",
            f"UPDATE big SET body = repeat('new {id} ', 2000) WHERE id = {id}",
            f"UPDATE big SET id = -id - 1000, body = repeat('moved {id} ', 2000), extra = NULL WHERE id = {id}",
        ))
    key = "id" if table == "kinds" else "b"
    if chance.random() < 0.2:
        return f"UPDATE {table} SET {key} = {key} + 100000 WHERE {key} = {id}"
    columns = chance.sample(list(KINDS), 5)
    return f"UPDATE {table} SET {', '.join(f'{c.split()[0]} = {value(c)}' for c in columns)} WHERE {key} = {id}"


def change():
    """A hundred transactions, and those that are not random."""
    for statement in ODD_CHANGES.split(";\n"):
        pg.sql(statement)
    known = {table: list(range(30)) for table in NAMES}
    for n in range(100):
        statements = []
        for _ in range(chance.randint(1, 4)):
            table = chance.choice(NAMES[:4])
            how, id = chance.random(), chance.choice(known[table])
            if how < 0.35 or table == "keyless":
                known[table].append(1000 + n * 10 + len(statements))
                statements.append(insert(table, known[table][-1]))
            elif how < 0.8:
                statements.append(update(table, id))
            else:
                statements.append(f"DELETE FROM {table} WHERE {'b' if table == 'whole' else 'id'} = {id}")
        pg.sql(f"BEGIN; {'; '.join(statements)}; COMMIT")
    pg.sql("TRUNCATE kinds, big")
    pg.sql(insert("kinds", 1))
    pg.sql("INSERT INTO last VALUES (1)")


class Side:
    """What one of them wrote, of one encoding."""

    def __init__(self, prefix, decode):
        self.prefix, self.decode = prefix, decode

    def messages(self, table):
        return kafka.read(f"{self.prefix}.public.{table}", decode=self.decode)


def same_name(side, what):
    """The prefix stands in names of schemas, and in the events."""
    if isinstance(what, dict):
        return {key: same_name(side, part) for key, part in what.items()}
    if isinstance(what, list):
        return [same_name(side, part) for part in what]
    return what.replace(side.prefix, "PREFIX") if isinstance(what, str) else what


def comparable(side, message):
    """An event without what is its writer's own: when it was made and, of a copied row, when and where it was read."""
    told = same_name(side, message.value)
    event = told.get("payload", told) if told else None
    if event:
        for name in ("ts_ms", "ts_us", "ts_ns"):
            event.pop(name)
        source = event["source"]
        own = ["sequence"] + (["snapshot", "lsn", "txId", "ts_ms", "ts_us", "ts_ns"] if event["op"] == "r" else [])
        for name in own:
            source.pop(name)
        if event["transaction"]:
            event["transaction"]["id"] = event["transaction"]["id"].partition(":")[0]
    headers = {name: text for name, text in message.headers.items() if not name.startswith("__debezium.context")}
    return same_name(side, message.key), told, {name: same_name(side, text.decode()) for name, text in headers.items()}


def difference(ours, theirs, path=""):
    """Where two values differ first."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if list(ours) != list(theirs):
            return f"{path}: fields {list(ours)}, Debezium has {list(theirs)}"
        parts = [(name, ours[name], theirs[name]) for name in ours]
    elif isinstance(ours, (list, tuple)) and isinstance(theirs, (list, tuple)) and len(ours) == len(theirs):
        parts = [(str(n), *pair) for n, pair in enumerate(zip(ours, theirs))]
    else:
        return None if ours == theirs and type(ours) is type(theirs) else f"{path}: {ours!r}, Debezium has {theirs!r}"
    return next((found for name, a, b in parts if (found := difference(a, b, f"{path}.{name}"))), None)


def op(told):
    value = told[1] and told[1].get("payload", told[1])
    return value and value["op"]


def in_order(events):
    """Copied rows by what they say, then the changes as they came."""
    return sorted((e for e in events if op(e) == "r"), key=repr) + [e for e in events if op(e) != "r"]


def must_be_equal(ours, theirs):
    counts = {}
    for table in NAMES:
        a, b = (in_order([comparable(side, m) for m in side.messages(table)]) for side in (ours, theirs))
        differing = [f"{table}[{n}]{d}" for n, pair in enumerate(zip(a, b)) if (d := difference(*pair))]
        eq((differing[:5], len(a)), ([], len(b)), f"{len(differing)} of {len(a)} events of {table} differ")
        for event in a:
            counts[op(event)] = counts.get(op(event), 0) + 1
    diag(f"equal: {counts}")
    assert all(counts[kind] > (0 if kind == "t" else 10) for kind in ("r", "c", "u", "d", "t", None)), counts


def debezium(prefix, **settings):
    connect.put(prefix, {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "plugin.name": "pgoutput",
        "database.hostname": "127.0.0.1", "database.port": pg.port, "database.user": "postgres",
        "database.dbname": "postgres", "topic.prefix": prefix, "slot.name": prefix, "publication.name": "compared",
        "table.include.list": r"public\.(?!parted_).*", "provide.transaction.metadata": "true",
        "skipped.operations": "none", "poll.interval.ms": 20, **settings,
    })


CONVERTER = "org.apache.kafka.connect.json.JsonConverter"
JSON = {"key.converter": CONVERTER, "value.converter": CONVERTER, "key.converter.schemas.enable": "true",
        "value.converter.schemas.enable": "true"}
AVRO = {"schema.name.adjustment.mode": "avro", "field.name.adjustment.mode": "avro", **registry.converters}


def streamed(config, name):
    """A stream with a slot of its own."""
    config["streams"] = {name: config["streams"].pop("shop")}
    return Tailrace(config)


@test
def the_events_are_those_of_debezium():
    pg.sql(TABLES)
    for id in range(30):
        for table in NAMES[:4]:
            pg.sql(insert(table, id))
    pg.sql(ODD_ROWS)
    pg.sql("CREATE PUBLICATION compared FOR ALL TABLES WITH (publish_via_partition_root)")
    debezium("theirs_json", **JSON)
    debezium("theirs_avro", **AVRO)
    told = {"transaction_metadata": "true"}
    tails = [
        streamed(published(pg, kafka, topic_prefix="ours_json", format="json_schema", **told), "ours_json"),
        streamed(published(pg, kafka, topic_prefix="ours_avro", format="avro", registry=registry.url, **told), "ours_avro"),
    ]
    for tail in tails:
        tail.start()
    for tail in tails:
        tail.wait_live()

    def streaming(prefix):
        connect.fail_loudly(prefix)
        return pg.sql("SELECT 1 FROM pg_replication_slots WHERE slot_name = %s AND active", (prefix,))

    for prefix in ("theirs_json", "theirs_avro"):
        wait_until(lambda: streaming(prefix), f"{prefix} to stream", 120, every=0.3)
    change()
    for tail, stream in zip(tails, ("ours_json", "ours_avro")):
        tail.wait_caught_up(pg, f"tailrace_{stream}")
        tail.stop()

    def arrived(prefix):
        connect.fail_loudly(prefix)
        return kafka.messages(f"{prefix}.public.last")

    for prefix in ("theirs_json", "theirs_avro"):
        wait_until(lambda: arrived(prefix), f"the changes of {prefix}", 120, every=0.3)


@test
def as_json_with_schemas():
    must_be_equal(Side("ours_json", decoded), Side("theirs_json", decoded))


@test
def as_avro():
    must_be_equal(Side("ours_avro", registry.decode), Side("theirs_avro", registry.decode))


def transactions(side):
    """What is told of those that changed tables, by the source's number alone. Debezium tells of those with messages too."""
    told = [(m.key, m.value) for m in kafka.read(f"{side.prefix}.transaction", decode=side.decode)]
    of_tables, bare = set(), [tuple(part.get("payload", part) for part in pair) for pair in told]
    for key, value in bare:
        key["id"] = value["id"] = key["id"].partition(":")[0]
        if value["data_collections"]:
            value["data_collections"].sort(key=lambda c: c["data_collection"])
        if any(c["data_collection"].startswith("public.") for c in value["data_collections"] or ()):
            of_tables.add(key["id"])
    return [pair for pair, (key, _) in zip(told, bare) if key["id"] in of_tables]


@test
def transactions_are_told_of_alike():
    for encoding, decode in (("json", decoded), ("avro", registry.decode)):
        ours, theirs = (transactions(Side(f"{who}_{encoding}", decode)) for who in ("ours", "theirs"))
        eq((difference(ours, theirs) or "")[:1000], "")
        assert len(ours) > 200, len(ours)


@test
def the_registered_schemas_are_equal():
    for table in NAMES:
        for part in ("key", "value"):
            if (table, part) != ("keyless", "key"):
                ours, theirs = (
                    registry.call("GET", f"/subjects/{who}_avro.public.{table}-{part}/versions/latest")["schema"]
                    for who in ("ours", "theirs")
                )
                eq(ours.replace("ours_avro", "theirs_avro"), theirs, table)


run()
