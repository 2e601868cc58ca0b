#!/usr/bin/python3
"""Every supported version of PostgreSQL: copied, streamed, in bulk, altered, and with generated columns where it can."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import Skip, eq, has, run, test
from versions import versions

HERE = versions()


def tables(pg):
    pg.sql(
        """
        CREATE TYPE mood AS ENUM ('sad', 'glad');
        CREATE TABLE items (id bigint PRIMARY KEY, name text, price numeric(10,2) NOT NULL, tags text[], at timestamptz, m mood,
            area int8range, twice numeric GENERATED ALWAYS AS (price * 2) STORED);
        INSERT INTO items SELECT i, 'item ' || i, i, ARRAY['a', NULL], '2024-01-01Z'::timestamptz + i * interval '1 s', 'glad',
            int8range(i, i + 5) FROM generate_series(1, 2000) i;
        CREATE TABLE toasted (id int PRIMARY KEY, big text, n int);
        ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL;
        INSERT INTO toasted SELECT i, repeat(md5(i::text), 200), 0 FROM generate_series(1, 50) i;
        CREATE TABLE parts (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
        CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
        INSERT INTO parts SELECT i, '2024-01-01'::date + i, 'x' FROM generate_series(0, 50) i;
        CREATE TABLE keyless (a int, v text);
        INSERT INTO keyless VALUES (1, 'x');
        CREATE TABLE picked (area text, id int, v text, PRIMARY KEY (area, id));
        ALTER TABLE picked ALTER v SET STORAGE EXTERNAL;
        INSERT INTO picked SELECT CASE i % 2 WHEN 0 THEN 'eu' ELSE 'us' END, i, repeat(md5(i::text), 200) FROM generate_series(1, 100) i;
        """
    )


def change(pg, n):
    pg.sql(
        f"""
        UPDATE items SET price = price + 1, tags = NULL WHERE id % 100 = {n};
        DELETE FROM items WHERE id % 100 = {n + 10};
        UPDATE items SET id = -id WHERE id % 100 = {n + 20};
        INSERT INTO items (id, price, m) SELECT 10000 * ({n} + 1) + i, i, 'sad' FROM generate_series(1, 3000) i;
        UPDATE toasted SET n = n + 1; UPDATE toasted SET id = id + 1000 WHERE id = {n + 1};
        UPDATE parts SET at = at + 31 WHERE id = {n + 3}; INSERT INTO parts VALUES ({n + 500}, '2024-01-05', 'new');
        UPDATE picked SET area = CASE area WHEN 'eu' THEN 'us' ELSE 'eu' END WHERE id % 5 = {n};
        INSERT INTO keyless VALUES ({n + 2}, 'y'); UPDATE keyless SET v = 'z'; DELETE FROM keyless WHERE a = 1;
        """
    )


def mirrors(version):
    if version not in HERE:
        raise Skip(f"PostgreSQL {version} is not here; tools/setup test fetches it when there is a network")
    pg = Postgres(bin=HERE[version], **({"idle_replication_slot_timeout": "1d"} if version >= 18 else {}))
    eq(pg.value("SELECT current_setting('server_version_num')::int / 10000"), version)
    tables(pg)
    config = mirror(pg, tables=["public.*", {"public.picked": {"where": "area = 'eu'"}}])
    config["connections"]["shop"]["bulk_threshold"] = "64KiB"
    tail = Tailrace(config)
    check = tail.command("check", check=True).out
    tail.start()
    tail.wait_live()

    def settled():
        tail.wait_live()
        tail.wait_caught_up(pg)
        tail.must_be_equal("items", "toasted", "parts", "picked")
        eq(tail.value("SELECT count() FROM shop.items"), pg.value("SELECT count(*) FROM items"))

    change(pg, 1)
    tail.wait_caught_up(pg)
    tail.stop()
    change(pg, 2)
    tail.start()
    settled()
    with open(pg.log, encoding="utf-8") as log:
        has(log.read(), "pg_logical_slot_peek_binary_changes")
    pg.sql("ALTER TABLE items ADD extra text DEFAULT 'given'; ALTER TABLE items RENAME area TO span")
    change(pg, 3)
    tail.wait_caught_up(pg)
    pg.sql("ALTER TABLE items DROP name")
    change(pg, 4)
    pg.sql("TRUNCATE toasted; INSERT INTO toasted VALUES (1, 'after', 1)")
    settled()
    eq(tail.query("SELECT * FROM shop.toasted"), [(1, "after", 1)])
    eq(tail.value("SELECT countIf(extra = 'given') = count() FROM shop.items"), 1)
    eq(tail.query("SELECT _op, count() FROM shop.keyless_log GROUP BY 1 ORDER BY 1"), [("c", 4), ("r", 1)])
    eq(tail.verify("public.keyless").code, 1)  # PostgreSQL publishes its inserts alone
    filtered = "SELECT pg_get_expr(prqual, prrelid) FROM pg_publication_rel WHERE prrelid = 'picked'::regclass"
    assert version < 15 or pg.value(filtered), "the server does not filter"
    eq(tail.value("SELECT count() FROM shop.picked"), pg.value("SELECT count(*) FROM picked WHERE area = 'eu'"))
    generated = tail.query("SELECT count() FROM system.columns WHERE database = 'shop' AND table = 'items' AND name = 'twice'")
    eq(generated, [(int(version >= 18),)])
    if version >= 18:
        has(check, "a slot that nobody reads for 1d is lost")
        eq(tail.value("SELECT countIf(toDecimal64(twice, 2) = price * 2) = count() FROM shop.items"), 1)
    else:
        has(check, "twice")
    eq(tail.stop(), 0)
    pg.stop()


@test
def postgres_14():
    mirrors(14)


@test
def postgres_15():
    mirrors(15)


@test
def postgres_16():
    mirrors(16)


@test
def postgres_17():
    mirrors(17)


@test
def postgres_18():
    mirrors(18)


run()
