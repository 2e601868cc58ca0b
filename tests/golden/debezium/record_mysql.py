#!/usr/bin/python3
"""Records the events that a real Debezium makes of a real MariaDB, by its connector for MySQL, for the golden tests of
formats/debezium.

It needs MariaDB (Debian's mariadb-server; MARIADB names another /usr), Java 17 or newer and Maven, and writes, as
record.py does, mysql.jsonl and mysql.schemas.json.
"""
import json
import os
import pwd
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib")]
from harness import Server, free_port, new_folder  # noqa: E402
from kafka import COPY_JARS, Connect, Kafka  # noqa: E402
from tap import wait_until  # noqa: E402

USR = os.environ.get("MARIADB", "/usr")
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tailrace</groupId><artifactId>test-mysql</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>io.debezium</groupId><artifactId>debezium-connector-mysql</artifactId><version>2.7.4.Final</version>
  </dependency></dependencies>
</project>
"""
COLUMNS = [
    ("flag", "tinyint(1)", "1"), ("tiny", "tinyint", "-1"), ("tiny_u", "tinyint unsigned", "255"),
    ("small", "smallint", "-1"), ("small_u", "smallint unsigned", "65535"), ("medium", "mediumint", "-5"),
    ("whole", "int", "7"), ("whole_u", "int unsigned", "4294967295"), ("big", "bigint", "9223372036854775807"),
    ("big_u", "bigint unsigned", "18446744073709551615"), ("single", "float", "1.5"), ("twice", "double", "0.1"),
    ("price", "decimal(10,2)", "19.99"), ("wide", "decimal(40,10)", "12345678901234567890.5"),
    ("bit_1", "bit(1)", "b'1'"), ("bit_12", "bit(12)", "b'101'"), ("day", "date", "'2024-02-29'"),
    ("at", "datetime", "'2024-02-29 12:00:00'"), ("at_3", "datetime(3)", "'2024-02-29 12:00:00.123'"),
    ("at_6", "datetime(6)", "'2024-02-29 12:00:00.123456'"), ("atz", "timestamp NULL", "'2024-02-29 12:00:00'"),
    ("atz_6", "timestamp(6) NULL", "'2024-02-29 12:00:00.123456'"), ("hour", "time", "'12:34:56'"),
    ("span", "time(6)", "'-101:02:03.5'"), ("year", "year", "2024"), ("fixed", "char(5)", "'ab'"),
    ("label", "varchar(20)", "'v'"), ("body", "text", "'text'"), ("raw", "binary(4)", "x'00ff'"),
    ("raws", "varbinary(10)", "x'01'"), ("large", "blob", "'blob'"), ("doc", "json", "'{\"a\": 1}'"),
    ("mood", "enum('sad','so so')", "'so so'"), ("kinds", "set('a','b','c')", "'a,c'"),
    ("spot", "point", "ST_GeomFromText('POINT(1 2)')"), ("shape", "geometry", "ST_GeomFromText('LINESTRING(0 0,1 1)')"),
    ("n", "int NOT NULL DEFAULT 3", "4"),
]


class Maria(Server):
    def __init__(self):
        super().__init__()
        self.folder = new_folder("maria")
        self.log, self.socket, self.port = self.folder + "/log", self.folder + "/socket", free_port()
        user = pwd.getpwuid(os.geteuid()).pw_name
        options = ["--no-defaults", f"--datadir={self.folder}/data", f"--user={user}", f"--tmpdir={self.folder}"]
        install = [f"{USR}/bin/mariadb-install-db", *options, f"--basedir={USR}", "--auth-root-authentication-method=normal"]
        with open(self.log, "ab") as out:
            subprocess.run(install, check=True, stdout=out, stderr=out)
        self.spawn([
            f"{USR}/sbin/mariadbd", *options, f"--basedir={USR}", f"--port={self.port}", "--bind-address=127.0.0.1",
            f"--socket={self.socket}", "--log-bin=mysql-bin", "--server-id=7", "--binlog-format=ROW",
        ])
        wait_until(lambda: self.run("SELECT 1").returncode == 0, "MariaDB to answer", 60, every=0.2)

    def run(self, sql, *database):
        argv = [f"{USR}/bin/mariadb", "--no-defaults", "-S", self.socket, "-u", "root", *database]
        return subprocess.run(argv, input=sql, text=True, capture_output=True)

    def sql(self, sql, *database):
        done = self.run(sql, *database)
        if done.returncode:
            raise RuntimeError(done.stderr)


class MySQLConnect(Connect):
    """With the connector for MySQL in the place of that for PostgreSQL."""

    def __init__(self, kafka, **settings):
        self.jars = new_folder("mysql-connector")
        with open(self.jars + "/pom.xml", "w", encoding="utf-8") as file:
            file.write(POM)
        argv = ["mvn", "-q", "-B", "-f", file.name, COPY_JARS, "-DincludeScope=runtime"]
        subprocess.run([*argv, f"-DoutputDirectory={self.jars}/debezium"], check=True)
        super().__init__(kafka, plugin_path=self.jars, **settings)


def make_table(maria):
    maria.sql("CREATE DATABASE shop CHARACTER SET utf8mb4; CREATE USER d@'%' IDENTIFIED BY 'd'; GRANT ALL ON *.* TO d@'%';"
              "CREATE USER d@localhost IDENTIFIED BY 'd'; GRANT ALL ON *.* TO d@localhost")
    columns = ", ".join(f"{name} {declaration}" for name, declaration, _ in COLUMNS)
    maria.sql(f"CREATE TABLE every (id int PRIMARY KEY, {columns})", "shop")
    maria.sql(f"INSERT INTO every VALUES (1, {', '.join(value for *_, value in COLUMNS)})", "shop")
    maria.sql("INSERT INTO every (id) VALUES (2)", "shop")


CHANGES = (
    "UPDATE every SET n = 5 WHERE id = 2; UPDATE every SET id = 9 WHERE id = 2; DELETE FROM every WHERE id = 9;"
    "INSERT INTO every (id) VALUES (20), (21); TRUNCATE every"
)


def main():
    maria = Maria()
    make_table(maria)
    kafka = Kafka()
    connect = MySQLConnect(kafka, key_converter_schemas_enable="true", value_converter_schemas_enable="true")
    connect.put("mysql", {
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "database.hostname": "127.0.0.1", "database.port": maria.port, "database.user": "d", "database.password": "d",
        "database.server.id": 77, "database.ssl.mode": "disabled", "topic.prefix": "mysql",
        "database.include.list": "shop", "skipped.operations": "none", "include.schema.changes": "false",
        "bigint.unsigned.handling.mode": "precise", "poll.interval.ms": 20,
        "schema.history.internal.kafka.bootstrap.servers": kafka.address,
        "schema.history.internal.kafka.topic": "history",
    })

    def have(count):
        def all_there():
            connect.fail_loudly("mysql")
            return kafka.messages("mysql.shop.every") >= count
        return all_there

    wait_until(have(2), "the snapshot", 120)
    maria.sql(CHANGES, "shop")
    # u; d, its tombstone and c of the key that changes; d and its tombstone; two c; t
    wait_until(have(2 + 1 + 3 + 2 + 2 + 1), "the changes", 60)
    messages = [m for m in kafka.read("mysql.shop.every") if m.value]
    schemas = {"every": {"key": messages[0].key["schema"], "value": messages[0].value["schema"]}}
    with open(os.path.join(HERE, "mysql.schemas.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(schemas, ensure_ascii=False, indent=0) + "\n")
    with open(os.path.join(HERE, "mysql.jsonl"), "w", encoding="utf-8") as file:
        for m in messages:
            line = {"table": "every", "key": m.key and m.key["payload"], "value": m.value["payload"]}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    shutil.rmtree(connect.jars)


main()
