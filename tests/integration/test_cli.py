#!/usr/bin/python3
"""The commands that a person types, on a real PostgreSQL and the embedded ClickHouse."""
import json
import os
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import BINARY, Postgres, Tailrace, free_port, mirror, new_folder  # noqa: E402
from tap import eq, has, run, test, wait_until  # noqa: E402

pg = Postgres()
pg.sql("CREATE DATABASE shop")
pg.sql(
    """
    CREATE SCHEMA sales;
    CREATE TABLE customers (id int PRIMARY KEY, email text, password_hash text);
    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id int, amount numeric(10,2), note text);
    CREATE TABLE audit (at timestamptz, what text);
    CREATE TABLE sales."odd: ""name"" $x" (id int PRIMARY KEY);
    INSERT INTO customers SELECT i, i || '@example.com', md5(i::text) FROM generate_series(1, 10) i;
    INSERT INTO orders SELECT i, i % 10, i, repeat('x', 40) FROM generate_series(1, 5000) i;
    ANALYZE
    """,
    dbname="shop",
)
pg.sql("CREATE ROLE reader LOGIN REPLICATION PASSWORD 'geheim'")
pg.sql("GRANT pg_read_all_data TO reader")


def tailrace(folder, *args, **more):
    """A command in a folder of its own, without -c."""
    return subprocess.run(
        [BINARY, *args], cwd=folder, capture_output=True, text=True, timeout=120,
        stdin=subprocess.DEVNULL, check=False, **more,
    )  # fmt: skip


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


@test
def init_writes_a_configuration_that_check_accepts():
    folder = new_folder("init")
    done = tailrace(folder, "init", pg.url("shop"))
    eq(done.returncode, 0, done.stderr)
    has(done.stdout, "wrote tailrace.yaml; next: tailrace check")
    text = read(folder, "tailrace.yaml")
    has(text, "      - public.*\n      #   public.orders ")
    has(text, " about 5,000 rows, ")
    has(text, "key id\n")
    has(text, "no key: kept as history")
    has(text, "      - sales.*\n")
    has(text, "#     columns: {email: hash, password_hash: drop}")
    # on free ports, since those of the test's machine may be taken
    with open(os.path.join(folder, "tailrace.yaml"), "w", encoding="utf-8") as file:
        file.write(text.replace("url: embedded", "http_port: 0\n    tcp_port: 0\n    url: embedded"))
    done = tailrace(folder, "check")
    eq(done.returncode, 0, done.stdout + done.stderr)
    has(done.stdout, "stream shop: shop (postgres) to warehouse (clickhouse)")
    has(done.stdout, "✔")
    has(done.stdout, "tailrace.yaml is ready to run")
    eq("\033" in done.stdout, False, "colours without a terminal")


@test
def init_names_the_stream_as_the_database_also_where_the_url_has_its_name_encoded():
    pg.sql('CREATE DATABASE "my shop"')
    folder = new_folder("init")
    done = tailrace(folder, "init", pg.url("my%20shop"))
    eq(done.returncode, 0, done.stderr)
    has(read(folder, "tailrace.yaml"), "  my_shop:\n    from: my_shop\n")
    pg.sql('DROP DATABASE "my shop"')


@test
def init_keeps_passwords_out_of_the_configuration():
    folder = new_folder("init")
    url = f"postgresql://reader:geheim@127.0.0.1:{pg.port}/shop"
    done = tailrace(folder, "init", url, "http://me:geheim@127.0.0.1:8123")
    eq(done.returncode, 0, done.stderr)
    eq("geheim" in done.stdout + done.stderr + read(folder, "tailrace.yaml"), False)
    eq(read(folder, "shop.secret"), url + "\n")
    eq(read(folder, "warehouse.secret"), "geheim\n")
    for name in ("shop.secret", "warehouse.secret"):
        eq(stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode), 0o600)
    eq(stat.S_IMODE(os.stat(os.path.join(folder, "tailrace.yaml")).st_mode), 0o644)
    done = tailrace(folder, "init", url)
    eq(done.returncode, 2)
    has(done.stderr, "is there already; --force writes over it")
    eq(tailrace(folder, "init", url, "--force").returncode, 0)


