"""Kafka brokers, and a Kafka Connect worker with Debezium, each a JVM of its own, from Maven's jars; what a user of
Kafka runs. The jars are kept in tests/deps/jars, the data in the temporary folder.

    kafka = Kafka(brokers=3)
    kafka.read("shop.public.orders")    # all messages that are committed
"""
import base64
import collections
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
import uuid
import zlib

from harness import ROOT, Server, free_port, new_folder
from tap import Skip, wait_until

DEPS = os.path.join(ROOT, "tests", "deps")
CACHE = os.path.join(DEPS, "jars")
CLUSTER = "dGFpbHJhY2UtdGVzdC0xMQ"
COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"

# a JVM that lives for seconds: one that optimizes less, and has fewer threads for its heap
BRIEF = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
# as Kafka's own start scripts have it, to be measured
AS_SHIPPED = ["-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35"]
AS_SHIPPED += ["-XX:+ExplicitGCInvokesConcurrent"]
LOG = f"-Dlog4j2.configurationFile={DEPS}/maven/log4j2.properties"


def jars(name):
    """The folder of the jars that maven/NAME/pom.xml asks for; fetched when the pom has changed."""
    pom, folder = os.path.join(DEPS, "maven", name, "pom.xml"), os.path.join(CACHE, name)
    with open(pom, "rb") as file:
        sum_of_pom = str(zlib.crc32(file.read()))
    stamp = os.path.join(CACHE, name + ".stamp")
    if os.path.exists(stamp) and open(stamp, encoding="utf-8").read() == sum_of_pom:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    argv = ["mvn", "-q", "-B", "-f", pom, COPY_JARS, "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    if not shutil.which("mvn") or subprocess.run(argv).returncode:
        raise Skip(f"the jars of {name} are not to be had; run tools/setup test with a network")
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(sum_of_pom)
    return folder


def java():
    """A Java of release 17 or newer."""
    said = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    release = re.search(r'version "(\d+)', said)
    if not release or int(release[1]) < 17:
        raise Skip("Kafka needs Java 17 or newer; tools/setup test installs it")
    return "java"


def published(pg, kafka, tables=("public.*",), stream=None, **connection):
    """A configuration: one stream, `shop`, from PostgreSQL to Kafka."""
    return {
        "connections": {
            "shop": {"kind": "postgres", "url": pg.url()},
            "events": {"kind": "kafka", "brokers": kafka.address, "topic_prefix": "shop", **connection},
        },
        "streams": {"shop": {"from": "shop", "to": "events", "tables": list(tables), **(stream or {})}},
        "server": {"listen": f"127.0.0.1:{free_port()}"},
    }


def subscribed(kafka, tables=("public.*",), stream=None, warehouse=None, **connection):
    """A configuration: one stream, `shop`, from Kafka to the embedded ClickHouse or, given one, a ClickHouse object."""
    target = {"kind": "clickhouse", "database": "shop"}
    if warehouse:
        target["url"] = warehouse.http_url
    else:
        target |= {"url": "embedded", "http_port": free_port(), "tcp_port": free_port()}
    return {
        "connections": {"events": {"kind": "kafka", "brokers": kafka.address, "topic_prefix": "shop", **connection}, "warehouse": target},
        "streams": {"shop": {"from": "events", "to": "warehouse", "tables": list(tables), **(stream or {})}},
        "server": {"listen": f"127.0.0.1:{free_port()}"},
    }


def properties(path, **values):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())


def formatted():
    """A folder for a broker's data as `kafka-storage format` makes it, which is a JVM of its own."""
    there = os.path.join(jars("kafka"), "formatted")
    if not os.path.exists(there):
        new = tempfile.mkdtemp(prefix="formatted-", dir=jars("kafka"))
        path = os.path.join(new_folder("format"), "server.properties")
        properties(path, **{
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": "1@127.0.0.1:1",
            "listeners": "PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": new,
        })
        argv = [*Broker.java_argv(*BRIEF), "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", path]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        try:
            os.rename(new, there)
        except OSError:  # another test was faster
            shutil.rmtree(new)
    return there


Message = collections.namedtuple("Message", "topic partition offset key value headers timestamp")


def decoded(data):
    """JSON as what it says, other bytes as they are."""
    try:
        return data if data is None else json.loads(data)
    except ValueError:
        return data


