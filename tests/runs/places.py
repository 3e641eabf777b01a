"""Projects to run in: the embedded example from files, and its twin that asks a server on this machine."""

from __future__ import annotations

import json
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import rasterio

from kansenkaart.runs import study as pipeline
from kansenkaart.sources.example import write_example
from kansenkaart.sources.tools.http import Http

STUDIES = Path(__file__).resolve().parents[2] / "studies"
#: Small waits, and pages so small that every collection has several.
HTTP = Http(
    connect_timeout_s=2, read_timeout_s=5, attempts=3, wait_first_s=0.001, wait_most_s=0.01, page_size=200, pause_s=0
)

#: Who serves each role that has a client.
PUBLISHERS = {
    "buurt": "cbs-gebieden",
    "statistics": "cbs-odata",
    "pand": "bag",
    "home": "bag",
    "roof_face": "3dbag",
    "terrain": "bgt",
    "sewer_pipe": "gwsw",
    "sewer_node": "gwsw",
    "dsm": "ahn",
    "dtm": "ahn",
    "weather_daily": "knmi",
}


def project(root: Path, *names: str) -> Path:
    """Make a project folder with some of the committed studies."""
    (root / "studies").mkdir(parents=True)
    for name in names:
        shutil.copy(STUDIES / f"{name}.toml", root / "studies")
    return root


def twin_study(*roles: str) -> str:
    """Return the committed study of the example with every source that has a client fetched, or some roles of it."""
    study = tomllib.loads((STUDIES / "proefveld.toml").read_text(encoding="utf-8"))
    rows = [f"{key} = {json.dumps(study[key])}" for key in ("name", "title", "invented")]
    rows += ["[place]", 'gemeentecode = "GM9999"']
    for source in study["source"]:
        if not roles or source["role"] in roles:
            rows += ["[[source]]", *(f"{key} = {json.dumps(value)}" for key, value in _live(source).items())]
    return "\n".join(rows) + "\n"


def _live(source: dict[str, Any]) -> dict[str, Any]:
    role = source["role"]
    if role not in PUBLISHERS:
        return source
    known = {"role": role, "publisher": PUBLISHERS[role], "origin": "live", "form": source["form"], "edition": "latest"}
    if role == "terrain":
        known["layer"] = Path(source["path"]).stem
    if role == "weather_daily":
        known |= {"layer": "999", "edition": "20150101-20241231"}
    return known | ({"year": source["year"]} if "year" in source else {})


def twin(root: Path, *roles: str) -> pipeline.Workplace:
    """Make a project with the live twin of the example, and open it with small waits."""
    project(root)
    (root / "studies" / "proefveld.toml").write_text(twin_study(*roles), encoding="utf-8")
    return replace(pipeline.open_study("proefveld", root=root), http=HTTP)


def site(folder: Path) -> Path:
    """Write the example as the loopback server shows it: the files, and AHN's index of sheets beside them."""
    write_example(folder)
    for role in ("dsm", "dtm"):
        with rasterio.open(folder / "ahn" / f"{role}.tif") as sheet:
            west, south, east, north = sheet.bounds
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        one = {
            "type": "Feature",
            "properties": {"kaartbladNr": "V_99ZZ9", "url": f"../{role}.tif"},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        index = folder / "ahn" / f"{role}_05m" / "kaartbladindex.json"
        index.parent.mkdir()
        index.write_text(json.dumps({"type": "FeatureCollection", "features": [one]}), encoding="utf-8")
    return folder


def addresses(url: str) -> dict[str, str]:
    """Return the environment that leads every client to the loopback server."""
    ogc = dict.fromkeys(("CBS_GEBIEDEN", "BAG", "BGT", "GWSW"), "/ogc")
    paths = {
        **ogc,
        "CBS_ODATA": "/ODataFeed/odata/",
        "3DBAG": "/3dbag",
        "AHN": "/ahn",
        "KNMI": "/knmi/etmgeg_999.txt",
    }
    return {f"KANSENKAART_URL_{name}": url + path for name, path in paths.items()}


def tables(place: pipeline.Workplace, stage: str = "1_clean") -> dict[str, bytes]:
    """Return the bytes of the tables and rasters of one stage, without their lineage."""
    return {
        path.name: path.read_bytes()
        for path in sorted((place.store.root / stage).iterdir())
        if path.suffix in (".parquet", ".tif")
    }


def all_bytes(root: Path, *below: str) -> dict[str, bytes]:
    """Return the bytes of every file under some folders of a project, without locks."""
    paths = sorted(path for name in below for path in (root / name).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths if path.name != ".lock"}
