"""Put one small fault at a time into a copy of the package and see whether the tests of its room fail.

``nice python -m tests.mutation --room sources --mutants 10 --seed 1`` draws ten faults among all that the room can have: an
operator, a comparison, a bound or a constant changed, a condition turned round, a call of a method left out. What no test
notices is listed as a survivor, to be judged: a hole in the tests, or a fault that changes nothing. A run that takes
longer than ``--seconds`` counts as noticed. Without ``--room`` the draw is over all rooms.

The copy has no compiled files when it begins, and what numba keeps is stamped with the content of its room
(`kansenkaart.kernel`), so no fault hides behind an old compilation.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.mutation.faults import Fault, faults_of, spoil

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "kansenkaart"
#: Tests that look at a room, quickest first; slow ones and those of published data are left out.
TESTS: dict[str, tuple[str, ...]] = {
    "sources": ("sources", "fuzz/test_fuzz_readers.py", "fuzz/test_fuzz_services.py", "acquire"),
    "acquire": ("acquire", "publish/test_feasibility.py"),
    "tables": ("tables", "runs/test_check.py"),
    "wording": (
        "wording",
        "core/water/test_water_streets.py",
        "core/water/test_water_engine.py",
        "publish/test_surroundings.py",
    ),
    "present": ("present",),
    "score": ("score",),
    "publish": ("publish",),
    "runs": ("runs/test_query.py", "runs/test_check.py"),
    "core/area": ("core/area", "score/test_best_areas.py"),
    "core/solar": ("core/solar", "score/test_sun_of_places.py"),
    "core/water": ("core/water", "score/test_water_bad_input.py"),
    "core/enterprise": ("core/enterprise", "publish/test_feasibility.py"),
    "core": ("core/test_buurten.py", "core/test_editions.py", "core/test_scoring.py"),
    ".": ("test_config.py", "test_cli.py", "test_wheel.py"),
}


def room_of(path: Path) -> str:
    """Return the room whose tests look at a module.

    Parameters
    ----------
    path : Path
        Of the module, inside the package.
    """
    parts = path.relative_to(PACKAGE).parts[:-1]
    if not parts:
        return "."
    return "/".join(parts[:2]) if "/".join(parts[:2]) in TESTS else parts[0]


def near_first(path: Path) -> tuple[str, ...]:
    """Return the tests that look at a module, those that name it first: most faults are noticed there.

    Parameters
    ----------
    path : Path
        Of the module, inside the package.
    """
    room = TESTS[room_of(path)]
    named = re.compile(rf"(import|,) {path.stem}\b|\.{path.stem}\b[ .]")
    files = [
        file for part in room for file in sorted((ROOT / "tests" / part).rglob("test_*.py")) or [ROOT / "tests" / part]
    ]
    near = [file.relative_to(ROOT / "tests").as_posix() for file in files if named.search(file.read_text("utf-8"))]
    return (*sorted(near, key=lambda one: path.stem not in one), *room)


def drawn(room: str | None, *, mutants: int, seed: int) -> list[tuple[Path, Fault]]:
    """Draw faults, every place in the text as likely as another.

    Parameters
    ----------
    room : str, optional
        A key of ``TESTS``, or the path of one module; None for all.
    mutants : int
        How many [1].
    seed : int
        The same seed draws the same faults from the same text.
    """
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if "example" not in path.parts]
    mine = [path for path in paths if room in (None, room_of(path), path.relative_to(PACKAGE).as_posix())]
    every = [(path, fault) for path in mine for fault in faults_of(path.read_text("utf-8"))]
    return random.Random(seed).sample(every, min(mutants, len(every)))


def noticed(copy: Path, tests: tuple[str, ...], *, seconds: float) -> str:
    """Run tests on the copy and say what came of it: ``failed`` (and how), ``too long`` or ``passed``.

    Parameters
    ----------
    copy : Path
        Folder that holds the package.
    tests : tuple of str
        Files and folders below ``tests``.
    seconds : float
        Time after which a run has noticed the fault [s].
    """
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(copy), str(ROOT)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_CACHE_DIR": str(copy / "compiled"),
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow and not realdata"]
    command += [str(Path("tests") / one) for one in tests]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return "too long"
    return "passed" if done.returncode == 0 else "failed: " + done.stdout.strip().rpartition("\n")[2]


def campaign(
    room: str | None, *, mutants: int, seed: int, seconds: float, trust: bool = False
) -> list[dict[str, object]]:
    """Try faults one after the other, and return what became of each.

    Parameters
    ----------
    room : str, optional
        As :func:`drawn` takes it.
    mutants, seed : int
        How many, and which [1].
    seconds : float
        Longest run of one [s].
    trust : bool
        Whether the tests are taken to pass without any fault, unseen.
    """
    outcomes: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder)
        target = copy / "kansenkaart"
        shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__"))
        chosen = drawn(room, mutants=mutants, seed=seed)
        for tests in [] if trust else sorted({TESTS[room_of(path)] for path, _ in chosen}):
            if (without := noticed(copy, tests, seconds=4 * seconds)) != "passed":
                raise RuntimeError(f"the tests {tests} without any fault: {without}")
        for path, fault in chosen:
            spoilt = target / path.relative_to(PACKAGE)
            whole = spoilt.read_text("utf-8")  # the copy's: somebody may edit meanwhile
            spoilt.write_text(spoil(whole, fault), "utf-8")
            began = time.monotonic()
            outcome = noticed(copy, near_first(path), seconds=seconds)
            spoilt.write_text(whole, "utf-8")
            where = f"{path.relative_to(PACKAGE).as_posix()}:{fault.line}"
            took = round(time.monotonic() - began, 1)
            outcomes.append(
                {"where": where, "fault": fault.words, "room": room_of(path), "outcome": outcome, "seconds": took}
            )
            sys.stdout.write(json.dumps(outcomes[-1]) + "\n")
            sys.stdout.flush()
    return outcomes


def main() -> int:
    """Run a campaign and print the share that was noticed by room."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--room", help=f"one of {', '.join(TESTS)}, or a module such as sources/gwsw.py")
    parser.add_argument("--mutants", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=300.0, help="longest run of one mutant")
    parser.add_argument("--trust", action="store_true", help="do not run the tests without any fault first")
    asked = parser.parse_args()
    outcomes = campaign(asked.room, mutants=asked.mutants, seed=asked.seed, seconds=asked.seconds, trust=asked.trust)
    tried, killed = Counter(one["room"] for one in outcomes), Counter()
    for one in outcomes:
        killed[one["room"]] += one["outcome"] != "passed"
    for room, count in sorted(tried.items()):
        sys.stdout.write(f"{room}: {killed[room]} of {count} noticed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
