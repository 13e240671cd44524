#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks every #include "layer/file.h" under src/ against the table of layers."""
import pathlib
import re
import sys


def read_table(path):
    table = {}
    for line in pathlib.Path(path).read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            layer, allowed = line.split(":")
            table[layer.strip()] = set(allowed.split()) | {layer.strip()}
    return table


def main(table_path, root):
    table = read_table(table_path)
    problems = 0
    for source in sorted(pathlib.Path(root).rglob("*.[ch]")):
        layer = source.relative_to(root).parts[0]
        if layer not in table:
            print(f"{source}: folder {layer} is not in {table_path} (add a row for it)")
            problems += 1
            continue
        for number, line in enumerate(source.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"/]+)/', line)
            quoted = re.match(r'\s*#\s*include\s+"', line)
            if quoted and not match:
                print(f"{source}:{number}: include as \"layer/file.h\"")
                problems += 1
            elif match and match.group(1) not in table[layer]:
                print(f"{source}:{number}: {layer} may not use {match.group(1)} "
                      f"(see {table_path}; move the code or the dependency)")
                problems += 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
