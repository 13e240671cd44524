#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs unit tests and end-to-end tests and closes with "N passed, N failed"."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
UNIT_TIMEOUT_S = 120
E2E_TIMEOUT_S = 1800


class Total:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0


def run_unit(path, total):
    """One process per file. What cmocka says is shown only where something failed."""
    try:
        done = subprocess.run([path], capture_output=True, text=True, timeout=UNIT_TIMEOUT_S,
                              errors="replace")
        output, code = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = f"{late}\n", -1
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", output))
    failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] +(\d+) test", output))
    if (code != 0 and failed == 0) or passed + failed == 0:
        failed += 1  # it crashed, or it ran nothing
    total.passed += passed
    total.failed += failed
    print(f"  {'ok  ' if failed == 0 else 'FAIL'}  {'/'.join(pathlib.Path(path).parts[-3:])}: "
          f"{passed} passed" + (f", {failed} failed" if failed else ""), flush=True)
    if failed:
        print(output)


def run_e2e(binary, extra, total):
    with tempfile.TemporaryDirectory() as folder:
        report = f"{folder}/report.xml"
        environment = dict(os.environ, LIMELOAD=str(pathlib.Path(binary).resolve()))
        try:
            code = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                 f"--junitxml={report}", *(extra or ["tests/e2e"])],
                cwd=ROOT, env=environment, timeout=E2E_TIMEOUT_S).returncode
        except subprocess.TimeoutExpired:
            print(f"end-to-end tests did not end within {E2E_TIMEOUT_S} s")
            total.failed += 1
            return
        try:
            suite = xml.parse(report).getroot().find("testsuite")
        except (OSError, xml.ParseError):
            total.failed += 1
            return
        tests, skipped = int(suite.get("tests")), int(suite.get("skipped"))
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        if code != 0 and failed == 0:
            failed = 1
        total.failed += failed
        total.skipped += skipped
        total.passed += max(0, tests - skipped - failed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", help="the limeload binary; without it no end-to-end tests run")
    parser.add_argument("--units", default="", help="unit test programs, separated by spaces")
    parser.add_argument("e2e", nargs="*", help="pytest arguments instead of the whole suite")
    args = parser.parse_args()

    started, total = time.monotonic(), Total()
    for unit in args.units.split():
        run_unit(unit, total)
    if args.bin:
        run_e2e(args.bin, args.e2e, total)
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"{total.passed} passed, {total.failed} failed"
          + (f", {total.skipped} skipped" if total.skipped else ""))
    return 1 if total.failed or total.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
