"""Wall time, CPU time and peak memory of each stage, at growing size; the last line is JSON.

Usage: python benchmarks/pipeline.py [--scales 1,4,16] [--data <folder with published data>]

The example is made at 1, 4 and 16 times its size; voorburg joins when its files are there. Every stage runs in a process
of its own, so peak memory is that of the stage with its imports.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kansenkaart.config import DATA_VARIABLE, folders
from kansenkaart.stages import pipeline
from kansenkaart.stages.deliver import EXAMPLE_EDITION

ROOT = Path(__file__).resolve().parent.parent
STAGES = {"acquire": pipeline.run_acquire, "score": pipeline.run_score, "publish": pipeline.run_publish}
VOORBURG = "voorburg/bag_lvbag_cbs2022.gpkg"


def measure_here(stage: str, study: str, root: Path) -> dict[str, Any]:
    """Run one stage in this process and say what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    STAGES[stage](pipeline.open_study(study, root=root))
    return {"seconds": round(time.perf_counter() - wall, 2), "cpu_s": round(time.process_time() - cpu, 2),
            "peak_mib": round(peak_mib(), 1)}  # fmt: skip


def peak_mib() -> float:
    """Return the peak memory of this program [MiB]; getrusage would count that of its parent before it started, too."""
    told = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in told.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def measure(label: str, study: str, root: Path) -> list[dict[str, Any]]:
    """Run the stages of a study, each in a fresh process; an earlier stage makes what the next one reads."""
    rows = []
    for stage in STAGES:
        command = [sys.executable, __file__, "--stage", stage, "--study", study, "--root", str(root)]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows.append({"study": label, "stage": stage, **json.loads(out.splitlines()[-1])})
        print("  ".join(str(one) for one in rows[-1].values()), flush=True)
    return rows


def example(scale: int, scratch: Path) -> list[dict[str, Any]]:
    """Measure the example at a scale; its files are written beforehand."""
    from kansenkaart.sources.example import write_example

    root = scratch / f"x{scale}"
    shutil.copytree(ROOT / "studies", root / "studies")
    target = folders(root).raw / "voorbeeld" / EXAMPLE_EDITION
    write_example(target, scale=scale)
    (target / ".whole").write_text(EXAMPLE_EDITION + "\n", encoding="utf-8")
    return measure(f"voorbeeld x{scale}", "voorbeeld", root)


def growth(rows: list[dict[str, Any]], scales: list[int]) -> None:
    """Print the power of size with which each stage's CPU time grows, over the whole range."""
    for stage in STAGES:
        cpu = {one["study"]: max(one["cpu_s"], 0.01) for one in rows if one["stage"] == stage}
        ends = [cpu[f"voorbeeld x{scale}"] for scale in (scales[0], scales[-1])]
        power = math.log(ends[1] / ends[0]) / math.log(scales[-1] / scales[0])
        print(f"{stage}: CPU time grows with size to the power {power:.2f}")


def main() -> None:
    """Measure, state the growth, and end with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
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
        rows = [row for scale in scales for row in example(scale, Path(scratch))]
        if len(scales) > 1:
            growth(rows, scales)
        if (asked.data / VOORBURG).is_file():
            shutil.copytree(ROOT / "studies", Path(scratch) / "voorburg" / "studies")
            rows += measure("voorburg", "voorburg", Path(scratch) / "voorburg")
        else:
            print(f"voorburg: not measured, no file {VOORBURG} in the data folder")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
