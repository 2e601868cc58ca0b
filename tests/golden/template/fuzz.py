#!/usr/bin/env python3
"""Random templates, by Jinja2 and by us: fuzz.py PROGRAM [ROUNDS] [SEED]

PROGRAM is build/tests/unit/models/test_models_template_golden. Each round makes 500 templates from a grammar,
records what Jinja2 makes of them (see record.py) and lets the program compare; what differs stays in a
file that is named at the end.
"""
import os
import random
import re
import subprocess
import sys
import tempfile
import warnings

import record

NAMES = ["a", "b", "n", "s", "l", "d", "nope", "p", "q"]
SET = ["p", "q"]  # what a block sets and its context has, too, Jinja2 makes undefined in some orders
CONTEXT = '{"a": 3, "b": 2.5, "n": null, "s": "Hä llo_w", "l": [3, 1, 2, 1], "d": {"k": "v", "x": {"y": [1, "z"]}, "e": []}}'
TEXTS = ["''", "'a'", "'B c'", "'x,y,,z'", "' pad '", "'é😀'", "\"it's\"", "'a\\nb\\n'", "'12'", "'%s-%s'", "'{} {}'", "'1.50'"]
NUMBERS = ["0", "1", "2", "-3", "7", "10", "1.5", "0.1", "-2.5", "1e3", "true", "false"]
FILTERS = [
    "upper", "lower", "title", "capitalize", "trim", "length", "list", "first", "last", "string", "int", "float", "abs",
    "round", "round(1)", "sort", "sort(reverse=true)", "unique|list", "reverse|list", "join", "join('-')", "sum", "min",
    "max", "default('q')", "d('q', true)", "replace('a', 'bb')", "map('string')|list", "map('upper')|join(',')",
    "select('odd')|list", "reject('none')|list", "select|list", "batch(2)|list", "slice(2)|list", "tojson", "indent(2)",
    "center(9)", "truncate(5, true, '..', 0)", "wordcount", "escape", "dictsort", "items|list", "count",
    "map(attribute=0)|list", "map('length')|list", "format(1, 2)", "is_list", "join(attribute=1)", "reverse",
    "groupby(0)", "attr('upper')", "selectattr(0)|list", "int(5, 16)", "round(0, 'ceil')", "trim('a')", "e",
]
TESTS = [
    "defined", "undefined", "none", "string", "number", "mapping", "iterable", "sequence", "odd", "even", "true", "boolean",
    "integer", "float", "lower", "upper", "in [1, 'a']", "eq 1", "ne 'a'", "gt 1", "lt 2", "ge 2", "divisibleby 2", "sameas none",
    "callable", "eq(2)",
]
METHODS = [
    "upper()", "split(',')", "split()", "split(' ', 1)", "rsplit(',', 1)", "strip()", "replace('a', '')", "startswith('a')",
    "endswith(('z', 'c'))", "find('a')", "title()", "join(['p', 'q'])", "splitlines()", "partition(',')", "zfill(6)",
    "center(7, '*')", "format(1, 'x')", "count('a')", "isdigit()", "swapcase()", "rfind(',')", "ljust(5)", "append(1)",
    "pop()", "extend('ab')", "index(1)", "insert(1, 'i')", "copy()", "get('k')", "get('zz', 7)", "keys()|list",
    "values()|list", "items()", "items()|list", "update({'u': 1})", "pop('k', none)", "setdefault('w', 0)", "lstrip('x')",
    "removeprefix('a')", "istitle()", "rstrip()", "remove(1)", "reverse()", "sort()",
]


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.loops = 0

    def one(self, *choices):
        return self.r.choice(choices)

    def atom(self):
        kind = self.r.randrange(10)
        if kind < 3:
            return self.r.choice(NAMES)
        if kind < 5:
            return self.r.choice(TEXTS)
        if kind < 7:
            return self.r.choice(NUMBERS)
        if kind == 7 and self.loops:
            return "loop." + self.one("index", "index0", "first", "last", "length", "revindex", "nextitem", "previtem")
        return self.one("none", "[]", "{}", "()", "range(3)", "range(1, 9, 3)")

    def expr(self, depth):
        if depth <= 0:
            return self.atom()
        e = lambda: self.expr(depth - 1)
        kind = self.r.randrange(22)
        if kind < 4:
            return self.atom()
        if kind < 6:
            return f"({e()} {self.one('+', '-', '*', '/', '//', '%', '~', '~', '~')} {e()})"
        if kind < 8:
            return f"({e()} {self.one('==', '!=', '<', '>', '<=', '>=', 'in', 'not in', 'and', 'or')} {e()})"
        if kind < 11:
            return f"{self.postfix(e())}|{self.r.choice(FILTERS)}"
        if kind < 13:
            return f"{self.postfix(e())}.{self.r.choice(METHODS)}"
        if kind == 13:
            return f"({e()} is {self.one('', 'not ')}{self.r.choice(TESTS)})"
        if kind == 14:
            return "[" + ", ".join(e() for _ in range(self.r.randrange(4))) + "]"
        if kind == 15:
            return "{" + ", ".join(f"{self.r.choice(TEXTS + NUMBERS)}: {e()}" for _ in range(self.r.randrange(3))) + "}"
        if kind == 16:
            return f"({e()} if {e()} else {e()})"
        if kind == 17:
            if self.r.random() < 0.5:  # of constants, Jinja2's compiler slices what cannot be sliced
                return f"{self.r.choice(NAMES)}[{self.one('1:', ':2', '::-1', '::2', '1:3', '-2:')}]"
            return f"{self.postfix(e())}[{self.one(e(), '0', '-1', chr(39) + 'k' + chr(39))}]"
        if kind == 18:
            return f"{self.postfix(e())}.{self.one('k', 'x', 'x.y', 'nope', '0')}"
        if kind == 19:
            return f"(not {e()})"
        if kind == 20:
            return f"({e()}, {e()})"
        return f"m({e()})"

    def postfix(self, text):
        return text if text.isalnum() else f"({text})"

    def space(self):
        return self.one("", "", " ", "\n", "  \n ", "\t")

    def tag(self, text):
        return f"{{%{self.one('', '', '-', '+')} {text} {self.one('', '', '-')}%}}"

    def out(self, depth):
        return f"{{{{{self.one('', '', '-')} {self.expr(depth)} {self.one('', '', '-')}}}}}"

    def body(self, depth):
        return "".join(self.space() + self.statement(depth) + self.space() for _ in range(self.r.randrange(1, 3)))

    def statement(self, depth):
        if depth <= 0:
            return self.one(self.out(2), "text", "x y")
        kind = self.r.randrange(14)
        if kind < 4:
            return self.out(3)
        if kind == 4:
            els = self.tag("else") + self.body(depth - 1) if self.r.random() < 0.5 else ""
            return self.tag(f"if {self.expr(2)}") + self.body(depth - 1) + els + self.tag("endif")
        if kind < 8:
            return self.loop(depth)
        if kind == 8:
            return self.tag(f"set {self.r.choice(SET)} = {self.expr(3)}") + self.out(1)
        if kind == 9:
            name = self.r.choice(SET)
            return self.tag(f"set {name}") + self.body(depth - 1) + self.tag("endset") + self.out(1)
        if kind == 10:
            return self.tag("filter " + self.one("upper", "trim", "replace('a', 'b')", "indent")) + self.body(depth - 1) + self.tag("endfilter")
        if kind == 11:
            return self.tag(f"do {self.expr(3)}") + self.out(1)
        if kind == 12:
            return self.tag("call(v=1) m(2)") + self.body(depth - 1) + "{{ v }}" + self.tag("endcall")
        return self.tag(f"with a = {self.expr(2)}") + self.body(depth - 1) + self.tag("endwith")

    def loop(self, depth):
        head = self.one("for a in ", "for a, b in ", "for n in ", "for l in ") + self.one(
            self.expr(2), "l", "d.items()", "range(4)", "'abc'", "[[1, 2], [3, 4]]"
        )
        if self.r.random() < 0.3:
            head += f" if {self.expr(1)}"
        self.loops += 1
        inside = self.body(depth - 1)
        if self.r.random() < 0.15:
            inside += self.tag(f"if {self.expr(1)}") + self.tag(self.one("break", "continue")) + self.tag("endif")
        self.loops -= 1
        els = self.tag("else") + "none" if self.r.random() < 0.2 else ""
        return self.tag(head) + inside + els + self.tag("endfor")

    def template(self):
        macro = "{% macro m(x, y=1) %}<{{ x }}{{ y }}{{ caller(x) if caller }}>{% endmacro %}"
        return macro + self.body(3)


