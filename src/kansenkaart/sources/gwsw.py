"""Reads sewers: pipes and nodes, in the shapes in which municipalities publish them.

Formats: ``gwsw-wfs`` (OGC API and WFS as GeoJSON: every value text, "" and 0 both unknown), ``gwsw-gpkg`` (extract per
municipality: type and name only), ``almere-gpkg`` (inspection records), ``hydx-csv`` (folder or zip of GWSW-Hyd tables,
with or without a digit in their names, in UTF-8 or Windows-1252).

References
----------
.. [1] Stichting RIONED, Gegevenswoordenboek Stedelijk Water (GWSW) 1.4 to 1.6, classes of leiding and put.
.. [2] Stichting RIONED, GWSW-Hyd, exchange format HydX: tables Knooppunt, Verbinding, Profiel.
"""

from __future__ import annotations

import re
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kansenkaart.config import packaged_rows
from kansenkaart.crs import RD
from kansenkaart.errors import CrsError, FormatError
from kansenkaart.sources.tools.cleaning import (
    HIGHEST_GROUND_M_NAP,
    NORTH_OF_LIMBURG_M,
    Sieve,
    in_rd,
    placeless,
)
from kansenkaart.sources.tools.layers import cells_of, open_layer
from kansenkaart.sources.tools.rawnames import (
    MISSING,
    NOTES,
    bounded,
    column_named,
    raw_names,
    reading,
    squeezed,
    text_of,
    to_number,
    to_our_names,
    to_text,
)
from kansenkaart.tables import fields, schemas
from kansenkaart.tables.provenance import Tally

#: Names of the layer in the deliveries of publishers, by our table.
LAYERS = {
    "sewer_pipe": ("default_lijn", "beheerleiding", "leiding", "leidingen", "lijn"),
    "sewer_node": ("default_punt", "beheerput", "put", "putten", "punt"),
}
_SIZES = ("diameter_mm", "width_mm")
_NUMBERS = (*_SIZES, "bob_from_m_nap", "bob_to_m_nap", "laid_year")
#: How a round profile is spelled, squeezed; one without a shape is taken for round.
_ROUND = ("", "rnd", "rond")
_NODE_NUMBERS = ("ground_level_m_nap",)
#: Columns of the tables of HydX that are needed [2]_; ``?`` for those that may miss.
_HYDX = {
    "Knooppunt": "UNI_IDE KNP_XCO KNP_YCO KNP_TYP? MVD_NIV? STA_OBJ?",
    "Verbinding": "UNI_IDE KN1_IDE KN2_IDE VRB_TYP? INZ_TYP? PRO_IDE? BOB_KN1? BOB_KN2? STR_RCH? STA_OBJ?",
    "Profiel": "PRO_IDE PRO_BRE? PRO_HGT? PRO_VRM? PRO_MAT?",
}
_MOST_HYDX_BYTES = 1 << 30
#: Two chambers of one manhole may stand at one place: what lies between them is drawn this long [m].
_CHAMBER_M = 0.02
#: Remarks stand above the head of a table within so many lines [1].
_HEAD_WITHIN = 20
#: States of a HydX object that is not there yet (gepland) or no more (vervallen, verwijderd). ONT (ontwerp) is kept, and
#: noted: the publisher's own test system has it on objects that take part in its sums.
_PLANNED = ("pln", "plan", "gepland", "toekomstig")
_GONE = ("vvl", "vrv", "vervallen", "vwd", "verwijderd", "gesloopt", "buitengebruik")
_DESIGN = ("ont", "ontwerp")
#: A date as 2008, 2008-01-31, 20080131, 31-01-2008 or 2008/01/31: the year in it.
_YEAR = r"^(?:\d{1,2}[-/.]\d{1,2}[-/.])?(\d{4})(?=\D|\d{4}\b|$)"
#: Sizes below this are metres written as millimetres [mm]: the smallest pipe is 50 mm, the largest 4 m.
_METRES_BELOW = 5.0
#: Half of the pipes of a real system fall less than 1 in 100; of levels in cm half would fall more than this [1].
_STEEPEST, _LONG_M, _FEW = 0.1, 5.0, 2
#: Levels of 999 and more are fillers [m NAP]; in mm they are higher still, and then out of all bounds.
_FILLER_M = 999.0
_LEVELS = ("bob_from_m_nap", "bob_to_m_nap", "ground_level_m_nap")
#: Set on frames of HydX, where a blank is unknown and 0.00 is a level; the GWSW services write 0 for unknown.
_ZERO_IS_LEVEL = "zero is a level"
_TEXTS = ("from_node", "to_node", "shape", "material", "street_name", "status")
_MISSING_KIND = {"pipe": ("overig", "other"), "node": ("", "overig")}
#: Improved separate systems catch the first rain; named "verbeterd" in the kind of system [1]_.
IMPROVED = "verbeterd"


