"""Asks a whole municipality of the unkind twin, from nothing: time of our own processes, requests, bytes, peak memory.

    python benchmarks/municipality.py [copies] [kill] [whole]

The example stands ``copies`` times beside itself, in rows of the root of that (58 is 60,000 homes); the server is a process
of its own. With ``kill`` the run is ended in the middle of the BGT and begun again: the last line says how many pages were
asked twice. With ``whole`` the study is scored and published too.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import re
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio

from benchmarks.pipeline import peak_mib
from kansenkaart.runs import study
from kansenkaart.sources.tools import geofiles
from kansenkaart.sources.tools.http import Http
from tests.loopback.unkind import country, serve_unkind, unkind_addresses
from tests.runs.places import project, site

WIDE_M, HIGH_M = 640.0, 580.0
_ID = re.compile(r"\b9999(10|01)(\d{10})\b")


def _renamed(text: str, copy: int) -> str:
    text = _ID.sub(lambda hit: f"9999{hit[1]}{copy:03d}{hit[2][3:]}", text)
    text = re.sub(r"BU9999000(\d)", rf"BU9999{copy:03d}\1", text)
    text = re.sub(r"G9999\.0000", f"G9999.{copy:04d}", text)
    return re.sub(r"\bvb(\d)", rf"c{copy:03d}vb\1", text)


def _moved(nested, dx: float, dy: float):
    if nested and isinstance(nested[0], int | float):
        return [nested[0] + dx, nested[1] + dy]
    return [_moved(one, dx, dy) for one in nested]


def _scale(folder: Path, copies: int) -> None:
    side = math.ceil(math.sqrt(copies))
    places = [(n, n % side * WIDE_M, n // side * HIGH_M) for n in range(copies)]
    for path in (folder / "ogc").glob("*.geojson"):
        whole = json.loads(path.read_text("utf-8"))
        rows = []
        for copy, dx, dy in places:
            for row in whole["features"]:
                new = json.loads(_renamed(json.dumps({**row, "geometry": None}), copy))
                shape = row["geometry"]
                new["geometry"] = {**shape, "coordinates": _moved(shape["coordinates"], dx, dy)}
                rows.append(new)
        path.write_text(json.dumps({**whole, "features": rows}), encoding="utf-8")
    for path in (folder / "odata").rglob("*.json"):
        if path.stem in ("TypedDataSet", "WijkenEnBuurten"):
            rows = json.loads(path.read_text("utf-8"))["value"]
            value = [json.loads(_renamed(json.dumps(row), copy)) for copy, _, _ in places for row in rows]
            path.write_text(json.dumps({"value": value}), encoding="utf-8")
    _scale_roofs(folder / "3dbag" / "proefveld.city.jsonl", places)
    for role in ("dsm", "dtm"):
        _scale_heights(folder / "ahn" / f"{role}.tif", side)


def _scale_roofs(path: Path, places) -> None:
    header, *rows = path.read_text("utf-8").splitlines()
    scale = json.loads(header)["transform"]["scale"]
    out = [header]
    for copy, dx, dy in places:
        move = [round(dx / scale[0]), round(dy / scale[1]), 0]
        for row in rows:
            one = json.loads(_renamed(row, copy))
            one["vertices"] = [[a + b for a, b in zip(vertex, move, strict=True)] for vertex in one["vertices"]]
            out.append(json.dumps(one))
    path.write_text("\n".join(out) + "\n", encoding="utf-8")


def _scale_heights(path: Path, side: int) -> None:
    with rasterio.open(path) as small:
        profile, heights, cell = small.profile, small.read(1), small.transform.a
        west, north = small.transform.c, small.transform.f
    wide, high = round(WIDE_M / cell), round(HIGH_M / cell)
    margin = (heights.shape[0] - high, heights.shape[1] - wide)
    whole = np.full((high * side + margin[0], wide * side + margin[1]), profile["nodata"], heights.dtype)
    for row in range(side):
        for column in range(side):
            whole[row * high : row * high + heights.shape[0], column * wide : column * wide + heights.shape[1]] = (
                heights
            )
    north += (side - 1) * HIGH_M
    profile |= {
        "height": whole.shape[0],
        "width": whole.shape[1],
        "transform": rasterio.Affine(cell, 0, west, 0, -cell, north),
    }
    with rasterio.open(path, "w", **profile) as out:
        out.write(whole, 1)


def _serve(folder: Path, line) -> None:
    with serve_unkind(folder, most_in_box=8000) as server:
        line.send(server.url)
        while line.recv() == "asked":
            line.send(list(server.asked))


def _run(root: Path, line, whole: bool, stop_at: str = "") -> None:
    begun = time.monotonic()
    http = Http(pause_s=0.0, wait_first_s=0.001, wait_most_s=0.01, attempts=2)

    def listen(source: str, _: str) -> None:
        if stop_at and source == stop_at:
            os._exit(9)

    http.meter.listen = listen
    place = replace(study.open_study("gemeente", root=root, gemeentecode="GM9999"), http=http)
    told = {}
    for verb in (study.run_acquire, *((study.run_score, study.run_publish) if whole else ())):
        before = _used()
        reports = verb(place, listen=_say)
        geofiles._ASIDE.close()  # so that the process that reads files is counted
        used = [round(now - then) for now, then in zip(_used(), before, strict=True)]
        told[verb.__name__] = {"cpu_s": used[0], "cpu_of_others_s": used[1], "wall_s": used[2], "steps": len(reports)}
        others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024  # with what we had when they began
        told[verb.__name__] |= {"peak_mib": round(peak_mib()), "peak_of_others_at_most_mib": others}
    told |= {"wall_s": round(time.monotonic() - begun), "requests": http.meter.requests}
    line.send(told | {"received_mb": round(http.meter.received / 1e6)})


def _say(report) -> None:
    """Print a step with its rows and the peak of memory so far [MiB]."""
    print(f"  {report.step}: {dict(report.rows)}, peak {peak_mib():.0f} MiB", flush=True)


def _used() -> tuple[float, float, float]:
    """Return processor time of this process and of those that it waited for, and the time [s]."""
    own, others = (resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, others.ru_utime + others.ru_stime, time.monotonic()


def main() -> None:
    """Measure."""
    words = sys.argv[1:]
    copies = next((int(one) for one in words if one.isdigit()), 9)
    with tempfile.TemporaryDirectory() as here:
        folder = site(Path(here) / "site")
        _scale(folder, copies)
        country(folder)
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.Process(target=_serve, args=(folder, theirs), daemon=True)
        server.start()
        for name, address in unkind_addresses(ours.recv()).items():
            os.environ[name] = address
        root = project(Path(here) / "project", "gemeente")
        asked: list[str] = []
        fresh = multiprocessing.get_context("spawn")  # without the memory in which the site was made
        mine, its = fresh.Pipe()
        if "kill" in words:
            first = fresh.Process(target=_run, args=(root, its, False, "bgt begroeidterreindeel"))
            first.start()
            first.join()
            ours.send("asked")
            asked = [one for one in ours.recv() if "/items" in one]
        run = fresh.Process(target=_run, args=(root, its, "whole" in words))
        run.start()
        its.close()
        told = {"homes": 1034 * copies, **mine.recv()}
        run.join()
        ours.send("asked")
        pages = [one for one in ours.recv() if "/items" in one]
        told["pages_before_kill"] = len(asked)
        told["pages_twice"] = sum(one in set(asked) for one in pages[len(asked) :]) if "kill" in words else None
        ours.send("end")
        shutil.rmtree(root, ignore_errors=True)
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
