#!/usr/bin/python3
"""PostgreSQL into a real Kafka as Avro, with a real schema registry: the schemas are those that Debezium registers, they
follow the tables, and a registry that refuses or is away holds up no more than it must."""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "..", "golden", "avro")
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), GOLDEN]
from harness import Postgres, Tailrace  # noqa: E402
from kafka import Kafka, published, subscribed  # noqa: E402
from record_debezium import TABLES  # noqa: E402
from registry import Registry  # noqa: E402
from tap import eq, has, run, test, wait_until  # noqa: E402

pg, kafka, registry = Postgres(), Kafka(), Registry()
pg.sql(TABLES)
pg.sql("CREATE TABLE grows (id int PRIMARY KEY); CREATE TABLE strict (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY)")
tail = Tailrace(published(
    pg, kafka, ("public.*", "my-odd.*"), topic_prefix="my-shop", format="avro", registry=registry.url
))
tail.start()
tail.wait_live()


def values(table):
    return [m.value for m in kafka.read(f"my-shop.{table}", decode=registry.decode)]


def debezium_schemas():
    """Full names of records to the texts that Debezium had registered."""
    with open(os.path.join(GOLDEN, "debezium.tsv"), encoding="utf-8") as lines:
        texts = {line.split("\t")[0] for line in lines}
    return {"{namespace}.{name}".format(**json.loads(text)): text for text in texts}


@test
def the_schemas_are_those_that_debezium_registers():
    expected = debezium_schemas()
    for table in ("public.kinds", "my-odd.the_table"):
        for part in ("key", "value"):
            text = registry.call("GET", f"/subjects/my-shop.{table}-{part}/versions/latest")["schema"]
            eq(text, expected["{namespace}.{name}".format(**json.loads(text))])


@test
def what_was_written_is_read_by_another_library():
    after = [value["after"] for value in values("public.kinds")]
    eq([row["id"] for row in after], [1, 2])
    eq((after[0]["note"], after[0]["raw"], after[0]["ints"]), ('a "quote"', b"\x00\xff", None))
    eq((str(after[1]["price"]), after[1]["ints"], after[1]["loose"]["scale"]), ("3.50", [1, 2, None], 3))


@test
def a_column_more_is_another_version():
    pg.sql("INSERT INTO grows VALUES (1)")
    pg.sql("ALTER TABLE grows ADD COLUMN note text; INSERT INTO grows VALUES (2, 'two')")
    tail.wait_caught_up(pg)
    eq([value["after"] for value in values("public.grows")], [{"id": 1}, {"id": 2, "note": "two"}])
    eq(registry.versions("my-shop.public.grows-value"), [1, 2])
    eq(registry.versions("my-shop.public.grows-key"), [1])


@test
def a_registry_that_was_killed_is_waited_for():
    registry.kill()
    pg.sql("ALTER TABLE grows ADD COLUMN later int; INSERT INTO grows VALUES (3, 'three', 3)")
    wait_until(lambda: "registry http://" in open(tail.log, encoding="utf-8").read(), "a word on the registry")
    registry.start()
    tail.wait_caught_up(pg)
    eq([value["after"]["id"] for value in values("public.grows")], [1, 2, 3])
    eq(registry.versions("my-shop.public.grows-value"), [1, 2, 3])


@test
def a_table_whose_schema_is_refused_stops_alone_and_says_why():
    registry.set_compatibility("my-shop.public.strict-value", "BACKWARD")
    pg.sql("ALTER TABLE strict ADD COLUMN more int NOT NULL; INSERT INTO strict VALUES (1, 2)")
    pg.sql("INSERT INTO other VALUES (1)")
    reason = wait_until(lambda: tail.table("public.strict")["error"], "the reason")
    has(reason, "the registry refuses the schema for subject my-shop.public.strict-value")
    has(reason, "added before.more (int)")
    wait_until(lambda: [value["after"]["id"] for value in values("public.other")] == [1], "the other table")


@test
def check_says_before_a_run_what_the_registry_would_refuse():
    done = tail.command("check")
    eq(done.code, 1, repr(done))
    has(done.out, "table public.strict: the registry refuses the schema for subject my-shop.public.strict-value")
    has(done.out, "added before.more (int)")
    eq(registry.versions("my-shop.public.strict-value"), [1])
    registry.set_compatibility("my-shop.public.strict-value", "NONE")
    eq(tail.command("check").code, 0)
    # a schema that is there already is taken, whatever came after it
    registry.set_compatibility("my-shop.public.strict-value", "NONE")
    first = registry.latest("my-shop.public.strict-value")
    registry.register("my-shop.public.strict-value", {**first, "fields": [f for f in first["fields"] if f["name"] != "op"]})
    registry.set_compatibility("my-shop.public.strict-value", "FULL")
    pg.sql("ALTER TABLE strict DROP COLUMN more")
    eq(tail.command("check").code, 0)


@test
def messages_whose_schema_the_registry_did_not_have_come_in_by_retry():
    topic = "late.public.t"

    def schema(*more):
        return {"type": "record", "name": "late", "fields": [{"name": "id", "type": "long"}, *more]}

    def message(number, body):
        return b"\0" + number.to_bytes(4, "big") + body

    known = registry.register(f"{topic}-value", schema())
    kafka.produce(topic, [({"id": 1}, message(known, b"\2"))])
    reader = Tailrace(subscribed(kafka, [{"public.t": {"key": "id"}}], topic_prefix="late", registry=registry.url))
    reader.start()
    reader.wait_live("public.t")
    kafka.produce(topic, [({"id": 2}, message(known + 1, b"\4\6two"))])
    reader.wait_for(lambda s: (reader.table("public.t") or {}).get("set_aside") == 1, "the message to be set aside")
    registry.set_compatibility(f"{topic}-value", "NONE")
    eq(registry.register(f"{topic}-value", schema({"name": "note", "type": "string"})), known + 1)
    reader.command("retry", "public.t", check=True)
    wait_until(lambda: reader.said("what was set aside has been tried again"), "the retry")
    eq(reader.query("SELECT id, note FROM shop.t ORDER BY id"), [(1, ""), (2, "two")])
    eq(reader.value("SELECT count() FROM shop_cdc._set_aside"), 0)
    reader.stop()


run()
