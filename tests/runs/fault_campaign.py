"""Every source meets every fault: is it recovered or refused in words, and the last good edition must stay.

``python -m tests.runs.fault_campaign`` tries all of them and prints a table (docs/reliability.md); the tests try some.
A trial stores good tables first, spoils the delivery, runs again, and compares what is stored with what was.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import rasterio

from kansenkaart.acquire.deliveries import EXAMPLE_EDITION, example_folder
from kansenkaart.errors import KansenkaartError
from kansenkaart.runs import study as pipeline
from tests.loopback import faults
from tests.loopback.server import Reply, serve
from tests.runs.places import HTTP, PUBLISHERS, STUDIES, addresses, all_bytes, site, twin

#: A machine that is busy with other things needs more than these 0.4 s: ``--patience``.
HASTY = replace(HTTP, read_timeout_s=0.4, attempts=3, max_bytes=1 << 25)
#: What a trial may end with.
RECOVERED, REFUSED, NOTED, ABSENT = "recovered", "refused", "stored, with what was left out", "-"
#: Sources that come along, because without them the one that is tried has no window or no table of its own.
WITH = {"statistics": ["buurt"], "buurt": ["statistics"]}


class NoSuchFaultError(Exception):
    """A fault that a delivery of this form cannot have: it is no trial, and the table shows a dash."""


@dataclass(frozen=True)
class Trial:
    """One source and one fault, and how it ended; ``wrong`` says what must not be."""

    role: str
    fault: str
    outcome: str
    wrong: str = ""


# --- deliveries as files ------------------------------------------------------------------------------------------------


def _features(edit: Callable[[list], list]) -> Callable[[Path], None]:
    """Spoil the records of a delivery, whatever its form."""

    def spoil(path: Path) -> None:
        if path.suffix == ".geojson":
            told = json.loads(path.read_text("utf-8"))
            path.write_text(json.dumps({**told, "features": edit(told["features"])}), "utf-8")
        elif path.suffix == ".json":
            told = json.loads(path.read_text("utf-8"))
            rows = edit(told["value"] if isinstance(told, dict) else told)
            path.write_text(json.dumps({**told, "value": rows} if isinstance(told, dict) else rows), "utf-8")
        elif path.suffix == ".jsonl":
            head, *rows = path.read_text("utf-8").splitlines()
            path.write_text(
                "\n".join([head, *map(json.dumps, edit([json.loads(one) for one in rows]))]) + "\n", "utf-8"
            )
        elif path.suffix == ".tif":
            raise NoSuchFaultError
        else:
            lines = path.read_text("latin-1").splitlines()
            begin = len(lines) // 2
            path.write_text("\n".join([*lines[:begin], *edit(lines[begin:])]) + "\n", "latin-1")

    return spoil


def _each(edit: Callable[[dict], dict]) -> Callable[[Path], None]:
    return _features(lambda rows: [edit(row) if isinstance(row, dict) else row for row in rows])


def _coordinates(change: Callable[[list], list], *, share: int = 1) -> Callable[[Path], None]:
    """Change the coordinates of shapes; only of each so-manieth record."""

    def deep(nested):
        return change(nested) if nested and isinstance(nested[0], int | float) else [deep(one) for one in nested]

    def edit(rows):
        return [
            {**row, "geometry": {**row["geometry"], "coordinates": deep(row["geometry"]["coordinates"])}}
            if number % share == 0 and row.get("geometry")
            else row
            for number, row in enumerate(rows)
        ]

    def spoil(path: Path) -> None:
        if path.suffix == ".jsonl":
            _vertices(path, change)
        elif path.suffix == ".tif":
            _raster(path, change)
        elif path.suffix == ".geojson":
            _features(edit)(path)
        else:
            raise NoSuchFaultError

    return spoil


def _vertices(path: Path, change: Callable[[list], list]) -> None:
    head, *rows = path.read_text("utf-8").splitlines()
    told = json.loads(head)
    told["transform"]["translate"] = change(told["transform"]["translate"])
    path.write_text("\n".join([json.dumps(told), *rows]) + "\n", "utf-8")


def _raster(path: Path, change: Callable[[list], list]) -> None:
    with rasterio.open(path) as sheet:
        profile, heights, origin = sheet.profile, sheet.read(), sheet.transform
    west, north = change([origin.c, origin.f])
    moved = rasterio.Affine(origin.a, origin.b, west, origin.d, origin.e, north)
    with rasterio.open(path, "w", **{**profile, "transform": moved}) as sheet:
        sheet.write(heights)


def _bow_tie(rows):
    out = []
    for row in rows:
        shape = row.get("geometry") or {}
        if shape.get("type") == "Polygon" and len(shape["coordinates"][0]) >= 5:
            ring = shape["coordinates"][0]
            shape = {**shape, "coordinates": [[ring[0], ring[2], ring[1], *ring[3:]]]}
        elif shape.get("type") == "MultiPolygon":
            ring = shape["coordinates"][0][0]
            shape = {**shape, "coordinates": [[[ring[0], ring[2], ring[1], *ring[3:]]]]}
        elif shape.get("type") == "LineString":
            shape = {**shape, "coordinates": shape["coordinates"][::-1] + shape["coordinates"]}
        else:
            raise NoSuchFaultError
        out.append({**row, "geometry": shape})
    return out


def _without_column(row):
    if "properties" in row:
        return {**row, "properties": dict(list(row["properties"].items())[1:])}
    if "CityObjects" in row:
        objects = {
            name: {key: value for key, value in one.items() if key != "geometry"}
            for name, one in row["CityObjects"].items()
        }
        return {**row, "CityObjects": objects}
    return dict(list(row.items())[1:])


def _renamed(path: Path) -> None:
    content = path.read_bytes()
    words = [
        (b'"features"', b'"items"'),
        (b'"vertices"', b'"points"'),
        (b'"value"', b'"rows"'),
        (b"LOCATION", b"PLACE"),
        (b"STN", b"STA"),
        (b"\x00\x01", b"\x01\x00"),
    ]
    path.write_bytes(next(content.replace(old, new) for old, new in words if old in content))


FILE_FAULTS: dict[str, Callable[[Path], None]] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "wrong type": lambda path: path.write_bytes(b"<html>onderhoud</html>"),
    "an archive": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(5000)),
    "schema changed": _renamed,
    "column gone": _each(_without_column),
    "half the rows": _features(lambda rows: rows[::2]),
    "rows twice": _features(lambda rows: [*rows, *rows]),
    "no rows": _features(lambda _rows: []),
    "moved to degrees": _coordinates(lambda at: [5.1, 52.1, *at[2:]]),
    "moved 100 km": _coordinates(lambda at: [at[0] + 1e5, *at[1:]]),
    "NaN coordinates": _coordinates(lambda at: [float("nan"), *at[1:]], share=7),
    "infinite coordinates": _coordinates(lambda at: [float("inf"), *at[1:]], share=7),
    "self-crossing": lambda path: _features(_bow_tie)(path) if path.suffix == ".geojson" else _not_here(),
    "empty geometry": lambda path: (
        _each(lambda row: {**row, "geometry": None})(path) if path.suffix == ".geojson" else _not_here()
    ),
}


def _not_here() -> None:
    raise NoSuchFaultError


def _study(role: str) -> str:
    study = tomllib.loads((STUDIES / "proefveld.toml").read_text("utf-8"))
    wanted = {role, *WITH.get(role, [])}
    rows = [f"{key} = {json.dumps(study[key])}" for key in ("name", "title", "invented")]
    for source in study["source"]:
        if source["role"] in wanted:
            rows += ["[[source]]", *(f"{key} = {json.dumps(value)}" for key, value in source.items())]
    return "\n".join(rows) + "\n"


def _paths(folder: Path, role: str) -> list[Path]:
    study = tomllib.loads((STUDIES / "proefveld.toml").read_text("utf-8"))
    path = folder / next(one["path"] for one in study["source"] if one["role"] == role)
    return sorted(path.rglob("TypedDataSet.json")) if path.is_dir() else [path]


def file_trials(folder: Path, *, chosen: Callable[[str, str], bool]) -> Iterator[Trial]:
    """Try the faults of deliveries that are files."""
    study = tomllib.loads((STUDIES / "proefveld.toml").read_text("utf-8"))
    for role in sorted({one["role"] for one in study["source"]}):
        wanted = [name for name in FILE_FAULTS if chosen(role, name)]
        if not wanted:
            continue
        root = folder / f"file-{role}"
        (root / "studies").mkdir(parents=True)
        (root / "studies" / "proefveld.toml").write_text(_study(role), "utf-8")
        place = pipeline.open_study("proefveld", root=root)
        pipeline.run_acquire(place)
        kept = root / "kept"
        shutil.copytree(example_folder(place.folders), kept)
        for name in wanted:
            yield _file_trial(place, kept, role, name)


def _file_trial(place: pipeline.Workplace, kept: Path, role: str, name: str) -> Trial:
    raw = place.folders.raw / "proefveld" / EXAMPLE_EDITION
    before = _stored(place)
    try:
        for path in _paths(raw, role):
            FILE_FAULTS[name](path)
        return _judged(place, role, name, before)
    except NoSuchFaultError:
        return Trial(role, name, ABSENT)
    finally:
        shutil.rmtree(raw)
        shutil.copytree(kept, raw)
        shutil.rmtree(place.folders.processed)
        _restore(place.folders.processed.parent, before)


def _stored(place: pipeline.Workplace) -> dict[str, bytes]:
    return all_bytes(place.folders.processed.parent, "processed")


def _restore(folder: Path, content: dict[str, bytes]) -> None:
    for name, one in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(one)


def _judged(place: pipeline.Workplace, role: str, name: str, before: dict[str, bytes]) -> Trial:
    """Run, and say how it ended: only an error of ours may come out, and then nothing stored may have changed."""
    outcome, wrong = NOTED, ""
    try:
        with warnings.catch_warnings(action="ignore"):  # what libraries say of odd shapes
            pipeline.run_acquire(place)
    except KansenkaartError as why:
        outcome, wrong = REFUSED, "" if why.remedy and why.found else f"an error without remedy: {why}"
    except Exception as why:  # noqa: BLE001 - whatever comes out is what this looks for
        outcome, wrong = f"{type(why).__name__}", f"a traceback: {type(why).__name__}: {str(why)[:120]}"
    after = _stored(place)
    if [one for one in after if one.endswith(".part")]:
        wrong = wrong or "something half-written was left"
    if outcome == REFUSED and after != before:
        wrong = wrong or f"stored tables changed: {sorted(one for one in after if after[one] != before.get(one))[:3]}"
    tables = {one for one in before if one.endswith((".parquet", ".tif"))}
    if outcome == NOTED and all(after.get(one) == before[one] for one in tables):
        outcome = RECOVERED
    return Trial(role, name, outcome, wrong)


# --- deliveries from services -------------------------------------------------------------------------------------------

LIVE_FAULTS: dict[str, Callable[[int, str, Reply], Reply]] = {
    "time-out": faults.sleep(0.8),
    "reset": faults.reset,
    "reset mid-body": faults.reset_mid_body,
    "429": faults.status(429, **{"Retry-After": "0"}),
    "429 for an hour": faults.status(429, **{"Retry-After": "3600"}),
    "500": faults.status(500),
    "404": faults.status(404),
    "cut off, whole by its length": faults.truncated,
    "HTML": faults.html,
    "a 2 GB answer": faults.announced_2gb,
    "an endless answer": faults.huge,
}
_MARKS = {
    "buurt": "collections/buurten",
    "statistics": "/ODataFeed",
    "pand": "collections/pand",
    "home": "verblijfsobject",
    "roof_face": "/3dbag",
    "terrain": "deel",
    "sewer_pipe": "beheerleiding",
    "sewer_node": "beheerput",
    "dsm": "/ahn/dsm",
    "dtm": "/ahn/dtm",
    "weather_daily": "/knmi",
}


def live_trials(folder: Path, *, chosen: Callable[[str, str], bool], http=HASTY) -> Iterator[Trial]:
    """Try the faults of services: each once (``passing``, then recovered) and lasting (then refused)."""
    with serve(site(folder / "site")) as server, mock.patch.dict(os.environ, addresses(server.url)):
        for role in sorted(PUBLISHERS):
            names = [(name, kind) for name in LIVE_FAULTS for kind in ("passing", "lasting")]
            wanted = [one for one in names if chosen(role, f"{one[0]}, {one[1]}")]
            if not wanted:
                continue
            server.fault = None
            place = replace(twin(folder / f"live-{role}", "buurt", role, *WITH.get(role, [])), http=http)
            pipeline.run_acquire(place)
            for name, kind in wanted:
                yield _live_trial(server, place, role, name, kind)


@contextmanager
def _published_anew(kept: Path) -> Iterator[None]:
    """Hide what CBS has not modified, so that it is asked for; what the trial does not bring back comes back after it."""
    aside = kept.with_name("aside")
    editions = [one for one in kept.glob("*") if not one.name.startswith(".")]
    for one in editions:
        aside.mkdir(exist_ok=True)
        one.rename(aside / one.name)
    try:
        yield
    finally:
        for one in editions:
            if not one.exists():
                (aside / one.name).rename(one)
        shutil.rmtree(aside, ignore_errors=True)


def _live_trial(server, place, role, name, kind) -> Trial:
    before, raw = _stored(place), all_bytes(place.folders.raw.parent, "raw")
    struck = []

    def fault(number, path, reply):
        if _MARKS[role] not in path or (kind == "passing" and struck):
            return reply
        struck.append(path)
        return LIVE_FAULTS[name](number, path, reply)

    for path in place.folders.raw.rglob("*.http.json"):
        path.unlink()  # so that a sheet is asked for whole
    server.fault = fault
    try:
        with _published_anew(place.folders.raw / "cbs-odata"):
            trial = _judged(place, role, f"{name}, {kind}", before)
    finally:
        server.fault = None
    wrong = trial.wrong or ("" if struck else "the fault never struck")
    after = all_bytes(place.folders.raw.parent, "raw")
    # Pages of a fetch that was broken off are kept to go on with, and gone when it is whole: they are no delivery yet.
    if changed := [
        one for one in raw if not one.endswith(".http.json") and "/.pages-" not in one and after.get(one) != raw[one]
    ]:
        wrong = wrong or f"a kept delivery changed: {changed[:2]}"
    return replace(trial, wrong=wrong)


# --- the table ----------------------------------------------------------------------------------------------------------


def trials(
    folder: Path, *, chosen: Callable[[str, str], bool] = lambda _role, _fault: True, http=HASTY
) -> Iterator[Trial]:
    """Try everything, or what is chosen by role and fault."""
    yield from file_trials(folder, chosen=chosen)
    yield from live_trials(folder, chosen=chosen, http=http)


def some(share: float, seed: int) -> Callable[[str, str], bool]:
    """Choose a seeded share of all trials [1]."""
    return lambda role, fault: random.Random(f"{seed} {role} {fault}").random() < share


def as_table(found: list[Trial]) -> str:
    """Return the trials as a table of faults by sources."""
    roles = sorted({one.role for one in found})
    cells = {(one.fault, one.role): f"**{one.wrong}**" if one.wrong else one.outcome for one in found}
    rows = [["fault", *roles], ["---"] * (len(roles) + 1)]
    rows += [
        [fault, *(cells.get((fault, role), ABSENT) for role in roles)]
        for fault in dict.fromkeys(one.fault for one in found)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="fault-campaign-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def main() -> int:
    """Try all faults and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=HASTY.read_timeout_s, help="for an answer of the twin [s]")
    asked = parser.parse_args()
    with _folder() as folder:
        found = []
        http = replace(HASTY, read_timeout_s=asked.patience)
        for one in trials(folder, chosen=some(asked.share, asked.seed), http=http):
            found.append(one)
            sys.stderr.write(f"{one.role}, {one.fault}: {one.outcome} {one.wrong}\n")
    tried = [one for one in found if one.outcome != ABSENT]
    sys.stdout.write(f"{as_table(found)}\n\n{len(tried)} tried, {sum(bool(one.wrong) for one in tried)} failed\n")
    return any(one.wrong for one in tried)


if __name__ == "__main__":
    sys.exit(main())
