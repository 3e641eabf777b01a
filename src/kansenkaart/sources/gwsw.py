"""Reads sewers: pipes and nodes, in the shapes in which municipalities publish them.

Formats: ``gwsw-wfs`` (OGC API and WFS as GeoJSON: every value text, "" and 0 both unknown), ``gwsw-gpkg`` (extract per
municipality: type and name only), ``almere-gpkg`` (inspection records), ``hydx-csv`` (folder of GWSW-Hyd tables).

References
----------
.. [1] Stichting RIONED, Gegevenswoordenboek Stedelijk Water (GWSW) 1.4 to 1.6, classes of leiding and put.
.. [2] Stichting RIONED, GWSW-Hyd, exchange format HydX: tables Knooppunt, Verbinding, Profiel.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.crs import RD, RD_BOUNDS_M
from kansenkaart.sources.tools.cleaning import Sieve
from kansenkaart.sources.tools.geofiles import read_vector
from kansenkaart.sources.tools.rawnames import MISSING, raw_names, reading, to_number, to_our_names, to_text
from kansenkaart.tables import fields, schemas

if TYPE_CHECKING:
    from pathlib import Path

    from kansenkaart.tables.provenance import Tally

_LAYERS = {
    ("sewer_pipe", "gwsw-gpkg"): "default_lijn",
    ("sewer_node", "gwsw-gpkg"): "default_punt",
    ("sewer_pipe", "almere-gpkg"): "leiding",
}
_ZERO_IS_UNKNOWN = ("diameter_mm", "width_mm", "bob_from_m_nap", "bob_to_m_nap", "laid_year")
_NODE_ZERO = ("ground_level_m_nap",)
#: Sizes below this are metres written as millimetres [mm]: the smallest pipe is 50 mm, the largest 4 m.
_METRES_BELOW = 5.0
_TEXTS = ("from_node", "to_node", "shape", "material", "street_name", "status")
_MISSING_KIND = {"pipe": ("overig", "other"), "node": ("", "overig")}
#: Improved separate systems catch the first rain; named "verbeterd" in the kind of system [1]_.
IMPROVED = "verbeterd"


@lru_cache(maxsize=1)
def _types() -> dict[tuple[str, str], tuple[str, str]]:
    with (files("kansenkaart") / "data" / "gwsw_types.csv").open(encoding="utf-8") as handle:
        return {(row["role"], row["type"].lower()): (row["system"], row["kind"]) for row in csv.DictReader(handle)}


def read_sewer_pipe(
    path: Path, *, form: str = "gwsw-wfs", origin_m: tuple[float, float] = (0.0, 0.0)
) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return pipes with their system and kind, as table ``sewer_pipe``.

    Parameters
    ----------
    path : Path
        File as published, or the folder of a HydX set.
    form : str
        ``gwsw-wfs``, ``gwsw-gpkg``, ``almere-gpkg`` or ``hydx-csv``.
    origin_m : tuple of float
        Added to the coordinates of a HydX set that is drawn on its own grid [m].

    Returns
    -------
    pipes : GeoDataFrame
        Table ``sewer_pipe``; sizes [mm], levels [m NAP], ``length_m`` from the geometry [m].
    tally : Tally
        Pipes in, kept and left out; types that are not known are noted by name [1].

    Raises
    ------
    FormatError
        If the file cannot be read or lacks a column of its format.
    CrsError
        If the coordinates are not RD New.
    """
    if form == "hydx-csv":
        with reading(path, "the HydX tables Knooppunt, Verbinding and Profiel with their columns"):
            return _read_hydx_pipes(path, origin_m)
    sieve = Sieve(to_our_names(_open(path, "sewer_pipe", form), "sewer_pipe", form=form, where=path.name))
    _drop_ended(sieve)
    if form == "almere-gpkg":
        sieve.frame["type"] = "Vuilwaterriool"
    _classify(sieve, "pipe")
    return _finish_pipes(sieve, path)


