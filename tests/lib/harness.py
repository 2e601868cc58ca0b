"""Real servers for the tests of the whole program: PostgreSQL, ClickHouse, and tailrace itself.

Each object owns a process in a temporary folder, on free ports; everything ends with the test program,
however that ends: at exit all are stopped and the folder is removed, and should the test be killed, its
children are killed with it. After a failed test their logs are shown.

    pg = Postgres()
    pg.sql("CREATE TABLE t (id int PRIMARY KEY)")
    tail = Tailrace(mirror(pg))
    tail.start()
    tail.wait_live("public.t")
    eq(tail.query("SELECT count() FROM shop.t"), [(0,)])

TAILRACE: the program (build/tailrace); TEST_PG_BIN: a folder of PostgreSQL's programs; TEST_KEEP=1
leaves the folder.
"""
import atexit
import contextlib
import ctypes
import glob
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import psycopg2

from tap import on_failure, wait_until

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BINARY = os.path.abspath(os.environ.get("TAILRACE", os.path.join(ROOT, "build", "tailrace")))
LIBCHDB = os.environ.get(
    "TAILRACE_LIBCHDB", os.path.join(ROOT, "deps/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so")
)
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)
_servers = []
_folder = None


def folder():
    """The temporary folder of this test program; other users may enter it."""
    global _folder
    if not _folder:
        _folder = tempfile.mkdtemp(prefix="tailrace-test-")
        os.chmod(_folder, 0o755)
    return _folder


def new_folder(name):
    path = tempfile.mkdtemp(prefix=name + "-", dir=folder())
    os.chmod(path, 0o755)
    return path


_ports = {}  # port: the socket whose name keeps other test programs from it while this one runs


def fixed_ports():
    """The ports that the system gives to nobody by itself: neither to a client nor to who asks for any."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="utf-8") as file:
        first, last = map(int, file.read().split())
    return [port for port in range(10240, 65536) if not first <= port <= last] or range(10240, 65536)


def reserve_port(port):
    """Whether it is free, and from now on no other test program's until this one ends."""
    with contextlib.ExitStack() as undo:
        name = undo.enter_context(socket.socket(socket.AF_UNIX))
        probe = undo.enter_context(socket.socket())
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            name.bind(f"\0tailrace-test-port-{port}")
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        probe.close()
        undo.pop_all()
        _ports[port] = name
        return True


def free_port():
    """A port for a server to take whenever it likes, and again after it died: nobody else comes to have it."""
    while True:
        port = random.choice(fixed_ports())
        if reserve_port(port):
            return port


def tail_of(path, lines):
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return "".join(file.readlines()[-lines:])
    return ""


@on_failure
def logs():
    return "\n".join(f"--- {s.log}\n{tail_of(s.log, s.log_lines)}" for s in _servers if s.log)


@atexit.register
def clean_up():
    for server in reversed(_servers):
        with contextlib.suppress(Exception):
            server.kill()
    if _folder and not os.environ.get("TEST_KEEP"):
        shutil.rmtree(_folder, ignore_errors=True)


for _signal in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(_signal, lambda number, frame: sys.exit(128 + number))  # so that atexit runs


class Server:
    """A process of ours, with its log."""

    log_lines = 25

    def __init__(self):
        self.process = self.log = None
        _servers.append(self)

    def spawn(self, argv, env=None, cwd=None, **popen):
        # after the change of user, which would take the setting away again
        popen.setdefault("preexec_fn", lambda: _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=popen.pop("stdout", out),
                stderr=out,
                env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
                cwd=cwd,
                start_new_session=True,
                **popen,
            )

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def halted(self):
        """By SIGSTOP."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "T"

    def send_signal(self, number):
        if self.running:
            self.process.send_signal(number)

    def wait_end(self, seconds=30):
        """The exit code; fails when the process does not end."""
        return self.process.wait(seconds)

    def kill(self):
        """kill -9, and gone when this returns."""
        if self.process:
            self.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self, number=signal.SIGTERM, seconds=30):
        if self.process:
            self.send_signal(number)
            return self.wait_end(seconds)
        return None


def newest_postgres():
    """The folder of PostgreSQL's programs: TEST_PG_BIN, or the newest version that Debian has installed."""
    found = sorted(
        glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]), reverse=True
    )
    return os.environ.get("TEST_PG_BIN") or (found or [os.path.dirname(shutil.which("postgres") or "")])[0]


