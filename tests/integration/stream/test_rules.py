#!/usr/bin/python3
"""What the configuration does to columns and rows on their way: the same in the copy and in the stream, and no leak."""
import hashlib
import hmac
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, has, run, test

KEY = "a key that nobody guesses"
RULES = {
    "name": "hash",
    "email": "hmac",
    "phone": "mask",
    "ssn": "drop",
    "salary": "null",
    "note": {"constant": "it's 'ours'"},
    "born": "hash",
    "raw": "hmac",
    "tags": "hash",
    "places": "mask",
    "big": "hash",
}
PEOPLE = """(
    id int PRIMARY KEY, name text NOT NULL, email text, phone text, ssn text DEFAULT 'ssn-secret', salary numeric(10,2) NOT NULL,
    note text, born date, raw bytea, tags text[] NOT NULL, places point, big text, open text
)"""
ROWS = """
    (1, 'Ann', 'ann@example.com', '+49 170 1234567', '1', 1.5, 'n', '1990-01-02', '\\x00ff', '{a,NULL}', '(1,2)', repeat('b', 9000), 'x'),
    (2, '', NULL, '123', '2', 'NaN', NULL, 'infinity', NULL, '{}', NULL, NULL, NULL),
    (3, 'ünï 🙂', '', '🙂🙂🙂🙂🙂🙂🙂🙂🙂', '3', -1, '', '0044-03-15 BC', '', '{{a},{b}}', '(NaN,0)', '', 'y')
"""

pg = Postgres()
pg.sql(
    f"""
    CREATE SCHEMA copied; CREATE SCHEMA streamed;
    CREATE TABLE copied.people {PEOPLE}; CREATE TABLE streamed.people {PEOPLE};
    ALTER TABLE copied.people ALTER big SET STORAGE EXTERNAL; ALTER TABLE streamed.people ALTER big SET STORAGE EXTERNAL;
    CREATE TABLE copied.picked (id int PRIMARY KEY, area text, n int, b bool, big text);
    CREATE TABLE streamed.picked (LIKE copied.picked INCLUDING ALL);
    ALTER TABLE copied.picked ALTER big SET STORAGE EXTERNAL; ALTER TABLE streamed.picked ALTER big SET STORAGE EXTERNAL;
    CREATE TABLE again (id int PRIMARY KEY, secret text, open text);
    CREATE TABLE refilled (id int PRIMARY KEY, n int);
    CREATE TABLE everything (id int PRIMARY KEY, v text);
    CREATE TABLE stays (id int PRIMARY KEY, n int, v int, big text);
    ALTER TABLE stays ALTER big SET STORAGE EXTERNAL;
    CREATE TABLE sorted (a int, b text COLLATE "C", c date, v text, PRIMARY KEY (a, b, c));
    CREATE TABLE named (id int PRIMARY KEY, v text);
    CREATE TABLE audit (id int PRIMARY KEY, v text);
    CREATE TABLE audit_kept (id int PRIMARY KEY, v text);
    """
)


def fill(schema):
    pg.sql(f"INSERT INTO {schema}.people VALUES {ROWS}")
    pg.sql(
        f"INSERT INTO {schema}.picked SELECT i, CASE i % 3 WHEN 0 THEN 'eu' WHEN 1 THEN 'us' END, i, i % 2 = 0, repeat(md5(i::text), 100)"
        " FROM generate_series(1, 60) i"
    )


fill("copied")
pg.sql(
    """
    INSERT INTO again SELECT i, 'raw secret', 'o' FROM generate_series(1, 10) i;
    INSERT INTO refilled SELECT i, i FROM generate_series(1, 10) i;
    INSERT INTO everything SELECT i, 'copied' FROM generate_series(1, 10) i;
    INSERT INTO stays SELECT i, CASE WHEN i < 5 THEN 0 ELSE 9 END, 0, repeat(i::text, 5000) FROM generate_series(1, 6) i;
    INSERT INTO sorted SELECT i, chr(97 + i), '2024-01-01'::date + i * 20, 'v' FROM generate_series(1, 10) i;
    INSERT INTO audit VALUES (1, 'x'); INSERT INTO audit_kept VALUES (1, 'x');
    """
)
WHERE = "area = 'eu' AND (n BETWEEN 10 AND 40 OR b)"
TABLES = [
    "copied.*",
    "streamed.*",
    "public.*",
    "!public.audit*",
    "public.audit_kept",
    {"*.people": {"columns": RULES}},
    {"*.picked": {"where": WHERE}},
    {"public.again": {"columns": {"secret": "hash"}}},
    {"public.refilled": {"where": "n > 5"}},
    {"public.everything": {"keep": "both"}},
    {"public.stays": {"where": "n > 5", "keep": "both"}},
    {
        "public.sorted": {
            "order_by": "c, a, b",
            "partition_by": "toYYYYMM(c)",
            "settings": "index_granularity = 1024, min_bytes_for_wide_part = 0",
        }
    },
    {"public.named": {"as": "other_name"}},
]
config = mirror(pg, tables=TABLES)
config["server"]["hmac_key"] = KEY
tail = Tailrace(config)
tail.start()
tail.wait_live()
fill("streamed")
tail.wait_caught_up(pg)


