"""A project of 2,000 models, generated: read, compiled and planned by tailrace; parsed by dbt-core with dbt-clickhouse, of
which it is the first of several steps to the same. Neither reaches a warehouse."""

import os
import random
import subprocess
import tempfile

from figures import to_its_end
from harness import BINARY
from report import Part, ratio, say

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DBT = os.path.join(ROOT, "tests", "deps", "dbt", "venv", "bin", "dbt")
FILES = {
    "dbt_project.yml": "name: large\nversion: '1.0'\nprofile: large\n",
    "profiles.yml": "large:\n  target: prod\n  outputs:\n    prod: {type: clickhouse, schema: large, host: 127.0.0.1}\n",
    "tailrace.yaml": "connections:\n  warehouse: {kind: clickhouse, url: embedded, database: large}\nmodels: {database: large}\n",
    "models/sources.yml": "sources:\n  - name: raw\n    tables: [{name: events}]\n",
}
SELECT = """{{{{ config(materialized='{how}', tags=['area_{area}']) }}}}

with rows as ({rows})
select {columns}
from rows
{{% if var('limit', 0) > 0 %}}limit {{{{ var('limit') }}}}{{% endif %}}
"""
ABOUT = """  - name: {name}
    description: Rows of {name}.
    columns:
      - {{name: d0, description: the first, data_tests: [not_null]}}
      - {{name: d1, data_tests: [unique]}}
"""


def write(folder, files):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def project(folder, models):
    """Each model stands on up to three of the 200 before it; two in three are views; every one has two tests."""
    draw = random.Random(1)
    files = dict(FILES)
    for i in range(models):
        area = f"area_{i // 100:02}"
        parents = {draw.randrange(max(0, i - 200), i) for _ in range(3)} if i >= 50 else ()
        rows = " union all ".join(f"select * from {{{{ ref('m{p:04}') }}}}" for p in sorted(parents))
        files[f"models/{area}/m{i:04}.sql"] = SELECT.format(
            how="view" if i % 3 else "table",
            area=i // 100,
            rows=rows or "select * from {{ source('raw', 'events') }}",
            columns=", ".join(f"c{k} + {k} as d{k}" for k in range(20)),
        )
        about = files.get(f"models/{area}/models.yml", "version: 2\nmodels:\n")
        files[f"models/{area}/models.yml"] = about + ABOUT.format(name=f"m{i:04}")
    write(folder, files)


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
    part = Part(f"Reading and planning a project of {models:,} models with {2 * models:,} tests", models)
    with tempfile.TemporaryDirectory() as folder:
        project(folder, models)
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