class Postgres(Server):
    """A cluster of its own. As root it runs as the user postgres, since PostgreSQL refuses to be root."""

    settings = {
        "wal_level": "logical",
        "max_replication_slots": 30,
        "max_wal_senders": 30,
        "max_connections": 100,
        "max_prepared_transactions": 5,
        "shared_buffers": "64MB",
        "max_wal_size": "4GB",
        "fsync": "off",
        "full_page_writes": "off",
        "log_min_messages": "warning",
        "timezone": "UTC",
    }

    def __init__(self, bin=None, start=True, initdb=(), **settings):
        super().__init__()
        self.bin = bin or newest_postgres()
        self.settings = {**self.settings, **settings}
        self.folder = new_folder("postgres")
        self.data = os.path.join(self.folder, "data")
        self.log = os.path.join(self.folder, "log")
        self.port = free_port()
        self.owner = {}
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.owner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._initdb(initdb)
        if start:
            self.start()

    def _initdb(self, more):
        argv = [os.path.join(self.bin, "initdb"), "-D", self.data, "-U", "postgres", "-A", "trust"]
        argv += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync", *more]
        env = {**os.environ, "LC_ALL": "C.UTF-8"}
        done = subprocess.run(argv, capture_output=True, text=True, env=env, cwd="/", **self.owner)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def start(self):
        argv = [os.path.join(self.bin, "postgres"), "-D", self.data, "-p", str(self.port)]
        argv += ["-k", self.folder, "-c", "listen_addresses=127.0.0.1"]
        for name, value in self.settings.items():
            argv += ["-c", f"{name}={value}"]
        end = time.monotonic() + 60
        while True:
            self.spawn(argv, cwd="/", **self.owner)
            while self.running and time.monotonic() < end:
                with contextlib.suppress(psycopg2.OperationalError):
                    self.connect("postgres").close()
                    return self
                time.sleep(0.03)
            # after kill -9 the backends of the old server may hold its shared memory for a moment
            if time.monotonic() > end or "shared memory" not in tail_of(self.log, 5):
                raise RuntimeError("PostgreSQL did not start:\n" + tail_of(self.log, 20))
            time.sleep(0.1)

    def stop(self, number=signal.SIGINT, seconds=60):
        """SIGINT: fast; SIGQUIT: as by a crash; SIGTERM: waits for clients."""
        return super().stop(number, seconds)

    def crash(self):
        return self.stop(signal.SIGQUIT)

    def restart(self):
        self.stop()
        return self.start()

    def connect(self, dbname="postgres", **options):
        """A connection of psycopg2, each statement its own transaction."""
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname=dbname, **options
        )
        connection.autocommit = True
        return connection

    def url(self, dbname="postgres", user="postgres"):
        return f"postgresql://{user}@127.0.0.1:{self.port}/{dbname}"

    def sql(self, statement, args=None, dbname="postgres"):
        """Runs it; the rows, if there are any."""
        connection = self.connect(dbname)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, args)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def value(self, statement, args=None, dbname="postgres"):
        return self.sql(statement, args, dbname)[0][0]


class HttpClickHouse:
    """Queries to a ClickHouse by HTTP."""

    http_url = None
    user, password = "default", ""

    def raw(self, sql, data=None, **settings):
        """The answer's text; RuntimeError with ClickHouse's own words."""
        headers = {"X-ClickHouse-User": self.user, "X-ClickHouse-Key": self.password}
        if data is not None:
            settings["query"], body = sql, data
        else:
            body = sql.encode()
        url = self.http_url + "/?" + urllib.parse.urlencode(settings)
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, body, headers), timeout=60
            ) as answer:
                return answer.read().decode("utf-8", "surrogateescape")
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode(errors="replace")) from None

    def query(self, sql, **settings):
        """Rows as tuples; numbers as numbers, decimals as text, NULL as None."""
        settings = {
            "output_format_json_quote_64bit_integers": 0,
            "output_format_json_quote_decimals": 1,
            "output_format_json_quote_denormals": 1,
            "default_format": "JSONCompactEachRow",
            **settings,
        }
        return [tuple(json.loads(line)) for line in self.raw(sql, **settings).splitlines()]

    def value(self, sql, **settings):
        return self.query(sql, **settings)[0][0]