@test
def check_names_what_is_wrong_and_what_mends_it():
    config = mirror(pg, dbname="shop")
    config["connections"]["warehouse"]["http_port"] = config["connections"]["warehouse"]["tcp_port"] = 0
    config["streams"]["shop"]["tables"] = [
        "public.*",
        {"public.orders": {"order_by": "amount"}},
        {"public.customers": {"where": "id >"}},
    ]
    t = Tailrace(config)
    done = t.command("check", "--json")
    eq(done.code, 1, done)
    problems = [f["what"] for f in done.json["streams"][0]["findings"] if f["level"] == "problem"]
    eq(done.json["problems"], len(problems))
    has("\n".join(problems), "order_by")
    has("\n".join(problems), "public.customers: where: ")
    done = t.command("check")
    eq(done.code, 1)
    has(done.out, "✘")


@test
def a_mirror_is_run_asked_and_stopped():
    t = Tailrace(mirror(pg, dbname="shop", tables=["public.*"]))
    done = t.command("run", "--catch-up")
    eq(done.code, 0, done)
    eq(done.out, "")
    done = t.command("status")
    has(done.out, "not running; `tailrace run` starts it")
    has(done.out, "public.orders ")

    # the embedded ClickHouse is started for the statement
    eq(t.command("query", "SELECT count(), sum(amount) FROM orders", check=True).out.splitlines()[1], "5000\t12502500")

    t.start()
    t.wait_for(lambda s: s["streams"][0]["status"] == "streaming", "the stream to go on")
    done = t.command("status", check=True)
    has(done.out, f"runs as process {t.process.pid} for ")
    has(done.out, "stream shop  streaming")
    document = t.command("status", "--json", check=True).json
    eq(document["running"], True)
    eq({x["name"] for x in document["streams"][0]["tables"]},
       {"public.orders", "public.customers", "public.audit"})  # fmt: skip

    second = t.command("run")
    eq(second.code, 1)
    has(second.err, f"already runs there, as process {t.process.pid}")

    eq(json.loads(t.command("query", "SELECT 1 AS x", "--format", "JSONEachRow", check=True).out), {"x": 1})
    done = t.command("query", "SELECT nothing FROM orders")
    eq((done.code, done.out), (1, ""))
    has(done.err, "nothing")

    eq(t.command("verify").code, 0)
    eq(t.stop(), 0)
    eq(t.command("status", "--json", check=True).json["running"], False)


@test
def a_resync_reaches_the_process_that_runs():
    t = Tailrace(mirror(pg, dbname="shop", tables=["public.orders"], stream={"on_gap": "recopy"}))
    t.config["connections"]["shop"]["slot"] = "resync"
    t.config["connections"]["shop"]["publication"] = "resync"
    t.configure(t.config)
    t.start()
    t.wait_live()
    generation = t.table("public.orders")["generation"]
    done = t.command("resync", "orders")
    eq(done.code, 0, done)
    has(done.out, f"by the running process {t.process.pid}")
    wait_until(lambda: t.table("public.orders")["generation"] > generation, "a new generation")
    eq(t.query("SELECT count() FROM shop.orders"), [(5000,)])
    eq(t.stop(), 0)


@test
def statements_come_from_standard_input():
    t = Tailrace(mirror(pg, dbname="shop"))
    t.config["connections"]["warehouse"]["http_port"] = free_port()
    t.configure(t.config)
    done = tailrace(t.folder, "query", "-", "-c", t.path, "--format", "TSV", **{"input": None})
    eq(done.returncode, 1)  # an empty statement
    with subprocess.Popen(
        [BINARY, "query", "-", "-c", t.path, "--format", "TSV"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        out, err = process.communicate("SELECT 6 * 7", timeout=60)
    eq((process.returncode, out), (0, "42\n"), err)


run()
