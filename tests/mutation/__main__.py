"""Put one small fault at a time into a copy of the package and see whether the tests of its room fail.

``nice python -m tests.mutation --room sources --mutants 10 --seed 1`` draws ten faults among all that the room can have: an
operator, a comparison, a bound or a constant changed, a condition turned round, a call of a method left out. What no test
notices is listed as a survivor, to be judged: a hole in the tests, or a fault that changes nothing. A run that takes
more than ``--seconds`` of processor time counts as noticed, and is named apart. Without ``--room`` the draw is over all rooms.

Before anything else the tests run once without any fault, and what each of them reaches is noted (`tests.mutation.reach`):
a fault is shown to the tests of its room that reach its function, the quickest first. ``--reach FILE`` keeps what was noted.

The copy has no compiled files when it begins, and what numba keeps is stamped with the content of its room
(`kansenkaart.kernel`), so no fault hides behind an old compilation. Where the fault cannot be in a compiled loop the
stamp is that of the package, and loops are compiled once.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.faults import Fault, faults_of, spoil
from tests.mutation.reach import Chosen, function_at, in_turn, may_be_compiled

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "kansenkaart"
#: The flows stand outside the package, and are a room by themselves.
FLOWS = ROOT / "flows"
#: How tests are run: what they reach is noted, or those of a list are run.
PYTEST = ("-q", "-p", "no:cacheprovider", "-m", "not slow and not realdata")
#: Libraries of others that most tests need: loaded once, for all forks.
LIBRARIES = (
    "geopandas",
    "numba",
    "pvlib",
    "scipy.sparse.csgraph",
    "scipy.spatial",
    "pyarrow.parquet",
    "requests",
)
#: All scored tables of the small field, as pinned.
_FIELD = "score/test_scores_of_example.py"
#: All numbers that the core assumes, as pinned.
_NUMBERS = "core/test_assumed_numbers.py"
#: Tests that look at a room, quickest first; slow ones and those of published data are left out.
TESTS: dict[str, tuple[str, ...]] = {
    "sources": (
        "sources",
        "fuzz/test_fuzz_readers.py",
        "fuzz/test_fuzz_services.py",
        "fuzz/test_campaign.py",
        "acquire",
        "hostile/test_geofiles.py",
        "hostile/test_transport.py",
    ),
    "acquire": ("acquire", "fuzz/test_campaign.py", "publish/test_feasibility.py", "hostile/test_withdrawal.py"),
    "tables": ("tables", "runs/test_check.py", "test_docs.py", "hostile/test_writing.py"),
    "wording": (
        "wording",
        "core/water/test_water_streets.py",
        "core/water/test_water_engine.py",
        "publish/test_surroundings.py",
        "publish/test_pinned.py",
        "runs/test_pinned_commands.py",
    ),
    "present": ("present", "publish/test_pinned.py", "publish/test_release.py", "publish/test_standards.py"),
    "score": ("score", "core/test_assumed_numbers.py", "core/solar/test_solar_priors.py", "test_api.py"),
    "publish": ("publish",),
    "runs": (
        "runs/test_query.py",
        "runs/test_check.py",
        "runs/test_said_whole.py",
        "runs/test_pinned_commands.py",
        "runs/test_parts.py",
    ),
    "flows": ("flows",),
    "core/area": ("core/area", _NUMBERS, "score/test_best_areas.py", _FIELD),
    "core/solar": ("core/solar", _NUMBERS, "score/test_sun_of_places.py", _FIELD),
    "core/water": ("core/water", _NUMBERS, "score/test_water_bad_input.py", _FIELD),
    "core/enterprise": ("core/enterprise", "publish/test_feasibility.py", _FIELD),
    "core": ("core/test_buurten.py", "core/test_editions.py", "core/test_scoring.py", _FIELD),
    ".": (
        "test_bounds.py",
        "test_doors.py",
        "test_config.py",
        "test_cli.py",
        "test_api.py",
        "hostile/test_settings.py",
        "runs/test_pinned_commands.py",
        "core/solar/test_kernels.py",
        "sources/test_files_of_people.py",
        "test_wheel.py",
    ),
}


def room_of(path: Path) -> str:
    """Return the room whose tests look at a module.

    Parameters
    ----------
    path : Path
        Of the module, inside the package or the flows.
    """
    parts = _below(path).parts[:-1]
    if not parts:
        return "."
    return "/".join(parts[:2]) if "/".join(parts[:2]) in TESTS else parts[0]


def _below(path: Path) -> Path:
    return path.relative_to(ROOT if path.is_relative_to(FLOWS) else PACKAGE)


def tests_for(path: Path, line: int, seen: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the tests of a module's room that reach the function of a line, in the order to try them.

    Parameters
    ----------
    path : Path
        Of the module, inside the package.
    line : int
        Of the fault.
    seen : mapping
        What each test reaches, as :func:`noted` returns it.
    """
    room = tuple(f"tests/{part}" for part in TESTS[room_of(path)])
    mine = {name: what for name, what in seen.items() if name.startswith(room)}
    return in_turn(mine, _below(path).as_posix(), function_at(path.read_text("utf-8"), line))