@lru_cache(maxsize=1)
def _types() -> dict[tuple[str, str], tuple[str, str]]:
    rows = packaged_rows("gwsw_types.csv")
    return {(row["role"], squeezed(row["type"])): (row["system"], row["kind"]) for row in rows}


def read_sewer_pipe(
    path: Path, *, form: str = "gwsw-wfs", layer: str | None = None, origin_m: tuple[float, float] = (0.0, 0.0)
) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return pipes with their system and kind, as table ``sewer_pipe``.

    Parameters
    ----------
    path : Path
        File as published, or the folder of a HydX set.
    form : str
        ``gwsw-wfs``, ``gwsw-gpkg``, ``almere-gpkg`` or ``hydx-csv``.
    layer : str or None
        Layer of the file; None takes the one with a name of the register, or the only one.
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
    raw = _open(path, "sewer_pipe", form, layer)
    sieve = Sieve(to_our_names(raw, "sewer_pipe", form=form, where=path.name))
    _drop_ended(sieve)
    if form == "almere-gpkg":
        sieve.frame["type"] = "Vuilwaterriool"
    _classify(sieve, "pipe")
    return _finish_pipes(sieve, path)


def read_sewer_node(
    path: Path, *, form: str = "gwsw-wfs", layer: str | None = None, origin_m: tuple[float, float] = (0.0, 0.0)
) -> tuple[gpd.GeoDataFrame, Tally]:
    """Return nodes with their kind, as table ``sewer_node``.

    Parameters
    ----------
    path, form, layer, origin_m
        As of `read_sewer_pipe`; nodes of ``almere-gpkg`` stand at the ends of the pipes.

    Returns
    -------
    nodes : GeoDataFrame
        Table ``sewer_node``; ``ground_level_m_nap`` [m NAP].
    tally : Tally
        Nodes in, kept and left out [1].

    Raises
    ------
    FormatError, CrsError
        As `read_sewer_pipe`.
    """
    if form == "hydx-csv":
        with reading(path, "the HydX table Knooppunt with its columns"):
            nodes = _hydx_nodes(path, origin_m)
            sieve = Sieve(nodes)
            _note_types(sieve, nodes["type"], "KNP_TYP", "hydx-node")
            _drop_not_there(sieve)
            return _finish_nodes(sieve, path)
    if form == "almere-gpkg":
        return _finish_nodes(Sieve(_inspection_nodes(_open(path, "sewer_pipe", form, layer))), path)
    raw = _open(path, "sewer_node", form, layer)
    sieve = Sieve(to_our_names(raw, "sewer_node", form=form, where=path.name))
    _drop_ended(sieve)
    _classify(sieve, "node")
    return _finish_nodes(sieve, path)


def _open(path: Path, table: str, form: str, layer: str | None) -> Any:
    raw_names(table, form)
    return open_layer(path, f"a sewer file of format {form}", layer=layer, likely=LAYERS[table])


def _drop_ended(sieve: Sieve) -> None:
    sieve.drop_ended("taken out of use")
    if "status" in sieve.frame:
        _drop_not_there(sieve)


def _drop_not_there(sieve: Sieve) -> None:
    status = to_text(sieve.frame["status"])
    plain = status.map(squeezed, na_action="ignore")
    sieve.note("status ONT (ontwerp): kept", plain.isin(_DESIGN).sum())
    sieve.drop_by_name(plain.isin(_PLANNED + _GONE), status, "status: ")


