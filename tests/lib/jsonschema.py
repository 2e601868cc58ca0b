"""Checks a document against JSON schemas of files, as far as those of OpenLineage go: $ref by $id, allOf, anyOf, type,
properties, required, additionalProperties, items, enum and format."""
import datetime
import glob
import json
import os
import re
import uuid

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}


def is_of(value, kind):
    if kind in ("integer", "number"):
        return isinstance(value, int if kind == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[kind])


def check_format(value, kind):
    if kind == "uuid":
        uuid.UUID(value)
    elif kind == "date-time":
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value), value
        datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    elif kind == "uri":
        assert re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+", value), value


class Schemas:
    def __init__(self, folder):
        self.by_id = {}
        for path in glob.glob(os.path.join(folder, "*.json")):
            with open(path, encoding="utf-8") as file:
                schema = json.load(file)
            self.by_id[schema["$id"]] = schema

    def find(self, url, base):
        name, _, path = url.partition("#")
        found = self.by_id[name or base]
        for part in path.strip("/").split("/") if path else []:
            found = found[part]
        return found, name or base

    def check(self, value, url, base=None):
        """AssertionError names the place of what is wrong."""
        schema, base = self.find(url, base)
        self._check(value, schema, base, "$")

    def _any(self, value, schemas, base, at):
        failures = []
        for schema in schemas:
            try:
                return self._check(value, schema, base, at)
            except (AssertionError, ValueError) as failure:
                failures.append(str(failure))
        raise AssertionError(f"{at}: none of {failures}")

    def _check(self, value, schema, base, at):
        if "$ref" in schema:
            found, of = self.find(schema["$ref"], base)
            self._check(value, found, of, at)
        for part in schema.get("allOf", []):
            self._check(value, part, base, at)
        if "anyOf" in schema:
            self._any(value, schema["anyOf"], base, at)
        if "type" in schema:
            assert is_of(value, schema["type"]), f"{at}: {value!r} is no {schema['type']}"
        if "enum" in schema:
            assert value in schema["enum"], f"{at}: {value!r} is none of {schema['enum']}"
        if isinstance(value, str) and "format" in schema:
            check_format(value, schema["format"])
        if isinstance(value, dict):
            self._check_object(value, schema, base, at)
        if isinstance(value, list) and "items" in schema:
            for i, item in enumerate(value):
                self._check(item, schema["items"], base, f"{at}[{i}]")

    def _check_object(self, value, schema, base, at):
        for name in schema.get("required", []):
            assert name in value, f"{at}: no {name}"
        known = schema.get("properties", {})
        more = schema.get("additionalProperties", True)
        for name, item in value.items():
            if name in known:
                self._check(item, known[name], base, f"{at}.{name}")
            elif isinstance(more, dict):
                self._check(item, more, base, f"{at}.{name}")
            else:
                assert more, f"{at}: {name} is not known"