class ClickHouse(Server, HttpClickHouse):
    """A ClickHouse server of the test's own, for a connection by url; tailrace's child program by itself."""

    def __init__(self, start=True, config="", grants="<query>GRANT ALL ON *.*</query>"):
        super().__init__()
        self.folder = new_folder("clickhouse")
        self.log = os.path.join(self.folder, "log")
        self.http_port, self.tcp_port = free_port(), free_port()
        self.http_url = f"http://127.0.0.1:{self.http_port}"
        self._write("data/metadata/system.sql", self._attach(1))
        self._write("data/metadata/default.sql", self._attach(2))
        self.configure(config)
        self._write("users.xml", self._users(grants))
        if start:
            self.start()

    @staticmethod
    def _attach(number):
        return f"ATTACH DATABASE _ UUID '7a110ace-0000-4000-8000-{number:012}' ENGINE = Atomic\n"

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def configure(self, more):
        """More of its config.xml, from its next start on."""
        self._write("config.xml", self._config(more))

    def _config(self, more):
        return (
            "<clickhouse><default_database></default_database><user_directories><users_xml><path>"
            f"{self.folder}/users.xml</path></users_xml></user_directories>"
            f"<logger><log>{self.folder}/server.log</log></logger>"
            f"<background_schedule_pool_size>16</background_schedule_pool_size>{more}</clickhouse>"
        )

    @staticmethod
    def _users(grants):
        return (
            "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default>"
            "<password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>"
            f"<quota>default</quota><grants>{grants}</grants></default></users></clickhouse>"
        )

    def start(self):
        query = (
            "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; SELECT sleepEachRow(3) FROM system.numbers"
            " SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0 FORMAT Null"
        )
        self.spawn(
            [BINARY, "warehouse-server", str(os.getpid()), LIBCHDB]
            + [f"--config-file={self.folder}/config.xml", f"--path={self.folder}/data"]
            + [f"--http_port={self.http_port}", f"--tcp_port={self.tcp_port}", "--listen_host=127.0.0.1"]
            + ["--database=default", "--log-level=warning", "--query", query],
            cwd=self.folder,
        )
        wait_until(self._ready, "ClickHouse to answer")
        return self

    def _ready(self):
        if not self.running:
            raise RuntimeError("ClickHouse did not start:\n" + tail_of(self.log, 20))
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(self.http_url + "/ping", timeout=5).status == 200

    def restart(self):
        self.stop()
        return self.start()


def clickhouse_cluster(n=2, name="duo", replicas=1):
    """So many shards, of so many servers each, that know each other as a cluster."""
    servers = [ClickHouse(start=False) for _ in range(n * replicas)]
    places = [f"<replica><host>127.0.0.1</host><port>{s.tcp_port}</port></replica>" for s in servers]
    shards = "".join(f"<shard>{''.join(places[i:i + replicas])}</shard>" for i in range(0, len(places), replicas))
    for server in servers:
        server.configure(f"<remote_servers><{name}>{shards}</{name}></remote_servers>")
        server.start()
    return servers


def on_cluster(servers, name="duo"):
    """Keys of a connection to it."""
    return {"url": servers[0].http_url, "cluster": name, "cluster_nodes": ", ".join(s.http_url for s in servers[1:])}


def mirror(pg, tables=("public.*",), dbname="postgres", stream=None, warehouse=None, **top):
    """A configuration: one stream, `shop`, from that database to the embedded ClickHouse or, given one, a
    ClickHouse object. `stream` and `warehouse` add keys of the stream and of the connection."""
    target = {"kind": "clickhouse", "database": "shop"}
    if isinstance(warehouse, ClickHouse):
        target["url"] = warehouse.http_url
    else:
        target |= {"url": "embedded", "http_port": free_port(), "tcp_port": free_port(), **(warehouse or {})}
    return {
        "connections": {"shop": {"kind": "postgres", "url": pg.url(dbname)}, "warehouse": target},
        "streams": {"shop": {"from": "shop", "to": "warehouse", "tables": list(tables), **(stream or {})}},
        "server": {"listen": f"127.0.0.1:{free_port()}"},
        **top,
    }


