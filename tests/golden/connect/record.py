#!/usr/bin/python3
"""Records what Kafka's JsonConverter writes, for the golden tests of formats/connect.

It runs Record.java over the jars that tests/lib/kafka.py fetches (Java 17 or newer, Maven) and writes, into its
own folder:
    values.tsv      the method of the writer, its argument in hexadecimal (of numbers their bits), its JSON
    schemas.json    a schema a line
    row.json        a row with the schema that values have with schemas.enable
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
sys.path[:0] = [os.path.join(ROOT, "tests", "lib")]

from kafka import jars, java  # noqa: E402

subprocess.run([java(), "-cp", jars("kafka") + "/*", os.path.join(HERE, "Record.java"), HERE], check=True)
