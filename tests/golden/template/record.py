#!/usr/bin/env python3
"""Records what Jinja2 makes of the templates in this folder: record.py [--check] [FILE...]

A file of cases is read and written anew, with what Jinja2 gave: its output, or the line, class and message
of its error. Jinja2 is set up as dbt does it. It comes from PyPI, pinned in requirements.txt:
    python3 -m venv venv && venv/bin/pip install --require-hashes -r requirements.txt
    venv/bin/python record.py
A case is
    #### its name
    the template
    ---- context
    a JSON object (may be left out)
    ---- output
    what Jinja2 printed, or instead: ---- error LINE CLASS: message
    ---- ours
    what we print where we differ on purpose, or a part of our error (may be left out)
A part ends before the newline in front of the next marker. --check changes nothing, and fails where the
record differs. Stands in for dbt's functions as tests/unit/models/template_host.h does.
"""
import glob
import json
import os
import re
import sys
import traceback

import jinja2
import jinja2.runtime
import jinja2.sandbox

HERE = os.path.dirname(os.path.abspath(__file__))
VERSION = "3.1.6"


class Returned(Exception):
    """dbt's return(): leaves a macro with a value."""

    def __init__(self, value):
        self.value = value


class RaisedError(Exception):
    """raise_compiler_error()"""


class Macro(jinja2.runtime.Macro):
    def _invoke(self, arguments, autoescape):
        try:
            return super()._invoke(arguments, autoescape)
        except Returned as returned:
            if self.name is None or self.name == "caller":
                raise
            return returned.value


class Relation:
    def __init__(self, schema, name):
        self.schema, self.identifier, self.name = schema, name, name

    def __str__(self):
        return f"{self.schema}.{self.name}"

    __repr__ = __str__


def raise_compiler_error(message):
    raise RaisedError(message)


def do_return(data):
    raise Returned(data)


def names(*parts):
    return ".".join(parts)


def environment(context):
    jinja2.runtime.Macro = Macro
    env = jinja2.sandbox.SandboxedEnvironment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    for name in ("as_text", "as_bool", "as_native", "as_number"):
        env.filters[name] = lambda value: value
    env.filters["is_list"] = lambda value: isinstance(value, list)

    def var(name, default=Returned):
        if name in context.get("vars", {}):
            return context["vars"][name]
        if default is Returned:
            raise RaisedError(f"Required var '{name}' not found in config")
        return default

    env.globals.update(
        {
            "ref": names,
            "source": names,
            "var": var,
            "log": lambda message, info=False: "",
            "return": do_return,
            "exceptions": {"raise_compiler_error": raise_compiler_error},
            "relation": Relation,
        }
    )
    return env


def line_of(error):
    """The line of the template that the error is about."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    line = 1
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == "<template>":
            line = number
    return line


def render(source, context):
    """("output", text) or ("error", "LINE CLASS: message")"""
    try:
        return "output", environment(context).from_string(source).render(context)
    except Exception as error:  # whatever Python raises is what the template gets
        message = str(error).split("\n")[0]
        return "error", f"{line_of(error)} {type(error).__name__}: {message}"


def cases(text):
    """[[(head, body or None)...]...] of a file; what stands before the first case is its head."""
    pieces = re.split(r"(?m)^(#### .*|---- .*)(?:\n|\Z)", text)
    found = []
    for head, body in zip(pieces[1::2], pieces[2::2]):
        if head.startswith("#### "):
            found.append([])
        found[-1].append((head, body))
    return pieces[0], found


def body_of(body, last):
    """Without the newline that belongs to the next marker."""
    return body[:-1] if body.endswith("\n") and not last else body


def record(path):
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    preface, found = cases(text.rstrip("\n") + "\n")
    out = [preface]
    for parts in found:
        bodies = {head[5:].split(" ")[0]: body_of(body, False) for head, body in parts[1:]}
        context = json.loads(bodies.get("context") or "{}")
        source = body_of(parts[0][1], False)
        kind, result = render(source, context)
        out.append(f"{parts[0][0]}\n{source}\n")
        if "context" in bodies:
            out.append(f"---- context\n{bodies['context']}\n")
        if kind == "error":
            out.append(f"---- error {result}\n")
        else:
            out.append("---- output\n" + (f"{result}\n" if result else ""))
        if "ours" in bodies:
            out.append(f"---- ours\n{bodies['ours']}\n")
    return text, "".join(out)


def main():
    if jinja2.__version__ != VERSION:
        sys.exit(f"Jinja2 {jinja2.__version__} is here; the record is of {VERSION}")
    check = "--check" in sys.argv[1:]
    paths = [arg for arg in sys.argv[1:] if arg != "--check"] or sorted(glob.glob(f"{HERE}/*.cases"))
    differing = 0
    for path in paths:
        before, after = record(path)
        if before == after:
            continue
        differing += 1
        print(f"{path}: {'differs' if check else 'recorded'}", file=sys.stderr)
        if not check:
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(after)
    return check and differing > 0


if __name__ == "__main__":
    sys.exit(main())
