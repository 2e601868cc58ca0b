#!/usr/bin/python3
"""What `tailrace check` says of a ClickHouse user's rights is what the user needs: no less, and no more."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import ClickHouse, Postgres, Tailrace, mirror
from tap import eq, has, run, test

# as docs/operations.md gives them
RIGHTS = "CREATE DATABASE, SELECT, INSERT, ALTER, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE"
ON_DATABASES = f"<query>GRANT {RIGHTS} ON shop.*</query><query>GRANT {RIGHTS} ON shop_cdc.*</query>"
ENGINES = "<query>GRANT TABLE ENGINE ON Atomic</query><query>GRANT TABLE ENGINE ON ReplacingMergeTree</query>"

pg = Postgres()
pg.sql("CREATE TABLE orders (id int PRIMARY KEY, v text); INSERT INTO orders VALUES (1, 'one')")
pg.sql("CREATE TABLE seen (id int PRIMARY KEY, v text)")


def server_with_user(grants):
    """A ClickHouse with a user `mirror` of these rights, beside the one that runs it."""
    server = ClickHouse(start=False)
    path = os.path.join(server.folder, "users.xml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    user = text[text.index("<default><password>") : text.index("</users>")]
    user = user.replace("default><password>", "mirror><password>secret").replace("</default>", "</mirror>")
    user = user.replace("<query>GRANT ALL ON *.*</query>", grants)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("</users>", user + "</users>"))
    return server.start()


def tailrace_to(grants):
    tables = ["public.*", {"public.seen": {"keep": "both"}}]
    config = mirror(pg, tables=tables, warehouse=server_with_user(grants))
    config["connections"]["warehouse"] |= {"user": "mirror", "password": "secret"}
    return Tailrace(config)


@test
def check_names_each_right_that_is_missing():
    done = tailrace_to("<query>GRANT SELECT ON shop.*</query>").command("check")
    eq(done.code, 1, done.out)
    has(done.out, "the user lacks rights on the missing database shop\n")
    has(done.out, "the user lacks rights on the missing database shop_cdc\n")
    has(done.out, f"GRANT {RIGHTS} ON `shop_cdc`.* TO ")
    has(done.out, "GRANT TABLE ENGINE ON Atomic TO ")
    has(done.out, "GRANT TABLE ENGINE ON ReplacingMergeTree TO ")


@test
def with_the_rights_that_check_asks_for_everything_works():
    tail = tailrace_to(ON_DATABASES + ENGINES)
    done = tail.command("check")
    eq(done.code, 0, done.out)
    tail.start()
    tail.wait_live("public.orders", "public.seen")
    pg.sql("ALTER TABLE orders ADD n int")
    pg.sql("ALTER TABLE orders RENAME v TO w")
    pg.sql("INSERT INTO orders VALUES (2, 'two', 2); INSERT INTO seen VALUES (1, 'x'); DELETE FROM orders WHERE id = 1")
    pg.sql("TRUNCATE seen; INSERT INTO seen VALUES (2, 'y')")
    tail.wait_caught_up(pg)
    eq(tail.command("resync", "orders").code, 0)
    tail.wait_for(lambda s: tail.table("public.orders")["generation"] == 2, "the copy anew")
    tail.must_be_equal()
    rows = tail.command("query", "SELECT id, w, n FROM orders", "--format", "TSV", check=True).out
    eq(rows, "2\ttwo\t2\n")
    eq(tail.stop(), 0)
    # and at the next start, when all is there
    tail.start()
    tail.wait_live("public.orders", "public.seen")
    eq(tail.command("check").code, 0)


run()
