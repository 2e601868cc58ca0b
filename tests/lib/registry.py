"""A schema registry with Confluent's API: Apicurio Registry, from Maven. What it was told outlives kill -9.

    registry = Registry()
    registry.url                             # for `registry:` and Connect's converters
    registry.subjects()
    kafka.read(topic, decode=registry.decode)    # Avro messages as what they say
"""
import base64
import glob
import http.server
import io
import json
import os
import ssl
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request

import avro.io
import avro.schema

from harness import Server, free_port, new_folder
from kafka import BRIEF, jars, java
from tap import wait_until

HEADER_BYTES = 5
CONVERTER = "org.apache.pulsar.kafka.shade.io.confluent.connect.avro.AvroConverter"


def program():
    """The folder of the registry, unpacked."""
    folder = jars("registry")
    there = os.path.join(folder, "app")
    if not os.path.exists(there):
        [archive] = glob.glob(os.path.join(folder, "*.tar.gz"))
        new = tempfile.mkdtemp(prefix="app-", dir=folder)
        subprocess.run(["tar", "xzf", archive, "-C", new], check=True)
        try:
            os.rename(new, there)
        except OSError:  # another test was faster
            subprocess.run(["rm", "-r", new], check=True)
    return there


def guarded(registry, user, password, tls):
    """The URL, but for its scheme and host, of the same registry for those who have that password alone, by TLS;
    tls: (certificate, key). Until the test program ends."""
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    class Guard(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, code, body):
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
            if self.headers.get("Authorization") != wanted:
                return self.answer(401, b'{"error_code": 401, "message": "Unauthorized"}')
            headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
            url = f"http://127.0.0.1:{registry.port}{self.path}"
            try:
                with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as said:
                    self.answer(said.status, said.read())
            except urllib.error.HTTPError as error:
                self.answer(error.code, error.read())

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Guard)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # who does not trust the certificate hangs up
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"{server.server_port}{registry.url.split(str(registry.port))[1]}"


class Registry(Server):
    log_lines = 5

    def __init__(self):
        super().__init__()
        self.folder = new_folder("registry")
        self.log = os.path.join(self.folder, "log")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/apis/ccompat/v7"
        self._schemas = {}
        self.start()

    def start(self):
        settings = {
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": self.port,
            "quarkus.http.access-log.enabled": "false",
            "quarkus.datasource.jdbc.url": f"jdbc:h2:file:{self.folder}/data;WRITE_DELAY=0",
            "quarkus.datasource.jdbc.initial-size": 2,
            "quarkus.datasource.jdbc.min-size": 2,
        }
        [jar] = glob.glob(os.path.join(program(), "*-runner.jar"))
        options = [f"-D{name}={value}" for name, value in settings.items()]
        self.spawn([java(), "-Xmx256m", *BRIEF, *options, "-jar", jar])
        wait_until(self._answers, "the registry to answer", 120, every=0.2)
        return self

    def restart(self):
        self.kill()
        return self.start()

    def _answers(self):
        if not self.running:
            raise RuntimeError("the registry ended, see its log")
        try:
            return self.subjects() is not None
        except OSError:
            return False

    def call(self, method, path, body=None):
        """The answer; None of 404."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def subjects(self):
        return sorted(self.call("GET", "/subjects"))

    def versions(self, subject):
        return self.call("GET", f"/subjects/{subject}/versions")

    def latest(self, subject):
        """The schema."""
        return json.loads(self.call("GET", f"/subjects/{subject}/versions/latest")["schema"])

    def register(self, subject, schema):
        return self.call("POST", f"/subjects/{subject}/versions", {"schema": json.dumps(schema)})["id"]

    def set_compatibility(self, subject, level):
        """BACKWARD, FORWARD, FULL, NONE and so on; without such a word it is NONE here. Of "": every subject's that has
        none of its own."""
        self.call("PUT", f"/config/{subject}".rstrip("/"), {"compatibility": level})

    def decode(self, message):
        """A message in Confluent's wire format as what it says."""
        if message is None:
            return None
        assert message[0] == 0, message
        number = int.from_bytes(message[1:HEADER_BYTES], "big")
        if number not in self._schemas:
            self._schemas[number] = avro.schema.parse(self.call("GET", f"/schemas/ids/{number}")["schema"])
        body = avro.io.BinaryDecoder(io.BytesIO(message[HEADER_BYTES:]))
        return avro.io.DatumReader(self._schemas[number]).read(body)

    @property
    def converters(self):
        """Settings of a worker of Kafka Connect, or of a connector, whose messages are to be Avro; jars("avro") must
        be among its plugins."""
        return {
            name: value
            for part in ("key", "value")
            for name, value in (
                (f"{part}.converter", CONVERTER),
                (f"{part}.converter.schema.registry.url", self.url),
            )
        }
