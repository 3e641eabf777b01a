"""Runs every command that answers in JSON with the newest libraries that the ranges allow: ``make nieuwste``.

The locks hold one version of each library; users who install the package get the newest. This makes an environment of
its own, runs the invented study in an empty folder and parses what comes out of standard output: whatever a library
prints there, and whatever it renamed, shows here first. ``proef`` asks the network and is left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
STUDY = "proefveld"
#: Words of each command, in an order in which each finds what it needs, and the exit codes that are right for it.
COMMANDS: dict[str, tuple[list[str], tuple[int, ...]]] = {
    "lijst": ([], (0,)),
    "run": ([STUDY], (0,)),
    "demo": ([], (0,)),
    "status": ([STUDY], (0,)),
    "check": ([STUDY], (0,)),
    "gebied": ([STUDY, "--punt", "190158,560132"], (0,)),
    "haalbaarheid": ([STUDY, "--alle"], (0,)),
    "uitgave": ([STUDY], (0,)),
    "eigen-data": (["--voorbeeld", "pand"], (0,)),
    "vergeet": ([STUDY, "own_pand"], (0,)),
}
#: Commands that ask the network.
OUTSIDE = {"proef"}
_ASKED = """
import json
from kansenkaart.cli import cli
print(json.dumps([name for name, one in cli.commands.items() if any("--json" in way.opts for way in one.params)]))
"""


def main() -> int:
    """Make the environment, run the commands, and return how many fail."""
    with tempfile.TemporaryDirectory(prefix="kansenkaart-newest-") as folder:
        python = Path(folder) / "venv" / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--upgrade", f"{ROOT}[rapporten]"], check=True)
        return judge(python, Path(folder) / "empty")


def judge(python: Path, folder: Path) -> int:
    """Run every command with one Python in an empty folder, say what came of it, and return how many fail."""
    folder.mkdir()
    names = json.loads(subprocess.run([python, "-c", _ASKED], capture_output=True, text=True, check=True).stdout)
    failed = [f"{name}: not in this script" for name in names if name not in COMMANDS and name not in OUTSIDE]
    for name, (words, codes) in COMMANDS.items():
        line = [str(python.with_name("kansenkaart")), name, *words, "--json"]
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
        try:
            json.loads(done.stdout)
            fault = "" if done.returncode in codes else f"exit code {done.returncode}: {done.stderr[-400:]}"
        except ValueError:
            fault = f"no JSON (exit code {done.returncode}): {done.stdout[:200]!r} {done.stderr[-400:]}"
        sys.stdout.write(f"{name}: {fault or 'parses'}\n")
        failed += [f"{name}: {fault}"] if fault else []
    freeze = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    shown = [one for one in freeze.splitlines() if "==" in one]
    sys.stdout.write("\n".join(["with " + ", ".join(shown), *failed]) + "\n")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