def settled(*tables):
    tail.wait_live(*tables)
    tail.wait_caught_up(pg)
    tail.must_be_equal(*tables)


def columns(table):
    return [n for n, in tail.query(f"SELECT name FROM system.columns WHERE database = 'shop' AND table = '{table}' ORDER BY position")]


def sha(text):
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()


def mac(text):
    return hmac.new(KEY.encode(), text if isinstance(text, bytes) else text.encode(), hashlib.sha256).hexdigest()


@test
def columns_under_a_rule_are_the_same_in_copy_and_stream():
    ask = "SELECT id, name, email, phone, salary, note, born, raw, tags, places, big, open FROM shop.{}_people ORDER BY id"
    expected = [
        (1, sha("Ann"), mac("ann@example.com"), "***********4567", None, "it's 'ours'", sha("1990-01-02"), None,
         sha("{a,NULL}"), "*(1,2)"[1:].replace("(1,2)", "*****"), sha("b" * 9000), "x"),
        (2, sha(""), None, "***", None, "it's 'ours'", sha("infinity"), None, sha("{}"), None, None, None),
        (3, sha("ünï 🙂"), mac(""), "*****🙂🙂🙂🙂", None, "it's 'ours'", sha("0044-03-15 BC"), None,
         sha("{{a},{b}}"), "***,0)", sha(""), "y"),
    ]
    copied, streamed = tail.query(ask.format("copied")), tail.query(ask.format("streamed"))
    eq(copied, streamed)
    eq([row[:7] + row[8:9] + row[10:] for row in copied], [row[:7] + row[8:9] + row[10:] for row in expected])
    eq(columns("copied_people"), [n for n in "id name email phone salary note born raw tags places big open".split()])


@test
def bytes_are_hashed_in_one_form():
    for schema in ("copied", "streamed"):
        raw = tail.value(f"SELECT raw FROM shop.{schema}_people WHERE id = 1")
        assert raw in (mac("\\x00ff"), mac(b"\x00\xff")), raw


@test
def a_row_under_rules_changes_without_its_large_value():
    for schema in ("copied", "streamed"):
        pg.sql(f"UPDATE {schema}.people SET open = 'changed' WHERE id = 1; UPDATE {schema}.people SET id = 11 WHERE id = 1")
    settled("copied.people", "streamed.people")
    for schema in ("copied", "streamed"):
        eq(tail.query(f"SELECT big, open, name FROM shop.{schema}_people WHERE id = 11"), [(sha("b" * 9000), "changed", sha("Ann"))])


@test
def nothing_that_a_rule_hides_is_stored_anywhere():
    pg.sql("BEGIN; ALTER TABLE again DROP secret; ALTER TABLE again ADD secret text DEFAULT 'leaked default'; COMMIT")
    pg.sql("INSERT INTO again (id) VALUES (50)")
    tail.wait_for(lambda s: tail.table("public.again")["generation"] > 1, "a new generation")
    settled("public.again")
    eq(tail.query("SELECT secret, count() FROM shop.again GROUP BY 1"), [(sha("leaked default"), 11)])
    ddl = tail.raw("SELECT create_table_query FROM system.tables WHERE database LIKE 'shop%'")
    for word in ("leaked default", "raw secret", "ssn-secret"):
        assert word not in ddl, word
    for table, in tail.query("SELECT name FROM system.tables WHERE database = 'shop_cdc'"):
        rows = tail.raw(f"SELECT * FROM shop_cdc.`{table}` FORMAT JSONEachRow")
        for word in ("leaked default", "raw secret", "ssn-secret", "ann@example.com", "1234567", "Ann"):
            assert word not in rows, f"{word} in {table}"
    with open(tail.log, encoding="utf-8") as log:
        text = log.read()
    for word in ("leaked default", "raw secret", KEY):
        assert word not in text, f"{word} in the log"