class Broker(Server):
    """A node that is a broker and a controller."""

    def __init__(self, node, voters, listen, controller, jvm, settings, listeners=()):
        """`listeners`: more of them, as (name, protocol, address)."""
        super().__init__()
        self.folder = new_folder("kafka")
        self.log = os.path.join(self.folder, "log")
        self.jvm = jvm
        self.listen = listen
        self.path = os.path.join(self.folder, "server.properties")
        open_at = [("PLAINTEXT", "PLAINTEXT", listen), ("CONTROLLER", "PLAINTEXT", controller), *listeners]
        properties(self.path, **{
            "process.roles": "broker,controller",
            "node.id": node,
            "controller.quorum.voters": voters,
            "listeners": ",".join(f"{name}://{at}" for name, _, at in open_at),
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol, _ in open_at),
            "log.dirs": os.path.join(self.folder, "data"),
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.num.partitions": 4,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            **settings,
        })
        data = os.path.join(self.folder, "data")
        shutil.copytree(formatted(), data)
        own = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        meta = {"version": 1, "cluster.id": CLUSTER, "node.id": node, "directory.id": own}
        properties(os.path.join(data, "meta.properties"), **meta)
        self.start()

    @staticmethod
    def java_argv(*options):
        return [java(), *options, "-cp", jars("kafka") + "/*"]

    def start(self):
        self.spawn([*self.java_argv(*self.jvm, LOG), "kafka.Kafka", self.path])
        return self

    def restart(self):
        self.kill()
        return self.start()


