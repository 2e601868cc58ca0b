#!/usr/bin/python3
"""Differences planted in the target are found and named: of rows, of histories, of tables without a key, in samples.
What is only on its way is none."""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, has, run, test

pg = Postgres()
pg.sql(
    """
    CREATE TABLE kept (id int PRIMARY KEY, v text, n numeric(10,2));
    INSERT INTO kept SELECT i, 'v' || i, i FROM generate_series(1, 1000) i;
    CREATE TABLE past (a int, b uuid, v text, PRIMARY KEY (a, b));
    INSERT INTO past SELECT i, md5(i::text)::uuid, 'first' FROM generate_series(1, 1000) i;
    CREATE TABLE events (at timestamptz, what text, amount float8);
    INSERT INTO events SELECT '2024-01-01'::timestamptz + i * interval '1 s', 'e' || i % 10, i % 100 FROM generate_series(1, 5000) i;
    CREATE TABLE parts (day date, what text) PARTITION BY RANGE (day);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
    INSERT INTO parts SELECT '2024-01-01'::date + i % 50, 'p' FROM generate_series(1, 500) i;
    CREATE TABLE whole (a int, v text);
    ALTER TABLE whole REPLICA IDENTITY FULL;
    INSERT INTO whole SELECT i, 'w' FROM generate_series(1, 100) i;
    CREATE TABLE large (id bigint PRIMARY KEY, v text);
    INSERT INTO large SELECT i * 3, 'l' FROM generate_series(1, 100000) i;
    ANALYZE
    """
)
tail = Tailrace(mirror(pg, tables=["public.*", {"public.kept": {"keep": "both"}}, {"public.past": {"keep": "history"}}]))
tail.start()
tail.wait_live()
tail.wait_caught_up(pg)


def verified(*args, code):
    """The tables of the report by their names in the target."""
    done = tail.command("verify", *args, "--json")
    eq(done.code, code, repr(done))
    eq(done.json["verdict"], "different" if code else "equal")
    return {t["target"]: t for t in done.json["tables"]}


def counts(table):
    return table["missing"], table["extra"], table["different"]


def named(table):
    return sorted((d["kind"], str(d["key"])) for d in table["differences"])


@test
def what_is_equal_is_called_so():
    pg.sql("UPDATE kept SET v = 'u' WHERE id < 50; DELETE FROM kept WHERE id > 990; UPDATE past SET v = 'second' WHERE a < 10;"
           "DELETE FROM past WHERE a > 995; INSERT INTO events VALUES (now(), NULL, 'NaN'), (now(), '', '-Infinity');"
           "INSERT INTO parts VALUES ('2024-02-03', NULL); DELETE FROM whole WHERE a > 90; INSERT INTO whole VALUES (1, 'w')")
    tail.wait_caught_up(pg)
    tables = verified(code=0)
    eq(sorted(tables), ["events_log", "kept", "kept_log", "large", "parts_log", "past_log", "whole_log"])
    eq([t["not_verified"] for t in tables.values()], [None] * 7)
    eq({name: t["rows"] for name, t in tables.items()},
       {"events_log": 5002, "kept": 990, "kept_log": 990, "large": 100000, "parts_log": 501, "past_log": 995, "whole_log": 91})


@test
def in_the_rows_each_kind_of_difference_is_named():
    tail.query("INSERT INTO shop_cdc.kept (id, v, n, _version, _deleted) SELECT id, v, n, _version + 1, 1 FROM shop_cdc.kept FINAL WHERE id = 100")
    tail.query("INSERT INTO shop_cdc.kept (id, v, n, _version, _deleted) SELECT id, v, n + 0.01, _version + 1, 0 FROM shop_cdc.kept FINAL WHERE id = 200")
    tail.query("INSERT INTO shop_cdc.kept (id, v, n, _version, _deleted) SELECT 2000, v, n, _version, 0 FROM shop_cdc.kept FINAL WHERE id = 300")
    tables = verified("public.kept", code=1)
    eq(counts(tables["kept"]), (1, 1, 1))
    eq(named(tables["kept"]), [("different", "{'id': 200}"), ("extra", "{'id': 2000}"), ("missing", "{'id': 100}")])
    eq(counts(tables["kept_log"]), (0, 0, 0))


@test
def in_a_history_the_latest_version_counts():
    log = "INSERT INTO shop_cdc.{0} SELECT * REPLACE ({1}) FROM (SELECT * FROM shop_cdc.{0} FINAL WHERE {2} ORDER BY _version DESC LIMIT 1)"
    tail.query(log.format("kept_log", "'d' AS _op, _version + 1 AS _version", "id = 400"))
    tail.query(log.format("kept_log", "NULL AS v, _version + 1 AS _version", "id = 401"))
    tables = verified("kept_log", code=1)
    eq(list(tables), ["kept_log"])
    eq(counts(tables["kept_log"]), (1, 0, 1))
    eq(named(tables["kept_log"]), [("different", "{'id': 401}"), ("missing", "{'id': 400}")])
    tail.query(log.format("past_log", "3000 AS a, _version + 1 AS _version", "a = 500"))
    # an older version is no difference
    tail.query(log.format("past_log", "'never' AS v, toUInt128(1) AS _version", "a = 501"))
    tables = verified("public.past", code=1)
    eq(counts(tables["past_log"]), (0, 1, 0))