def _classify(sieve: Sieve, role: str) -> None:
    """Give each row its system and kind from the last part of its type, whatever the version in the address."""
    kinds = to_text(sieve.frame["type"]).fillna("").str.split(r"[/#]", regex=True).str[-1]
    known = kinds.map(lambda one: (role, squeezed(one)) in _types()).astype(bool)
    for name, count in kinds[~known].value_counts().items():
        sieve.note(f"type not known: {name or 'blank'}", count)
    pairs = kinds.map(lambda one: _types().get((role, squeezed(one)), _MISSING_KIND[role]))
    sieve.frame["system"] = pairs.map(lambda pair: pair[0])
    sieve.frame["kind"] = pairs.map(lambda pair: pair[1])
    if role == "pipe" and "system_name" in sieve.frame:
        stelsel = to_text(sieve.frame["system_name"]).fillna("").str.lower()
        improved = stelsel.str.contains(IMPROVED) & (sieve.frame["system"] == "hemelwater")
        sieve.frame["system"] = sieve.frame["system"].where(~improved, "verbeterd_gescheiden")


def _finish_pipes(sieve: Sieve, path: Path) -> tuple[gpd.GeoDataFrame, Tally]:
    sieve.identify("pipe_id")
    sieve.lines(path.name)
    sieve.drop_doubles("pipe_id", "same pipe twice")
    for name in schemas.get("sewer_pipe").nullable.difference(sieve.frame.columns):
        sieve.frame[name] = None
    begin = to_text(sieve.frame["begin"]) if "begin" in sieve.frame else pd.Series(None, index=sieve.frame.index)
    sieve.frame["laid_year"] = begin.astype("str").str.extract(_YEAR, expand=False)
    odd = begin.notna() & ~begin.astype("str").str.lower().isin(MISSING) & sieve.frame["laid_year"].isna()
    sieve.note("laid_year is no date, unknown", odd.sum())
    for name in _TEXTS:
        sieve.frame[name] = to_text(sieve.frame[name])
    sieve.frame["length_m"] = sieve.frame.geometry.length
    _round_by_width(sieve, path)
    _drop_odd_levels(sieve, path)
    _numbers(sieve, _NUMBERS, path)
    return sieve.table("sewer_pipe", path)


def _round_by_width(sieve: Sieve, path: Path) -> None:
    """Take the width of round pipes of which the height is blank or 0: many exports give one size of these."""
    shape = sieve.frame["shape"].fillna("").str.split(r"[/#]", regex=True).str[-1].map(squeezed)
    sizes = (to_number(sieve.frame[name], where=f"{path.name}, {name}", lenient=True) for name in _SIZES)
    high, wide = (size.fillna(0) > 0 for size in sizes)
    taken = ~high & wide & shape.isin(_ROUND)
    sieve.note("pipe without shape and height: taken for round", (taken & (shape == "")).sum())
    sieve.frame["diameter_mm"] = sieve.frame["diameter_mm"].mask(taken, sieve.frame["width_mm"])


def _drop_odd_levels(sieve: Sieve, path: Path) -> None:
    """Make levels unknown that fall like no sewer does: written in cm or mm, they make every pipe a cliff."""
    names = ("bob_from_m_nap", "bob_to_m_nap")
    ends = [to_number(sieve.frame[name], where=f"{path.name}, {name}", lenient=True) for name in names]
    lowest = fields.get(names[0]).minimum or 0.0
    ends = [one.where((one >= lowest) & (one < _FILLER_M)) for one in ends]  # fillers are no cliffs
    slope = ((ends[0] - ends[1]).abs() / sieve.frame["length_m"])[sieve.frame["length_m"] >= _LONG_M].dropna()
    if len(slope) >= _FEW and (typical := float(slope.median())) > _STEEPEST:
        sieve.note(f"levels that fall {typical:.2g} m per m in most pipes: another unit? unknown", len(sieve.frame))
        sieve.frame[list(names)] = None


def _finish_nodes(sieve: Sieve, path: Path) -> tuple[gpd.GeoDataFrame, Tally]:
    sieve.identify("node_id")
    sieve.points(path.name)
    sieve.drop_doubles("node_id", "same node twice")
    _numbers(sieve, _NODE_NUMBERS, path)
    high = (sieve.frame["ground_level_m_nap"] > HIGHEST_GROUND_M_NAP) & (sieve.frame.geometry.y > NORTH_OF_LIMBURG_M)
    sieve.note(
        f"ground level above {HIGHEST_GROUND_M_NAP:.0f} m NAP north of Limburg: another unit? unknown", high.sum()
    )
    sieve.frame["ground_level_m_nap"] = sieve.frame["ground_level_m_nap"].mask(high)
    return sieve.table("sewer_node", path)


