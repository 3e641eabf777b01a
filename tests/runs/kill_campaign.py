"""Kills runs of the example with ``kill -9`` at seeded moments and looks whether the next run ends with the same bytes.

``nice python -m tests.runs.kill_campaign --moments 200 --seed 7`` tries 200 moments. Libraries are loaded and compiled
once; every run is a fork of that process. A moment is reached from a copy of what the undisturbed run had on disk when
the step before it ended, so that most of the time goes to the runs that follow the kills. Half of the moments are
uniform over the time of the run, the other half over its steps, so that short steps are struck as well.

With ``--whole 10`` every tenth kill is followed to the end of a run, and so is each that struck pages: they are written while
paper is set, and recorded together. The others are followed until the step after the one that was struck has ended, and all
that is on disk then is compared with the undisturbed run at that point: what comes later depends on nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import kansenkaart.errors
from kansenkaart.runs import study
from kansenkaart.tables.provenance import sha256_of
from tests.runs.places import project

REPOSITORY = Path(__file__).resolve().parents[2]
STUDY = "proefveld"
#: A run that takes longer than this hangs [s].
HANGS_AFTER_S = 900


#: What is made side by side, and recorded when the last of it has ended: until then it is made again.
PAGES = ("kaart", "open data", "factsheets")


@dataclass(frozen=True)
class Moment:
    """A moment of the run: how many steps have ended, and how long after the last of them [s]."""

    ended: int
    after_s: float


@dataclass
class Undisturbed:
    """A run that nobody disturbed: its steps with their time [s], the disk after each, and the bytes in the end."""

    steps: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    snapshots: list[Path] = field(default_factory=list)
    digests: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What became of one kill: the step in which it struck (none: the run had ended), and what the next run left."""

    step: str | None
    half_written: int
    redone: tuple[str, ...]
    different: tuple[str, ...]


def digests(root: Path) -> dict[str, str]:
    """Return the hash of every file under data and maps, but for locks."""
    paths = sorted(path for name in ("data", "maps") for path in (root / name).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): sha256_of(path) for path in paths if path.name != ".lock"}


def fork(root: Path, heard: Callable[[str, str], None]) -> int:
    """Start a run in a process of its own; ``heard`` gets each step and its status there, before the next one begins."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.alarm(HANGS_AFTER_S)
        study.run_all(study.open_study(STUDY, root=root), listen=lambda one: heard(one.step, one.status))
        code = 0
    except BaseException as why:  # noqa: BLE001 - the process must never go on in the caller's code
        os.write(2, f"{type(why).__name__}: {why}\n".encode())
    finally:
        os._exit(code)


def fork_with_pipe(root: Path, steps: int | None = None) -> tuple[int, int]:
    """Start a run, or its first steps, that tells of each step by a line in a pipe; return its id and where to read."""
    reading, writing = os.pipe()
    told = []

    def heard(step: str, status: str) -> None:
        told.append(step)
        os.write(writing, f"{step}\t{status}\n".encode())
        if len(told) == steps:
            os._exit(0)

    pid = fork(root, heard)
    os.close(writing)
    return pid, reading


def watch(folder: Path) -> Undisturbed:
    """Run undisturbed and keep a copy of the disk after each step."""
    root, copies, told = project(folder / "undisturbed", STUDY), folder / "copies", folder / "told"
    copies.mkdir()
    shutil.copytree(root, copies / "0")
    began = [time.monotonic()]

    def heard(step: str, _: str) -> None:
        took = time.monotonic() - began[0]
        with told.open("a", encoding="utf-8") as handle:
            number = handle.write(json.dumps([step, took]) + "\n") and len(told.read_text("utf-8").splitlines()) + 1
        shutil.copytree(root, copies / str(number))
        began[0] = time.monotonic()

    if os.waitpid(fork(root, heard), 0)[1] != 0:
        raise RuntimeError("the undisturbed run failed")
    run = Undisturbed()
    for step, took in map(json.loads, told.read_text("utf-8").splitlines()):
        run.steps.append(step)
        run.seconds.append(took)
    run.snapshots = [copies / str(number) for number in range(len(run.steps) + 1)]
    run.digests = [*map(digests, run.snapshots[:-1]), digests(root)]
    return run


def choose(run: Undisturbed, *, moments: int, seed: int) -> list[Moment]:
    """Draw moments: the even ones uniform over the time of the run, the odd ones over its steps."""
    dice = random.Random(seed)
    steps = [number for number, took in enumerate(run.seconds) if took > 0.01]  # the page is told of with the layers
    chosen = []
    for number in range(moments):
        weights = run.seconds if number % 2 == 0 else [float(one in steps) for one in range(len(run.seconds))]
        ended = dice.choices(range(len(run.seconds)), weights)[0]
        chosen.append(Moment(ended, dice.uniform(0, run.seconds[ended])))
    return chosen


def kill_at(root: Path, moment: Moment) -> int:
    """Start a run and kill it at a moment; return how many steps had ended, or -1 where the run ended first."""
    pid, reading = fork_with_pipe(root)
    heard = b""
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while heard.count(b"\n") < moment.ended and (piece := pipe.read(4096)):
            heard += piece
        time.sleep(moment.after_s)
        os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
        heard += pipe.read(1 << 16) or b""
    if os.WIFSIGNALED(status):
        return heard.count(b"\n")
    if status:
        raise RuntimeError("the run failed before it was killed")
    return -1


def follow(root: Path, steps: int | None = None) -> list[tuple[str, str]]:
    """Let one run go on to its end, or for some steps; return each step with its status, none where it failed."""
    pid, reading = fork_with_pipe(root, steps)
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.read().decode().splitlines()
    failed = os.waitpid(pid, 0)[1] != 0
    return [] if failed else [(line.split("\t")[0], line.split("\t")[1]) for line in lines]


def strike(run: Undisturbed, moment: Moment, root: Path, *, whole: bool = True) -> Outcome:
    """Kill a run at a moment, let the next one end (or come a step further), and compare every byte."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(run.snapshots[moment.ended], root)
    ended = kill_at(root, moment)
    half_written = len(list(root.rglob(".*.part")))
    short = not whole and max(ended, moment.ended) + 2 < run.steps.index(PAGES[0])
    steps = max(ended, moment.ended) + 2 if short else None
    told = follow(root, steps)
    found, expected = digests(root), run.digests[steps if steps else -1]
    different = {name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)}
    redone = [step for step, status in told[: max(ended, 0)] if status != "unchanged" and step not in PAGES]
    struck = None if ended < 0 else run.steps[min(ended, len(run.steps) - 1)]
    return Outcome(struck, half_written, tuple(redone), tuple(sorted(different)) if told else ("the next run failed",))


