#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the archives of pure layers need no symbol beyond the allowed ones."""
import pathlib
import subprocess
import sys

# Pure layers may use these layers, which are held to the same rule by what they offer.
FREE = ["base", "model"]


def symbols(archive, kind):
    out = subprocess.run(["nm", kind, archive], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1] for line in out.splitlines() if line and not line.endswith(":")}


def main(allowed_path, objects, layers):
    allowed = {line.strip() for line in pathlib.Path(allowed_path).read_text().splitlines()
               if line.strip() and not line.startswith("#")}
    problems = 0
    for layer in layers:
        known = set(allowed)
        for other in FREE + layers:
            known |= symbols(f"{objects}/lib{other}.a", "--defined-only")
        for symbol in sorted(symbols(f"{objects}/lib{layer}.a", "-u") - known):
            print(f"src/{layer}: uses {symbol}, which is not in {allowed_path} "
                  "(take time, randomness and I/O as arguments)")
            problems += 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
