"""Checks the types of the page's scripts with TypeScript, from their JSDoc: no build step, and nothing of it in a page.

``python .ci/page.py`` takes the checker from npm the first time, as ``.ci/js/package-lock.json`` pins it by hash (the lock
names no registry). Where node or the network is missing it says so; under CI (the variable ``CI``) that is a fault.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "js"
CHECKER = FOLDER / "node_modules" / "typescript" / "bin" / "tsc"


def without(reason: str) -> int:
    """Say why the scripts were not checked, and return the exit code for that."""
    sys.stderr.write(
        f"The page's scripts were NOT checked: {reason}. Install node 18 or newer with npm, and run this again.\n"
    )
    return 1 if os.environ.get("CI") else 0


def main() -> int:
    """Fetch the checker where it is missing, run it, and return its exit code."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        return without("there is no node")
    if not CHECKER.is_file():
        if npm is None:
            return without("there is no npm")
        fetched = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=False, capture_output=True, text=True
        )
        if fetched.returncode:
            return without(f"npm could not fetch the checker ({fetched.stderr.strip().splitlines()[-1:]})")
    return subprocess.run(
        [node, str(CHECKER), "-p", str(FOLDER / "tsconfig.json"), "--pretty", "false"], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
