#!/usr/bin/python3
"""Brokers with users, TLS and rights, and a registry behind a password: what is asked for is what is done; who is refused
is told by what, and goes on when that is mended."""
import concurrent.futures
import contextlib
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from between import Authority  # noqa: E402
from harness import ROOT, Postgres, Tailrace, free_port, new_folder  # noqa: E402
from kafka import published, subscribed  # noqa: E402
from registry import Registry, guarded  # noqa: E402
from secured import SecuredKafka, new_enough  # noqa: E402
from tap import Skip, eq, has, run, test, wait_until  # noqa: E402

PASSWORDS = {name: f"{name}-s3cr3t" for name in ("plain", "scram", "registry", "key")}
authority, stranger = Authority(new_folder("tls")), Authority(new_folder("stranger"))
kafka = SecuredKafka(authority, PASSWORDS["plain"])
pg = Postgres()
pg.sql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' FROM generate_series(1, 100) i")


def written(name, text):
    path = os.path.join(authority.folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return path


def by_password(listener="SASL", mechanism="PLAIN", user="plain", password=PASSWORDS["plain"], **more):
    return {
        "brokers": kafka.at[listener],
        "security_protocol": "sasl_ssl" if listener == "SASL" else "sasl_plaintext",
        "sasl_mechanism": mechanism,
        "sasl_username": user,
        "sasl_password": password,
        "ssl_ca_location": authority.certificate,
        **more,
    }


def by_certificate(name):
    certificate, key = authority.sign(name)
    return {
        "brokers": kafka.at["TLS"],
        "security_protocol": "ssl",
        "ssl_ca_location": authority.certificate,
        "ssl_certificate_location": certificate,
        "ssl_key_location": key,
    }


def allow_all(user, prefix, stream="shop"):
    """What docs/kafka.md says."""
    kafka.allow(user, "topic", f"{prefix}.*", "create", "describe", "describe_configs", "write")
    kafka.allow(user, "topic", f"{prefix}.tailrace.positions", "read")
    kafka.allow(user, "topic", f"{prefix}.public.*", "read")
    kafka.allow(user, "transactional_id", f"tailrace.{prefix}.{stream}", "describe", "write")


def refused(done, *words):
    eq(done.code, 1, repr(done))
    for word in words:
        has(done.out + done.err, word)
    silent(done.out + done.err)


def silent(text):
    for password in PASSWORDS.values():
        assert password not in text, "a password was shown"


def silent_everywhere(tail):
    with open(tail.log, encoding="utf-8", errors="replace") as file:
        silent(file.read())
    silent(json.dumps(tail.status()))


@test
def who_is_refused_is_told_what_to_mend():
    host = kafka.at["SASL"].replace("127.0.0.1", "localhost")
    cases = [
        (by_password(password="wrong"), "sasl_password"),
        (by_password(mechanism="SCRAM-SHA-256", user="nobody"), "sasl_mechanism"),
        (by_password(brokers=host), "the certificate is not of this host", "ssl.endpoint.identification.algorithm=none"),
        (by_password(ssl_ca_location=stranger.certificate), "authority that is not known here", "ssl_ca_location"),
        (by_password(ssl_ca_location=None), "authority that is not known here", "ssl_ca_location"),
        (by_password(ssl_ca_location="/nowhere.pem"), "option 'ssl_ca_location': cannot read /nowhere.pem"),
        ({**by_certificate("shown"), "ssl_certificate_location": None, "ssl_key_location": None}, "ssl_certificate_location"),
        (by_password(brokers=kafka.address), "security_protocol"),
        ({"brokers": kafka.at["TLS"]}, "no answer; are these `brokers`, and is `security_protocol` what they speak"),
    ]

    def look(case):
        options, *words = case
        config = published(pg, kafka, **{name: value for name, value in options.items() if value})
        refused(Tailrace(config).command("check"), *words)

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(look, cases))
    kafka.allow("plain", "topic", "*", "describe")
    trusting = by_password(brokers=host, properties="ssl.endpoint.identification.algorithm=none")
    has(Tailrace(published(pg, kafka, **trusting)).command("topics", check=True).out, "no topics")


@test
def check_names_each_right_that_is_missing():
    prefix = "checked"
    tail = Tailrace(published(pg, kafka, **by_certificate("least"), topic_prefix=prefix))
    refused(tail.command("check"), "making topic checked.public.t", "allow the user Create on the topic",
            "allow the user Write and Describe on the transactional id tailrace.checked.shop")
    kafka.create_topic("checked.public.t")
    kafka.allow("least", "topic", "checked.*", "describe")
    kafka.allow("least", "transactional_id", "tailrace.checked.shop", "describe")
    wait_until(lambda: "topic checked.public.t has 1 partition" in tail.command("check").out, "the topic to be seen")
    refused(tail.command("check"), "writing to topic checked.public.t", "allow the user Write on the topic",
            "the transactional id tailrace.checked.shop")
    kafka.allow("least", "topic", "checked.*", "write")
    kafka.allow("least", "transactional_id", "tailrace.checked.shop", "write")
    wait_until(lambda: tail.command("check").code == 0, "check to find nothing")
    eq(kafka.messages("checked.public.t"), 0)

    kafka.produce("checked.public.t", [({"id": 1}, {"id": 1})])
    land = Tailrace(subscribed(kafka, **by_certificate("least"), topic_prefix=prefix))
    refused(land.command("check"), "joining the group", "allow the user Read on the consumer group tailrace-shop")
    kafka.allow("least", "group", "tailrace-shop", "describe")
    refused(land.command("check"), "allow the user Read on the consumer group tailrace-shop",
            "reading checked.public.t", "allow the user Read on the topic")