def read_sewer_node(
    path: Path, *, form: str = "gwsw-wfs", origin_m: tuple[float, float] = (0.0, 0.0)
) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return nodes with their kind, as table ``sewer_node``.

    Parameters
    ----------
    path : Path
        File as published, or the folder of a HydX set.
    form : str
        ``gwsw-wfs``, ``gwsw-gpkg``, ``almere-gpkg`` (nodes at the ends of the pipes) or ``hydx-csv``.
    origin_m : tuple of float
        Added to the coordinates of a HydX set that is drawn on its own grid [m].

    Returns
    -------
    nodes : GeoDataFrame
        Table ``sewer_node``; ``ground_level_m_nap`` [m NAP].
    tally : Tally
        Nodes in, kept and left out [1].

    Raises
    ------
    FormatError
        If the file cannot be read or lacks a column of its format.
    CrsError
        If the coordinates are not RD New.
    """
    if form == "hydx-csv":
        with reading(path, "the HydX table Knooppunt with its columns"):
            return _finish_nodes(Sieve(_hydx_nodes(path, origin_m)), path)
    if form == "almere-gpkg":
        return _finish_nodes(Sieve(_inspection_nodes(_open(path, "sewer_pipe", form))), path)
    sieve = Sieve(to_our_names(_open(path, "sewer_node", form), "sewer_node", form=form, where=path.name))
    _classify(sieve, "node")
    return _finish_nodes(sieve, path)


def _open(path: Path, table: str, form: str) -> Any:
    raw_names(table, form)
    with reading(path, f"a sewer file of format {form}"):
        # Dates as text: one date in the year 0 would make the whole file unreadable.
        return read_vector(path, layer=_LAYERS.get((table, form)), dates=False)


def _drop_ended(sieve: Sieve) -> None:
    if "ended" in sieve.frame:
        sieve.drop(to_text(sieve.frame["ended"]).notna(), "taken out of use")


def _classify(sieve: Sieve, role: str) -> None:
    """Give each row its system and kind from the last part of its type, whatever the version in the address."""
    kinds = to_text(sieve.frame["type"]).fillna("").str.rsplit("/", n=1).str[-1]
    known = kinds.map(lambda one: (role, one.lower()) in _types()).astype(bool)
    for name, count in kinds[~known].value_counts().items():
        sieve.note(f"type not known: {name or 'blank'}", count)
    pairs = kinds.map(lambda one: _types().get((role, one.lower()), _MISSING_KIND[role]))
    sieve.frame["system"] = pairs.map(lambda pair: pair[0])
    sieve.frame["kind"] = pairs.map(lambda pair: pair[1])
    if role == "pipe" and "system_name" in sieve.frame:
        stelsel = to_text(sieve.frame["system_name"]).fillna("").str.lower()
        improved = stelsel.str.contains(IMPROVED) & (sieve.frame["system"] == "hemelwater")
        sieve.frame["system"] = sieve.frame["system"].where(~improved, "verbeterd_gescheiden")


def _finish_pipes(sieve: Sieve, path: Path) -> tuple[gpd.GeoDataFrame, Tally]:
    sieve.frame["pipe_id"] = to_text(sieve.frame["pipe_id"])
    sieve.drop(sieve.frame["pipe_id"].isna(), "no identification")
    _drop_strays(sieve)
    sieve.lines(path.name)
    sieve.drop(sieve.frame["pipe_id"].duplicated(), "same pipe twice")
    _absent(sieve, "sewer_pipe")
    begin = to_text(sieve.frame["begin"]) if "begin" in sieve.frame else pd.Series(None, index=sieve.frame.index)
    sieve.frame["laid_year"] = begin.astype("str").str[:4]
    for name in _TEXTS:
        sieve.frame[name] = to_text(sieve.frame[name])
    _numbers(sieve, _ZERO_IS_UNKNOWN, path)
    sieve.frame["length_m"] = sieve.frame.geometry.length
    return _conform(sieve, "sewer_pipe", path), sieve.tally()


def _finish_nodes(sieve: Sieve, path: Path) -> tuple[gpd.GeoDataFrame, Tally]:
    sieve.frame["node_id"] = to_text(sieve.frame["node_id"])
    sieve.drop(sieve.frame["node_id"].isna(), "no identification")
    _drop_strays(sieve)
    sieve.points(path.name)
    sieve.drop(sieve.frame["node_id"].duplicated(), "same node twice")
    _numbers(sieve, _NODE_ZERO, path)
    return _conform(sieve, "sewer_node", path), sieve.tally()


def _drop_strays(sieve: Sieve) -> None:
    """Leave out the few whose coordinates are of another system; a file of which most are is refused by the reader."""
    bounds = shapely.bounds(sieve.frame.geometry.to_numpy())
    low_x, low_y, high_x, high_y = RD_BOUNDS_M
    with_place = ~np.isnan(bounds[:, 0])
    inside = (bounds[:, 0] >= low_x) & (bounds[:, 1] >= low_y) & (bounds[:, 2] <= high_x) & (bounds[:, 3] <= high_y)
    stray = with_place & ~inside
    if stray.any() and 2 * stray.sum() < with_place.sum():
        sieve.drop(stray, "outside RD New: coordinates of another system")


def _absent(sieve: Sieve, table: str) -> None:
    for name in schemas.get(table).nullable.difference(sieve.frame.columns):
        sieve.frame[name] = None


def _numbers(sieve: Sieve, names: tuple[str, ...], path: Path) -> None:
    for name in names:
        numbers = to_number(sieve.frame[name], where=f"{path.name}, {name}", lenient=True)
        spelled = to_text(sieve.frame[name]).str.lower()
        sieve.note(f"{name} is no number, unknown", (numbers.isna() & spelled.notna() & ~spelled.isin(MISSING)).sum())
        sieve.note(f"{name} is 0, unknown", (numbers == 0).sum())
        sieve.frame[name] = numbers.where(numbers != 0)
        if name in ("diameter_mm", "width_mm"):
            metres = sieve.frame[name].between(0, _METRES_BELOW, inclusive="neither")
            sieve.note(f"{name} written in metres, turned into mm", metres.sum())
            sieve.frame[name] = sieve.frame[name].mask(metres, sieve.frame[name] * 1000)
        limits = fields.get(name)
        sieve.blank_outside(name, limits.minimum, limits.maximum)
        sieve.note(f"{name} unknown", sieve.frame[name].isna().sum())


def _conform(sieve: Sieve, table: str, path: Path) -> Any:
    return schemas.conform(sieve.frame[list(schemas.get(table).columns)], table, where=path.name)


def _inspection_nodes(pipes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    ends = [pipes[[f"kn{end}", f"xy{end}"]].set_axis(["node_id", "place"], axis=1) for end in (1, 2)]
    nodes = pd.concat(ends, ignore_index=True)
    place = to_text(nodes["place"]).str.split("/", expand=True).reindex(columns=[0, 1])
    x, y = (pd.to_numeric(place[axis], errors="coerce") for axis in (0, 1))
    shapes = gpd.points_from_xy(x, y, crs=RD)
    shapes[x.isna() | y.isna()] = None
    return gpd.GeoDataFrame(nodes.assign(kind="put", ground_level_m_nap=None), geometry=shapes)


def _hydx(path: Path, table: str) -> pd.DataFrame:
    with reading(path / f"{table}.csv", f"HydX table {table}"):
        frame = pd.read_csv(path / f"{table}.csv", sep=";", dtype=str, skipinitialspace=True)
        return frame.rename(columns=str.strip)


def _hydx_nodes(path: Path, origin_m: tuple[float, float]) -> gpd.GeoDataFrame:
    raw = _hydx(path, "Knooppunt")
    x = to_number(raw["KNP_XCO"], where="Knooppunt.csv, KNP_XCO") + origin_m[0]
    y = to_number(raw["KNP_YCO"], where="Knooppunt.csv, KNP_YCO") + origin_m[1]
    kind = raw["KNP_TYP"].map(lambda one: _types().get(("hydx-node", str(one).lower()), _MISSING_KIND["node"])[1])
    frame = {"node_id": raw["UNI_IDE"], "kind": kind, "ground_level_m_nap": raw["MVD_NIV"]}
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(x, y, crs=RD))


def _read_hydx_pipes(path: Path, origin_m: tuple[float, float]) -> tuple[gpd.GeoDataFrame, Tally]:
    raw, profiles = _hydx(path, "Verbinding"), _hydx(path, "Profiel").drop_duplicates("PRO_IDE").set_index("PRO_IDE")
    nodes = _hydx_nodes(path, origin_m).drop_duplicates("node_id").set_index("node_id")
    height = profiles["PRO_HGT"].fillna(profiles["PRO_BRE"])
    shapes = [_between(nodes, one, two) for one, two in zip(raw["KN1_IDE"], raw["KN2_IDE"], strict=True)]
    frame = {
        "pipe_id": raw["UNI_IDE"],
        "from_node": raw["KN1_IDE"],
        "to_node": raw["KN2_IDE"],
        "system": raw["INZ_TYP"].map(lambda one: _types().get(("hydx-system", str(one).lower()), ("overig", ""))[0]),
        "kind": raw["VRB_TYP"].map(lambda one: _types().get(("hydx-pipe", str(one).lower()), ("", "other"))[1]),
        "width_mm": raw["PRO_IDE"].map(profiles["PRO_BRE"]),
        "diameter_mm": raw["PRO_IDE"].map(height),
        "shape": raw["PRO_IDE"].map(profiles["PRO_VRM"]),
        "material": raw["PRO_IDE"].map(profiles["PRO_MAT"]),
        "bob_from_m_nap": raw["BOB_KN1"],
        "bob_to_m_nap": raw["BOB_KN2"],
        "status": raw["STA_OBJ"],
    }
    return _finish_pipes(Sieve(gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, crs=RD))), path)


def _between(nodes: gpd.GeoDataFrame, one: str, two: str) -> Any:
    if one not in nodes.index or two not in nodes.index:
        return None
    ends = shapely.get_coordinates([nodes.geometry[one], nodes.geometry[two]])
    return shapely.linestrings(ends)
