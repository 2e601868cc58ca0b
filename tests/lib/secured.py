"""A broker of Kafka as in production: users with passwords, TLS, and rights.

    kafka = SecuredKafka(authority, "its password")
    kafka.put_user("tailrace", "secret")
    kafka.allow("tailrace", "topic", "shop.*", "write")
    kafka.at["SASL"]                         # brokers, of one listener

The listener PLAINTEXT, `kafka.address`, is the test's own: who comes by it may do all. Requests about users and
rights, which Debian's Python client does not have, are made here.
"""
import ctypes
import glob
import hashlib
import os
import socket
import struct

from harness import free_port, new_folder
from kafka import DEPS, Kafka
from tap import Skip

LOGS_IN = 0x02060100
MECHANISMS = {"SCRAM-SHA-256": (1, "sha256"), "SCRAM-SHA-512": (2, "sha512")}
ITERATIONS = 4096
RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactional_id": 5}
OPERATIONS = {
    "all": 2, "read": 3, "write": 4, "create": 5, "describe": 8, "describe_configs": 10, "idempotent_write": 12,
}
LITERAL, PREFIXED = 3, 4
ALLOW = 3
CREATE_ACLS, DELETE_ACLS, ALTER_USERS = 30, 31, 51


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def compact(data):
    return bytes([len(data) + 1]) + data


def new_enough():
    """What a program's environment needs to have a librdkafka that logs in by SCRAM at Kafka 4; Debian 12's does not."""
    if ctypes.CDLL("librdkafka.so.1").rd_kafka_version() >= LOGS_IN:
        return {}
    found = glob.glob(os.path.join(DEPS, "librdkafka/venv/lib/python3*/site-packages/confluent_kafka.libs/librdkafka*.so*"))
    if not found:
        raise Skip("a newer librdkafka is not to be had; run tools/setup test with a network")
    folder = new_folder("librdkafka")
    os.symlink(found[0], os.path.join(folder, "librdkafka.so.1"))
    return {"LD_LIBRARY_PATH": folder}


class SecuredKafka(Kafka):
    """Listeners: SASL, with TLS (users by put_user, and `plain`), BARE, without it (`plain`), and TLS, where clients
    show a certificate whose name is the user's. Who has logged in does so anew every two seconds."""

    def __init__(self, authority, plain_password, **settings):
        protocols = {"SASL": "SASL_SSL", "BARE": "SASL_PLAINTEXT", "TLS": "SSL"}
        self.at = {name: f"127.0.0.1:{free_port()}" for name in protocols}
        both = os.path.join(authority.folder, "broker.pem")
        with open(both, "w", encoding="utf-8") as out:
            for path in reversed(authority.sign("127.0.0.1")):
                with open(path, encoding="utf-8") as file:
                    out.write(file.read())
        module = "org.apache.kafka.common.security.{} required"
        scram = module.format("scram.ScramLoginModule") + ";"
        plain = module.format("plain.PlainLoginModule") + f' user_plain="{plain_password}";'
        super().__init__(listeners=[(name, protocols[name], at) for name, at in self.at.items()], **{
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": both,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": authority.certificate,
            "ssl.principal.mapping.rules": "RULE:^CN=(.*)$/$1/,DEFAULT",
            "listener.name.sasl.ssl.client.auth": "requested",
            "listener.name.tls.ssl.client.auth": "required",
            "listener.name.sasl.sasl.enabled.mechanisms": ",".join([*MECHANISMS, "PLAIN"]),
            "listener.name.sasl.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.sasl.scram-sha-512.sasl.jaas.config": scram,
            "listener.name.sasl.plain.sasl.jaas.config": plain,
            "listener.name.sasl.connections.max.reauth.ms": 2000,
            "listener.name.bare.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.bare.plain.sasl.jaas.config": plain,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            **settings,
        })

    def _ask(self, api, version, flexible, body):
        """The answer to one request, behind its header and the time that it was throttled."""
        header = struct.pack(">hhi", api, version, 1) + text("tests") + (b"\0" if flexible else b"")
        host, port = self.address.split(":")
        with socket.create_connection((host, int(port)), 30) as broker, broker.makefile("rb") as answer:
            broker.sendall(struct.pack(">i", len(header + body)) + header + body)
            [size] = struct.unpack(">i", answer.read(4))
            return answer.read(size)[4 + flexible + 4:]

    def put_user(self, name, password, mechanism="SCRAM-SHA-256"):
        """A user, or another password of one."""
        number, digest = MECHANISMS[mechanism]
        salt = os.urandom(16)
        salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, ITERATIONS)
        upsert = compact(name.encode()) + struct.pack(">bi", number, ITERATIONS) + compact(salt) + compact(salted)
        said = self._ask(ALTER_USERS, 0, True, b"\1" + b"\2" + upsert + b"\0" + b"\0")
        assert said[2 + len(name):4 + len(name)] == b"\0\0", said

    @staticmethod
    def _right(user, resource, name, operation):
        kind = PREFIXED if name.endswith("*") and name != "*" else LITERAL
        name = name if kind == LITERAL else name[:-1]
        return (
            struct.pack(">b", RESOURCES[resource]) + text(name) + struct.pack(">b", kind) + text(f"User:{user}")
            + text("*") + struct.pack(">bb", OPERATIONS[operation], ALLOW)
        )

    def allow(self, user, resource, name, *operations):
        """resource: topic, group, cluster, transactional_id; name: `shop.*` is all that begin so."""
        rights = [self._right(user, resource, name, operation) for operation in operations]
        said = self._ask(CREATE_ACLS, 1, False, struct.pack(">i", len(rights)) + b"".join(rights))
        assert not said[4:].strip(b"\0"), said

    def forbid(self, user, resource, name, *operations):
        """Takes back what was allowed."""
        rights = [self._right(user, resource, name, operation) for operation in operations]
        said = self._ask(DELETE_ACLS, 1, False, struct.pack(">i", len(rights)) + b"".join(rights))
        assert said[4:6] == b"\0\0", said
