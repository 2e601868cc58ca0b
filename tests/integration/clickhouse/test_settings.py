#!/usr/bin/python3
"""What a ClickHouse server's settings forbid: each is said, with what mends it, by `check` and by the stream."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import ClickHouse, Postgres, Tailrace, mirror
from tap import eq, has, raises, run, test

pg = Postgres()
pg.sql("CREATE TABLE orders (id int PRIMARY KEY, v text); INSERT INTO orders SELECT i, 'x' FROM generate_series(1, 1000) i")


def tailrace_to(name, config="", profile=""):
    """A server whose user `mirror` has that profile."""
    server = ClickHouse(start=False, config=config)
    path = os.path.join(server.folder, "users.xml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    user = text[text.index("<default><password>") : text.index("</users>")]
    user = user.replace("default><password>", "mirror><password>secret").replace("</default>", "</mirror>")
    user = user.replace("<profile>default", "<profile>mirror")
    text = text.replace("</users>", user + "</users>").replace("</profiles>", f"<mirror>{profile}</mirror></profiles>")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    configuration = mirror(pg, warehouse=server.start())
    configuration["connections"]["warehouse"] |= {"user": "mirror", "password": "secret"}
    configuration["connections"]["shop"] |= {"slot": name, "publication": name}
    return Tailrace(configuration), server


@test
def a_server_that_drops_no_large_tables_drops_ours():
    tail, server = tailrace_to("large", config="<max_table_size_to_drop>1</max_table_size_to_drop>")
    server.raw("CREATE TABLE default.t (a Int) ENGINE = MergeTree ORDER BY a")
    server.raw("INSERT INTO default.t SELECT number FROM numbers(1000)")
    with raises(RuntimeError, "TABLE_SIZE_EXCEEDS_MAX_DROP_SIZE_LIMIT"):
        server.raw("DROP TABLE default.t")
    tail.start()
    tail.wait_live()
    tail.command("resync", "public.orders", check=True)
    tail.wait_for(lambda s: tail.table("public.orders")["generation"] == 2, "the copy anew")
    tail.must_be_equal()
    eq(tail.query("SELECT name FROM system.tables WHERE database = 'shop_cdc' AND name LIKE 'orders%'"), [("orders",)])
    tail.stop()


@test
def a_user_that_may_only_read_is_told_so():
    for readonly in (1, 2):
        tail, _ = tailrace_to("reading", profile=f"<readonly>{readonly}</readonly>")
        check = tail.command("check")
        eq(check.code, 1)
        has(check.out, "readonly = 0")
        tail.start()
        tail.wait_for(lambda s: "readonly = 0" in tail.stream()["error"], "the reason")
        eq(tail.stream()["status"], "retrying")
        tail.stop()


@test
def a_setting_that_may_not_be_sent_is_named():
    const = "<constraints><{0}><const/></{0}></constraints>"
    for setting in ("max_table_size_to_drop", "optimize_on_insert", "mutations_sync", "max_block_size"):
        tail, _ = tailrace_to("bound", profile=const.format(setting))
        check = tail.command("check")
        eq(check.code, 1, setting)
        has(check.out, f"Setting {setting} should not be changed")
        has(check.out, "take the constraint out of the user's settings profile")
        eq(check.out.count("✘"), 1)
    tail, _ = tailrace_to("bound", profile=const.format("optimize_on_insert"))
    tail.start()
    tail.wait_for(lambda s: (tail.table("public.orders") or {}).get("status") == "broken", "the table to break")
    has(tail.table("public.orders")["error"], "Setting optimize_on_insert should not be changed")
    has(tail.table("public.orders")["error"], "the settings profile of the user must let tailrace set it")
    tail.stop()


run()