def campaign(folder: Path, *, moments: int, seed: int, whole: int = 1, keep: Path | None = None) -> list[Outcome]:
    """Strike at all moments, one after the other; what went wrong is copied to ``keep``."""
    if moments > 1:  # load and compile once for all forks; one moment is not worth a whole run
        study.run_all(study.open_study(STUDY, root=project(folder / "warm", STUDY)))
    run = watch(folder)
    sys.stdout.write(f"an undisturbed run takes {sum(run.seconds):.1f} s in {len(run.steps)} steps\n")
    outcomes = []
    for number, moment in enumerate(choose(run, moments=moments, seed=seed)):
        one = strike(run, moment, folder / "struck", whole=number % whole == 0)
        outcomes.append(one)
        sys.stdout.write(f"{number} {run.steps[moment.ended]} +{moment.after_s:.2f} s {one}\n")
        sys.stdout.flush()
        if one.different and keep:
            shutil.copytree(folder / "struck", keep / str(number))
    return outcomes


def summary(outcomes: list[Outcome]) -> dict[str, object]:
    """Return what a campaign saw: moments tried, kills that struck, by step, and how many ended with other bytes."""
    struck = [one for one in outcomes if one.step is not None]
    return {
        "tried": len(outcomes),
        "struck": len(struck),
        "left_half_written_files": sum(one.half_written > 0 for one in struck),
        "redone_steps_that_had_ended": sum(bool(one.redone) for one in struck),
        "other_bytes": sum(bool(one.different) for one in outcomes),
        "by_step": dict(Counter(one.step for one in struck)),
    }


def in_a_process(*, moments: int, seed: int, whole: int = 1, keep: Path | None = None) -> dict[str, object]:
    """Run a campaign in a process of its own, on a copy of the package that nobody edits meanwhile; return its summary."""
    with tempfile.TemporaryDirectory(prefix="kill-campaign-") as folder:
        frozen = Path(folder) / "frozen"
        shutil.copytree(Path(kansenkaart.errors.__file__).parent, frozen / "kansenkaart")
        # Threads of OpenMP do not survive a fork; those of this layer do.
        paths = {"PYTHONPATH": os.pathsep.join([str(frozen), str(REPOSITORY)]), "NUMBA_THREADING_LAYER": "workqueue"}
        command = [sys.executable, "-m", "tests.runs.kill_campaign", "--inside", folder]
        command += ["--moments", str(moments), "--seed", str(seed), "--whole", str(whole)]
        command += ["--keep", str(keep)] if keep else []
        last = ""
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **paths}) as running:
            for last in running.stdout or []:
                sys.stdout.write(last)
                sys.stdout.flush()
    if running.returncode:
        raise RuntimeError(f"the campaign ended with {running.returncode}")
    return dict(json.loads(last))


def main() -> int:
    """Run a campaign; the last line is its summary as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--whole", type=int, default=1, help="follow every so many kills to the end of a run")
    parser.add_argument("--keep", type=Path, help="folder for projects that ended with other bytes")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    how = {"moments": asked.moments, "seed": asked.seed, "whole": asked.whole, "keep": asked.keep}
    if asked.inside is None:
        return bool(in_a_process(**how)["other_bytes"])
    told = summary(campaign(asked.inside, **how))
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
