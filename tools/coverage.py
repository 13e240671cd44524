#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Line coverage per folder and file, from what a MODE=cov build has recorded."""
import collections
import json
import pathlib
import subprocess
import sys


def main(objects):
    lines = collections.defaultdict(dict)  # file -> line -> executed
    for data in sorted(pathlib.Path(objects).rglob("*.gcda")):
        out = subprocess.run(["gcov", "--stdout", "--json-format", str(data)],
                             capture_output=True, text=True, check=True).stdout
        for report in map(json.loads, filter(None, out.splitlines())):
            for source in report["files"]:
                if source["file"].startswith(("src/", "./src/")):
                    seen = lines[source["file"].removeprefix("./")]
                    for line in source["lines"]:
                        number = line["line_number"]
                        seen[number] = seen.get(number, False) or line["count"] > 0
    if not lines:
        print(f"no coverage data below {objects} (run make coverage)")
        return 1
    folders = collections.defaultdict(lambda: [0, 0])
    for name in sorted(lines):
        total, hit = len(lines[name]), sum(lines[name].values())
        print(f"  {100 * hit / total:5.1f} %  {hit:5d}/{total:<5d}  {name}")
        folder = folders[str(pathlib.Path(name).parent)]
        folder[0] += hit
        folder[1] += total
    print()
    for folder, (hit, total) in sorted(folders.items()):
        print(f"  {100 * hit / total:5.1f} %  {hit:5d}/{total:<5d}  {folder}/")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
