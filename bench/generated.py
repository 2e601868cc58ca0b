#!/usr/bin/python3
"""A dbt project of any size, the same one for the same seed: layers of models that stand on each other, sources, seeds,
yml with descriptions and tests, macros of its own. It is as dbt and dbt-clickhouse take it.

    generate("/tmp/project", models=2000)
    python3 bench/generated.py DIR [--models N] [--seed N]
"""
import argparse
import os
import random

LAYERS = (("staging", 0.3), ("intermediate", 0.3), ("marts", 0.3), ("reports", 0.1))
TABLES = ("orders", "customers", "products", "payments", "reviews", "sellers", "shipments", "sessions")
COLUMNS = ("id", "customer_id", "amount", "status", "created_at", "updated_at", "country", "quantity")

PROJECT = """\
name: generated
version: "1.0"
config-version: 2
profile: generated
model-paths: [models]
vars:
  start_date: "2026-01-01"
  currencies: [EUR, USD, GBP]
models:
  generated:
    +tags: [generated]
    staging: {+materialized: view, +schema: staging}
    intermediate: {+materialized: ephemeral}
    marts: {+materialized: table, +meta: {owner: finance}}
    reports: {+materialized: incremental, +tags: [nightly]}
seeds:
  generated: {+schema: seeds}
"""

PROFILES = """\
generated:
  target: prod
  outputs:
    prod: {type: clickhouse, schema: generated, host: 127.0.0.1}
"""

CONFIG = """\
connections:
  warehouse: {kind: clickhouse, url: embedded, database: generated}
models: {database: generated}
"""

MACROS = """\
{% macro cents(column, digits=2) -%}
	round({{ column }} / 100, {{ digits }})
{%- endmacro %}

{% macro pivot_amounts(column, values) -%}
	{%- for value in values %}
	sumIf(amount, {{ column }} = '{{ value }}') as {{ value | lower }}_amount{{ ',' if not loop.last }}
	{%- endfor %}
{%- endmacro %}

{% macro since(column) -%}
	{{ column }} >= '{{ var("start_date") }}'{% if is_incremental() %} and {{ column }} > (select max({{ column }}) from {{ this }}){% endif %}
{%- endmacro %}

{% test positive(model, column_name) -%}
select * from {{ model }} where {{ column_name }} < 0
{%- endtest %}
"""

STAGING = """\
with source as (
	select * from {{{{ source('{source}', '{table}') }}}}
)
select
	id,
	customer_id,
	{{{{ cents('amount') }}}} as amount,
	lower(status) as status,
	created_at,
	updated_at,
	country,
	quantity
from source
where {{{{ since('created_at') }}}}
"""

JOINED = """\
{{%- set statuses = ['new', 'paid', 'sent', 'lost'] -%}}
with {ctes}
select
	a.id as id,
	a.customer_id as customer_id,
	a.amount as amount,
	a.status as status,
	a.created_at as created_at,
	a.updated_at as updated_at,
	a.country as country,
	a.quantity as quantity
from {first} as a
{joins}
where a.status in ({{% for s in statuses %}}'{{{{ s }}}}'{{{{ ', ' if not loop.last }}}}{{% endfor %}})
"""

MART = """\
{{{{ config(order_by=['country', 'id'], tags=['{tag}']) }}}}
select
	country,
	any(id) as id,
	any(customer_id) as customer_id,
	sum(amount) as amount,
	any(status) as status,
	max(created_at) as created_at,
	max(updated_at) as updated_at,
	sum(quantity) as quantity,
	{{{{ pivot_amounts('status', var('currencies')) }}}}
from {{{{ ref('{parent}') }}}}
where {{{{ since('updated_at') }}}}
group by country
"""


def _model(rng, layer, names, below):
    if layer == "staging":
        return STAGING.format(source=f"raw_{rng.randrange(10)}", table=rng.choice(TABLES))
    parents = rng.sample(below, min(len(below), rng.randint(1, 4)))
    if layer != "intermediate" and (layer == "reports" or rng.random() < 0.5):
        return MART.format(tag=f"team_{rng.randrange(8)}", parent=parents[0])
    ctes = ",\n".join(f"{p}_rows as (\n\tselect * from {{{{ ref('{p}') }}}}\n)" for p in parents)
    joins = "\n".join(f"left join {p}_rows as b{i} on b{i}.id = a.id" for i, p in enumerate(parents[1:]))
    return JOINED.format(ctes=ctes, first=f"{parents[0]}_rows", joins=joins)


def _properties(rng, names):
    lines = ["version: 2", "models:"]
    for name in names:
        lines += [f"  - name: {name}", f"    description: what {name} holds, one row for each id", "    columns:"]
        for column in COLUMNS:
            lines += [f"      - name: {column}", f"        description: the {column} of it"]
            if column == "id":
                lines.append("        data_tests: [not_null" + (", unique]" if rng.random() < 0.5 else "]"))
            elif column == "status" and rng.random() < 0.3:
                lines.append("        data_tests: [{accepted_values: {values: [new, paid, sent, lost]}}]")
            elif column == "amount" and rng.random() < 0.2:
                lines.append("        data_tests: [positive]")
    return "\n".join(lines) + "\n"


def _sources():
    lines = ["version: 2", "sources:"]
    for i in range(10):
        lines += [f"  - name: raw_{i}", f"    schema: raw_{i}", "    tables:"]
        lines += [f"      - {{name: {table}, description: rows of {table}}}" for table in TABLES]
    return "\n".join(lines) + "\n"


def generate(folder, models=2000, seed=1):
    """Writes the project; what each layer is called, in order."""
    rng = random.Random(seed)
    below, written = [], {}
    write = lambda path, text: _write(os.path.join(folder, path), text)
    write("dbt_project.yml", PROJECT)
    write("profiles.yml", PROFILES)
    write("tailrace.yaml", CONFIG)
    write("macros/macros.sql", MACROS)
    write("models/sources.yml", _sources())
    for i in range(20):
        write(f"seeds/codes_{i}.csv", "code,name\n" + "".join(f"{n},name {n}\n" for n in range(20)))
    for layer, share in LAYERS:
        names = [f"{layer[:3]}_{i:04}" for i in range(round(models * share))]
        for start in range(0, len(names), 20):
            group = f"models/{layer}/group_{start // 20:02}"
            for name in names[start : start + 20]:
                write(f"{group}/{name}.sql", _model(rng, layer, names, below))
            write(f"{group}/models.yml", _properties(rng, names[start : start + 20]))
        below, written[layer] = names, names
    return written


def _write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--models", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    generate(args.folder, args.models, args.seed)
