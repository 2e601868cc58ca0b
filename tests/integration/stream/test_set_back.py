#!/usr/bin/python3
"""A target that was lost, or set back to an older copy, under a state store that has gone on: rows are missing
there that no log will bring again. It is noticed at a start and while tailrace runs, and never where nothing is
missing."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import ClickHouse, Postgres, Tailrace, mirror
from mirrored import Mirrored
from tap import eq, has, run, test

pg = Postgres()


def warehouse(case):
    return os.path.join(case.tail.folder, ".tailrace", "warehouse")


def keep(folder):
    shutil.copytree(folder, folder + ".kept", symlinks=True)


def set_back(folder):
    shutil.rmtree(folder)
    shutil.copytree(folder + ".kept", folder, symlinks=True)


def must_stop(tail, *parts):
    tail.wait_for(lambda s: tail.stream()["status"] == "stopped", "the stream to stop")
    for part in (*parts, "on_gap: recopy"):
        has(tail.stream()["error"], part)
    eq(tail.get("/readyz")[0], 503)


@test
def an_older_copy_of_the_warehouse_is_a_gap():
    case = Mirrored(pg, "older")
    case.tail.stop()
    keep(warehouse(case))
    case.tail.start()
    case.tail.wait_live()
    case.sql("DELETE FROM t WHERE id <= 10; INSERT INTO kept VALUES (2, 'later')")
    case.settle()
    case.tail.stop()
    set_back(warehouse(case))
    case.tail.start()
    must_stop(case.tail, "connection warehouse", "set back to what it held at 20")
    eq(case.tail.value("SELECT count() FROM shop.t"), 99)
    case.tail.stop()
    case.recopying()
    case.tail.start()
    case.must_be_equal()
    eq(case.tail.stream()["epoch"], 2)
    # and the mark is of the new epoch
    case.tail.stop()
    case.tail.start()
    case.must_be_equal()
    eq(case.tail.stream()["epoch"], 2)
    case.tail.stop()


@test
def a_warehouse_that_is_gone_is_a_gap_and_the_right_one_brought_back_is_none():
    case = Mirrored(pg, "gone")
    case.tail.stop()
    shutil.move(warehouse(case), warehouse(case) + ".kept")
    case.tail.start()
    must_stop(case.tail, "holds nothing of this stream", "emptied")
    case.tail.stop()
    set_back(warehouse(case))
    case.sql("DELETE FROM t WHERE id <= 10")
    case.tail.start()
    case.must_be_equal()
    eq(case.tail.stream()["epoch"], 1)
    case.tail.stop()


@test
def a_database_of_another_name_is_not_taken_for_the_one_that_has_the_rows():
    case = Mirrored(pg, "renamed")
    case.tail.stop()
    case.tail.config["connections"]["warehouse"]["database"] = "store"
    case.tail.configure(case.tail.config)
    case.tail.start()
    must_stop(case.tail, "it is another one")
    case.tail.stop()
    case.recopying()
    case.tail.start()
    case.must_be_equal()
    eq(case.tail.value("SELECT count() FROM store.t"), 99)
    case.tail.stop()


@test
def a_server_that_comes_back_older_while_tailrace_runs_is_noticed():
    pg.sql("CREATE DATABASE running")
    pg.sql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)", dbname="running")
    server = ClickHouse()
    data = os.path.join(server.folder, "data")
    config = mirror(pg, dbname="running", warehouse=server)
    config["connections"]["shop"] |= {"slot": "running", "publication": "running"}
    tail = Tailrace(config).start()
    tail.wait_live()
    # with its mark: one is written at the end
    tail.stop()
    server.stop()
    keep(data)
    server.start()
    tail.start()
    tail.wait_live()
    pg.sql("INSERT INTO t VALUES (101)", dbname="running")
    before = server.value("SELECT max(marked_at) FROM shop_cdc._streams")
    tail.wait_caught_up(pg, "running")
    tail.wait_for(lambda s: server.value("SELECT max(marked_at) FROM shop_cdc._streams") > before, "the next mark")
    server.stop()
    set_back(data)
    server.start()
    pg.sql("INSERT INTO t VALUES (102)", dbname="running")
    must_stop(tail, "set back")
    eq(tail.stop(), 0)
    server.stop()


@test
def a_kill_between_the_two_marks_is_no_gap():
    case = Mirrored(pg, "killed")
    case.tail.stop()
    for _ in range(3):
        case.tail.start(ready=False, TAILRACE_FAILPOINT="stream.marked=kill")
        case.sql("UPDATE t SET v = v || '+' WHERE id = 20")
        eq(case.tail.wait_end(60), -9)
        case.tail.start()
        case.must_be_equal()
        eq(case.tail.stream()["epoch"], 1)
        case.tail.stop()


@test
def a_table_that_was_dropped_in_the_target_alone_is_copied_anew():
    case = Mirrored(pg, "storage")
    case.tail.query("DROP TABLE shop_cdc.t SYNC")
    case.tail.stop()
    case.tail.start()
    case.must_be_equal()
    eq(case.tail.value("SELECT count() FROM shop.t"), 99)
    eq(case.tail.table("public.t")["generation"], 2)
    eq(case.tail.table("public.kept")["generation"], 1)
    case.tail.stop()


run()
