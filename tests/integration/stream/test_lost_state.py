#!/usr/bin/python3
"""Old and lost state, and a server that crashed: nothing is lost, repeated, or comes back."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres
from mirrored import Mirrored
from tap import eq, run, test

pg = Postgres(max_wal_size="64MB")


@test
def an_old_copy_of_the_state_is_refused():
    case = Mirrored(pg, "restored")
    case.tail.stop()
    kept = case.keep_state()
    case.tail.start()
    case.tail.wait_live()
    case.sql("UPDATE t SET v = 'later' WHERE id = 20")
    case.settle()
    case.tail.stop()
    case.lose_state()
    case.bring_back(kept)
    case.sql("DELETE FROM t WHERE id <= 10; UPDATE t SET v = 'third' WHERE id = 11")
    case.must_stop("older", "restored")
    case.recopying()
    case.tail.start()
    case.must_be_equal()
    eq(case.tail.stream()["epoch"], 2)
    case.tail.stop()


@test
def rows_deleted_while_the_state_was_lost_do_not_come_back():
    case = Mirrored(pg, "stateless", on_gap="recopy")
    case.tail.stop()
    case.change_meanwhile()
    case.lose_state()
    case.must_recover()
    case.tail.stop()


@test
def rows_deleted_while_slot_and_state_were_lost_do_not_come_back():
    case = Mirrored(pg, "nothing_left")
    case.tail.stop()
    case.drop_slot()
    case.change_meanwhile()
    case.lose_state()
    case.must_recover()
    case.tail.stop()


@test
def a_server_that_crashed_repeats_and_loses_nothing():
    case = Mirrored(pg, "crashed")
    for n in range(3):
        case.sql(f"INSERT INTO t SELECT i, 'more' FROM generate_series({1000 + n * 100}, {1050 + n * 100}) i;"
                 f"DELETE FROM t WHERE id = {60 + n}; INSERT INTO kept VALUES ({n + 10}, 'x')")
        case.settle()
        # the slot's place was not written down since the last checkpoint
        pg.crash()
        pg.start()
        case.sql(f"UPDATE t SET v = 'after {n}' WHERE id = {70 + n}")
    case.must_be_equal()
    eq(case.tail.stream()["epoch"], 1)
    eq(case.tail.value("SELECT count() - uniqExact(id, _version) FROM shop.kept_log"), 0)
    eq(case.tail.value("SELECT count() FROM shop.kept_log"), 4)
    case.tail.stop()


@test
def a_truncate_that_is_replayed_removes_no_newer_rows():
    case = Mirrored(pg, "truncated")
    for point in ("writer.after_write", "writer.after_record"):
        case.tail.stop()
        case.tail.start(TAILRACE_FAILPOINT=f"{point}=kill@1")
        case.tail.wait_live()
        case.sql("TRUNCATE t")
        case.sql("INSERT INTO t VALUES (1, 'new'), (2, 'new')")
        eq(case.tail.wait_end(60), -9)
        case.sql("INSERT INTO t VALUES (3, 'meanwhile')")
        case.tail.start()
        case.must_be_equal()
        eq(case.tail.query("SELECT id, v FROM shop.t ORDER BY id"), [(1, "new"), (2, "new"), (3, "meanwhile")])
    case.tail.stop()


run()
