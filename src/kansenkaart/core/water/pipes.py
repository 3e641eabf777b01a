"""Sewer pipes made fit for a graph: every faulty value is named, counted, and mended, blanked or left out."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from kansenkaart.crs import RD_NAP, within_rd
from kansenkaart.errors import CrsError, SchemaError

COLUMNS = (
    "pipe_id",
    "from_node",
    "to_node",
    "system",
    "kind",
    "diameter_mm",
    "laid_year",
    "bob_from_m_nap",
    "bob_to_m_nap",
    "street_name",
    "status",
    "geometry",
)
OPTIONAL = (
    "from_node",
    "to_node",
    "diameter_mm",
    "laid_year",
    "bob_from_m_nap",
    "bob_to_m_nap",
    "street_name",
    "status",
)

FOUL_SYSTEMS = ("gemengd", "vuilwater")
RAIN_SYSTEMS = ("hemelwater", "verbeterd_gescheiden")
PRESSURE_SYSTEMS = ("drukriool", "persleiding")
LAYERS = ("foul", "rain", "pressure")
#: What stands between two chambers: weirs and pumps hold water apart, an orifice lets it through.
STRUCTURES = ("weir", "pressure", "orifice")

_NUMBERS = ("diameter_mm", "laid_year", "bob_from_m_nap", "bob_to_m_nap")
_RD_CODE = int("28992")
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PipeLimits:
    """What a believable pipe looks like.

    Parameters
    ----------
    year_max : int
        Latest believable laying year [year]: the year of the edition.
    year_min : int
        Earliest believable laying year [year]; the first Dutch sewers are of about 1850.
    diameter_min_mm, diameter_max_mm : float
        Believable inner diameters [mm].
    metres_below : float
        Diameters between 0 and this are metres written as millimetres [mm].
    fillers : tuple of float
        Numbers that stand for unknown in exchanges.
    level_min_m, level_max_m : float
        Believable levels [m NAP]: the deepest polder sewer to the highest hill.
    slope_max : float
        Steepest believable slope [1]; above it one of the levels is wrong.
    length_min_m : float
        Shorter pipes have no length [m].
    lost_words : tuple of str
        Words in `status` that say a pipe is out of use.
    """

    year_max: int
    year_min: int = 1850
    diameter_min_mm: float = 50.0
    diameter_max_mm: float = 4000.0
    metres_below: float = 5.0
    fillers: tuple[float, ...] = (999.0, 9999.0)
    level_min_m: float = -25.0
    level_max_m: float = 330.0
    slope_max: float = 0.1
    length_min_m: float = 0.01
    lost_words: tuple[str, ...] = ("loos", "loze", "lost", "buiten gebruik", "buitengebruik", "vervallen", "verwijderd")


@dataclass(frozen=True)
class CleanPipes:
    """Pipes for the graph, and what was wrong.

    Parameters
    ----------
    pipes : GeoDataFrame
        The usable pipes, with `layer` (foul, rain, pressure), `slope` [1] from the levels where believable
        and `length_m` of the drawn line [m].
    issues : DataFrame
        One row per fault: `pipe_id`, `reason`, `action` (left out, blanked, mended).
    structures : DataFrame
        Weirs, pumps and orifices between two named nodes: `from_node`, `to_node`, `kind`.
    """

    pipes: gpd.GeoDataFrame
    issues: pd.DataFrame
    structures: pd.DataFrame

    def tally(self) -> dict[str, int]:
        """Return the number of pipes per reason [1]."""
        return {str(reason): int(count) for reason, count in self.issues["reason"].value_counts().items()}


def clean_pipes(pipe: gpd.GeoDataFrame, *, limits: PipeLimits) -> CleanPipes:
    """Name and count every fault of a sewer_pipe frame; leave out what no graph can hold, blank what is unbelievable.

    Parameters
    ----------
    pipe : GeoDataFrame
        Columns of the table `sewer_pipe`; unknown is NaN or NA.
    limits : PipeLimits
        What a believable pipe looks like.

    Raises
    ------
    CrsError
        If the frame is not in RD New.
    SchemaError
        If a column that must be there is missing.
    """
    _require_frame(pipe)
    work = _prepared(pipe)
    named = work["from_node"].notna() & work["to_node"].notna()
    structures = pd.DataFrame(work.loc[named & work["kind"].isin(STRUCTURES), ["from_node", "to_node", "kind"]])
    notes: list[pd.DataFrame] = []
    work = _leave_out(work, _unusable(work, limits), notes)
    _mend_numbers(work, limits, notes)
    work["length_m"] = shapely.length(work.geometry.to_numpy())
    _judge_levels(work, limits, notes)
    work["layer"] = _layer(work)
    columns = ["pipe_id", "reason", "action"]
    issues = pd.concat(notes, ignore_index=True) if notes else pd.DataFrame(columns=columns)
    return CleanPipes(work.reset_index(drop=True), issues[columns], structures)


def _require_frame(pipe: gpd.GeoDataFrame) -> None:
    missing = [name for name in COLUMNS if name not in pipe.columns and name not in OPTIONAL]
    if missing:
        raise SchemaError(
            "the columns of sewer_pipe", found=f"a table without {', '.join(missing)}", where="sewer_pipe"
        )
    if pipe.crs is None or pipe.crs.to_epsg() not in (_RD_CODE, int(RD_NAP.split(":")[1])):
        raise CrsError("sewer pipes in RD New (EPSG:28992)", found=str(pipe.crs), where="sewer_pipe.geometry")


def _prepared(pipe: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    work = pipe.reindex(columns=list(COLUMNS)).reset_index(drop=True)
    work["drawn_row"] = np.arange(len(work))
    for name in _NUMBERS:
        work[name] = pd.to_numeric(work[name], errors="coerce").astype("float64")
    return gpd.GeoDataFrame(work, geometry="geometry", crs=pipe.crs)


def _unusable(work: gpd.GeoDataFrame, limits: PipeLimits) -> list[tuple[str, Mask]]:
    shapes = work.geometry.to_numpy()
    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    bounds = shapely.bounds(shapes)
    inside = within_rd(bounds[:, 0], bounds[:, 1]) & within_rd(bounds[:, 2], bounds[:, 3])
    status = work["status"].astype("string").str.lower().fillna("")
    lost = np.zeros(len(work), dtype=bool)
    for word in limits.lost_words:
        lost |= status.str.contains(word, regex=False).to_numpy(dtype=bool)
    believed = work["system"].isin(FOUL_SYSTEMS + RAIN_SYSTEMS + PRESSURE_SYSTEMS).to_numpy()
    return [  # the first that holds is the reason
        ("weir or orifice: no pipe", work["kind"].isin(("weir", "orifice")).to_numpy()),
        ("no geometry", absent),
        ("not one line", shapely.get_type_id(shapes) != shapely.GeometryType.LINESTRING),
        ("outside RD New", ~inside),
        ("drawn twice", _twice(work, shapes)),
        ("zero length", shapely.length(shapes) < limits.length_min_m),
        ("drain", work["system"].eq("drain").to_numpy(dtype=bool, na_value=False)),
        ("lost pipe", lost),
        ("no sewer: system overig or unknown", ~believed),
    ]


def _twice(work: gpd.GeoDataFrame, shapes: npt.NDArray[np.object_]) -> Mask:
    form = pd.Series(shapely.to_wkb(shapely.normalize(shapes)), dtype="object")
    same = pd.DataFrame({"form": form, "system": work["system"].astype("string").fillna("").to_numpy()})
    repeated_id = work["pipe_id"].duplicated() & work["pipe_id"].notna()
    return np.asarray((same.duplicated() & form.notna()).to_numpy() | repeated_id.to_numpy(), dtype=bool)


def _leave_out(work: gpd.GeoDataFrame, faults: list[tuple[str, Mask]], notes: list[pd.DataFrame]) -> gpd.GeoDataFrame:
    out = np.zeros(len(work), dtype=bool)
    for reason, hit in faults:
        _note(work, hit & ~out, reason, "left out", notes)
        out |= hit
    return work[~out].reset_index(drop=True)


def _note(work: gpd.GeoDataFrame, hit: Mask, reason: str, action: str, notes: list[pd.DataFrame]) -> None:
    if hit.any():
        notes.append(pd.DataFrame({"pipe_id": work["pipe_id"].to_numpy()[hit], "reason": reason, "action": action}))


def _mend_numbers(work: gpd.GeoDataFrame, limits: PipeLimits, notes: list[pd.DataFrame]) -> None:
    size = work["diameter_mm"].to_numpy(copy=True)
    metres = (size > 0) & (size < limits.metres_below)
    _note(work, metres, "diameter in metres", "mended", notes)
    size[metres] *= 1000
    wild = ~np.isnan(size) & (
        np.isin(size, limits.fillers) | (size < limits.diameter_min_mm) | (size > limits.diameter_max_mm)
    )
    _note(work, wild, "diameter unbelievable", "blanked", notes)
    work["diameter_mm"] = np.where(wild, np.nan, size)
    year = work["laid_year"].to_numpy()
    odd = ~np.isnan(year) & ((year < limits.year_min) | (year > limits.year_max))
    _note(work, odd, "laying year unbelievable", "blanked", notes)
    work["laid_year"] = np.where(odd, np.nan, year)


def _judge_levels(work: gpd.GeoDataFrame, limits: PipeLimits, notes: list[pd.DataFrame]) -> None:
    first, last = work["bob_from_m_nap"].to_numpy(), work["bob_to_m_nap"].to_numpy()
    wild = np.zeros(len(work), dtype=bool)
    for level in (first, last):
        wild |= (level < limits.level_min_m) | (level > limits.level_max_m)
    _note(work, wild, "level unbelievable", "blanked", notes)
    slope = (first - last) / work["length_m"].to_numpy()
    steep = ~wild & (np.abs(slope) > limits.slope_max)
    _note(work, steep, "levels give an unbelievable slope", "blanked", notes)
    bad = wild | steep
    for name, level in (("bob_from_m_nap", first), ("bob_to_m_nap", last)):
        work[name] = np.where(bad, np.nan, level)
    work["slope"] = np.where(bad, np.nan, slope)


def _layer(work: gpd.GeoDataFrame) -> npt.NDArray[np.object_]:
    system = work["system"].to_numpy()
    layer = np.where(np.isin(system, RAIN_SYSTEMS), "rain", "foul").astype(object)
    pressed = np.isin(system, PRESSURE_SYSTEMS) | work["kind"].eq("pressure").to_numpy(dtype=bool, na_value=False)
    layer[pressed] = "pressure"
    return layer
