"""Kills runs of the example at seeded random moments and looks whether the next run ends with the same bytes.

Run it by hand with more moments than the tests use: ``python -m tests.stages.kill_campaign --moments 60 --seed 7``.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import kansenkaart.errors
from tests.stages.places import all_bytes, project

RUN = [sys.executable, "-c", "from kansenkaart.cli import main; main()"]
#: The first part of a run only loads libraries; later than this a run that goes on from the last may have ended.
MOMENTS_FRAC = (0.15, 0.55)


@dataclass(frozen=True)
class Outcome:
    """What a campaign saw: kills that struck a living run, and files that differ in the end."""

    struck: int
    different: tuple[str, ...]


def freeze(folder: Path) -> Path:
    """Copy the package, so that all runs of a campaign have the same code, and return where to import it from."""
    ours = Path(kansenkaart.errors.__file__).parent
    shutil.copytree(ours, folder / "frozen" / "kansenkaart")
    return folder / "frozen"


def start(root: Path, frozen: Path) -> subprocess.Popen:
    """Start a run of the example in a project."""
    command = [*RUN, "--map", str(root), "demo", "--json"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(frozen)})


def finish(root: Path, frozen: Path) -> float:
    """Run the example undisturbed; return how long it took [s]."""
    started = time.monotonic()
    running = start(root, frozen)
    if running.wait() != 0:
        raise RuntimeError(f"the run ended with {running.returncode}")
    return time.monotonic() - started


def kill_at(root: Path, frozen: Path, moment_s: float) -> bool:
    """Start a run and kill it after a while; tell whether it still lived."""
    running = start(root, frozen)
    try:
        running.wait(timeout=moment_s)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
        return True
    return False


def campaign(
    root: Path, frozen: Path, expected: dict[str, bytes], *, duration_s: float, moments: int, seed: int
) -> Outcome:
    """Kill a run at each moment, one after the other in the same project, then let one run end.

    Parameters
    ----------
    root : Path
        Where to make the project.
    frozen : Path
        Where the package is imported from.
    expected : dict of str to bytes
        Files of an undisturbed project.
    duration_s : float
        How long an undisturbed run takes [s].
    moments : int
        Kills [1].
    seed : int
        Of the moments.
    """
    project(root, "voorbeeld")
    dice = random.Random(seed)
    struck = sum(kill_at(root, frozen, duration_s * dice.uniform(*MOMENTS_FRAC)) for _ in range(moments))
    finish(root, frozen)
    found = all_bytes(root, "data", "maps")
    different = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    return Outcome(struck, tuple(different))


def main() -> int:
    """Run campaigns of three kills each until all moments are used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kill-campaign-"))
    try:
        frozen = freeze(folder)
        duration_s = finish(project(folder / "undisturbed", "voorbeeld"), frozen)
        expected = all_bytes(folder / "undisturbed", "data", "maps")
        outcomes = [
            campaign(folder / str(n), frozen, expected, duration_s=duration_s, moments=3, seed=asked.seed + n)
            for n in range(-(-asked.moments // 3))
        ]
    finally:
        shutil.rmtree(folder)
    wrong = [one.different for one in outcomes if one.different]
    sys.stdout.write(f"{sum(one.struck for one in outcomes)} kills struck; other bytes: {wrong or 'none'}\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
