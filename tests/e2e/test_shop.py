#!/usr/bin/python3
"""examples/shop: a star schema on the mirrored shop, backfilled, kept up to date by change, equal to the source."""
import datetime
import os
import shutil
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
from harness import Postgres, Tailrace, mirror  # noqa: E402
from tap import eq, has, run, test, wait_until  # noqa: E402

TODAY = datetime.datetime.now(datetime.timezone.utc).date()
BEGIN, YESTERDAY = TODAY - datetime.timedelta(days=37), TODAY - datetime.timedelta(days=1)

pg = Postgres()
pg.sql("CREATE DATABASE shop")
config = mirror(pg, tables=["public.*", "logistics.*"], dbname="shop")
config["models"] = {"project": "project", "database": "mart", "schedules": False}
tail = Tailrace(config)
shutil.copytree(os.path.join(ROOT, "examples", "shop"), os.path.join(tail.folder, "project"))
VARS = ("--vars", f"{{begin: '{BEGIN}'}}")

SOLD = """
    SELECT o.placed_at::date AS day, count(*) AS lines, sum(i.quantity) AS items, sum(i.quantity * i.unit_price) AS gross
    FROM orders o JOIN order_items i ON i.order_id = o.id
    WHERE o.status <> 'cancelled' AND o.placed_at >= %s GROUP BY day ORDER BY day
"""
BUILT = """
    SELECT date_key AS day, count() AS lines, sum(quantity) AS items, sum(gross_amount) AS gross
    FROM mart.v_total_sales GROUP BY day ORDER BY day
"""


def sold():
    return [(str(day), lines, items, float(gross)) for day, lines, items, gross in pg.sql(SOLD, (BEGIN,), dbname="shop")]


def built():
    return [(str(day), int(lines), int(items), float(gross)) for day, lines, items, gross in tail.query(BUILT)]


def settled():
    tail.wait_caught_up(pg)


@test
def the_shop_is_mirrored_and_its_fact_table_backfilled():
    tail.command("load", "shop", "--rows", "4000", check=True)
    tail.start()
    tail.wait_live()
    settled()
    tail.command("build", "--exclude", "fact_sales+", *VARS, check=True, timeout=300)
    tail.command("backfill", "fact_sales", "--from", str(BEGIN), "--to", str(YESTERDAY), *VARS, check=True, timeout=300)
    eq(tail.value("SELECT uniqExact(date_key) FROM mart.fact_sales"), 37)
    tail.command("build", *VARS, check=True, timeout=300)


@test
def batches_are_files_too():
    folder = os.path.join(tail.folder, "project", "exports")
    for day in (BEGIN, YESTERDAY):
        with open(os.path.join(folder, "sales", f"{day}.parquet"), "rb") as file:
            eq(file.read(4), b"PAR1")
    with open(os.path.join(folder, "top_sellers.csv"), encoding="utf-8") as file:
        eq(len(file.read().splitlines()), 11)


@test
def batch_and_speed_together_are_what_the_shop_sold():
    eq(built(), sold())
    layers = tail.query("SELECT layer, min(date_key), max(date_key) FROM mart.v_total_sales GROUP BY layer ORDER BY layer")
    eq(layers[0], ("batch", str(BEGIN), str(YESTERDAY)))


@test
def discounts_are_shared_out_to_the_cent():
    wrong = tail.value("SELECT count() FROM mart.fact_sales WHERE net_amount != gross_amount - discount_amount")
    eq(wrong, 0)
    theirs = pg.value(
        "SELECT coalesce(sum(discount), 0) FROM orders WHERE status <> 'cancelled' AND placed_at >= %s AND placed_at < %s",
        (BEGIN, TODAY),
        dbname="shop",
    )
    ours = tail.value(f"SELECT sum(discount_amount) FROM mart.fact_sales WHERE date_key < '{TODAY}'")
    eq(float(ours), float(theirs))


@test
def money_is_never_computed_in_floats():
    shares = """
        SELECT discount_amount, gross_amount, is_first, order_gross, discount FROM (
            SELECT *, row_number() OVER (PARTITION BY order_id ORDER BY line) = 1 AS is_first,
                sum(gross_amount) OVER (PARTITION BY order_id) AS order_gross,
                sum(discount_amount) OVER (PARTITION BY order_id) AS discount
            FROM mart.fact_sales)
        WHERE NOT is_first AND discount != 0"""
    # the first line of an order takes what rounding leaves, any other is half a cent off its share at most
    off = "abs(discount_amount * order_gross - discount * gross_amount) * 200 > order_gross"
    eq(tail.query(f"SELECT count() > 10, countIf({off}) FROM ({shares})"), [(1, 0)])
    costs = "mart.stg_products AS p JOIN shop.products AS s ON s.id = p.product_id WHERE s.cost IS NULL"
    eq(tail.query(f"SELECT count() > 0, countIf(p.cost * 100 != p.price * 62) FROM {costs}"), [(1, 0)])


