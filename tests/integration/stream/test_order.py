#!/usr/bin/python3
"""Where the order of things decides: commits against records, copies against the stream, locks, open transactions."""
import io
import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from harness import Postgres, Tailrace, mirror
from tap import eq, has, run, test, wait_until

# only the session that asks for it waits for a standby, and there is none
pg = Postgres(synchronous_standby_names="nobody", synchronous_commit="local", autovacuum="off")
pg.sql(
    """
    CREATE TABLE contested (id int PRIMARY KEY, v text);
    INSERT INTO contested VALUES (1, 'first'), (2, 'first'), (3, 'first');
    CREATE TABLE unseen (id int PRIMARY KEY, v text);
    CREATE TABLE rewritten (id int PRIMARY KEY, n int);
    INSERT INTO rewritten SELECT i, i FROM generate_series(1, 5000) i;
    CREATE TABLE toasted (id int PRIMARY KEY, big text, n int);
    ALTER TABLE toasted ALTER big SET STORAGE EXTERNAL;
    INSERT INTO toasted SELECT i, repeat(md5(i::text), 200), 0 FROM generate_series(1, 300) i;
    CREATE TABLE emptied (id int PRIMARY KEY, v text);
    INSERT INTO emptied SELECT i, 'copied' FROM generate_series(1, 5000) i;
    CREATE TABLE other (id int PRIMARY KEY);
    CREATE TABLE altered (id int PRIMARY KEY, v varchar(10));
    INSERT INTO altered VALUES (1, 'copied');
    CREATE TABLE swapped (id int PRIMARY KEY DEFERRABLE, v text);
    ALTER TABLE swapped DROP CONSTRAINT swapped_pkey, ADD PRIMARY KEY (id);
    INSERT INTO swapped VALUES (1, 'one'), (2, 'two'), (3, 'three');
    """
)
ALL = ["public.*", "!public.unseen"]
tail = Tailrace(mirror(pg, tables=ALL))
tail.start()
tail.wait_live()


def settled(*tables):
    tail.wait_live(*tables)
    tail.wait_caught_up(pg)
    tail.must_be_equal(*tables)


class Session:
    """Statements that may wait, one after the other, in a thread."""

    def __init__(self):
        self.connection = pg.connect()
        self.pid = self.connection.info.backend_pid
        self.thread = self.error = None

    def run(self, statement, copy=None):
        with self.connection.cursor() as cursor:
            if copy is None:
                cursor.execute(statement)
            else:
                cursor.copy_expert(statement, io.StringIO(copy))
        return self

    def _try(self, *args):
        try:
            self.run(*args)
        except Exception as error:
            self.error = error

    def begin(self, *args):
        """Starts a statement that waits."""
        self.thread = threading.Thread(target=self._try, args=args, daemon=True)
        self.thread.start()
        return self

    def wait_waiting(self, kind):
        ask = "SELECT wait_event_type || ' ' || wait_event FROM pg_stat_activity WHERE pid = %s"
        wait_until(lambda: kind in (pg.value(ask, (self.pid,)) or ""), f"the session to wait for {kind}")

    def end(self):
        self.thread.join(30)
        assert not self.thread.is_alive()
        self.connection.close()


@test
def the_order_of_commits_decides_not_that_of_records():
    # the row 2 of the COPY is in the log before the DELETE of the old one, and commits after it
    holder = Session().run("BEGIN; DELETE FROM contested WHERE id = 1")
    copying = Session().begin("COPY contested FROM STDIN", "1\tsecond\n2\tsecond\n")
    copying.wait_waiting("Lock")
    pg.sql("DELETE FROM contested WHERE id = 2")
    holder.run("COMMIT")
    copying.end()
    eq(copying.error, None)
    settled("public.contested")
    eq(tail.query("SELECT id, v FROM shop.contested ORDER BY id"), [(1, "second"), (2, "second"), (3, "first")])


@test
def within_a_transaction_the_order_of_records_decides():
    pg.sql("BEGIN; DELETE FROM contested WHERE id = 3; INSERT INTO contested VALUES (3, 'a'); DELETE FROM contested WHERE id = 3;"
           "INSERT INTO contested VALUES (3, 'b'); UPDATE contested SET v = 'c' WHERE id = 3; COMMIT")
    settled("public.contested")
    eq(tail.query("SELECT v FROM shop.contested WHERE id = 3"), [("c",)])