@test
def a_row_set_aside_shows_nothing_that_a_rule_hides():
    tail.stop()
    config["streams"]["shop"]["tables"] += [{"public.secrets": {"columns": {"secret": "hmac"}}}]
    tail.configure(config)
    pg.sql("CREATE TABLE secrets (id int PRIMARY KEY, secret text, day date)")
    pg.sql("INSERT INTO secrets VALUES (1, 'top secret', 'infinity')")
    tail.start()
    tail.wait_live("public.secrets")
    pg.sql("INSERT INTO secrets VALUES (2, 'top secret', 'infinity')")
    tail.wait_caught_up(pg)
    rows = tail.query("SELECT key, row FROM shop_cdc._set_aside FINAL WHERE table = 'public.secrets' ORDER BY key")
    eq([key for key, _ in rows], ['{"id":1}', '{"id":2}'])
    for _, row in rows:
        assert "top secret" not in row, row


@test
def only_rows_that_the_filter_takes_are_there():
    ids = [i for i, in pg.sql(f"SELECT id FROM copied.picked WHERE {WHERE} ORDER BY id")]
    for schema in ("copied", "streamed"):
        eq([i for i, in tail.query(f"SELECT id FROM shop.{schema}_picked ORDER BY id")], ids)
    settled("copied.picked", "streamed.picked")


@test
def rows_come_and_go_as_they_enter_and_leave_the_filter():
    for schema in ("copied", "streamed"):
        pg.sql(f"UPDATE {schema}.picked SET area = 'us' WHERE id = 12; UPDATE {schema}.picked SET area = 'eu' WHERE id IN (13, 14);"
               f"UPDATE {schema}.picked SET area = NULL WHERE id = 15; UPDATE {schema}.picked SET id = id + 500 WHERE id IN (18, 20);"
               f"UPDATE {schema}.picked SET n = 50, b = NULL WHERE id = 21; DELETE FROM {schema}.picked WHERE id IN (24, 25);"
               f"UPDATE {schema}.picked SET id = 900, area = 'us' WHERE id = 27; UPDATE {schema}.picked SET id = 901, area = 'eu' WHERE id = 22")
    settled("copied.picked", "streamed.picked")
    ids = [i for i, in pg.sql(f"SELECT id FROM copied.picked WHERE {WHERE} ORDER BY id")]
    for schema in ("copied", "streamed"):
        eq(tail.query(f"SELECT id, length(big) FROM shop.{schema}_picked ORDER BY id"), [(i, 3200) for i in ids])


def reconfigure(table, **options):
    """Other options for a table, by a restart; returns once it is copied anew."""
    before = tail.table(table)["generation"]
    tail.stop()
    config["streams"]["shop"]["tables"] += [{table: options}]
    tail.configure(config)
    tail.start()
    tail.wait_for(lambda s: (tail.table(table) or {}).get("generation", 0) > before, "a new generation")
    settled(table)


@test
def a_filter_that_changes_copies_the_table_anew():
    eq(tail.value("SELECT count() FROM shop.refilled"), 5)
    reconfigure("public.refilled", where="n > 2")
    eq(tail.value("SELECT count() FROM shop.refilled"), 8)


@test
def a_rule_that_changes_leaves_no_old_value():
    reconfigure("public.everything", keep="both", columns={"v": "mask"})
    eq(tail.query("SELECT DISTINCT v FROM shop.everything"), [("******",)])


@test
def history_and_latest_side_by_side():
    pg.sql("UPDATE everything SET v = 'update' WHERE id = 1; DELETE FROM everything WHERE id = 2; UPDATE everything SET id = 33 WHERE id = 3")
    settled("public.everything")
    log = tail.query("SELECT _op, id, v FROM shop.everything_log WHERE id IN (1, 2, 3, 33) ORDER BY _version, id, _op")
    eq([row for row in log if row[0] != "r"], [("u", 1, "******"), ("d", 2, None), ("d", 3, None), ("u", 33, "******")])
    eq(tail.value("SELECT min(_commit_lsn) > 0 AND min(_commit_time) > now() - 3600 FROM shop.everything_log"), 1)
    eq(tail.value("SELECT count() FROM shop.everything"), 9)


