"""Wall time, CPU time and peak memory of each stage, at growing size; the last line is JSON.

Usage: python benchmarks/pipeline.py [--example proefveld] [--scales 1,4,16] [--data <folder with published data>]

The example (or ``voorbeeld``, the town: 1, 5 and 15 times are 4,200 to 62,000 homes) is made at growing size. Voorburg
joins when its files are there. Every stage runs in a process of its own, so peak memory is that of the stage with its imports;
CPU time is without them, and with that of the processes that a stage starts (Typst). A run before all others fills the cache
of compiled functions. Growth is stated per stage and per step, as the power of size: 1 is linear. Of a step that costs less
than a second at the largest size no growth is stated.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kansenkaart.acquire.deliveries import EXAMPLE, example_folder
from kansenkaart.config import DATA_VARIABLE, DEMO, folders
from kansenkaart.runs import study as pipeline
from kansenkaart.tables.step import Report

ROOT = Path(__file__).resolve().parent.parent
STAGES = {"acquire": pipeline.run_acquire, "score": pipeline.run_score, "publish": pipeline.run_publish}
SHOWN = ("study", "stage", "seconds", "cpu_s", "peak_mib")
#: CPU time below which no growth is stated [s].
LEAST_S = 1.0
VOORBURG = "voorburg/bag_lvbag_cbs2022.gpkg"


def measure_here(stage: str, study: str, root: Path) -> dict[str, Any]:
    """Run one stage in this process and say what it took, in all and by step."""
    wall, cpu = time.perf_counter(), time.process_time()
    steps: dict[str, float] = {}

    def listen(report: Report) -> None:
        steps[report.step] = time.process_time() - cpu - sum(steps.values())

    STAGES[stage](pipeline.open_study(study, root=root), listen=listen)
    return {
        "seconds": round(time.perf_counter() - wall, 2),
        "imports_s": cpu,
        "peak_mib": round(peak_mib(), 1),
        "steps": steps,
    }


def _spent_by_children() -> float:
    """Return the CPU time of all processes that this one started and that ended, and of theirs [s]."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak_mib() -> float:
    """Return the peak memory of this program [MiB]; getrusage would count that of its parent before it started, too."""
    told = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in told.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def measure(label: str, study: str, root: Path) -> list[dict[str, Any]]:
    """Run the stages of a study, each in a fresh process; an earlier stage makes what the next one reads."""
    rows = []
    for stage in STAGES:
        command = [sys.executable, __file__, "--stage", stage, "--study", study, "--root", str(root)]
        before = _spent_by_children()
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        row = json.loads(out.splitlines()[-1])
        row["cpu_s"] = round(_spent_by_children() - before - row.pop("imports_s"), 2)
        rows.append({"study": label, "stage": stage, **row})
        print("  ".join(str(rows[-1][name]) for name in SHOWN), flush=True)
    return rows


def example(scale: int, scratch: Path, name: str = EXAMPLE) -> list[dict[str, Any]]:
    """Measure the example at a scale; its files are written beforehand."""
    root = scratch / f"x{scale}"
    shutil.copytree(ROOT / "studies", root / "studies")
    example_folder(folders(root), name, scale=scale)
    return measure(f"{name} x{scale}", name, root)


def growth(rows: list[dict[str, Any]], scales: list[int], name: str = EXAMPLE) -> None:
    """Print the power of size with which CPU time and memory grow, over the whole range and over its last part."""
    by_place = {(one["study"], one["stage"]): one for one in rows}
    for stage in STAGES:
        runs = [by_place[f"{name} x{scale}", stage] for scale in scales]
        for what in ("cpu_s", "peak_mib"):
            print(f"{stage}: {what} grows with size to the power {_powers([one[what] for one in runs], scales)}")
        for step in runs[-1]["steps"]:
            cpu = [one["steps"].get(step, 0.0) for one in runs]
            if cpu[-1] >= LEAST_S:
                spent = ", ".join(f"{one:.1f}" for one in cpu)
                print(f"  {step}: {spent} s of CPU, power {_powers(cpu, scales)}")


def _powers(values: list[float], scales: list[int]) -> str:
    def power(start: int) -> float:
        return math.log(max(values[-1], 0.01) / max(values[start], 0.01)) / math.log(scales[-1] / scales[start])

    last = f" ({power(-2):.2f} from x{scales[-2]})" if len(scales) > 2 else ""
    return f"{power(0):.2f}{last}"


def main() -> None:
    """Measure, state the growth, and end with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--example", default=EXAMPLE, choices=[EXAMPLE, DEMO])
    parser.add_argument("--scales", default="1,4,16")
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get(DATA_VARIABLE, ROOT / ".." / "shared" / "data"))
    )
    parser.add_argument("--stage", choices=list(STAGES))
    parser.add_argument("--study")
    parser.add_argument("--root", type=Path)
    asked = parser.parse_args()
    if asked.stage:
        print(json.dumps(measure_here(asked.stage, asked.study, asked.root)))
        return
    scales = sorted(int(one) for one in asked.scales.split(","))
    os.environ[DATA_VARIABLE] = str(asked.data)
    with tempfile.TemporaryDirectory() as scratch:
        example(1, Path(scratch) / "warm", asked.example)
        rows = [row for scale in scales for row in example(scale, Path(scratch), asked.example)]
        if len(scales) > 1:
            growth(rows, scales, asked.example)
        if (asked.data / VOORBURG).is_file():
            shutil.copytree(ROOT / "studies", Path(scratch) / "voorburg" / "studies")
            rows += measure("voorburg", "voorburg", Path(scratch) / "voorburg")
        else:
            print(f"voorburg: not measured, no file {VOORBURG} in the data folder")
    print(json.dumps([{name: one[name] for name in SHOWN} for one in rows]))


if __name__ == "__main__":
    main()
