"""Prints the conformance suite's checks of a run, a line each: scenario, check, status; and how many passed.

With `--why`, only those that did not pass, and what the suite says of each.
"""

import json
import pathlib
import re
import sys

lines, why = [], []
for file in sorted(pathlib.Path(sys.argv[1]).rglob("checks.json")):
    # The directory is named after the scenario and the time of the run.
    scenario = re.sub(r"-?\d{4}-\d\d-\d\dT.*$", "", file.parent.name)
    for check in json.loads(file.read_text()):
        status = check.get("status")
        if status == "INFO":
            continue
        line = f"{scenario} {check.get('id')} {status}"
        lines.append(line)
        if status != "SUCCESS":
            said = " ".join(str(check.get("errorMessage") or "").split())
            why.append(f"  {line}: {said[:300]}")
lines.sort()
if "--why" in sys.argv[2:]:
    for line in sorted(why):
        print(line)
else:
    print(*lines, sep="\n")
    print(f"{sum(line.endswith('SUCCESS') for line in lines)} of {len(lines)} checks passed")
