"""The fact table of examples/shop, 37 daily partitions: tailrace backfill, from the start of its process to its end, beside
the statements that it sent, by hand, one after the other over one connection; and beside the least
that one would write by hand: each day dropped and inserted."""
import datetime
import os
import re
import shutil
import time

from figures import Usage
from harness import ROOT, ClickHouse, Postgres, Tailrace, mirror
from mirrors import catch_up
from parts.build import by_hand, statements
from report import Part

DAYS = 37
ORDERS = 500_000
STAGING = re.compile(r"INSERT INTO (`mart`\.`fact_sales__tailrace_next_([-0-9]+)`)")


def shop(orders):
    """The shop, mirrored once; its models, built but for the fact table and what stands on it."""
    pg, clickhouse = Postgres(), ClickHouse()
    pg.sql("CREATE DATABASE shop")
    config = mirror(pg, tables=["public.*", "logistics.*"], dbname="shop", warehouse=clickhouse)
    config["models"] = {"project": "project", "database": "mart", "schedules": False}
    tail = Tailrace(config)
    shutil.copytree(os.path.join(ROOT, "examples", "shop"), os.path.join(tail.folder, "project"))
    tail.command("load", "shop", "--rows", str(orders), check=True, timeout=1800)
    catch_up(tail)
    return tail, clickhouse


def newest_run(tail):
    newest = tail.command("runs", "--json", check=True).json["runs"][0]["id"]
    return tail.command("runs", str(newest), "--json", check=True).json


def least(sent):
    """Each day dropped from a table of their own, and inserted."""
    made = []
    for statement in sent:
        if found := STAGING.match(statement):
            day = found[2].replace("-", "")
            made.append(f"ALTER TABLE mart.by_hand DROP PARTITION ID '{day}'")
            made.append(statement.replace(found[1], "mart.by_hand"))
    return made


def run(options):
    orders = min(options.rows or ORDERS, ORDERS)
    part = Part(f"Backfilling {DAYS} daily partitions of the shop of {orders:,} orders", DAYS)
    ours = part.line("tailrace backfill")
    same = part.line("its statements by hand, one after the other")
    loop = part.line("by hand: ALTER TABLE ... DROP PARTITION, INSERT ... SELECT")
    tail, clickhouse = shop(orders)
    today = datetime.datetime.now(datetime.timezone.utc).date()
    begin, end = (str(today - datetime.timedelta(days=days)) for days in (DAYS, 1))
    begins = ("--vars", f"{{begin: '{begin}'}}")
    tail.command("build", "--exclude", "fact_sales+", *begins, check=True, timeout=1800)
    backfill = ("backfill", "fact_sales", "--from", begin, "--to", end, *begins)
    tail.command(*backfill, check=True, timeout=1800)
    clickhouse.raw("CREATE TABLE mart.by_hand AS mart.fact_sales")
    for _ in range(options.rounds):
        start = time.monotonic()
        tail.command(*backfill, check=True, timeout=1800)
        ours.add(Usage(time.monotonic() - start))
        sent = statements(newest_run(tail))
        same.add(by_hand(clickhouse, sent))
        loop.add(by_hand(clickhouse, least(sent)))
    for theirs, what in ((same, "to that of its statements"), (loop, "to that of the loop by hand")):
        part.reach(f"time of tailrace {what}", ours.middle("seconds") / theirs.middle("seconds"), at_most=1.1)
    return part