@test
def keys_that_trade_places_keep_what_is_theirs():
    pg.sql("BEGIN; UPDATE swapped SET id = 9 WHERE id = 1; UPDATE swapped SET id = 1 WHERE id = 2;"
           "UPDATE swapped SET id = 2 WHERE id = 3; UPDATE swapped SET id = 3 WHERE id = 9; COMMIT")
    settled("public.swapped")
    eq(tail.query("SELECT id, v FROM shop.swapped ORDER BY id"), [(1, "two"), (2, "three"), (3, "one")])
    pg.sql("BEGIN; UPDATE swapped SET id = -id; UPDATE swapped SET id = -id; COMMIT")
    settled("public.swapped")


@test
def a_copy_reads_its_snapshot_behind_its_lock():
    altering = Session().run("BEGIN; LOCK TABLE rewritten IN ACCESS EXCLUSIVE MODE")
    tail.command("resync", "public.rewritten", check=True)
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'rewritten'::regclass AND NOT granted"
    wait_until(lambda: pg.value(waiting), "the copy to wait for the lock")
    altering.run("ALTER TABLE rewritten ALTER n TYPE bigint USING n * 10; COMMIT")

    def renewed(_):
        # a copy that took its snapshot first reads nothing, and would be shown for a while
        eq(tail.value("SELECT count() FROM shop.rewritten"), 5000)
        return tail.value("SELECT max(n) FROM shop.rewritten") == 50000

    tail.wait_for(renewed, "the new values")
    settled("public.rewritten")
    eq(tail.query("SELECT count(), sum(n) FROM shop.rewritten"), [(5000, 125025000)])


@test
def a_truncate_ends_a_copy_and_what_comes_after_it_stays():
    holder = Session().run("BEGIN; LOCK TABLE emptied IN ACCESS EXCLUSIVE MODE")
    tail.command("resync", "public.emptied", check=True)
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'emptied'::regclass AND NOT granted"
    wait_until(lambda: pg.value(waiting), "the copy to wait for the lock")
    holder.run("TRUNCATE emptied; INSERT INTO emptied VALUES (1, 'streamed'); COMMIT")
    pg.sql("INSERT INTO emptied VALUES (2, 'streamed')")
    tail.wait_for(lambda s: tail.table("public.emptied")["generation"] > 1, "a new generation")
    settled("public.emptied")
    eq(tail.query("SELECT id, v FROM shop.emptied ORDER BY id"), [(1, "streamed"), (2, "streamed")])


@test
def large_values_stay_whole_when_rows_change_while_they_are_copied():
    holder = Session().run("BEGIN; LOCK TABLE toasted IN ACCESS EXCLUSIVE MODE")
    tail.command("resync", "public.toasted", check=True)
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'toasted'::regclass AND NOT granted"
    wait_until(lambda: pg.value(waiting), "the copy to wait for the lock")
    holder.run("UPDATE toasted SET n = n + 1 WHERE id <= 100; COMMIT")
    pg.sql("UPDATE toasted SET n = n + 1 WHERE id <= 50")
    pg.sql("UPDATE toasted SET id = id + 1000 WHERE id BETWEEN 101 AND 150")
    pg.sql("UPDATE toasted SET n = n + 1 WHERE id = 20; DELETE FROM toasted WHERE id = 20")
    tail.wait_for(lambda s: tail.table("public.toasted")["generation"] > 1, "a new generation")
    settled("public.toasted")
    eq(tail.query("SELECT count(), countIf(length(big) = 6400) FROM shop.toasted"), [(299, 299)])


