#!/usr/bin/python3
"""The client of the schema registry against a real one: schemas go in and come back, incompatible ones are refused with
what differs, and a registry that is away is waited for."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import BINARY, free_port  # noqa: E402
from registry import Registry  # noqa: E402
from tap import eq, has, run, test  # noqa: E402

ASK = os.path.join(os.path.dirname(BINARY), "tests", "integration", "ask_registry")


def record(*fields, name="shop.Order"):
    return {"type": "record", "name": name, "fields": [{"name": n, "type": t, **more} for n, t, more in fields]}


def field(name, type, **more):
    return name, type, more


class Client:
    """tailrace's own, one question after another."""

    def __init__(self, *urls):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([ASK, ",".join(urls)], stdin=pipe, stdout=pipe, text=True)

    def ask(self, verb, *words):
        words = [word if isinstance(word, str) else json.dumps(word) for word in words]
        self.process.stdin.write(" ".join([verb, *words]) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")


registry = Registry()
client = Client(registry.url)


@test
def a_registry_is_reached():
    eq(client.ask("reach"), "reached")


@test
def a_schema_is_registered_once_and_comes_back():
    schema = record(field("id", "long"), field("note", ["null", "string"], default=None))
    number = client.ask("register", "orders-value", schema)
    eq(client.ask("register", "orders-value", schema), number)
    eq(Client(registry.url).ask("register", "orders-value", schema), number, "another process")
    eq(registry.versions("orders-value"), [1])
    eq(json.loads(Client(registry.url).ask("schema", number)), schema)


@test
def a_subject_of_strange_letters_is_one_subject():
    number = client.ask("register", "a/b?c#d-value", record(field("id", "int"), name="strange.Name"))
    eq(json.loads(client.ask("schema", number))["name"], "strange.Name")
    has(registry.subjects(), "a/b?c#d-value")


@test
def an_id_that_is_not_known_is_the_messages_fault():
    eq(client.ask("schema", "987654"), "data: the registry has no schema 987654")
    eq(client.ask("schema", "987654"), "data: the registry has no schema 987654")


@test
def a_schema_that_is_not_avro_is_the_messages_fault():
    schema = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"})
    body = {"schema": schema, "schemaType": "JSON"}
    number = registry.call("POST", "/subjects/json-value/versions", body)["id"]
    eq(client.ask("schema", str(number)), f"data: schema {number} is of type JSON, not AVRO")


@test
def an_incompatible_schema_is_refused_with_what_differs():
    before = record(field("id", "int"), field("old", "string"), field("kept", ["null", "string"], default=None))
    after = record(field("id", "string"), field("new", "long"), field("kept", ["null", "string"], default=None))
    client.ask("register", "strict-value", before)
    registry.set_compatibility("strict-value", "BACKWARD")
    for verb in ("compatible", "register"):
        said = client.ask(verb, "strict-value", after)
        has(said, "table: the registry refuses the schema for subject strict-value; against the latest version: ")
        has(said, "changed id from int to string; added new (long); removed old (string). Relax")
        has(said, "It says: ")
    eq(registry.versions("strict-value"), [1])


@test
def a_compatible_schema_is_registered_as_the_next_version():
    registry.set_compatibility("growing-value", "BACKWARD")
    first, then = field("id", "int"), field("note", ["null", "string"], default=None)
    eq(client.ask("compatible", "growing-value", record(first)), "compatible", "without a version")
    client.ask("register", "growing-value", record(first))
    eq(client.ask("compatible", "growing-value", record(first, then)), "compatible")
    client.ask("register", "growing-value", record(first, then))
    eq(registry.versions("growing-value"), [1, 2])


@test
def where_compatibility_is_transitive_every_version_counts():
    number = field("id", "int")
    note = lambda type: field("note", ["null", type], default=None)
    for subject in ("each-value", "all-value"):
        for fields in ([number, note("string")], [number], [number, field("more", ["null", "int"], default=None)]):
            client.ask("register", subject, record(*fields))
    changed = record(number, note("int"))
    registry.set_compatibility("each-value", "BACKWARD")
    eq(client.ask("compatible", "each-value", changed), "compatible")
    registry.set_compatibility("each-value", "BACKWARD_TRANSITIVE")
    said = client.ask("compatible", "each-value", changed)
    has(said, "table: the registry refuses the schema for subject each-value; against version 1: changed note from ")
    has(client.ask("register", "each-value", changed), "table: the registry refuses the schema for subject each-value")
    eq(client.ask("compatible", "all-value", changed), "compatible")
    try:
        registry.set_compatibility("", "FULL_TRANSITIVE")
        has(client.ask("compatible", "all-value", changed), "subject all-value; against version 1: changed note from ")
        eq(client.ask("compatible", "fresh-value", changed), "compatible")
    finally:
        registry.set_compatibility("", "NONE")


@test
def a_schema_that_is_none_is_refused():
    has(client.ask("register", "bad-value", '{"type":"nothing"}'), "table: registry ")


@test
def who_may_not_register_is_told_what_is_missing():
    schema = record(field("id", "int"), name="late.One")
    has(client.ask("lookup", "late-value", schema), "table: the schema is not in the registry for subject late-value")
    number = client.ask("register", "late-value", schema)
    eq(client.ask("lookup", "late-value", schema), number)


@test
def a_wrong_path_is_told():
    said = Client(f"http://127.0.0.1:{registry.port}/wrong").ask("reach")
    has(said, "config: registry ")
    has(said, "/apis/ccompat/v7")


@test
def the_next_registry_is_asked_when_one_is_away():
    away = f"http://127.0.0.1:{free_port()}"
    has(Client(away).ask("reach"), f"retry: registry {away}")
    eq(Client(away, registry.url).ask("reach"), "reached")
    eq(Client(registry.url, away).ask("reach"), "reached")


@test
def a_registry_that_was_killed_is_asked_again():
    schema = record(field("id", "int"), name="kept.One")
    number = client.ask("register", "kept-value", schema)
    registry.kill()
    eq(client.ask("register", "kept-value", schema), number, "from memory")
    has(client.ask("register", "kept-value", record(field("x", "int"))), "retry: registry ")
    has(Client(registry.url).ask("schema", number), "retry: registry ")
    registry.start()
    eq(json.loads(Client(registry.url).ask("schema", number)), schema)
    eq(client.ask("register", "kept-value", record(field("x", "int"))).isdigit(), True)


run()
