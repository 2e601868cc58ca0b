"""A Kafka broker and a Kafka Connect worker with Debezium, each a JVM of its own, from Maven's jars; what a
user of Debezium runs. The jars are kept in bench/.cache, the data in the temporary folder."""
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
import zlib

from harness import Server, free_port, new_folder
from tap import wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(HERE, ".cache")
COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"

# as Kafka's own start scripts have them
_JVM = ["-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35"]
_JVM += ["-XX:+ExplicitGCInvokesConcurrent", f"-Dlog4j2.configurationFile={HERE}/debezium/log4j2.properties"]


def jars(name):
    """The folder of the jars that debezium/NAME/pom.xml asks for; fetched when the pom has changed."""
    pom, folder = os.path.join(HERE, "debezium", name, "pom.xml"), os.path.join(CACHE, name)
    with open(pom, "rb") as file:
        sum_of_pom = str(zlib.crc32(file.read()))
    stamp = os.path.join(CACHE, name + ".stamp")
    if os.path.exists(stamp) and open(stamp, encoding="utf-8").read() == sum_of_pom:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    argv = ["mvn", "-q", "-B", "-f", pom, COPY_JARS, "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    subprocess.run(argv, check=True)
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(sum_of_pom)
    return folder


def java():
    """A Java of release 17 or newer."""
    said = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    release = re.search(r'version "(\d+)', said)
    if not release or int(release[1]) < 17:
        raise RuntimeError("Kafka needs Java 17 or newer; tools/setup bench installs it")
    return "java"


def properties(path, **values):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())


class Kafka(Server):
    """One broker that is its own controller."""

    def __init__(self):
        super().__init__()
        self.folder = new_folder("kafka")
        self.log = os.path.join(self.folder, "log")
        self.address = f"127.0.0.1:{free_port()}"
        path = os.path.join(self.folder, "server.properties")
        controller = f"127.0.0.1:{free_port()}"
        properties(path, **{
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{controller}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": os.path.join(self.folder, "data"),
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
        })
        run = [java(), "-cp", jars("kafka") + "/*"]
        with open(self.log, "ab") as out:
            subprocess.run(
                [*run, "kafka.tools.StorageTool", "format", "-t", "dGFpbHJhY2UtYmVuY2gtMQ", "-c", path],
                check=True, stdout=out, stderr=out,
            )
        self.spawn([*run[:1], *_JVM, "-Xms1g", "-Xmx1g", *run[1:], "kafka.Kafka", path])
        wait_until(lambda: self._kcat("-L", "-m", "1") is not None, "Kafka to answer", 90, every=0.2)

    def _kcat(self, *args):
        if not self.running:
            raise RuntimeError("Kafka ended, see its log")
        done = subprocess.run(["kcat", "-b", self.address, *args], capture_output=True, text=True)
        return None if done.returncode else done.stdout

    def messages(self, topic):
        """How many there are; 0 while there is no such topic."""
        found = re.search(r"offset (\d+)", self._kcat("-Q", "-t", f"{topic}:0:-1") or "")
        return int(found[1]) if found else 0


class Connect(Server):
    """A worker of Kafka Connect, distributed as in production, with Debezium's connector for PostgreSQL."""

    def __init__(self, kafka):
        super().__init__()
        self.folder = new_folder("connect")
        self.log = os.path.join(self.folder, "log")
        self.url = f"http://127.0.0.1:{free_port()}"
        path = os.path.join(self.folder, "worker.properties")
        topics = {}
        for what in ("config", "offset", "status"):
            topics[f"{what}.storage.topic"] = f"connect-{what}"
            topics[f"{what}.storage.replication.factor"] = 1
        jars("connector")
        plugins = os.path.join(self.folder, "plugins")
        os.makedirs(plugins)
        os.symlink(os.path.join(CACHE, "connector"), os.path.join(plugins, "debezium"))
        properties(path, **{
            "bootstrap.servers": kafka.address,
            "group.id": "bench",
            "listeners": self.url,
            **topics,
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "key.converter.schemas.enable": "false",
            "value.converter.schemas.enable": "false",
            "plugin.path": plugins,
            "plugin.discovery": "service_load",
        })
        # 256 MiB to 2 GiB: the heap that Kafka's own script gives it
        self.spawn([java(), *_JVM, "-Xms256m", "-Xmx2g", "-cp", jars("kafka") + "/*",
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