@test
def rows_outside_the_filter_need_no_large_value():
    # stays out, moves there, is gone by the time it is looked at; enters; leaves
    pg.sql("UPDATE stays SET v = 1 WHERE id = 1; UPDATE stays SET id = 22 WHERE id = 2; UPDATE stays SET v = 1 WHERE id = 3; DELETE FROM stays WHERE id = 3;"
           "UPDATE stays SET n = 8 WHERE id = 4; UPDATE stays SET n = 1 WHERE id = 5")
    settled("public.stays")
    eq(tail.table("public.stays")["set_aside"], 0)
    eq(tail.query("SELECT id, n, substring(big, 1, 2) FROM shop.stays ORDER BY id"), [(4, 8, "44"), (6, 9, "66")])
    log = tail.query("SELECT _op, id, length(big) FROM shop.stays_log WHERE _op <> 'r' ORDER BY _version, id")
    eq(log, [("d", 1, None), ("d", 2, None), ("d", 22, None), ("d", 3, None), ("d", 3, None), ("u", 4, 5000), ("d", 5, None)])


@test
def order_partition_and_settings_are_the_users():
    row = tail.query("SELECT sorting_key, partition_key, engine_full FROM system.tables WHERE database = 'shop_cdc' AND name = 'sorted'")[0]
    eq(row[0].strip("()"), "c, a, b")
    eq(row[1].strip("()"), "toYYYYMM(c")
    has(row[2], "index_granularity = 1024")
    pg.sql("UPDATE sorted SET v = 'w' WHERE a = 1; UPDATE sorted SET c = '2025-05-05' WHERE a = 2; DELETE FROM sorted WHERE a = 3")
    settled("public.sorted")
    eq(tail.value("SELECT count() FROM shop.sorted"), 9)


@test
def layout_and_name_can_change():
    reconfigure("public.sorted", order_by="b, a, c", keep="both", **{"as": "resorted"})
    eq(tail.value("SELECT sorting_key FROM system.tables WHERE database = 'shop_cdc' AND name = 'resorted'").strip("()"), "b, a, c")
    eq(tail.query("SELECT name FROM system.tables WHERE database LIKE 'shop%' AND name LIKE '%sorted%' ORDER BY database, name"),
       [("resorted",), ("resorted_log",), ("resorted",), ("resorted_log",)])
    eq(tail.value("SELECT count() FROM shop.resorted"), 9)
    reconfigure("public.sorted", **{"as": "sorted"})
    eq(tail.query("SELECT name FROM system.tables WHERE database = 'shop' AND name LIKE '%sorted%'"), [("sorted",)])


@test
def values_that_cannot_be_held_follow_what_is_configured_now():
    reconfigure("public.secrets", columns={"secret": "hmac"}, out_of_range="clamp")
    eq(tail.query("SELECT id, day FROM shop.secrets ORDER BY id"), [(1, "2299-12-31"), (2, "2299-12-31")])


@test
def names_globs_and_excludes_are_followed():
    pg.sql("INSERT INTO named VALUES (1, 'x')")
    settled("public.named")
    eq(tail.query("SELECT id, v FROM shop.other_name"), [(1, "x")])
    names = {name for name, in tail.query("SELECT name FROM system.tables WHERE database = 'shop'")}
    assert "audit_kept" in names and "audit" not in names and "named" not in names, names
    pg.sql("CREATE TABLE audit_later (id int PRIMARY KEY); CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1)")
    tail.wait_for(lambda s: (tail.table("public.fresh") or {}).get("status") == "live", "the new table")
    eq(tail.value("SELECT count() FROM shop.fresh"), 1)
    eq(tail.table("public.audit_later"), None)


@test
def a_table_that_is_excluded_later_stays_as_it_is_and_comes_back_whole():
    tail.stop()
    config["streams"]["shop"]["tables"] += ["!public.audit_kept"]
    tail.configure(config)
    tail.start()
    tail.wait_live("public.sorted")
    pg.sql("INSERT INTO audit_kept VALUES (2, 'unseen'); DELETE FROM audit_kept WHERE id = 1")
    tail.wait_caught_up(pg)
    eq(tail.query("SELECT id FROM shop.audit_kept"), [(1,)])
    # and it is in no publication of ours any more
    eq(pg.value("SELECT count(*) FROM pg_publication_tables WHERE tablename = 'audit_kept'"), 0)
    tail.stop()
    config["streams"]["shop"]["tables"].pop()
    tail.configure(config)
    tail.start()
    tail.wait_live("public.audit_kept")
    settled("public.audit_kept")
    eq(tail.query("SELECT id FROM shop.audit_kept"), [(2,)])


run()