def usable(kind, result):
    """Not what names an address, nor the types that we do not have (Markup, kinds of iterators)."""
    if kind == "error":
        kinds = ("Markup", "iterator", "builtin_function", "reversed object", "has no element")
        return not any(word in result for word in kinds)
    return not any(word in result.lower() for word in (" object at 0x", "<generator", "<built-in", "<function", "\n---- ", "\n#### ", "iterator", "markup("))


def round_of(seed, program, folder):
    import json

    context = json.loads(CONTEXT)
    out = []
    maker = Maker(seed)
    while len(out) < 500:
        source = maker.template()
        kind, result = record.render(source, json.loads(CONTEXT))
        if not usable(kind, result) or re.search(r"\(range\([^)]*\)\)\.(count|index)", source) or "\r" in result:
            continue
        result = re.sub(r"^\d+", "0", result) if kind == "error" else result  # any line
        body = f"---- error {result}\n" if kind == "error" else "---- output\n" + (result + "\n" if result else "")
        out.append(f"#### {seed}.{len(out)}\n{source}\n---- context\n{json.dumps(context, ensure_ascii=False)}\n{body}")
    path = os.path.join(folder, f"{seed}.cases")
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write("".join(out))
    done = subprocess.run([program, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        sys.stdout.write(done.stderr.decode(errors="replace"))
        print(f"seed {seed} differs: {path}")
        return False
    os.unlink(path)
    return True


def main():
    warnings.simplefilter("ignore")
    program = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    first = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**9)
    folder = tempfile.mkdtemp(prefix="template-fuzz-")
    wrong = sum(not round_of(first + i, program, folder) for i in range(rounds))
    print(f"{rounds * 500} templates from seed {first}: {wrong} of {rounds} rounds differ")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