@test
def the_questions_have_answers():
    for question, least in (
        ("q_total_sales", 1),
        ("q_best_weekday", 7),
        ("q_top_sellers", 10),
        ("q_top_products_by_category", 12),
        ("q_payment_methods", 4),
        ("q_customer_ranking", 100),
    ):
        rows = tail.value(f"SELECT count() FROM mart.{question}")
        assert rows >= least, f"{question} has {rows} rows"
    assert tail.value("SELECT max(place) FROM mart.q_top_products_by_category") <= 5


@test
def the_check_of_the_union_finds_a_discount_that_is_not_the_orders():
    check = "total_sales_equal_the_source"
    has(tail.command("test", check, *VARS, check=True).out, "PASS " + check)
    of_one = "WHERE order_id = (SELECT min(order_id) FROM mart.fact_sales) AND line = 1 SETTINGS mutations_sync = 1"
    tail.query(f"ALTER TABLE mart.fact_sales UPDATE net_amount = net_amount + 1 {of_one}")
    has(tail.command("test", check, *VARS, check=True).out, "WARN " + check)
    tail.query(f"ALTER TABLE mart.fact_sales UPDATE net_amount = net_amount - 1 {of_one}")
    has(tail.command("test", check, *VARS, check=True).out, "PASS " + check)


@test
def a_late_change_makes_its_own_day_dirty_and_no_other():
    day = BEGIN + datetime.timedelta(days=3)
    order = pg.value(
        "SELECT min(id) FROM orders WHERE placed_at::date = %s AND status <> 'cancelled'", (day,), dbname="shop"
    )
    pg.sql("DELETE FROM orders WHERE id = %s", (order,), dbname="shop")
    settled()
    plan = tail.command("plan", "fact_sales", *VARS, check=True).out
    has(plan, str(day))
    assert str(day + datetime.timedelta(days=1)) not in plan, plan
    tail.command("build", *VARS, check=True, timeout=300)
    eq(tail.value(f"SELECT count() FROM mart.fact_sales WHERE order_id = {order}"), 0)
    eq(built(), sold())


@test
def a_new_order_is_there_at_once():
    pg.sql(
        "WITH o AS (INSERT INTO orders (customer_id, channel, placed_at) VALUES (1, 'web', now()) RETURNING id)"
        " INSERT INTO order_items SELECT id, 1, 1, 2, 10 FROM o",
        dbname="shop",
    )
    settled()
    eq(built(), sold())


@test
def dimensions_keep_every_version():
    pg.sql("UPDATE customers SET tier = 'gold' WHERE id = 1; UPDATE customers SET tier = 'new' WHERE id = 1", dbname="shop")
    pg.sql("UPDATE customers SET name = 'Another Name' WHERE id = 2", dbname="shop")
    settled()
    tail.command("build", "+dim_customers", *VARS, check=True, timeout=300)
    versions = tail.query(
        "SELECT name, is_current, toYear(valid_from), toYear(valid_to) FROM mart.dim_customers WHERE customer_id = 2 ORDER BY valid_from"
    )
    eq(len(versions), 2)
    eq(versions[0][1:3], (False, 1970))
    eq(versions[1], ("Another Name", True, TODAY.year, 2100))


@test
def run_keeps_it_up_to_date_by_itself():
    tail.stop()
    path = os.path.join(tail.folder, "project", "dbt_project.yml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace('begin: "2026-01-01"', f'begin: "{BEGIN - datetime.timedelta(days=1)}"'))
    config["models"]["schedules"] = True
    tail.configure(config)
    pg.sql("DELETE FROM orders WHERE id = (SELECT min(id) FROM orders WHERE placed_at >= %s)", (BEGIN,), dbname="shop")
    tail.start()
    settled()
    wait_until(lambda: tail.value("SELECT uniqExact(date_key) FROM mart.fact_sales") == 39, "the day before the first", 90)
    wait_until(lambda: built()[1:] == sold(), "the changed day", 150)


run()
