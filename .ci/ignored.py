"""The tests that a plain `cargo test` leaves out, by the reason that stands in their attribute.

    ignored.py REASON     the names of those whose reason begins so
    ignored.py --reasons  every reason that some test gives, up to its first comma or colon

A test is left out for one of these reasons: it takes long, or it needs a program or a right that a
machine with the toolchain, a C compiler and OpenSSH's client tools does not have.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ["src", "tests", "keytool", "examples", "benches"]
TEST = re.compile(
    r'#\[(?:cfg_attr\([^\]]*?, )?ignore = "([^"]*)"\)?\]'  # the reason
    r"(?:\s*(?:#\[[^\]]*\]|//[^\n]*))*"                      # attributes and comments after it
    r"\s*(?:pub(?:\([a-z]+\))? )?(?:async )?fn (\w+)",       # the name
    re.S)


def tests():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.rs")):
            if "target" not in path.relative_to(ROOT).parts:
                yield from TEST.findall(path.read_text())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    wanted = sys.argv[1]
    if wanted == "--reasons":
        found = {re.split("[,:]", reason)[0] for reason, _ in tests()}
    else:
        found = [name for reason, name in tests() if reason.startswith(wanted)]
    for line in sorted(found):
        print(line)


main()
