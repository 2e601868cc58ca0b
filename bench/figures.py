"""Time, CPU and memory of processes, read from /proc, and medians of what several rounds gave.

    usage = to_its_end(subprocess.Popen(...))       # one process, from its start to its end
    with Span(pid, tree=True) as span: ...          # a process that goes on, with its children
    median([u.seconds for u in usages])

CPU is user and system time. Memory is the resident set at its peak, as the kernel keeps it.
"""
import contextlib
import os
import statistics
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE_S = 0.02

median = statistics.median


class Usage:
    """What one run took; a figure that was not taken is None."""

    def __init__(self, seconds, cpu=None, peak_mib=None, code=0):
        self.seconds, self.cpu, self.peak_mib, self.code = seconds, cpu, peak_mib, code
        self.tree_cpu = self.tree_peak_mib = self.postgres_cpu = self.ready_s = None


def _stat(pid):
    """Parent, own ticks, ticks of ended and waited-for children; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])


def cpu_seconds(pid):
    """Of the process alone; it may have ended, as long as nobody waited for it."""
    stat = _stat(pid)
    return stat[1] / TICKS if stat else None


def descendants(pid):
    parents = {}
    for name in os.listdir("/proc"):
        stat = _stat(name) if name.isdigit() else None
        if stat:
            parents.setdefault(stat[0], []).append(int(name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def tree_cpu_seconds(pid):
    """Of the process and all below it, those that ended and were waited for included."""
    stats = [stat for stat in map(_stat, descendants(pid)) if stat]
    return sum(stat[1] + stat[2] for stat in stats) / TICKS


def memory_mib(pid, field="VmHWM"):
    """VmHWM: the peak; VmRSS: now. None when the process has ended."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    return None


def reset_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w", encoding="utf-8") as file:
        file.write("5")


def has_ended(pid):
    """Without taking its figures away."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def to_its_end(process, start=None, seconds=1800):
    """Waits for a child of ours to end. cpu and peak_mib are its own; tree_cpu, tree_peak_mib: with its
    children. start: of the clock, time.monotonic(), when it is not now."""
    start = start or time.monotonic()
    peak, children, samples = 0, {}, 0
    while not has_ended(process.pid):
        if time.monotonic() - start > seconds:
            process.kill()
            raise RuntimeError(f"{process.args[:3]} did not end within {seconds} s")
        peak = memory_mib(process.pid) or peak
        if samples % 10 == 0:
            children.update({pid: memory_mib(pid) or 0 for pid in descendants(process.pid)[1:]})
        samples += 1
        time.sleep(SAMPLE_S)
    usage = Usage(time.monotonic() - start, cpu_seconds(process.pid), peak)
    usage.tree_cpu = tree_cpu_seconds(process.pid)
    usage.tree_peak_mib = peak + sum(children.values())
    usage.code = process.wait()
    return usage


class Span:
    """The usage of a process that lives on, between enter and exit; tree: CPU of its children as well.
    The peak of its memory is its own in either case, and begins anew."""

    def __init__(self, pid, tree=False):
        self.pid, self._cpu = pid, tree_cpu_seconds if tree else cpu_seconds
        self.usage = None

    def __enter__(self):
        with contextlib.suppress(OSError):  # a process of another user
            reset_peak(self.pid)
        self._before = self._cpu(self.pid)
        self._start = time.monotonic()
        return self

    def __exit__(self, *_):
        seconds = time.monotonic() - self._start
        self.usage = Usage(seconds, self._cpu(self.pid) - self._before, memory_mib(self.pid))


class Moment:
    """The first moment at which a condition, asked in a thread of its own, was true."""

    def __init__(self, condition, every=0.01):
        self.at = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(condition, every), daemon=True)
        self._thread.start()

    def _watch(self, condition, every):
        while not self._over.wait(every):
            with contextlib.suppress(OSError, RuntimeError):
                if condition():
                    self.at = time.monotonic()
                    return

    def stop(self):
        self._over.set()
        self._thread.join()
        return self.at


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def load_average():
    return os.getloadavg()[0]
