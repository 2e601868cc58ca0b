"""A project of 2,000 models, generated: read, compiled and planned by tailrace; parsed by dbt-core with dbt-clickhouse, of
which it is the first of several steps to the same. Neither reaches a warehouse."""
import os
import subprocess
import tempfile

from figures import to_its_end
from generated import generate
from harness import BINARY
from report import Part, ratio, say

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DBT = os.path.join(ROOT, "tests", "deps", "dbt", "venv", "bin", "dbt")


def measured(folder, *command):
    def measure():
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, env=os.environ | {"DO_NOT_TRACK": "1"})
            usage = to_its_end(process)
            said.seek(0)
            if usage.code:
                raise RuntimeError(f"{command}: {said.read().decode()[-2000:]}")
        return usage

    return measure


def run(options):
    models = min(options.rows or 2000, 2000)
    part = Part(f"Reading and planning a project of {models:,} models", models)
    with tempfile.TemporaryDirectory() as folder:
        generate(folder, models)
        ours = part.line("tailrace plan")
        plan = measured(folder, BINARY, "plan", "--offline")
        if not os.path.exists(DBT):
            say("dbt is not there: tools/setup bench fetches it")
            for _ in range(options.rounds):
                ours.add(plan())
        else:
            theirs = part.line("dbt parse")
            parse = measured(folder, DBT, "parse", "--no-partial-parse", "--profiles-dir", ".")
            for number in range(options.rounds):
                part.round(number, (ours, plan), (theirs, parse))
            part.reach("times as fast as dbt", ratio(theirs, ours), at_least=50)
        part.reach("seconds of tailrace plan", ours.middle("seconds"), at_most=1)
    return part
