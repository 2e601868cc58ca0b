"""Projects of models for tests: a folder with files, a configuration beside it, and the warehouse that builds it.

    project = Project({"models/orders.sql": "select 1 as id"}, warehouse=ClickHouse())
    project.build()
    eq(project.query("SELECT id FROM analytics.orders"), [(1,)])

Without `warehouse` it is the embedded ClickHouse, which each command then starts by itself.
"""
import os
import re
import textwrap

from harness import ClickHouse, Tailrace, free_port


class Project(Tailrace):
    def __init__(self, files=None, warehouse=None, models=None, env=None, **top):
        target = {"kind": "clickhouse", "database": "shop"}
        if isinstance(warehouse, ClickHouse):
            target["url"] = warehouse.http_url
        else:
            target |= {"url": "embedded", "http_port": free_port(), "tcp_port": free_port()}
        config = {
            "connections": {"warehouse": target},
            "models": {"database": "analytics", **(models or {})},
            "server": {"listen": f"127.0.0.1:{free_port()}"},
            **top,
        }
        super().__init__(config, env)
        self.write({"dbt_project.yml": "name: shop", **(files or {})})

    def write(self, files):
        """Puts files into the project; None takes one away."""
        for name, text in files.items():
            path = os.path.join(self.folder, name)
            if text is None:
                os.remove(path)
                continue
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(textwrap.dedent(text).strip("\n") + "\n")

    def build(self, *args, code=0, **env):
        """`tailrace build`, which must end with that code."""
        done = self.command("build", *args, **env)
        if done.code != code:
            raise AssertionError(f"tailrace build {' '.join(args)}: {done!r}")
        return done

    def runs(self):
        return self.command("runs", "--json", check=True).json["runs"]

    def run(self, number=None):
        """A run with its steps and attempts; the newest without a number."""
        number = number or self.runs()[0]["id"]
        return self.command("runs", str(number), "--json", check=True).json

    def steps(self, number=None):
        """What became of each step of a run: {"orders": "succeeded", "facts 2026-11-02": "failed"}."""
        return {step_name(step): step["status"] for step in self.run(number)["steps"]}


def step_name(step):
    name = re.sub(r"^\w+\.\w+\.", "", step["asset"])
    return f"{name} {step['partition']}".strip()
