#!/usr/bin/python3
"""TLS to both ends: what is asked for is what is done, and who cannot be trusted is not talked to."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from between import Authority, Between
from harness import ClickHouse, Postgres, Tailrace, mirror, new_folder
from tap import eq, has, run, test

authority = Authority(new_folder("tls"))
stranger = Authority(new_folder("stranger"))


def encrypted_postgres():
    """One that takes the role `mirror` by TLS alone."""
    server = Postgres(start=False)
    files = [os.path.join(server.data, name) for name in ("server.crt", "server.key")]
    for path, to in zip(authority.sign("localhost"), files):
        shutil.copy(path, to)
        os.chmod(to, 0o600)
        if server.owner:
            os.chown(to, server.owner["user"], server.owner["group"])
    with open(os.path.join(server.data, "pg_hba.conf"), "w", encoding="utf-8") as hba:
        hba.write("host all postgres 127.0.0.1/32 trust\nhostssl all mirror 127.0.0.1/32 scram-sha-256\n")
    server.settings |= {"ssl": "on", "password_encryption": "scram-sha-256"}
    server.start()
    server.sql(
        "CREATE ROLE mirror SUPERUSER LOGIN REPLICATION PASSWORD 'secret';"
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i"
    )
    return server


pg = encrypted_postgres()
server = ClickHouse()
between = Between(server.http_port, tls=authority.sign("localhost"))


def source_by(query, host="localhost"):
    config = mirror(pg, warehouse=server)
    config["connections"]["shop"]["url"] = f"postgresql://mirror:secret@{host}:{pg.port}/postgres?hostaddr=127.0.0.1&{query}"
    return config


def target_by(host="localhost", **keys):
    config = mirror(pg, warehouse=server)
    config["connections"]["warehouse"] |= {"url": f"https://{host}:{between.port}", **keys}
    return config


def refused(config, *words):
    done = Tailrace(config).command("check")
    eq(done.code, 1, done)
    for word in words:
        has(done.out + done.err, word)
    assert "secret" not in done.out + done.err, "the password was shown"


@test
def the_log_and_the_copies_come_by_tls():
    tail = Tailrace(source_by(f"sslmode=verify-full&sslrootcert={authority.certificate}"))
    tail.start()
    tail.wait_live("public.t")
    eq(pg.sql("SELECT DISTINCT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.usename = 'mirror'"), [(True,)])
    eq(pg.value("SELECT count(*) > 0 FROM pg_stat_replication r JOIN pg_stat_ssl s USING (pid) WHERE s.ssl"), True)
    pg.sql("INSERT INTO t VALUES (101, 'more')")
    tail.wait_caught_up(pg)
    tail.must_be_equal()
    eq(tail.stop(), 0)


@test
def a_stream_that_has_worked_goes_on_when_its_password_is_right_again():
    tail = Tailrace(source_by("sslmode=require"))
    tail.start()
    tail.wait_live("public.t")
    pg.sql("ALTER ROLE mirror PASSWORD 'another'")
    pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mirror'")
    tail.wait_for(lambda s: "authentication failed" in tail.stream()["error"], "the stream to be refused")
    eq(tail.stream()["status"], "retrying")
    pg.sql("ALTER ROLE mirror PASSWORD 'secret'; INSERT INTO t VALUES (102, 'later')")
    tail.wait_caught_up(pg)
    tail.must_be_equal()
    eq(tail.stop(), 0)


@test
def a_source_that_cannot_be_trusted_is_refused():
    refused(source_by(f"sslmode=verify-full&sslrootcert={stranger.certificate}"), "certificate verify failed")
    refused(source_by(f"sslmode=verify-full&sslrootcert={authority.certificate}", host="elsewhere"), "elsewhere")
    refused(source_by("sslmode=disable"), "no encryption")


@test
def rows_go_to_the_target_by_tls():
    tail = Tailrace(target_by(ca_file=authority.certificate))
    tail.start()
    tail.wait_live("public.t")
    pg.sql("UPDATE t SET v = 'changed' WHERE id = 1")
    tail.wait_caught_up(pg)
    tail.must_be_equal()
    eq(tail.command("query", "SELECT v FROM t WHERE id = 1", check=True).out.splitlines()[-1], "changed")
    eq(tail.stop(), 0)


@test
def a_target_that_cannot_be_trusted_is_refused():
    refused(target_by(), "certificate", "ca_file")
    refused(target_by(ca_file=stranger.certificate), "certificate", "ca_file")
    refused(target_by(host="127.0.0.1", ca_file=authority.certificate), "127.0.0.1")
    eq(Tailrace(target_by(verify_tls=False)).command("check").code, 0)


run()
