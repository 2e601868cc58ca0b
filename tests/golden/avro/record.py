#!/usr/bin/python3
"""Records what Confluent's AvroConverter and Avro's own library make of Connect's data, for the golden tests of
formats/avro.

It runs Record.java over the jars that tests/lib/kafka.py fetches (Java 17 or newer, Maven) and writes, into its
own folder:
    connect.tsv     of each line of connect.jsonl, a schema and a payload as JsonConverter has them: the
                    schema that is registered, and the message in hexadecimal, without its header
    avro.tsv        of each line of avro.jsonl, a schema and a value as Avro's JSON: the value in hexadecimal,
                    and the same with blocks that say their size
What the value is once it was read stands beside it, bytes in hexadecimal; avro.expected has the Connect
schemas: UPDATE_GOLDEN=1 in the environment of the test writes it anew, for a person to read the difference.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lib"))

from kafka import jars, java  # noqa: E402

classes = ":".join(jars(name) + "/*" for name in ("kafka", "avro"))
subprocess.run([java(), "-cp", classes, os.path.join(HERE, "Record.java"), HERE], check=True)
