"""A database with two tables, mirrored by a tailrace with a slot and a state of its own: for tests of what
happens when one of them is lost."""
import os

from harness import Tailrace, mirror
from tap import eq, has, wait_until


class Mirrored:
    def __init__(self, pg, name, on_gap="stop"):
        self.pg, self.name = pg, name
        pg.sql(f"CREATE DATABASE {name}")
        self.sql(
            "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'first' FROM generate_series(1, 100) i;"
            "CREATE TABLE kept (id int PRIMARY KEY, v text); INSERT INTO kept VALUES (1, 'kept')"
        )
        config = mirror(pg, dbname=name, tables=["public.*", {"public.kept": {"keep": "both"}}], stream={"on_gap": on_gap})
        config["connections"]["shop"] |= {"slot": name, "publication": name}
        self.tail = Tailrace(config)
        self.tail.start()
        self.tail.wait_live()
        self.sql("UPDATE t SET v = 'second' WHERE id <= 50; DELETE FROM t WHERE id = 100")
        self.settle()

    def sql(self, statement):
        return self.pg.sql(statement, dbname=self.name)

    def settle(self):
        lsn = self.pg.value("SELECT pg_current_wal_insert_lsn()")
        self.sql("SELECT pg_logical_emit_message(true, 'tailrace-test', '')")
        ask = f"SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots WHERE slot_name = '{self.name}'"
        wait_until(lambda: self.pg.value(ask, (lsn,)), f"the slot {self.name} to reach {lsn}")

    def drop_slot(self):
        self.pg.sql("SELECT pg_drop_replication_slot(%s)", (self.name,))

    def make_slot(self):
        self.pg.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (self.name,), dbname=self.name)

    def change_meanwhile(self):
        self.sql("DELETE FROM t WHERE id <= 10; INSERT INTO t VALUES (200, 'meanwhile'); UPDATE t SET v = 'third' WHERE id = 11;"
                 "UPDATE kept SET v = 'changed'")

    def _state(self):
        folder = os.path.join(self.tail.folder, ".tailrace")
        return [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith("state.db")]

    def keep_state(self):
        """{path: bytes}, for bring_back(); while tailrace is down."""
        kept = {}
        for path in self._state():
            with open(path, "rb") as file:
                kept[path] = file.read()
        return kept

    def bring_back(self, kept):
        for path, content in kept.items():
            with open(path, "wb") as file:
                file.write(content)

    def lose_state(self):
        for path in self._state():
            os.unlink(path)

    def must_stop(self, *parts):
        self.tail.start()
        self.tail.wait_for(lambda s: self.tail.stream()["status"] == "stopped", "the stream to stop")
        for part in parts:
            has(self.tail.stream()["error"], part)
        eq(self.tail.get("/readyz")[0], 503)
        eq(self.tail.get("/healthz")[0], 200)
        # nothing was made up for what is missing
        eq(self.tail.value("SELECT count() FROM shop.t"), 99)
        self.tail.stop()

    def must_be_equal(self):
        self.tail.wait_live()
        self.settle()
        self.tail.must_be_equal()

    def must_recover(self, epoch=2):
        self.tail.start()
        self.must_be_equal()
        eq(self.tail.stream()["epoch"], epoch)
        eq(self.tail.query("SELECT id FROM shop.t WHERE id <= 11"), [(11,)])
        self.sql("UPDATE t SET v = 'on' WHERE id = 11; DELETE FROM t WHERE id = 200")
        self.settle()
        eq(self.tail.query("SELECT id, v FROM shop.t WHERE id IN (11, 200)"), [(11, "on")])

    def recopying(self):
        config = self.tail.config
        config["streams"]["shop"]["on_gap"] = "recopy"
        self.tail.configure(config)