@test
def what_is_in_the_log_and_not_yet_to_be_seen_is_waited_for():
    # it commits before the table is published, so the stream will not have it, and no snapshot shows it yet
    hidden = Session().run("SET synchronous_commit = on").begin("INSERT INTO unseen VALUES (1, 'hidden')")
    hidden.wait_waiting("SyncRep")
    tail.stop()
    tail.configure({**tail.config, "streams": {"shop": {**tail.config["streams"]["shop"], "tables": ["public.*"]}}})
    tail.start()
    tail.wait_for(lambda s: (tail.table("public.unseen") or {}).get("error"), "the copy to say that it waits")
    has(tail.table("public.unseen")["error"], str(hidden.pid))
    eq(tail.table("public.unseen")["status"], "copying")
    tail.wait_for(lambda s: tail.said("copied anew.*table=unseen"), "it to be copied from where it is published")
    said = []
    for _ in range(3):
        reason = tail.table("public.unseen")["error"]
        tail.wait_for(lambda s: tail.table("public.unseen")["error"] != reason, "the reason to tell another age")
        said.append(tail.said("a copy waits.*table=unseen"))
    eq(said[2], said[1], "an age is no news for the log")
    pg.sql("SELECT pg_terminate_backend(%s)", (hidden.pid,))
    hidden.end()
    eq(pg.value("SELECT count(*) FROM unseen"), 1)
    settled("public.unseen")
    eq(tail.query("SELECT id, v FROM shop.unseen"), [(1, "hidden")])
    eq(tail.table("public.unseen")["error"], "")


@test
def an_altered_table_is_looked_at_once_the_catalog_shows_what_the_log_has():
    altering = Session().run("SET synchronous_commit = on")
    altering.begin("ALTER TABLE altered ALTER v TYPE varchar(20); UPDATE altered SET v = 'streamed'")
    altering.wait_waiting("SyncRep")
    asks = "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%pg_locks%transactionid = %'"
    wait_until(lambda: pg.value(asks), "the change to be read from the log")
    pg.sql("SELECT pg_cancel_backend(%s)", (altering.pid,))
    altering.end()
    settled("public.altered")
    eq(tail.table("public.altered")["generation"], 1)


@test
def an_idle_database_does_not_keep_the_log_of_a_busy_one():
    pg.sql("CREATE DATABASE busy")
    pg.sql("CREATE TABLE work (n int, filler text)", dbname="busy")
    pg.sql("INSERT INTO work SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i", dbname="busy")
    end = pg.value("SELECT pg_current_wal_lsn()")
    confirmed = "SELECT confirmed_flush_lsn >= %s FROM pg_replication_slots WHERE slot_name = 'tailrace_shop'"
    wait_until(lambda: pg.value(confirmed, (end,)), "the slot to pass what the other database wrote", 40)


@test
def open_and_prepared_transactions_that_keep_a_slot_from_being_made_are_named():
    pg.sql("CREATE TABLE later (id int PRIMARY KEY)")
    opened = Session().run("BEGIN; INSERT INTO other VALUES (1)")
    Session().run("BEGIN; INSERT INTO other VALUES (2); PREPARE TRANSACTION 'left over'")
    config = mirror(pg, tables=["public.later"], warehouse={"database": "late"})
    config["connections"]["shop"]["slot"] = config["connections"]["shop"]["publication"] = "late"
    late = Tailrace(config)
    check = late.command("check")
    has(check.out, "left over")
    late.start()
    wait_until(lambda: late.said(f"(?s)slot waits.*(left over|{opened.pid})"), "the wait to be said")
    opened.run("COMMIT")
    pg.sql("COMMIT PREPARED 'left over'")
    late.wait_live("public.later")
    eq(late.stop(), 0)
    settled("public.other")
    eq(tail.query("SELECT id FROM shop.other ORDER BY id"), [(1,), (2,)])


@test
def what_is_altered_while_a_table_is_looked_at_is_seen():
    """Its columns are read, another comes and is filled, and only then their numbers and the end of the log."""
    source = Postgres()
    source.sql("CREATE TABLE again (id int PRIMARY KEY, a text); INSERT INTO again VALUES (1, 'copied'), (2, 'copied')")
    mirrored = Tailrace(mirror(source))
    mirrored.start(TAILRACE_FAILPOINT="postgres.relation_read=stop")
    mirrored.wait_live()
    source.sql("UPDATE again SET a = 'first'; ALTER TABLE again DROP a")
    wait_until(lambda: mirrored.halted, "the failpoint")
    source.sql("ALTER TABLE again ADD a text")
    source.sql("UPDATE again SET a = 'second' WHERE id = 1")
    mirrored.process.send_signal(signal.SIGCONT)
    mirrored.wait_caught_up(source)
    mirrored.wait_live()
    mirrored.must_be_equal()
    eq(mirrored.query("SELECT a FROM shop.again ORDER BY id"), [("second",), (None,)])
    mirrored.stop()


run()
