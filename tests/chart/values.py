#!/usr/bin/python3
"""Validates values (JSON on standard input) by the chart's schema, as Helm does before it renders:
prints a line `path: sentence` for each refused value, and then exits with status 1.

    values.py SCHEMA <values.json
"""
import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft7Validator.check_schema(schema)
errors = list(jsonschema.Draft7Validator(schema).iter_errors(json.load(sys.stdin)))
for error in errors:
    print(".".join(str(step) for step in error.path) + ": " + error.message)
sys.exit(1 if errors else 0)
