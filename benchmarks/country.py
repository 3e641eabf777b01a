"""A country in small on Dask: municipalities of different sizes, one that fails, one worker killed; the last line is JSON.

Usage: python benchmarks/country.py [--scales 1,1,1,2,2,3,12] [--workers 2] [--memory 4GiB] [--keep folder]

Each municipality is the invented field at its own scale (1 is 1,034 homes; 465 are 480,810, which go as parts), read from files
with all layers; what lies in ``--keep`` already is not written again. ``stuk`` names a file that is not there. The worker that is
first seen at the largest, or at a part of it, is killed with ``kill -9``. Told are per partition
seconds, attempts and the most memory that its worker ever had; in all, CPU time of all processes, bytes on disk, and whether
homes and euros of the joined layers are those of the parts.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
BROKEN = "stuk"
_SUMS = {"buurt_score": "homes", "gebied": "homes", "enterprise_case_buurt_long": "stays_eur_per_year"}


def write_municipalities(root: Path, scales: list[int]) -> list[str]:
    """Write the files and the study of each municipality, and of one of which a file lacks; return their names."""
    from kansenkaart.config import DATA_VARIABLE
    from kansenkaart.sources.example import write_example

    published = root / "published"
    os.environ[DATA_VARIABLE] = str(published)
    study = tomllib.loads((ROOT / "studies" / "proefveld.toml").read_text("utf-8"))
    (root / "studies").mkdir(parents=True, exist_ok=True)
    names = []
    for number, scale in enumerate(scales):
        if not (published / f"x{scale}").is_dir():
            write_example(published / f"x{scale}", scale=scale)
        names.append(f"g{number:02d}-x{scale}")
        write_study(root, names[-1], study, f"x{scale}")
    write_study(root, BROKEN, study, "nergens")
    return [*names, BROKEN]


def write_study(root: Path, name: str, study: dict[str, Any], folder: str) -> None:
    """Write a study that reads the sources of another one as files in a folder of the published ones."""
    lines = [f'name = "{name}"', f'title = "Gemeente {name} (verzonnen)"', "invented = true"]
    for source in study["source"]:
        lines.append("\n[[source]]")
        own = {**source, "origin": "file", "path": f"{folder}/{source['path']}"}
        lines += [f"{key} = {json.dumps(value)}" for key, value in own.items()]
    (root / "studies" / f"{name}.toml").write_text("\n".join(lines) + "\n", "utf-8")


def kill_at(root: Path, name: str) -> None:
    """Kill the worker that makes the scores of a study, or first those of a part of it, once."""
    begun, scored = time.monotonic(), f"data/processed/{name}*/2_scored"
    while not (there := sorted(root.glob(scored))) and time.monotonic() - begun < 3600:
        time.sleep(1)
    lock = str(there[0].with_name(".lock")) if there else ""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            open_files = [str(one.readlink()) for one in (path / "fd").iterdir()]
        except OSError:
            continue
        if lock in open_files:
            os.kill(int(path.name), signal.SIGKILL)
            print(f"killed the worker of {there[0].parent.name}: process {path.name}", flush=True)
            return


def joined_sums(maps: Path) -> dict[str, tuple[float, float]]:
    """Return per layer the sum of a column over the joined layer, and over the parts."""
    import pandas as pd

    parts = sorted({path.name.partition("=")[2] for path in (maps / "landelijk" / "data").glob("*/gemeente=*")})
    out = {}
    for layer, column in _SUMS.items():
        each = [pd.read_parquet(maps / part / "data" / f"{layer}.parquet", columns=[column]) for part in parts]
        whole = pd.read_parquet(maps / "landelijk" / "data" / layer, columns=[column])
        out[layer] = (float(whole[column].sum()), float(sum(one[column].sum() for one in each)))
    return out


def main() -> None:
    """Measure, and end with one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scales", default="1,1,1,1,1,1,2,2,2,3,4,12")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", default="4GiB")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    root = (asked.keep or Path(tempfile.mkdtemp())).resolve()
    scales = [int(one) for one in asked.scales.split(",")]
    names = write_municipalities(root, scales)
    largest = names[scales.index(max(scales))]
    from flows.country import country
    from kansenkaart.errors import KansenkaartError

    killer = multiprocessing.Process(target=kill_at, args=(root, largest))
    killer.start()
    begun, lost = time.monotonic(), ""
    try:
        country(names, None, str(root), workers=asked.workers, memory=asked.memory)
    except KansenkaartError as why:
        lost = str(why)
    killer.join(5)
    used = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    disk = {
        one: sum(path.stat().st_size for path in (root / one).rglob("*") if path.is_file()) for one in ("data", "maps")
    }
    page = (root / "maps" / "landelijk" / "index.html").stat().st_size
    told = {"wall_s": round(time.monotonic() - begun), "cpu_s": round(sum(one.ru_utime + one.ru_stime for one in used))}
    told |= {"mb": {name: round(size / 1e6) for name, size in disk.items()}, "page_bytes": page, "lost": lost}
    print(json.dumps({**told, "sums": joined_sums(root / "maps")}))


if __name__ == "__main__":
    main()
