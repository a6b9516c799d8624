"""The schema against the files that the parser takes and those that it refuses.

schema_check.py SCHEMA SCENARIOS BAD: every scenario below SCENARIOS (folders, separated by ":") is
valid; every folder of BAD is refused, or holds a schema.txt with the reason why a schema cannot
know, and then is not; every default and every example of the schema is right by the schema itself.
Prints a line a complaint; exits 1 where there is one.
"""

import json
import os
import sys

import jsonschema

complaints = 0


def complain(text):
    global complaints
    complaints += 1
    print("FAIL: " + text)


def files_below(folder):
    for at, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith(".json") and not name.endswith(".schema.json"):
                yield os.path.join(at, name)


def check_scenarios(validator, schema_path, folders):
    count = 0
    for path in (path for folder in folders for path in files_below(folder)):
        with open(path, encoding="utf-8") as file:
            scenario = json.load(file)
        for error in validator.iter_errors(scenario):
            complain(f"{path}: {error.json_path}: {error.message}")
        named = scenario.get("$schema")
        found = named and os.path.join(os.path.dirname(path), named)
        if found and not (os.path.exists(found) and os.path.samefile(found, schema_path)):
            complain(f"{path}: its $schema does not lead to {schema_path}")
        count += 1
    return count


def is_refused(validator, path):
    try:
        with open(path, encoding="utf-8") as file:
            return not validator.is_valid(json.load(file))
    except (ValueError, RecursionError):
        return True  # no JSON: no editor asks the schema


def check_bad(validator, folder):
    names = sorted(os.listdir(folder))
    for name in names:
        refused = is_refused(validator, os.path.join(folder, name, "input.json"))
        reason = os.path.join(folder, name, "schema.txt")
        excused = os.path.exists(reason) and os.path.getsize(reason) > 1
        if not refused and not excused:
            complain(f"{name}: the parser refuses it, the schema does not, and no schema.txt says why")
        if refused and os.path.exists(reason):
            complain(f"{name}: the schema does refuse it; remove its schema.txt")
    return len(names)


def check_shown(validator, schema, path="#"):
    """Defaults and examples at PATH and below it; returns how many."""
    count = 0
    if isinstance(schema, dict):
        shown = schema.get("examples", []) if isinstance(schema.get("examples"), list) else []
        if "default" in schema and not isinstance(schema["default"], dict):
            shown = shown + [schema["default"]]
        for value in shown:
            for error in validator.descend(value, schema):
                complain(f"{path}: {json.dumps(value)} is shown there: {error.message}")
            count += 1
        for key, value in schema.items():
            count += check_shown(validator, value, f"{path}/{key}")
    elif isinstance(schema, list):
        for i, value in enumerate(schema):
            count += check_shown(validator, value, f"{path}/{i}")
    return count


def main():
    schema_path, scenarios, bad = sys.argv[1:]
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    valid = check_scenarios(validator, schema_path, scenarios.split(":"))
    refused = check_bad(validator, bad)
    shown = check_shown(validator, schema)
    print(f"{valid} scenarios, {refused} bad ones, {shown} defaults and examples")
    if valid < 10 or refused < 100 or shown < 50:
        complain("too few of them: something was not found")
    sys.exit(1 if complaints else 0)


main()
