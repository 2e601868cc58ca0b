#!/usr/bin/python3
"""What a newcomer types: the demo, in an empty folder, without and with a terminal."""
import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from harness import BINARY, Server, new_folder  # noqa: E402
from tap import eq, has, run, test, wait_until  # noqa: E402

ORDERS = 2000
TABLES = 14
HEADS = "TABLE +COPY +ROWS +LEFT +CHANGES/s +LAG +IN TARGET"


class Demo(Server):
    """`tailrace demo` in its folder; as root its cluster lies elsewhere, and goes with it."""

    def __init__(self):
        super().__init__()
        self.folder = new_folder("demo")
        self.log = os.path.join(self.folder, "output")
        self.cluster = None

    def start(self, *args, **env):
        open(self.log, "w").close()
        self.spawn([BINARY, "demo", "--orders", str(ORDERS), *args], cwd=self.folder, env=env)
        return self

    def start_on_terminal(self, *args, columns=100, lines=40, **env):
        """Its output, escapes and all, collects in self.log."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        open(self.log, "w").close()
        self.spawn(
            [BINARY, "demo", "--orders", str(ORDERS), *args],
            cwd=self.folder, env={"TERM": "xterm-256color", **env}, stdout=theirs,
        )  # fmt: skip
        os.close(theirs)
        self.terminal = ours
        return self

    def all_of_terminal(self):
        """What it writes there until it ends."""
        seen = b""
        with contextlib.suppress(OSError):  # EIO: nobody has the other side any more
            while more := os.read(self.terminal, 65536):
                seen += more
        os.close(self.terminal)
        return seen.decode()

    @property
    def output(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def wait_said(self, pattern, seconds=90):
        def said():
            if not self.running:
                raise AssertionError(f"the demo ended with {self.process.returncode}: {self.output}")
            return re.search(pattern, self.output)

        found = wait_until(said, f"{pattern!r} in what the demo prints", seconds)
        self.remember_cluster()
        return found

    def remember_cluster(self):
        found = re.search(r"PostgreSQL, its data in (\S+)", self.output)
        self.cluster = found.group(1) if found else self.cluster

    def command(self, *args):
        return subprocess.run(
            [BINARY, "-c", "tailrace-demo/tailrace.yaml", *args],
            cwd=self.folder, capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    def kill(self):
        super().kill()
        if self.cluster and not self.cluster.startswith(self.folder):
            shutil.rmtree(self.cluster, ignore_errors=True)


demo = Demo()


def rows_compared(output):
    return int(re.search(r"(\d+) rows of 14 tables compared: source and target are equal", output).group(1))


def processes_in(folder):
    """Command lines that name the folder, of processes that live."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            line = file.read().replace(b"\0", b" ").decode(errors="replace")
            if folder in line and int(pid) != os.getpid():
                found.append(line)
    return found


@test
def it_ends_by_itself_with_the_verdict():
    demo.start("--for", "5")
    eq(demo.wait_end(180), 0, demo.output)
    demo.remember_cluster()
    has(demo.output, "the shop, 2,000 orders and what belongs to them")
    assert rows_compared(demo.output) > 5 * ORDERS
    has(demo.output, "orders: live, ")
    assert not processes_in("/tailrace-demo") and not processes_in(demo.cluster)


@test
def its_configuration_is_good_for_every_command():
    text = open(os.path.join(demo.folder, "tailrace-demo", "tailrace.yaml"), encoding="utf-8").read()
    has(text, "url: embedded")
    status = demo.command("status", "--json")
    eq(status.returncode, 0, status.stderr)
    tables = json.loads(status.stdout)["streams"][0]["tables"]
    eq(len(tables), TABLES)
    eq({t["status"] for t in tables}, {"live"})
    # the warehouse is started for the question alone
    done = demo.command("query", "SELECT count() FROM orders", "--format", "TSV")
    eq(done.returncode, 0, done.stderr)
    assert int(done.stdout) > ORDERS


@test
def a_second_start_goes_on_where_it_stopped_and_answers_its_own_questions():
    before = int(demo.command("query", "SELECT count() FROM orders", "--format", "TSV").stdout)
    demo.start()
    demo.wait_said(r"Point clients at")
    has(demo.output, "the shop, as it was left")
    questions = re.findall(r'^  (\S+ -c tailrace-demo/tailrace\.yaml query "\n[^"]*")$', demo.output, re.M)
    eq(len(questions), 3, demo.output)
    for question in questions:
        done = subprocess.run(
            question, shell=True, cwd=demo.folder, capture_output=True, text=True, timeout=60,
            check=False, executable="/bin/sh",
        )  # fmt: skip
        eq(done.returncode, 0, done.stderr)
        assert len(done.stdout.splitlines()) > 3, f"{question}\n{done.stdout}"

    def orders():
        return int(demo.command("query", "SELECT count() FROM orders", "--format", "TSV").stdout)

    wait_until(lambda: orders() > before + 5, "new orders in the target")


@test
def another_demo_in_the_same_folder_is_refused():
    other = subprocess.run(
        [BINARY, "demo"], cwd=demo.folder, capture_output=True, text=True, timeout=60, check=False
    )
    eq(other.returncode, 2)
    has(other.stderr, "runs already, as process")


@test
def ctrl_c_ends_it_cleanly():
    demo.send_signal(signal.SIGINT)
    eq(demo.wait_end(60), 0)
    has(demo.output, "`tailrace demo` goes on from here")
    assert not processes_in("/tailrace-demo") and not processes_in(demo.cluster)


@test
def after_kill_9_nothing_differs():
    demo.start()
    demo.wait_said(r"Point clients at")
    Server.kill(demo)
    demo.start("--for", "2")
    eq(demo.wait_end(120), 0, demo.output)
    rows_compared(demo.output)


@test
def on_a_terminal_it_draws_over_what_it_drew():
    demo.start_on_terminal("--for", "6")
    seen = demo.all_of_terminal()
    eq(demo.wait_end(60), 0, seen)
    plain = re.sub(r"\033\[[0-9;]*[A-Za-z]", "", seen)
    assert len(re.findall(HEADS, plain)) > 4, "the table is drawn again and again"
    # before the tables are known there are five lines: state, heads, sums, models, addresses
    frames = re.findall(r"\r\033\[(\d+)A", seen)
    assert set(frames) <= {"5", str(TABLES + 5)}, frames
    eq(frames[-1], str(TABLES + 5), "a frame covers the one before")
    # no line of the table is wider than the terminal
    table = plain[re.search(HEADS, plain).start() : plain.rindex("comparing source and target")]
    assert max(map(len, table.replace("\r", "\n").split("\n"))) <= 100, table
    has(table, "models: run ")
    rows_compared(plain)


@test
def colours_are_off_with_no_color_and_a_low_terminal_shows_fewer_tables():
    demo.start_on_terminal("--for", "2", lines=12, columns=70, NO_COLOR="1")
    seen = demo.all_of_terminal()
    eq(demo.wait_end(60), 0, seen)
    assert not re.search(r"\033\[[0-9;]*m", seen), "colours"
    frames = {int(n) for n in re.findall(r"\r\033\[(\d+)A", seen)}
    assert frames and max(frames) < 12, frames


run()