def _numbers(sieve: Sieve, names: tuple[str, ...], path: Path) -> None:
    for name in names:
        numbers = to_number(sieve.frame[name], where=f"{path.name}, {name}", lenient=True)
        spelled = to_text(sieve.frame[name]).str.lower()
        sieve.note(f"{name} is no number, unknown", (numbers.isna() & spelled.notna() & ~spelled.isin(MISSING)).sum())
        if name not in _LEVELS or not sieve.frame.attrs.get(_ZERO_IS_LEVEL) or not (numbers.fillna(0) != 0).any():
            sieve.note(f"{name} is 0, unknown", (numbers == 0).sum())
            numbers = numbers.where(numbers != 0)
        sieve.frame[name] = numbers
        if name in _SIZES:
            metres = sieve.frame[name].between(0, _METRES_BELOW, inclusive="neither")
            sieve.note(f"{name} written in metres, turned into mm", metres.sum())
            sieve.frame[name] = sieve.frame[name].mask(metres, sieve.frame[name] * 1000)
        sieve.blank_outside(name)
        sieve.note(f"{name} unknown", sieve.frame[name].isna().sum())


def _inspection_nodes(pipes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    ends = [pipes[[f"kn{end}", f"xy{end}"]].set_axis(["node_id", "place"], axis=1) for end in (1, 2)]
    nodes = pd.concat(ends, ignore_index=True)
    place = to_text(nodes["place"]).str.split("/", expand=True).reindex(columns=[0, 1])
    x, y = (pd.to_numeric(place[axis], errors="coerce") for axis in (0, 1))
    shapes = gpd.points_from_xy(x, y, crs=RD)
    shapes[x.isna() | y.isna()] = None
    return gpd.GeoDataFrame(nodes.assign(kind="put", ground_level_m_nap=None), geometry=shapes)


def _hydx(path: Path, table: str) -> pd.DataFrame:
    """Read one HydX table, of whatever digit and case in its name, with its columns named as the standard has them."""
    texts, notes = [], {}
    for name, content in _hydx_files(path, table):
        text, encoding = text_of(content)
        texts.append((name, text))
        if encoding:
            notes[f"{name} read as {encoding}"] = 1
    parts = [_hydx_table(text, table, path / name) for name, text in texts]
    frame = pd.concat(parts, ignore_index=True)
    frame.attrs[NOTES] = notes
    return frame


def require_hydx(path: Path, role: str) -> None:
    """Refuse a HydX set that lacks a table of a role, or a column of one.

    Parameters
    ----------
    path : Path
        The folder, the zip or one of the tables.
    role : str
        ``sewer_pipe`` or ``sewer_node``.

    Raises
    ------
    FormatError
        With the table or columns that lack.
    """
    for table in ("Knooppunt", "Verbinding") if role == "sewer_pipe" else ("Knooppunt",):
        _hydx(path, table)


def _hydx_files(path: Path, table: str, *, needed: bool = True) -> list[tuple[str, bytes]]:
    named = re.compile(rf"(?i)(?:.*[^a-z])?{table}(?:[ _.-]?\d+)*\.(?:csv|txt)")
    if path.suffix.lower() == ".zip":
        with reading(path, f"a zip with HydX table {table}"), zipfile.ZipFile(bounded(path)) as opened:
            names = [one.filename for one in opened.infolist() if one.file_size < _MOST_HYDX_BYTES]
            hits = sorted(one for one in names if named.fullmatch(one.rsplit("/", 1)[-1]))
            found = [(one.rsplit("/", 1)[-1], opened.read(one)) for one in hits]
    else:
        folder = path if path.is_dir() else path.parent
        names = sorted(one.name for one in folder.glob("*"))
        hits = [one for one in names if named.fullmatch(one)]
        found = [(one, bounded(folder / one).read_bytes()) for one in hits]
    if not found and needed:
        there = ", ".join(one for one in names if one.lower().endswith((".csv", ".txt"))) or "no table (.csv) at all"
        raise FormatError(
            f"the HydX table {table}.csv (or {table}1.csv)",
            found=there,
            where=path.name,
            remedy="let path name the folder or zip that holds Knooppunt, Verbinding and Profiel",
        )
    return found


def _hydx_table(text: str, table: str, path: Path) -> pd.DataFrame:
    wanted = _HYDX[table].split()
    lines = text.splitlines()
    at = next((n for n, line in enumerate(lines[:_HEAD_WITHIN]) if squeezed(wanted[0]) in squeezed(line)), 0)
    separator = max(";,\t|", key=(lines or [""])[at].count)
    with reading(path, f"the HydX table {table} with as many cells in each row as in its head"):
        raw = cells_of("\n".join(lines[at:]), separator)
    hits = {one.removesuffix("?"): column_named(raw.columns, one) for one in wanted}
    missing = [one for one in wanted if not one.endswith("?") and hits[one] is None]
    if missing:
        raise FormatError(
            f"the columns {', '.join(missing)} in HydX table {table}",
            found=", ".join(map(str, raw.columns[:12])) or "none",
            where=path.name,
            remedy="export the set again as GWSW-Hyd (HydX), with its heads",
        )
    absent = pd.Series(None, index=raw.index, dtype="object")
    return pd.DataFrame({one: absent if hit is None else to_text(raw[hit]) for one, hit in hits.items()})


def _note_types(sieve: Sieve, column: pd.Series[Any], which: str, role: str) -> None:
    odd = column.map(lambda one: (role, squeezed(one)) not in _types()).astype(bool)
    for name, count in column[odd].fillna("blank").value_counts().items():
        sieve.note(f"{which} not known: {name}", count)


def _typed(column: pd.Series[Any], role: str, place: int, otherwise: str) -> pd.Series[Any]:
    return column.map(lambda one: _types().get((role, squeezed(one)), (otherwise, otherwise))[place])


def _hydx_nodes(path: Path, origin_m: tuple[float, float]) -> gpd.GeoDataFrame:
    raw = _hydx(path, "Knooppunt")
    x, y = (to_number(raw[name], where=name, lenient=True) for name in ("KNP_XCO", "KNP_YCO"))
    placed = x.notna() & y.notna() & ((x != 0) | (y != 0))
    shapes = gpd.points_from_xy(x.where(placed) + origin_m[0], y.where(placed) + origin_m[1], crs=RD)
    kind = _typed(raw["KNP_TYP"], "hydx-node", 1, _MISSING_KIND["node"][1])
    kind = kind.mask(raw["UNI_IDE"].isin(_pumped_from(path)), "gemaal")
    frame = {"node_id": raw["UNI_IDE"], "kind": kind, "ground_level_m_nap": raw["MVD_NIV"]}
    frame |= {"status": raw["STA_OBJ"], "type": raw["KNP_TYP"]}
    _require_place(shapes, path)
    nodes = gpd.GeoDataFrame(frame, geometry=shapes)
    nodes.attrs = {NOTES: raw.attrs[NOTES], _ZERO_IS_LEVEL: True}
    return nodes


def _require_place(shapes: Any, path: Path) -> None:
    """Refuse a set of which most nodes lie outside RD New: drawn on a grid of its own, or x and y swapped."""
    placed = shapes[~placeless(shapes)]
    outside = ~in_rd(placed)
    if len(placed) and 2 * outside.sum() > len(placed):
        west, south, east, north = shapely.total_bounds(placed)
        raise CrsError(
            "nodes in RD New",
            found=f"x {west:.0f} to {east:.0f} and y {south:.0f} to {north:.0f}",
            where=f"{path.name}, KNP_XCO and KNP_YCO",
            remedy="a set on a grid of its own is moved by shift_m = [x, y] in the study; x and y swapped: export it again",
        )


def _pumped_from(path: Path) -> list[str]:
    """Nodes from which a pump lifts: the type of a node does not say so in HydX, the connection does."""
    try:
        raw = _hydx(path, "Verbinding")
    except FormatError:  # nodes alone: the reader of the pipes says what is wrong with the connections
        return []
    pumps = raw[_typed(raw["VRB_TYP"], "hydx-pipe", 1, "other").eq("pressure")]
    return [str(one) for one in _ends(pumps)[0].dropna()]


def _ends(raw: pd.DataFrame) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Nodes at the begin and the end of each connection, in the direction in which it lets water through [2]_."""
    backwards = raw["STR_RCH"].eq("2_1")
    return raw["KN1_IDE"].mask(backwards, raw["KN2_IDE"]), raw["KN2_IDE"].mask(backwards, raw["KN1_IDE"])


def _read_hydx_pipes(path: Path, origin_m: tuple[float, float]) -> tuple[gpd.GeoDataFrame, Tally]:
    raw, profiles = _hydx(path, "Verbinding"), _hydx_profiles(path)
    nodes = _hydx_nodes(path, origin_m).drop_duplicates("node_id").set_index("node_id")
    begin, end = _ends(raw)
    backwards = begin.ne(raw["KN1_IDE"]) & raw["KN1_IDE"].notna()
    # A pump is a main whatever water it lifts, and its kind of inflow is NVT.
    by_itself = _typed(raw["VRB_TYP"], "hydx-pipe", 0, "")
    frame = {
        "pipe_id": raw["UNI_IDE"],
        "from_node": begin,
        "to_node": end,
        "system": _typed(raw["INZ_TYP"], "hydx-system", 0, "overig").mask(by_itself != "", by_itself),
        "kind": _typed(raw["VRB_TYP"], "hydx-pipe", 1, "other"),
        "width_mm": raw["PRO_IDE"].map(profiles["PRO_BRE"]),
        "diameter_mm": raw["PRO_IDE"].map(profiles["PRO_HGT"]),
        "shape": raw["PRO_IDE"].map(profiles["PRO_VRM"]),
        "material": raw["PRO_IDE"].map(profiles["PRO_MAT"]),
        "bob_from_m_nap": raw["BOB_KN1"].mask(backwards, raw["BOB_KN2"]),
        "bob_to_m_nap": raw["BOB_KN2"].mask(backwards, raw["BOB_KN1"]),
        "status": raw["STA_OBJ"],
    }
    shapes = _between(nodes, begin, end)
    pipes = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, crs=RD))
    pipes.attrs = {NOTES: raw.attrs[NOTES], _ZERO_IS_LEVEL: True}
    sieve = Sieve(pipes)
    sieve.note("no HydX table Profiel: sizes, shapes and materials unknown", 0 if len(profiles) else len(raw))
    _drop_not_there(sieve)
    for which, role in (("INZ_TYP", "hydx-system"), ("VRB_TYP", "hydx-pipe")):
        _note_types(sieve, raw[which], which, role)
    unknown = raw["PRO_IDE"].notna() & ~raw["PRO_IDE"].isin(profiles.index) & (len(profiles) > 0)
    sieve.note("pipe whose profile is not in the set: size unknown", unknown.sum())
    return _finish_pipes(sieve, path)


def _hydx_profiles(path: Path) -> pd.DataFrame:
    """Return the profiles by their name; none where the set comes without that table."""
    names = [one.removesuffix("?") for one in _HYDX["Profiel"].split()]
    there = any(_hydx_files(path, "Profiel", needed=False))
    raw = _hydx(path, "Profiel") if there else pd.DataFrame({name: [] for name in names}, dtype="object")
    return raw.drop_duplicates("PRO_IDE").set_index("PRO_IDE")


def _between(nodes: gpd.GeoDataFrame, starts: pd.Series[Any], ends: pd.Series[Any]) -> NDArray[Any]:
    """Return the straight line between two nodes, and none where one of them is not there or has no place."""
    places = nodes.geometry.to_numpy()
    at = pd.Series(np.arange(len(nodes)), index=nodes.index)
    pairs = np.column_stack([at.reindex(one).to_numpy(dtype=float) for one in (starts, ends)])
    bad = placeless(places)
    whole = ~np.isnan(pairs).any(axis=1)
    whole[whole] = ~bad[pairs[whole].astype(int)].any(axis=1)
    lines = np.full(len(pairs), None, dtype=object)
    if whole.any():
        corners = shapely.get_coordinates(places[pairs[whole].astype(int)].ravel()).reshape(-1, 2, 2)
        corners[(corners[:, 0] == corners[:, 1]).all(axis=1), 1, 0] += _CHAMBER_M
        lines[whole] = shapely.linestrings(corners)
    return lines
