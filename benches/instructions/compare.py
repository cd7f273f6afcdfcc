#!/usr/bin/env python3
"""Counts instructions under callgrind and compares them with the figures kept in counts.json.

    python3 benches/instructions/compare.py [--write] [--features F] [--out DIR] [CASE...]

Fails when a count is more than 3 % above the kept one. --write keeps today's figures instead.
--features aws-lc-rs counts the other backend. --out keeps what callgrind wrote, for
callgrind_annotate. Needs valgrind; the processor that it shows to programs has AVX2, but neither
AVX-512 nor the SHA instructions, whatever the machine has.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = HERE / "counts.json"
LIMIT = 0.03


def text(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def build(features):
    """The program's path."""
    command = ["cargo", "bench", "--locked", "--bench", "instructions", "--no-run",
               "--message-format", "json-render-diagnostics"]
    if features:
        command += ["--features", features]
    for line in text(*command, cwd=HERE.parent.parent).splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == "instructions":
            return message["executable"]
    sys.exit("cargo built no program")


def count(program, case, folder):
    """The instructions of one case, all its runs together."""
    out = Path(folder) / f"callgrind.{case}.out"
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=*::counted*",
         f"--callgrind-out-file={out}", program, case],
        # what lies on the stack below main is the same everywhere
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = re.search(r"^totals: (\d+)$", out.read_text(), re.M) if out.exists() else None
    if done.returncode or not found or found[1] == "0":
        sys.exit(f"{case} cannot be counted (status {done.returncode}):\n{done.stdout}")
    return int(found[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--features", default="")
    parser.add_argument("--out", type=Path)
    parser.add_argument("cases", nargs="*")
    given = parser.parse_args()

    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed; nothing can be counted")
    rustc = dict(line.split(": ", 1) for line in text("rustc", "-vV").splitlines()[1:])
    here = {"target": rustc["host"], "rustc": rustc["release"],
            "valgrind": text("valgrind", "--version").strip()}
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    # figures of different compilers do not stand side by side in the file
    same = all(kept.get(name) == value for name, value in here.items())
    backend = given.features or "default"
    figures = kept.get("counts", {}).get(backend, {}) if same or not given.write else {}
    if not given.write:
        if kept.get("target") != here["target"]:
            sys.exit(f"the kept figures are for {kept.get('target')}, this is {here['target']}")
        if not same:
            print(f"WARNING: the kept figures are from rustc {kept['rustc']} and {kept['valgrind']}"
                  f", these from rustc {here['rustc']} and {here['valgrind']}; a difference may be"
                  " theirs. Where it is, renew the figures with --write.")

    program = build(given.features)
    cases = {name: int(times) for name, times in map(str.split, text(program, "--list").splitlines())}
    wrong = set(given.cases) - set(cases)
    if wrong:
        sys.exit(f"no such case: {', '.join(sorted(wrong))}; there are {', '.join(cases)}")

    counts, above, below = {}, [], []
    with tempfile.TemporaryDirectory() as folder:
        if given.out:
            given.out.mkdir(parents=True, exist_ok=True)
        for case in given.cases or cases:
            counts[case] = round(count(program, case, given.out or folder) / cases[case])
            before = figures.get(case)
            change = (counts[case] / before - 1) if before else None
            shown = "no figure kept" if change is None else f"{before:>12,}  {change:+8.2%}"
            print(f"{case:<34} {counts[case]:>12,}  {shown}", flush=True)
            if change is None or change > LIMIT:
                above.append(case)
            elif change < -LIMIT:
                below.append(case)

    if given.write:
        kept_counts = kept.get("counts", {}) if same else {}
        kept_counts[backend] = {**figures, **counts} if given.cases else counts
        KEPT.write_text(json.dumps({**here, "counts": kept_counts}, indent=2) + "\n")
        return
    # a case that was taken out, or has another name
    gone = [] if given.cases else [case for case in figures if case not in cases]
    if below:
        print(f"more than {LIMIT:.0%} less; renew the figures with --write: {', '.join(below)}")
    if above or gone:
        sys.exit(f"more than {LIMIT:.0%} above the kept figures, or without one: "
                 f"{', '.join(above + gone)}")


if __name__ == "__main__":
    main()