@test
def without_a_key_the_number_of_each_row_counts():
    again = "INSERT INTO shop_cdc.{0} SELECT * REPLACE ({1}) FROM (SELECT * FROM shop_cdc.{0} FINAL WHERE _op = 'r' ORDER BY _version LIMIT 1)"
    first = "2024-01-01T00:00:01Z"
    tail.query(again.format("events_log", "_version + toUInt128(1) * 4096 * 1000000 AS _version"))
    tail.query("ALTER TABLE shop_cdc.events_log DELETE WHERE what = 'e7' AND amount = 17 AND toUnixTimestamp(at) % 86400 = 17", mutations_sync=2)
    tables = verified("public.events", code=1)
    eq(counts(tables["events_log"]), (1, 1, 0))
    eq([(d["kind"], d["key"]["at"], d["key"]["what"]) for d in sorted(tables["events_log"]["differences"], key=lambda d: d["kind"])],
       [("extra", first, "e1"), ("missing", "2024-01-01T00:00:17Z", "e7")])
    tail.query(again.format("parts_log", "NULL AS what, _version + toUInt128(1) * 4096 * 1000000 AS _version"))
    eq(counts(verified("public.parts", code=1)["parts_log"]), (0, 1, 0))
    # rows of REPLICA IDENTITY FULL are deleted; an update leaves only the number to compare
    pg.sql("UPDATE whole SET v = 'x' WHERE a = 5")
    tail.wait_caught_up(pg)
    whole = verified("public.whole", code=0)["whole_log"]
    has(whole["note"], "only the number of rows is compared")
    tail.query(again.format("whole_log", "_version + toUInt128(1) * 4096 * 1000000 AS _version"))
    eq(counts(verified("public.whole", code=1)["whole_log"]), (0, 1, 0))


@test
def a_table_without_an_identity_says_why_it_differs():
    pg.sql("CREATE TABLE bare (n int); INSERT INTO bare SELECT generate_series(1, 10)")
    tail.wait_live("public.bare")
    eq(verified("public.bare", code=0)["bare_log"]["note"], None)
    pg.sql("UPDATE bare SET n = 100 WHERE n = 1; DELETE FROM bare WHERE n = 2")
    tail.wait_caught_up(pg)
    table = verified("public.bare", code=1)["bare_log"]
    eq(counts(table), (1, 2, 0))
    has(table["note"], "PostgreSQL publishes only its inserts")
    has(table["note"], "ALTER TABLE \"public\".\"bare\" REPLICA IDENTITY FULL")
    has(tail.command("verify", "public.bare").out, "    PostgreSQL publishes only its inserts")
    pg.sql("ALTER TABLE bare REPLICA IDENTITY FULL")
    tail.wait_for(lambda s: tail.said('DROP TABLE ."public.".."bare'), "its updates and deletes to be published")
    eq(tail.command("resync", "public.bare").code, 0)
    tail.wait_for(lambda s: tail.value("SELECT count() FROM shop_cdc.bare_log WHERE n = 2") == 0, "it to be copied anew")
    tail.wait_live("public.bare")
    pg.sql("DELETE FROM bare WHERE n = 3")
    tail.wait_caught_up(pg)
    eq(verified("public.bare", code=0)["bare_log"]["rows"], 8)


@test
def rows_on_their_way_are_no_differences():
    over = threading.Event()

    def work():
        connection = pg.connect()
        with connection.cursor() as cursor:
            n = 0
            while not over.is_set():
                n += 1
                cursor.execute("INSERT INTO live_events SELECT now(), 'x', g FROM generate_series(1, 20) g")
                cursor.execute("INSERT INTO live_rows (v) SELECT 'x' FROM generate_series(1, 5); UPDATE live_rows SET v = v || 'y' WHERE id = %s", (n,))

    pg.sql("CREATE TABLE live_events (at timestamptz, what text, n int); CREATE TABLE live_rows (id serial PRIMARY KEY, v text)")
    tail.wait_live("public.live_events", "public.live_rows")
    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(3):
            tables = verified("public.live_*", code=0)
            assert all(t["not_verified"] is None for t in tables.values()), tables
    finally:
        over.set()
        worker.join()
    tail.wait_caught_up(pg)
    assert verified("public.live_*", code=0)["live_events_log"]["rows"] > 0


@test
def a_sample_is_quick_and_finds_what_is_frequent():
    done = tail.command("verify", "public.large", "--sample", "5")
    eq(done.code, 0, repr(done))
    has(done.out, "a sample, of about ")
    has(done.out, "source and target are equal in this sample")
    large = verified("public.large", "--sample", "5%", code=0)["large"]
    assert 3000 <= large["rows"] <= 15000, large
    tail.query("ALTER TABLE shop_cdc.large DELETE WHERE id % 150 = 0", mutations_sync=2)
    tail.query("INSERT INTO shop_cdc.large (id, v, _version, _deleted) SELECT number * 300 + 1, 'l', 1, 0 FROM numbers(1000)")
    large = verified("public.large", "--sample", "5", code=1)["large"]
    assert large["missing"] and large["extra"] and not large["different"], large
    for wrong in ("0", "101", "x", "-1", "5%%"):
        done = tail.command("verify", "--sample", wrong)
        eq(done.code, 2, repr(done))
        has(done.err, "--sample takes a part in percent")


@test
def what_cannot_be_compared_is_no_success():
    pg.sql("CREATE TABLE bad (id int PRIMARY KEY, n numeric(10,2))")
    config = tail.config
    config["streams"]["shop"]["tables"].append({"public.bad": {"on_unrepresentable": "stop"}})
    tail.stop()
    tail.configure(config)
    tail.start()
    tail.wait_live("public.bad")
    pg.sql("INSERT INTO bad VALUES (1, 'NaN')")
    tail.wait_for(lambda s: tail.table("public.bad")["status"] == "broken", "the table to break")
    done = tail.command("verify", "public.bad", "--json")
    eq(done.code, 1)
    eq(done.json["verdict"], "incomplete")
    has(done.json["tables"][0]["not_verified"], "it is broken")
    eq(tail.command("verify", "public.nothing").code, 2)
    tail.stop()


run()