def noted(rooms: set[str], copy: Path, keep: Path) -> dict[str, dict[str, Any]]:
    """Return what each test of some rooms reaches, read where it was kept, else seen by running all of them.

    Parameters
    ----------
    rooms : set of str
        Keys of ``TESTS``.
    copy : Path
        Folder that holds the package, still without faults: a test that cannot pass there notices nothing.
    keep : Path
        File to read, or to write.

    Raises
    ------
    RuntimeError
        When a test fails without any fault.
    """
    if not keep.exists():
        tests = sorted({f"tests/{part}" for room in rooms for part in TESTS[room]})
        paths = {"PYTHONPATH": os.pathsep.join([str(copy), str(ROOT)]), "KANSENKAART_REACH": str(keep)}
        command = [sys.executable, "-m", "pytest", "-p", "tests.mutation.reach", *PYTEST, *tests]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **paths}, check=False)
        if done.returncode:
            raise RuntimeError("the tests do not pass without any fault")
    return dict(json.loads(keep.read_text("utf-8")))


def drawn(room: str | None, *, mutants: int, seed: int, skip: int = 0) -> list[tuple[Path, Fault]]:
    """Draw faults, every place in the text as likely as another.

    Parameters
    ----------
    room : str, optional
        A key of ``TESTS``, or the path of one module; None for all.
    mutants : int
        How many [1].
    seed : int
        The same seed draws the same faults from the same text.
    skip : int
        How many of the draw are left out: 50 mutants of which 50 are skipped are the second half of 100 [1].
    """
    paths = [path for path in sorted(PACKAGE.rglob("*.py")) if "example" not in path.parts] + sorted(FLOWS.glob("*.py"))
    mine = [path for path in paths if room in (None, room_of(path), _below(path).as_posix())]
    every = [(path, fault) for path in mine for fault in faults_of(path.read_text("utf-8"))]
    return random.Random(seed).sample(every, min(skip + mutants, len(every)))[skip:]


def noticed(copy: Path, tests: list[str], *, seconds: float, compiled: bool = True) -> str:
    """Run tests on the copy and say what came of it: ``failed`` (and how), ``too long`` or ``passed``.

    The run is a fork of this process, which has loaded the libraries of others.

    Parameters
    ----------
    copy : Path
        Folder that holds the package.
    tests : list of str
        Ids of tests, in their order.
    seconds : float
        Processor time after which a run has noticed the fault [s]; eight times as much on the clock, for what waits.
    compiled : bool
        Whether a compiled loop may differ from that of the package; else what numba keeps may serve.

    Raises
    ------
    RuntimeError
        When no test was run.
    """
    if not (pid := os.fork()):
        _run_and_end(copy, tests, int(seconds), compiled)
    until = time.monotonic() + 8 * seconds
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        time.sleep(0.05)
        if time.monotonic() > until:
            os.killpg(pid, signal.SIGKILL)
            until += seconds
    if os.WIFSIGNALED(ended[1]):
        by = os.WTERMSIG(ended[1])
        return "too long" if by in (signal.SIGXCPU, signal.SIGKILL) else f"failed: ended by {signal.Signals(by).name}"
    code, told = os.waitstatus_to_exitcode(ended[1]), (copy / "told").read_text("utf-8", "replace")
    if code in (pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR):
        raise RuntimeError(f"no test was run: {told[-1000:]}")
    return "passed" if code == 0 else "failed: " + told.strip().rpartition("\n")[2]


