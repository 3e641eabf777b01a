"""The open layers: GeoParquet as it is stored, one GeoPackage for desktop tools, and metadata in JSON and plain text."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio

from kansenkaart.tables import fields
from kansenkaart.tables.store import atomic
from kansenkaart.wording import nl

# GDAL writes this moment into the GeoPackage instead of the clock, so that equal layers give equal bytes.
_NO_CLOCK = "2000-01-01T00:00:00.000Z"


def write_release(
    name: str, target: Path, tables: Mapping[str, tuple[Path, dict[str, Any]]], *, title: str, edition: str = ""
) -> list[Path]:
    """Write the open layers of a study.

    Parameters
    ----------
    name : str
        Name of the study; it names the GeoPackage.
    target : Path
        Folder to write to.
    tables : mapping
        Table name to its GeoParquet file and its lineage.
    title : str
        Title of the study.
    edition : str
        For whom it is: ``openbaar``, ``intern``, or nothing where it is all invented.

    Returns
    -------
    list of Path
        The files written.
    """
    target.mkdir(parents=True, exist_ok=True)
    for path, _ in tables.values():
        if path.parent != target:
            with atomic(target / path.name) as part:
                shutil.copyfile(path, part)
    written = [target / path.name for path, _ in tables.values()]
    package = target / f"{name}.gpkg"
    _write_package(package, {name: path for name, (path, _) in tables.items()})
    metadata = target / "metadata.json"
    about = {"title": title, "edition": edition} if edition else {"title": title}
    content = {**about, "tables": {name: _about(lineage) for name, (_, lineage) in tables.items()}}
    with atomic(metadata) as part:
        part.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return [*written, *([package] if tables else []), metadata]


def _write_package(package: Path, tables: Mapping[str, Path]) -> None:
    folder = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=package.parent))
    part = folder / package.name
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _NO_CLOCK})
    try:
        for name, path in tables.items():
            gpd.read_parquet(path).to_file(part, layer=name, driver="GPKG", engine="pyogrio", append=part.exists())
        if part.exists():
            part.replace(package)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
        shutil.rmtree(folder, ignore_errors=True)


def _about(lineage: Mapping[str, Any]) -> dict[str, Any]:
    columns: dict[str, dict[str, Any]] = {}
    for name in lineage["columns"]:
        one = fields.get(name)
        columns[name] = {
            "type": one.type,
            "unit": one.unit,
            "label_nl": one.label_nl,
            "definition_nl": one.definition_nl,
            "label_en": one.label_en,
            "definition_en": one.definition_en,
            "origin": one.origin,
        }
        if one.codes:
            columns[name]["codes_nl"] = nl.codes(one.codes)
            columns[name]["codes_en"] = nl.codes(one.codes, "en")
    return {
        "rows": lineage["rows"],
        "sha256": lineage["sha256"],
        "columns": columns,
        "sources": lineage["sources"],
        "tally": lineage["tally"],
        "parameters": lineage["parameters"],
    }
