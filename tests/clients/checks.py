"""Prints the conformance suite's checks of a run, a line each: scenario, check, status; and how many passed."""

import json
import pathlib
import re
import sys

lines = []
for file in sorted(pathlib.Path(sys.argv[1]).rglob("checks.json")):
    # The directory is named after the scenario and the time of the run.
    scenario = re.sub(r"-?\d{4}-\d\d-\d\dT.*$", "", file.parent.name)
    for check in json.loads(file.read_text()):
        lines.append(f"{scenario} {check.get('id')} {check.get('status')}")
lines.sort()
print(*lines, sep="\n")
print(f"{sum(line.endswith('SUCCESS') for line in lines)} of {len(lines)} checks passed")
