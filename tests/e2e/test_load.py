#!/usr/bin/python3
"""`tailrace load`: the shop and the work in it, in a database of the user's."""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import BINARY, Postgres, Tailrace, mirror  # noqa: E402
from tap import eq, has, run, test, wait_until  # noqa: E402

pg = Postgres()
pg.sql("CREATE DATABASE shop")
tail = Tailrace(mirror(pg, tables=["public.*", "logistics.*"], dbname="shop"))


def orders():
    return pg.value("SELECT count(*) FROM orders", dbname="shop")


@test
def the_shop_is_made_in_the_source_of_the_configuration():
    done = tail.command("load", "shop", "--rows", "500", check=True)
    has(done.out, "made the shop with 500 orders in ")
    eq(orders(), 500)


@test
def a_shop_that_is_there_stays_as_it_is():
    done = tail.command("load", "shop", "--rows", "900", check=True)
    has(done.out, "the shop is there already")
    eq(orders(), 500)


@test
def work_goes_on_at_its_rate_until_its_time_is_over():
    done = tail.command("load", "shop", "--rate", "100", "--for", "3", check=True)
    rows = int(re.search(r"([\d,]+) rows changed in 3\.\d s", done.out).group(1).replace(",", ""))
    assert 30 < rows < 330, done.out
    assert orders() > 500


@test
def ctrl_c_ends_the_work():
    before = orders()
    with subprocess.Popen(
        [BINARY, "-c", tail.path, "load", "shop", "--rate", "0"], stdout=subprocess.PIPE, text=True
    ) as work:
        wait_until(lambda: orders() > before + 5, "orders")
        work.send_signal(signal.SIGINT)
        out, _ = work.communicate(timeout=30)
    eq(work.returncode, 0)
    has(out, " rows changed in ")


@test
def what_was_loaded_is_mirrored():
    eq(tail.command("run", "--catch-up").code, 0)
    tail.must_be_equal()


@test
def a_url_takes_the_place_of_the_configuration():
    pg.sql("CREATE DATABASE other")
    done = subprocess.run(
        [BINARY, "load", "shop", "--rows", "20", "--url", pg.url("other")],
        cwd="/", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    eq(done.returncode, 0, done.stderr)
    eq(pg.value("SELECT count(*) FROM orders", dbname="other"), 20)


@test
def mistakes_are_told():
    eq(tail.command("load").code, 2)
    has(tail.command("load", "stop").err, "there is no data set 'stop'; there is: shop")
    has(tail.command("load", "shop", "--stream", "x").err, "has no stream 'x'")
    has(tail.command("load", "shop", "--url", pg.url("nothing")).err, 'database "nothing" does not exist')
    pg.sql("CREATE DATABASE taken")
    pg.sql("CREATE TABLE orders (id int)", dbname="taken")
    done = tail.command("load", "shop", "--url", pg.url("taken"))
    eq(done.code, 2)
    has(done.err, "public.orders is not one that tailrace made")


run()
