"""A physical standby of a PostgreSQL, made by a base backup on the same machine."""
import os
import shutil

from harness import Postgres

LEFT_OUT = ("postmaster.pid", "postmaster.opts", "pg_wal", "pg_replslot", "pg_stat_tmp")


class Standby(Postgres):
    def __init__(self, primary, slot="standby", **settings):
        self.primary = primary
        primary.sql("SELECT pg_create_physical_replication_slot(%s, true)", (slot,))
        # a standby must have room for as much as its primary has
        super().__init__(
            bin=primary.bin,
            primary_conninfo=f"host=127.0.0.1 port={primary.port} user=postgres application_name={slot}",
            primary_slot_name=slot,
            hot_standby_feedback="on",
            wal_receiver_status_interval="1s",
            **{**primary.settings, **settings},
        )

    def _initdb(self, _):
        """In the place of initdb: pg_basebackup, which not every package of PostgreSQL brings."""
        connection = self.primary.connect()
        cursor = connection.cursor()
        cursor.execute("SELECT pg_backup_start('standby', true)")
        shutil.copytree(self.primary.data, self.data, ignore=shutil.ignore_patterns(*LEFT_OUT))
        for name in LEFT_OUT[2:]:
            os.mkdir(os.path.join(self.data, name), 0o700)
        cursor.execute("SELECT labelfile FROM pg_backup_stop(false)")
        self._put("backup_label", cursor.fetchone()[0])
        self._put("standby.signal", "")
        connection.close()
        os.chmod(self.data, 0o700)
        if self.owner:
            for path, folders, files in os.walk(self.data):
                for name in (path, *(os.path.join(path, name) for name in files)):
                    os.chown(name, self.owner["user"], self.owner["group"])

    def _put(self, name, text):
        with open(os.path.join(self.data, name), "w", encoding="utf-8") as file:
            file.write(text)

    def promote(self):
        self.sql("SELECT pg_promote()")
