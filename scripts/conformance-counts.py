"""Prints how often each operation returned each status, per way of checking, and which failures were accepted. Exits with an
error if an expected response is missing.

Usage: conformance-counts.py FOLDER WAY…, where FOLDER has before-WAY-N.json and after-WAY-N.json, the server's counts around
each round, and optionally accepted-WAY."""

import collections
import json
import pathlib
import sys

# Requests made without any knowledge of the server would never get these.
MUST = {
    "session-run 201", "session-list 200", "describe-session 200", "session-stop 204", "join-session 200",
    "leave-session 200", "artifacts 200", "get-available-locations 200", "tag-exists 200", "stream-logs 200",
}
# Those that links between operations must reach.
LINKED = {"session-run 201", "session-stop 204", "describe-session 200", "join-session 200", "artifacts 200",
          "stream-logs 200"}

folder, ways = pathlib.Path(sys.argv[1]), sys.argv[2:]
counts = collections.defaultdict(collections.Counter)
for way in ways:
    for after in folder.glob(f"after-{way}-*.json"):
        # Without the requests that prepare a round.
        before = json.loads((folder / after.name.replace("after", "before", 1)).read_text())
        for answer, count in json.loads(after.read_text()).items():
            if not answer.startswith("admin ") and count > before.get(answer, 0):
                counts[answer][way] += count - before.get(answer, 0)
width = max(map(len, counts))
print(" " * width, *(f"{way:>9}" for way in ways))
for answer in sorted(counts):
    print(f"{answer:<{width}}", *(f"{counts[answer].get(way, 0):>9}" for way in ways))
print(f"{'all':<{width}}", *(f"{sum(row.get(way, 0) for row in counts.values()):>9}" for way in ways))

accepted = collections.Counter()
for way in ways:
    if (folder / f"accepted-{way}").exists():
        accepted.update(f"{line} ({way})" for line in (folder / f"accepted-{way}").read_text().splitlines())
if accepted:
    print("accepted although a description says otherwise:")
    for line, count in sorted(accepted.items()):
        print(f"{count:>9} {line}")

missing = sorted(MUST - counts.keys()) + sorted(
    f"{answer} (stateful)" for answer in LINKED if not counts.get(answer, {}).get("stateful"))
if missing:
    sys.exit("conformance: never seen: " + ", ".join(missing))
