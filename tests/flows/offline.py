"""Runs without any server, in a process of its own; the last line says what came of it, as JSON.

Usage: python -m tests.flows.offline <project folder> <workers of each run of a country, such as 1,2>; the folder gets its studies
and published files here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.hostile.test_withdrawal import inside

HEAD = 'name = "{name}"\ntitle = "Proef"\ninvented = true\n'
SOURCE = """[[source]]
role = "{role}"
publisher = "proefveld"
origin = "file"
form = "pdok-{form}"
path = "{path}"
edition = "1"
"""


#: In the cells of own data, and in the head of a table that is wrong.
OWNERS = ("Wilhelmina Kwekkeboom-Tak", "Adriaan Zonneveld-Prins")
OWN = """[[source]]
role = "own_pand"
publisher = "corporatie"
origin = "file"
form = "own"
path = "eigen/panden.csv"
edition = "1"
"""


def write_study(root: Path, name: str, *, home: str = "ogc/verblijfsobject.geojson") -> None:
    text = HEAD.format(name=name)
    text += SOURCE.format(role="buurt", form="snake", path="ogc/buurten.geojson") + "year = 2025\n"
    text += SOURCE.format(role="home", form="geojson", path=home)
    (root / "studies").mkdir(parents=True, exist_ok=True)
    (root / "studies" / f"{name}.toml").write_text(text, encoding="utf-8")


def hashes(root: Path) -> dict[str, str]:
    files = [path for folder in ("data/processed", "maps") for path in sorted((root / folder).rglob("*"))]
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and path.name != "status.json"
    }


def one_study(root: Path) -> dict[str, Any]:
    """Run one study, break it, and mend it."""
    from flows.kansenkaart import kansenkaart
    from kansenkaart.errors import ConfigError

    status = root / "data/processed/een/status.json"
    rows = kansenkaart("een", str(root))
    good = hashes(root)
    write_study(root, "een", home="ogc/nergens.geojson")
    try:
        kansenkaart("een", str(root))
    except ConfigError:
        told = json.loads(status.read_text("utf-8"))
    kept = hashes(root) == good
    write_study(root, "een")
    again = kansenkaart("een", str(root))
    return {"rows": rows, "again": again, "told": told, "kept": kept, "status_left": status.exists()}


def with_owners(root: Path) -> dict[str, Any]:
    """Run a study with own data, once well, once with owners for names of columns; then take them back."""
    from flows.kansenkaart import kansenkaart
    from kansenkaart.acquire.own_data import forget
    from kansenkaart.errors import FormatError
    from kansenkaart.runs.study import open_study

    study, table = root / "studies" / "eigen.toml", root / "published" / "eigen" / "panden.csv"
    table.parent.mkdir(exist_ok=True)
    panden = json.loads((root / "published/ogc/pand.geojson").read_text("utf-8"))["features"][:9]
    rows = [f"{one['id']};{OWNERS[k % 2]};2031" for k, one in enumerate(panden)]
    write_study(root, "eigen")
    without = study.read_text("utf-8")
    study.write_text(without + SOURCE.format(role="pand", form="geojson", path="ogc/pand.geojson") + OWN, "utf-8")
    table.write_text("\n".join(["pand_id;owner;maintenance_year", *rows]), "utf-8")
    kansenkaart("eigen", str(root))
    kept = open_study("eigen", root=root).store.read("own_pand")["owner"].unique().tolist()
    table.write_text("\n".join(["pand_id;" + ";".join(OWNERS), f"{panden[0]['id']};x;"]), "utf-8")  # a column per owner
    try:
        kansenkaart("eigen", str(root))
    except FormatError as why:
        failure = str(why)
    told = json.loads((root / "data/processed/eigen/status.json").read_text("utf-8"))
    study.write_text(without, "utf-8")
    place = open_study("eigen", root=root)
    forget(place.study, place.folders, "own_pand")
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_relative_to(root / "published")]
    words = [name.encode() for name in OWNERS]
    found = [str(one) for one in files if any(word in part for part in inside(one.read_bytes()) for word in words)]
    searched = sorted({path.name for path in files})
    return {"kept": sorted(kept), "failure": failure, "told": told, "found": found, "searched": searched}


def country_with(root: Path, workers: int) -> dict[str, Any]:
    """Run three partitions, one of them without its homes, on an empty folder."""
    from flows.country import country
    from kansenkaart.errors import KansenkaartError

    for folder in ("data", "maps"):
        shutil.rmtree(root / folder, ignore_errors=True)
    try:
        country(["een", "twee", "stuk"], None, str(root), workers=workers, memory="2GiB")
        failure = ""
    except KansenkaartError as why:
        failure = str(why)
    statuses = sorted(path.parent.name for path in root.glob("data/processed/*/status.json"))
    return {"hashes": hashes(root), "failure": failure, "statuses": statuses, "together": together(root / "maps")}


def together(maps: Path) -> dict[str, Any]:
    """Count the joined layers against those of the parts: rows, homes and euros."""
    import pandas as pd

    whole, page = maps / "landelijk", (maps / "landelijk" / "index.html").read_text("utf-8")
    about = json.loads((whole / "data" / "metadata.json").read_text("utf-8"))
    parts = sorted({path.name.partition("=")[2] for path in whole.glob("data/*/gemeente=*")})
    sums = {}
    money = ("enterprise_case_buurt_long", "stays_eur_per_year")
    for layer, column in (("buurt_score", "homes"), ("street_score", "homes"), money):
        frames = [pd.read_parquet(maps / part / "data" / f"{layer}.parquet", columns=[column]) for part in parts]
        joined = pd.read_parquet(whole / "data" / layer)
        assert sorted(joined["gemeente"].unique()) == parts
        sums[layer] = {"whole": float(joined[column].sum()), "parts": float(sum(one[column].sum() for one in frames))}
    rows = {name: table["rows"] for name, table in about["tables"].items()}
    one = {name: table["parts"]["een"]["rows"] for name, table in about["tables"].items()}
    return {"parts": parts, "rows": rows, "one": one, "sums": sums, "page": page, "page_bytes": len(page.encode())}


def main() -> None:
    root = Path(sys.argv[1])
    from kansenkaart.sources.example import write_example

    os.environ["KANSENKAART_DATA"] = str(write_example(root / "published"))
    for name in ("een", "twee"):
        write_study(root, name)
    write_study(root, "stuk", home="ogc/nergens.geojson")
    found = {
        "one": one_study(root),
        "own": with_owners(root),
        "country": [country_with(root, int(workers)) for workers in sys.argv[2].split(",")],
    }
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