class Kafka:
    """A cluster; `settings` are the brokers' own, with underscores for dots."""

    def __init__(self, brokers=1, heap="512m", jvm=BRIEF, listeners=(), **settings):
        listens = [f"127.0.0.1:{free_port()}" for _ in range(brokers)]
        controllers = [f"127.0.0.1:{free_port()}" for _ in range(brokers)]
        voters = ",".join(f"{n}@{controller}" for n, controller in enumerate(controllers, 1))
        copies = min(brokers, 3)
        given = {
            "default.replication.factor": copies,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            **{name.replace("_", "."): value for name, value in settings.items()},
        }
        self.address = ",".join(listens)
        self.brokers = [
            Broker(n, voters, listens[n - 1], controllers[n - 1], [*jvm, f"-Xms{heap}", f"-Xmx{heap}"], given, listeners)
            for n in range(1, brokers + 1)
        ]
        self.wait_ready()

    def wait_ready(self):
        all_there = f"{len(self.brokers)} brokers:"
        for broker in self.brokers:
            ask = ["kcat", "-b", broker.listen, "-L", "-m", "1"]
            wait_until(lambda: all_there in self._answer(ask), "Kafka to answer", 120, every=0.2)

    def _answer(self, argv):
        if not all(broker.running for broker in self.brokers):
            raise RuntimeError("a broker of Kafka ended, see its log")
        done = subprocess.run(argv, capture_output=True, text=True)
        return "" if done.returncode else done.stdout

    def _kcat(self, *args):
        return self._answer(["kcat", "-b", self.address, *args])

    def messages(self, topic):
        """Where the first partition ends, which counts the marks of transactions as well; 0 without a topic."""
        found = re.search(r"offset (\d+)", self._kcat("-Q", "-t", f"{topic}:0:-1"))
        return int(found[1]) if found else 0

    @property
    def client(self):
        """Settings of a Python client; it says nothing on stderr, which tests share with their results."""
        return {"bootstrap.servers": self.address, "log_level": 0}

    @functools.cached_property
    def admin(self):
        from confluent_kafka.admin import AdminClient

        return AdminClient(self.client)

    def topics(self):
        """Names to numbers of partitions."""
        return {name: len(topic.partitions) for name, topic in self.admin.list_topics(timeout=30).topics.items()}

    def create_topic(self, name, partitions=1, **config):
        from confluent_kafka.admin import NewTopic

        config = {key.replace("_", "."): str(value) for key, value in config.items()}
        new = NewTopic(name, partitions, replication_factor=-1, config=config)
        self.admin.create_topics([new])[name].result(30)

    def delete_topic(self, name):
        self.admin.delete_topics([name])[name].result(30)
        wait_until(lambda: name not in self.topics(), f"topic {name} to be gone")

    def tool(self, name, *args):
        """One of Kafka's own commands, by its class in org.apache.kafka.tools."""
        argv = [*Broker.java_argv(*BRIEF), "org.apache.kafka.tools." + name]
        argv += ["--bootstrap-server", self.address, *args]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def delete_records(self, topic, below, partition=0):
        """What retention does: messages below that offset are gone."""
        path = os.path.join(new_folder("records"), "offsets.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"partitions": [{"topic": topic, "partition": partition, "offset": below}], "version": 1}, file)
        self.tool("DeleteRecordsCommand", "--offset-json-file", path)

    def delete_group(self, name):
        self.tool("consumer.group.ConsumerGroupCommand", "--delete", "--group", name)

    def topic_config(self, name):
        from confluent_kafka.admin import ConfigResource

        resource = ConfigResource("topic", name)
        found = self.admin.describe_configs([resource])[resource].result(30)
        return {key: entry.value for key, entry in found.items()}

    def set_topic_config(self, name, **config):
        from confluent_kafka.admin import ConfigResource

        config = {key.replace("_", "."): str(value) for key, value in config.items()}
        resource = ConfigResource("topic", name, set_config=config)
        self.admin.alter_configs([resource])[resource].result(30)

    def produce(self, topic, messages):
        """(key, value) pairs; texts, bytes, None, or what becomes JSON."""
        from confluent_kafka import Producer

        producer = Producer({**self.client, "partitioner": "murmur2_random"})
        for key, value in messages:
            pair = [v if v is None or isinstance(v, (str, bytes)) else json.dumps(v) for v in (key, value)]
            producer.produce(topic, key=pair[0], value=pair[1])
            producer.poll(0)
        if producer.flush(60):
            raise RuntimeError(f"topic {topic} does not take messages")

    def read(self, topic, isolation="read_committed", decode=decoded):
        """All messages of a topic, in the order of each partition; [] without such a topic."""
        from confluent_kafka import Consumer, KafkaError, TopicPartition

        partitions = self.topics().get(topic, 0)
        consumer = Consumer({
            **self.client, "group.id": "tests", "enable.auto.commit": False,
            "isolation.level": isolation, "enable.partition.eof": True, "auto.offset.reset": "earliest",
        })
        consumer.assign([TopicPartition(topic, n, 0) for n in range(partitions)])
        found, open_ends = [], set(range(partitions))
        while open_ends:
            for m in consumer.consume(10000, timeout=0.1):
                if not m.error():
                    found.append(Message(
                        m.topic(), m.partition(), m.offset(), decode(m.key()), decode(m.value()),
                        dict(m.headers() or ()), m.timestamp()[1],
                    ))
                elif m.error().code() == KafkaError._PARTITION_EOF:
                    open_ends.discard(m.partition())
                else:
                    raise RuntimeError(m.error().str())
        consumer.close()
        return found


class Connect(Server):
    """A worker of Kafka Connect, distributed as in production, with Debezium's connector for PostgreSQL."""

    def __init__(self, kafka, jvm=BRIEF, **settings):
        """`settings` are the worker's own, with underscores for dots."""
        super().__init__()
        self.folder = new_folder("connect")
        self.log = os.path.join(self.folder, "log")
        self.url = f"http://127.0.0.1:{free_port()}"
        path = os.path.join(self.folder, "worker.properties")
        topics = {}
        for what in ("config", "offset", "status"):
            topics[f"{what}.storage.topic"] = f"connect-{what}"
            topics[f"{what}.storage.replication.factor"] = min(len(kafka.brokers), 3)
        jars("connector")
        plugins = os.path.join(self.folder, "plugins")
        os.makedirs(plugins)
        os.symlink(os.path.join(CACHE, "connector"), os.path.join(plugins, "debezium"))
        properties(path, **{
            "bootstrap.servers": kafka.address,
            "group.id": "connect",
            "listeners": self.url,
            **topics,
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "key.converter.schemas.enable": "false",
            "value.converter.schemas.enable": "false",
            "plugin.path": plugins,
            "plugin.discovery": "service_load",
            **{name.replace("_", "."): value for name, value in settings.items()},
        })
        # 256 MiB to 2 GiB: the heap that Kafka's own script gives it
        self.spawn([java(), *jvm, LOG, "-Xms256m", "-Xmx2g", "-cp", f"{jars('kafka')}/*:{jars('avro')}/*",
            "org.apache.kafka.connect.cli.ConnectDistributed", path])
        wait_until(lambda: self.call("GET", "/connectors") is not None, "Kafka Connect to answer", 120, every=0.2)

    def call(self, method, path, body=None):
        """The answer; None while it cannot answer."""
        if not self.running:
            raise RuntimeError("Kafka Connect ended, see its log")
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code in (404, 409):
                return None
            raise RuntimeError(error.read().decode(errors="replace")) from None
        except OSError:
            return None

    def put(self, name, config):
        wait_until(lambda: self.call("PUT", f"/connectors/{name}/config", config), f"connector {name}", 60)

    def set_state(self, name, verb):
        """resume, stop"""
        self.call("PUT", f"/connectors/{name}/{verb}", {})

    def fail_loudly(self, name):
        for task in (self.call("GET", f"/connectors/{name}/status") or {"tasks": []})["tasks"]:
            if task["state"] == "FAILED":
                raise RuntimeError(f"connector {name}: {task['trace'][:2000]}")

    def remove(self, name):
        self.call("DELETE", f"/connectors/{name}")
