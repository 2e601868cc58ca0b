#!/usr/bin/python3
"""Statements that were done, and whose answer never came: what they did is done once, and what was built is recorded.

Between tailrace and ClickHouse stands a proxy that hands such a statement on, waits until it is done, and cuts the
connection in place of its answer.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from between import Between
from harness import ClickHouse
from project import Project
from tap import eq, has, run, test

warehouse = ClickHouse()
number = 0

# Adds what it finds at each build: nothing in it keeps rows from coming twice.
ADDED = {
    "seeds/numbers.csv": "id\n1\n2\n3",
    "models/added.sql": "{{ config(materialized='incremental', order_by='id') }} select * from {{ ref('numbers') }}",
}
MORE = {"seeds/numbers.csv": "id\n4\n5"}


class Cut(Project):
    """A project whose way to the warehouse loses answers; its own queries go there without the proxy."""

    def __init__(self, files, retries=2):
        global number
        number += 1
        self.database = f"db{number}"
        self.between = Between(warehouse.http_port)
        url = f"http://127.0.0.1:{self.between.port}"
        super().__init__(
            files,
            warehouse=warehouse,
            models={"database": self.database, "retries": retries},
            connections={"warehouse": {"kind": "clickhouse", "database": "shop", "url": url}},
        )

    def build_losing(self, text, *args, code=0, **env):
        before = self.between.n_lost
        self.between.lose(text)
        done = self.build(*args, code=code, **env)
        eq(self.between.n_lost, before + 1, f"answers of {text} that were lost")
        return done

    def rows(self, what="groupArray(id) FROM (SELECT id FROM {}.added ORDER BY id)"):
        return warehouse.value("SELECT " + what.format(self.database))

    def tables(self):
        found = warehouse.query(f"SELECT name FROM system.tables WHERE database = '{self.database}' ORDER BY name")
        return [name for name, in found]


def built(retries=2, **more):
    p = Cut({**ADDED, **more}, retries)
    p.build()
    p.write(MORE)
    return p


def settled(p):
    eq(p.rows(), [1, 2, 3, 4, 5])
    eq(p.tables(), ["added", "numbers"])
    has(p.command("plan", check=True).out, "nothing to do")


@test
def the_first_build_whose_answer_is_lost_is_not_done_again_as_if_it_added_to_itself():
    p = Cut(ADDED)
    p.build_losing("RENAME TABLE `%s`.`added" % p.database)
    eq(p.rows(), [1, 2, 3])
    p.write(MORE)
    p.build()
    settled(p)


@test
def rows_are_added_once_where_the_answer_to_the_exchange_is_lost():
    p = built()
    p.build_losing("EXCHANGE TABLES `%s`.`added" % p.database)
    settled(p)
    attempts = [a["status"] for a in p.run()["attempts"] if a["step"] == 1]
    eq(attempts, ["failed", "succeeded"])


@test
def rows_are_added_once_where_the_answer_to_the_insert_is_lost():
    p = built()
    p.build_losing("INSERT INTO `%s`.`added" % p.database)
    settled(p)


@test
def the_next_build_finishes_what_a_run_without_retries_left_open():
    p = built(retries=0)
    p.build_losing("EXCHANGE TABLES `%s`.`added" % p.database, code=1)
    p.build()
    settled(p)


@test
def hooks_that_were_not_run_yet_are():
    hook = "insert into {{ this.schema }}.hooked select count() from {{ this }}"
    hooked = f"{{{{ config(materialized='incremental', order_by='id', post_hook=\"{hook}\") }}}}"
    p = Cut({**ADDED, "models/added.sql": hooked + " select * from {{ ref('numbers') }}"})
    warehouse.query(f"CREATE DATABASE {p.database}")
    warehouse.query(f"CREATE TABLE {p.database}.hooked (n UInt64) ORDER BY n")
    p.build()
    p.write(MORE)
    p.build_losing("EXCHANGE TABLES `%s`.`added" % p.database)
    eq(p.rows(), [1, 2, 3, 4, 5])
    eq(p.rows("groupArray(n) FROM (SELECT n FROM {}.hooked ORDER BY n)"), [3, 5])

    p.write({"seeds/numbers.csv": "id\n6"})
    eq(p.command("build", TAILRACE_FAILPOINT="build.swapped=kill@2").code, -9)
    p.build()
    eq(p.rows(), [1, 2, 3, 4, 5, 6])
    eq(p.rows("max(n) FROM {}.hooked"), 6)
    has(p.command("plan", check=True).out, "nothing to do")


run()