def stamp_as_package(kernel: Any, copy: Path) -> None:
    """Let compiled loops of the copy serve that were compiled for the same rooms of the package.

    Parameters
    ----------
    kernel : module
        That of the copy.
    copy : Path
        Folder that holds the package.
    """
    stamp_of, mine = kernel.stamp_of, copy / "kansenkaart"
    kernel.stamp_of = lambda room: stamp_of(PACKAGE / room.relative_to(mine) if room.is_relative_to(mine) else room)


def _run_and_end(copy: Path, tests: list[str], seconds: int, compiled: bool) -> None:
    """Run tests in this process, which ends with the code of pytest."""
    code, told = int(pytest.ExitCode.INTERNAL_ERROR), (copy / "told").open("w", encoding="utf-8")
    sys.stdout = sys.stderr = told
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        os.dup2(told.fileno(), 1), os.dup2(told.fileno(), 2)
        os.chdir(ROOT)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(copy), str(ROOT)])
        sys.path[:0], sys.dont_write_bytecode = [str(copy)], True
        if not compiled:
            stamp_as_package(importlib.import_module("kansenkaart.kernel"), copy)
        files = dict.fromkeys(one.partition("::")[0] for one in tests)
        if any(one.startswith("tests/flows/") for one in files):
            os.environ["PYTHONSAFEPATH"] = "1"  # else those of the folder in which a test runs Python come first
            importlib.import_module("flows")  # pytest puts the project first, where they stand too
        code = pytest.main([*PYTEST, "-x", *files], plugins=[Chosen(tests)])
    except ImportError:  # a fault that the flows cannot be imported with
        code = int(pytest.ExitCode.TESTS_FAILED)
    except BaseException:  # noqa: BLE001 - the process must never go on in the caller's code
        traceback.print_exc()
    finally:
        told.flush()
        os._exit(code)


def campaign(
    room: str | None, *, mutants: int, seed: int, skip: int, seconds: float, reach: Path | None = None
) -> list[dict[str, object]]:
    """Try faults one after the other, and return what became of each.

    Parameters
    ----------
    room : str, optional
        As :func:`drawn` takes it.
    mutants, seed, skip : int
        How many, and which, as :func:`drawn` takes them [1].
    seconds : float
        Longest run of one, of processor time [s].
    reach : Path, optional
        File that keeps what each test reaches.
    """
    outcomes: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "src"  # as in a checkout: the package looks for the studies that it ships two folders up
        (Path(folder) / "studies").symlink_to(ROOT / "studies")
        os.environ |= {"NUMBA_CACHE_DIR": str(copy / "compiled"), "PYTHONDONTWRITEBYTECODE": "1"}
        for library in LIBRARIES:
            importlib.import_module(library)
        for source in (PACKAGE, FLOWS):
            shutil.copytree(source, copy / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        chosen = drawn(room, mutants=mutants, seed=seed, skip=skip)
        seen = noted({room_of(path) for path, _ in chosen}, copy, reach or copy / "reach.json")
        for path, fault in chosen:
            spoilt = copy / path.relative_to(ROOT if path.is_relative_to(FLOWS) else PACKAGE.parent)
            whole = spoilt.read_text("utf-8")  # the copy's: somebody may edit meanwhile
            spoilt.write_text(spoil(whole, fault), "utf-8")
            began = time.monotonic()
            compiled, tests = may_be_compiled(whole, fault.line), tests_for(path, fault.line, seen)
            outcome = noticed(copy, tests, seconds=seconds, compiled=compiled)
            spoilt.write_text(whole, "utf-8")
            where = f"{_below(path).as_posix()}:{fault.line}"
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
    parser.add_argument("--skip", type=int, default=0, help="how many of the draw were tried before")
    parser.add_argument("--seconds", type=float, default=300.0, help="most processor time of one mutant")
    parser.add_argument("--reach", type=Path, help="file that keeps, or has, what each test reaches")
    asked = parser.parse_args()
    outcomes = campaign(**vars(asked))
    tried, killed = Counter(one["room"] for one in outcomes), Counter[object]()
    for one in outcomes:
        killed[one["room"]] += one["outcome"] != "passed"
    for room, count in sorted(tried.items()):
        sys.stdout.write(f"{room}: {killed[room]} of {count} noticed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
