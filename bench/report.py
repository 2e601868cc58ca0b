"""What was measured, as text for people, as JSON, and as docs/benchmarks.md.

A Part is one comparison: lines, each with the usages of its rounds, and ratios with what is to be reached.
"""
import datetime
import json
import os
import platform
import subprocess
import sys

from figures import load_average, median


def say(text):
    print(text, file=sys.stderr, flush=True)


class Line:
    """One thing measured, in several rounds."""

    def __init__(self, what, count):
        self.what, self.count, self.usages, self.more = what, count, [], {}

    def add(self, usage):
        self.usages.append(usage)
        say(f"  {self.what}: {usage.seconds:.2f} s" + (f", CPU {usage.cpu:.2f} s" if usage.cpu else ""))

    def values(self, name):
        return [v for v in (getattr(u, name, None) for u in self.usages) if v is not None]

    def middle(self, name):
        values = self.values(name)
        return median(values) if values else None

    def most(self, name):
        return max(self.values(name), default=None)

    def figures(self):
        seconds = self.values("seconds")
        figures = {}
        if seconds:
            figures["s"] = round(median(seconds), 2)
            figures["s, each"] = [round(each, 2) for each in seconds]
            if self.count:
                figures["a second"] = round(self.count / median(seconds))
        if self.values("cpu"):
            figures["CPU s"] = round(self.middle("cpu"), 2)
        if self.values("peak_mib"):
            figures["peak MiB"] = round(self.most("peak_mib"))
        return {**figures, **self.more}


def ratio(slow, fast):
    """How many times the second line is as fast as the first."""
    return slow.middle("seconds") / fast.middle("seconds")


class Part:
    def __init__(self, title, count=None):
        say(title)
        self.title, self.count, self.lines, self.reaches, self.notes = title, count, [], [], []

    def line(self, what, **more):
        line = Line(what, self.count)
        line.more = more
        self.lines.append(line)
        return line

    def round(self, number, *measurements):
        """Measures each; another one is the first in each round."""
        first = number % len(measurements)
        for line, measure in measurements[first:] + measurements[:first]:
            line.add(measure())

    def reach(self, what, value, at_least=None, at_most=None):
        self.reaches.append((what, value, at_least, at_most))

    def note(self, text):
        self.notes.append(text)

    def as_json(self):
        reaches = []
        for what, value, least, most in self.reaches:
            each = {"what": what, "value": round(value, 3)}
            if least is not None or most is not None:
                each["at_least" if most is None else "at_most"] = least if most is None else most
                each["reached"] = value >= least if most is None else value <= most
            reaches.append(each)
        return {
            "title": self.title,
            "date": datetime.date.today().isoformat(),
            "load": round(load_average(), 1),
            "lines": [{"what": line.what, **line.figures()} for line in self.lines],
            "ratios": reaches,
            "notes": self.notes,
        }


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "CPU")
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = int(file.readline().split()[1]) / 1048576
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB of memory, Linux {platform.release()}"


def versions(postgres):
    said = subprocess.run([os.path.join(postgres, "postgres"), "--version"], capture_output=True, text=True)
    return "PostgreSQL " + said.stdout.split(")")[1].split()[0]


def _number(value):
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _grid(rows):
    """Lines of a Markdown table, its columns aligned so that it reads as text, too."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    pad = lambda row: "| " + " | ".join(
        cell.ljust(width) if n == 0 else cell.rjust(width) for n, (cell, width) in enumerate(zip(row, widths))
    ) + " |"
    rule = "| " + " | ".join("-" * w if n == 0 else "-" * (w - 1) + ":" for n, w in enumerate(widths)) + " |"
    return [pad(rows[0]), rule, *map(pad, rows[1:])]


def _lines(part):
    names = []
    for line in part["lines"]:
        names += [name for name in line if name not in names and name != "what"]
    return _grid([["", *names]] + [[l["what"], *(_number(l.get(name)) for name in names)] for l in part["lines"]])


def _ratios(part):
    rows = [["", "is", "reach", ""]]
    for each in part["ratios"]:
        bound = "at least" if "at_least" in each else "at most"
        wanted = f"{bound} {each[bound.replace(' ', '_')]}" if "reached" in each else ""
        met = {True: "reached", False: "missed"}.get(each.get("reached"), "")
        rows.append([each["what"], str(round(each["value"], 2)), wanted, met])
    return _grid(rows)


def as_text(part):
    """One part, as a section of Markdown."""
    text = [f"## {part['title']}", "", *_lines(part), ""]
    if part["ratios"]:
        text += [*_ratios(part), ""]
    for note in part["notes"]:
        text += [note, ""]
    text += [f"Measured on {part['date']}; load average at the end {part['load']}.", ""]
    return "\n".join(text)


def write_page(path, results):
    head = [
        "# Benchmarks",
        "",
        "Written by `make bench`: limits of the machine, tailrace, and what one would run instead, on the same data in",
        "the same run. Times are medians of the rounds in `s, each`; only ratios carry over to other machines. CPU and",
        "memory of tailrace are its own process, without its ClickHouse, unless a line says otherwise.",
        "",
        f"{results['machine']}; {results['versions']}.",
        "",
    ]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(head) + "\n" + "\n".join(as_text(part) for part in results["parts"].values()))


def write_json(path, results):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