@test
def a_stream_goes_on_once_a_right_that_was_taken_away_is_back():
    allow_all("least", "least")
    tail = Tailrace(published(pg, kafka, **by_certificate("least"), topic_prefix="least"))
    wait_until(lambda: tail.command("check").code == 0, "all rights to be there")
    tail.start()
    tail.wait_live()
    kafka.forbid("least", "topic", "least.*", "write")
    pg.sql("INSERT INTO t VALUES (201, 'later')")
    tail.wait_for(lambda s: tail.stream()["status"] == "retrying", "the stream to be refused")
    has(tail.stream()["error"], "allow the user Write on all topics of the stream")
    kafka.allow("least", "topic", "least.*", "write")
    tail.wait_caught_up(pg)
    eq(sorted(m.key["id"] for m in kafka.read("least.public.t")), [*range(1, 101), 201])
    eq(tail.stop(), 0)
    pg.sql("DELETE FROM t WHERE id > 100; SELECT pg_drop_replication_slot('tailrace_shop'); DROP PUBLICATION tailrace_shop")


def documented(registry, mechanism, user, password):
    """The configuration of docs/kafka.md, word for word but for where things are."""
    with open(os.path.join(ROOT, "docs", "kafka.md"), encoding="utf-8") as file:
        text = re.search(r"## Security.*?```yaml\n(.*?)```", file.read(), re.S)[1]
    certificate, key = authority.sign("client")
    locked = os.path.join(authority.folder, "locked.key")
    subprocess.run(["openssl", "pkcs8", "-topk8", "-in", key, "-out", locked, "-passout", f"pass:{PASSWORDS['key']}"], check=True)
    guard = guarded(registry, "tailrace", PASSWORDS["registry"], authority.sign("localhost"))
    ports = free_port(), free_port()
    for there, here in {
        "postgresql://tailrace@db.internal:5432/shop": pg.url(),
        "kafka-1.internal:9094,kafka-2.internal:9094": kafka.at["SASL"],
        "sasl_mechanism: SCRAM-SHA-512": f"sasl_mechanism: {mechanism}",
        "sasl_username: tailrace": f"sasl_username: {user}",
        "/etc/tailrace/kafka-password": written("kafka-password", password),
        "/etc/tailrace/kafka-ca.pem": authority.certificate,
        "/etc/tailrace/client.pem": certificate,
        "/etc/tailrace/client.key": locked,
        "https://registry.internal:8081": f"https://localhost:{guard}",
        "/etc/tailrace/registry-password": written("registry-password", PASSWORDS["registry"]),
        "/etc/tailrace/registry-ca.pem": authority.certificate,
        "database: shop}": f"database: shop, http_port: {ports[0]}, tcp_port: {ports[1]}}}",
    }.items():
        has(text, there)
        text = text.replace(there, here)
    listen = f"127.0.0.1:{free_port()}"
    tail = Tailrace(text + f"server: {{listen: '{listen}'}}")
    tail.env = {"CLIENT_KEY_PASSWORD": PASSWORDS["key"]}
    tail.config = {"connections": {"warehouse": {"kind": "clickhouse", "http_port": ports[0]}}, "server": {"listen": listen}}
    return tail


def rows(tail):
    """None until the view is there."""
    with contextlib.suppress(OSError, RuntimeError):
        return tail.query("SELECT id, v FROM shop.t ORDER BY id")


def is_equal(tail):
    return rows(tail) == pg.sql("SELECT id, v FROM t ORDER BY id")


def refuses(tail, name):
    """Who has nothing to write does not notice."""
    pg.sql("UPDATE t SET v = v || '.' WHERE id < 10")
    stream = tail.stream(name)
    return stream["status"] == "retrying" and "sasl_password" in stream["error"]


@test
def what_is_documented_works_and_outlives_a_change_of_the_password():
    try:
        login, more = ("SCRAM-SHA-512", "tailrace", PASSWORDS["scram"]), new_enough()
        kafka.put_user("tailrace", PASSWORDS["scram"], "SCRAM-SHA-512")
    except Skip:
        login, more = ("PLAIN", "plain", PASSWORDS["plain"]), {}
    user = login[1]
    registry = Registry()
    tail = documented(registry, *login)
    tail.env |= more

    def unlike(*change):
        other = Tailrace(open(tail.path, encoding="utf-8").read().replace(*change))
        other.env = tail.env
        return other.command("check")

    certificate = f"registry_ca_location: {authority.certificate}"
    refused(unlike(certificate, f"registry_ca_location: {stranger.certificate}"), "`registry_ca_location`")
    refused(unlike("registry_username: tailrace", "registry_username: other"), "registry_username and registry_password")
    refused(unlike("https://localhost:", "http://localhost:"), "registry http://localhost:")
    allow_all(user, "shop", "capture")
    kafka.allow(user, "group", "tailrace-land", "read")
    wait_until(lambda: tail.command("check").code == 0, "check to find nothing", 120)
    tail.start()
    wait_until(lambda: is_equal(tail), "the rows to come through", 120)
    has(tail.command("topics", check=True).out, "shop.public.t")
    eq(json.loads(tail.command("tail", "shop.public.t", "--from", "0", "--count", "1", check=True).out)["key"]["id"], 1)
    if login[0] != "PLAIN":
        kafka.put_user("tailrace", "another", "SCRAM-SHA-512")
        for name in ("capture", "land"):
            wait_until(lambda: refuses(tail, name), f"{name} to be refused", 120)
        kafka.put_user("tailrace", PASSWORDS["scram"], "SCRAM-SHA-512")
    pg.sql("INSERT INTO t VALUES (301, 'later')")
    wait_until(lambda: is_equal(tail), "the changes to come through", 120)
    has(registry.subjects(), "shop.public.t-value")
    silent_everywhere(tail)
    eq(tail.stop(), 0)


run()