class Done:
    """What a command that has ended said."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"exit code {self.code}\nstdout: {self.out}\nstderr: {self.err}"

    @property
    def json(self):
        return json.loads(self.out)


class Tailrace(Server, HttpClickHouse):
    """tailrace with a configuration (a dict as mirror() makes it, or the text of a file) in its own folder."""

    log_lines = 80

    def __init__(self, config=None, env=None):
        super().__init__()
        self.folder = new_folder("tailrace")
        self.log = os.path.join(self.folder, "log")
        self.path = os.path.join(self.folder, "tailrace.yaml")
        self.env = env or {}
        self.config = None
        if config is not None:
            self.configure(config)

    def configure(self, config):
        """JSON is YAML as well."""
        self.config = config if isinstance(config, dict) else None
        text = json.dumps(config, indent=1) if isinstance(config, dict) else config
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text + "\n")

    @property
    def http_url(self):
        for connection in self.config["connections"].values():
            if connection["kind"] == "clickhouse":
                port = connection.get("http_port")
                return f"http://127.0.0.1:{port}" if port else connection["url"]
        raise LookupError("no ClickHouse in the configuration")

    @property
    def api_url(self):
        return "http://" + self.config["server"]["listen"]

    def command(self, *args, timeout=120, check=False, **env):
        """Runs one command to its end; check: it must end with 0."""
        done = subprocess.run(
            [BINARY, *args[:1], "-c", self.path, *args[1:]],
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self.env, **env},
        )
        if check and done.returncode:
            raise AssertionError(f"tailrace {' '.join(args)}: {Done(done)!r}")
        return Done(done)

    def start(self, *args, ready=True, **env):
        """tailrace run; ready: returns once it answers by HTTP."""
        self.spawn([BINARY, "run", "-c", self.path, *args], env={**self.env, **env}, cwd=self.folder)
        if ready:
            wait_until(self._answers, "tailrace to answer", 60)
        return self

    def _answers(self):
        if not self.running:
            raise AssertionError(f"tailrace ended with exit code {self.process.returncode}:\n{tail_of(self.log, 5)}")
        with contextlib.suppress(OSError):
            return self.get("/healthz")[0]

    def get(self, path):
        """(status code, body) of its HTTP listener."""
        try:
            with urllib.request.urlopen(self.api_url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def status(self):
        return json.loads(self.get("/api/v1/status")[1])

    def stream(self, name="shop"):
        return next((s for s in self.status()["streams"] if s["name"] == name), None)

    def table(self, name, stream="shop"):
        """A table's part of the status, by its name in the source; None when it is not there."""
        tables = (self.stream(stream) or {"tables": []})["tables"]
        return next((t for t in tables if t["name"] == name), None)

    def wait_for(self, condition, what, seconds=60):
        """Waits until condition(status) holds, while the process lives."""
        last = {}

        def holds():
            if not self.running:
                raise AssertionError(f"waiting for {what}, tailrace ended with {self.process.returncode}")
            last.update(self.status())
            return condition(last)

        try:
            return wait_until(holds, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(last, indent=1)}") from None

    def wait_live(self, *names, seconds=60):
        """Until these tables are live; when none is named all that the source still has, at least one of each stream."""

        def live(status):
            states = [{t["name"]: t["status"] for t in s["tables"]} for s in status["streams"]]
            if names:
                return all(any(of.get(name) == "live" for of in states) for name in names)
            there = [[state for state in of.values() if state not in ("dropped", "excluded")] for of in states]
            return all(of and set(of) == {"live"} for of in there)

        self.wait_for(live, f"{', '.join(names) or 'all tables'} to be live", seconds)

    def wait_caught_up(self, pg, slot="tailrace_shop", seconds=60):
        """Until all that is committed in the source now is durable here and confirmed."""
        lsn = pg.value("SELECT pg_current_wal_insert_lsn()")
        ask = "SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots WHERE slot_name = %s"

        with contextlib.closing(pg.connect()) as connection, connection.cursor() as cursor:

            def confirmed():
                if not self.running:
                    raise AssertionError(f"tailrace ended with exit code {self.process.returncode}")
                cursor.execute(ask, (lsn, slot))
                return (cursor.fetchone() or [False])[0]

            # a record behind it, so that the slot has something to move to
            pg.sql("SELECT pg_logical_emit_message(true, 'tailrace-test', '')")
            wait_until(confirmed, f"the slot {slot} to reach {lsn}", seconds)

    def verify(self, *tables):
        """`tailrace verify --json`; its exit code must be 0 (equal) or 1 (differences)."""
        done = self.command("verify", *tables, "--json")
        if done.code not in (0, 1) or not done.out:
            raise AssertionError(f"tailrace verify: {done!r}")
        return done

    def must_be_equal(self, *tables):
        """What could not be compared yet, as its table is just being changed or copied, is compared a moment later."""
        done = self.verify(*tables)
        for _ in range(60):
            if json.loads(done.out)["verdict"] != "incomplete":
                break
            time.sleep(0.5)
            done = self.verify(*tables)
        if done.code:
            raise AssertionError(f"source and target differ: {done!r}")

    def kill(self):
        """kill -9; its ClickHouse goes with it."""
        super().kill()

    def said(self, pattern):
        """How many lines of its log match."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return sum(bool(re.search(pattern, line)) for line in file)
