"""Flink SQL as a user of a gateway meets it: the SQL gateway with a cluster in its own process, from Maven's jars.

    flink = Flink()
    flink.sql("CREATE TABLE t (...) WITH ('connector' = 'kafka', ...)")
    flink.wait_rows("SELECT * FROM t", rows)
"""
import collections
import json
import os
import re
import urllib.error
import urllib.request

from harness import Server, free_port, new_folder
from kafka import BRIEF, LOG, jars, java
from tap import wait_until

# as Flink's own scripts have them
_OPEN = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "nio", "util")]
_SETTINGS = """
execution.target: local
execution.runtime-mode: STREAMING
parallelism.default: 1
taskmanager.numberOfTaskSlots: 2
taskmanager.memory.network.min: 16m
taskmanager.memory.network.max: 16m
taskmanager.memory.managed.size: 64m
rest.bind-address: 127.0.0.1
table.local-time-zone: UTC
sql-gateway.endpoint.rest.address: 127.0.0.1
sql-gateway.endpoint.rest.bind-address: 127.0.0.1
"""


class Flink(Server):
    log_lines = 40

    def __init__(self):
        super().__init__()
        self.folder = new_folder("flink")
        self.log = os.path.join(self.folder, "log")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with open(os.path.join(self.folder, "config.yaml"), "w", encoding="utf-8") as file:
            file.write(f"{_SETTINGS}sql-gateway.endpoint.rest.port: {port}\nio.tmp.dirs: {self.folder}\n")
        options = ["-Xmx512m", *BRIEF, LOG, *_OPEN, f"-Djava.io.tmpdir={self.folder}"]
        self.spawn(
            [java(), *options, "-cp", jars("flink") + "/*", "org.apache.flink.table.gateway.SqlGateway"],
            env={"FLINK_CONF_DIR": self.folder},
        )
        wait_until(self._answers, "Flink to answer", 120, every=0.2)
        self.session = "/v1/sessions/" + self._call("POST", "/v1/sessions", {})["sessionHandle"]

    def _answers(self):
        if not self.running:
            raise RuntimeError("Flink ended, see its log")
        try:
            return self._call("GET", "/v1/info")
        except OSError:
            return None

    def _call(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            causes = re.findall(r"Caused by: ([^\\]*)", said)  # the rest is their stacks
            raise RuntimeError("; ".join(dict.fromkeys(causes)) or said) from None

    def _run(self, statement):
        made = self._call("POST", self.session + "/statements", {"statement": statement})
        return f"{self.session}/operations/{made['operationHandle']}"

    def _results(self, operation):
        """Of a statement, piece by piece: its changelog, (kind, row) pairs; kinds as Flink calls them."""
        path = operation + "/result/0?rowFormat=JSON"
        while path:
            answer = self._call("GET", path)
            yield [(row["kind"], tuple(row["fields"])) for row in answer.get("results", {}).get("data", [])]
            path = answer.get("nextResultUri")

    def sql(self, statement):
        """Runs a statement to its end; its changelog."""
        return [change for piece in self._results(self._run(statement)) for change in piece]

    def wait_rows(self, query, expected, seconds=150):
        """Follows an endless query until what it says comes to these rows."""
        operation = self._run(query)
        pieces = self._results(operation)
        there, expected = collections.Counter(), collections.Counter(expected)

        def holds():
            for kind, row in next(pieces):
                there[row] += 1 if kind in ("INSERT", "UPDATE_AFTER") else -1
            return +there == expected

        try:
            wait_until(holds, "Flink's rows to be those of the table", seconds)
            assert all(n >= 0 for n in there.values()), f"rows were taken back that never came: {-there}"
        except AssertionError as error:
            more, missing = list(((+there) - expected).items()), list((expected - there).items())
            raise AssertionError(f"{error}; more: {len(more)}, {more[:3]}; missing: {len(missing)}, {missing[:3]}") from None
        finally:
            self._call("DELETE", operation + "/close")
