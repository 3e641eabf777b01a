"""The embedded example: an invented neighbourhood in the publishers' own formats, with its truth.

Nothing of it exists: municipality 9999 is called Voorbeeldstad, and every table says so. It goes through the same
readers as real data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import shapely
from shapely.geometry import Point

from kansenkaart.errors import ConfigError
from kansenkaart.sources.example import cityjson, geojson, heights, layout, sewer, statistics, weather
from kansenkaart.sources.example.buildings import roof_faces
from kansenkaart.sources.example.cityjson import face_ring
from kansenkaart.sources.example.model import Model, build, is_home

MAX_SCALE = 100

__all__ = ["Truth", "truth", "write_example"]


def write_example(folder: Path, *, scale: int = 1) -> Path:
    """Write the example in the publishers' formats; the same bytes each time.

    Parameters
    ----------
    folder : Path
        Where to write; made when absent. Below it: ``odata/<table>``, ``ogc``, ``3dbag``, ``ahn``, ``knmi``, ``epw``.
    scale : int
        How many copies of the neighbourhood side by side [1], from 1 to 100.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ConfigError
        If the scale is out of range.
    """
    if not 1 <= scale <= MAX_SCALE:
        raise ConfigError(
            f"a scale from 1 to {MAX_SCALE}", found=str(scale), where="example", remedy="choose 1, 4 or 16"
        )
    model = build()
    statistics.write_all(folder / "odata", model, scale)
    geojson.write_all(folder / "ogc", model, scale)
    cityjson.write(folder / "3dbag" / "proefveld.city.jsonl", model, scale)
    heights.write(folder / "ahn", model, scale)
    weather.write_knmi(folder / "knmi")
    weather.write_epw(folder / "epw")
    return folder


CLUSTER_QUARTER = "01"
CLUSTER_OWNER = "corporatie Voorbeeldwonen"
TOWER_SHADE_M = 60.0


@dataclass(frozen=True)
class Truth:
    """Tables of what was designed.

    Attributes
    ----------
    faces : DataFrame
        pand_id, face (number within the pand), tilt_deg, azimuth_deg (NaN where flat), area_m2, under_tree,
        near_tower (its middle lies within 60 m north of the tower).
    homes : DataFrame
        home_id, pand_ids, buurtcode, street_name, street_id, pipe_id, owner; homes in use only.
    pipes : DataFrame
        pipe_id, from_node, to_node (in the direction of flow), kind, street_name, diameter_mm, laid_year,
        slope, homes_upstream, people_upstream; rain pipes count the addresses whose yards they drain.
    panden : DataFrame
        pand_id, buurtcode, owner, bouwjaar, status, homes.
    buurten : Series
        Homes by buurtcode.
    cluster : tuple of str
        home_id of the 330 homes of the area with one large owner, first copy.
    cluster_centre : tuple of float
        A place in its middle, RD New [m].
    cluster_owner_share : float
        Share of its homes that the large owner has [1].
    """

    faces: pd.DataFrame
    homes: pd.DataFrame
    pipes: pd.DataFrame
    panden: pd.DataFrame
    buurten: pd.Series[int]
    cluster: tuple[str, ...]
    cluster_centre: tuple[float, float]
    cluster_owner_share: float


def truth(scale: int = 1) -> Truth:
    """Return the truth of the neighbourhood or of ``scale`` copies.

    Parameters
    ----------
    scale : int, optional
        How many copies of the neighbourhood [1].
    """
    model = build()
    faces = _copies(_faces(model), scale)
    homes = _copies(_homes(model), scale)
    mine = homes[homes["buurtcode"] == layout.buurtcode(0, CLUSTER_QUARTER)]
    centre = layout.quarter(CLUSTER_QUARTER).centre
    x0, y0 = layout.ORIGIN_RD_M
    return Truth(
        faces,
        homes,
        _copies(_pipes(model), scale),
        _copies(_panden(model), scale),
        homes.groupby("buurtcode").size(),
        tuple(mine["home_id"]),
        (x0 + centre[0], y0 + centre[1]),
        float((mine["owner"] == CLUSTER_OWNER).mean()),
    )


def _copies(unit: pd.DataFrame, scale: int) -> pd.DataFrame:
    """Repeat a table of one neighbourhood, its keys turned into the identifiers of each copy."""
    out = []
    for copy in range(scale):
        frame = unit.copy()
        for column, turn in TURNS.items():
            if column in frame:
                frame[column] = [turn(copy, key) for key in unit[column]]
        if "street_name" in frame:
            frame["street_id"] = [layout.street_id(copy, key) for key in unit["street_name"]]
        out.append(frame)
    return pd.concat(out, ignore_index=True)


TURNS: dict[str, Callable[[int, Any], str]] = {
    "pand_id": layout.pand_id,
    "pand_ids": lambda copy, numbers: ",".join(layout.pand_id(copy, n) for n in numbers),
    "home_id": layout.home_id,
    "buurtcode": layout.buurtcode,
    "street_name": layout.street_name,
    "pipe_id": layout.pipe_id,
    "from_node": layout.node_id,
    "to_node": layout.node_id,
}


def _faces(model: Model) -> pd.DataFrame:
    crowns = shapely.union_all([Point(t.point).buffer(t.radius_m) for t in model.trees])
    tower = next(p for p in model.panden if "tower" in p.marks)
    rows = []
    for pand in (p for p in model.panden if p.status == "Pand in gebruik"):
        north = 0.0 < pand.centre[1] - tower.centre[1] < TOWER_SHADE_M
        near = north and abs(pand.centre[0] - tower.centre[0]) < TOWER_SHADE_M / 2
        for n, face in enumerate(roof_faces(pand)):
            under = crowns.intersects(face_ring(face))
            rows.append((pand.number, n, face.tilt_deg, face.azimuth_deg, face.area_m2, bool(under), near))
    names = ["pand_id", "face", "tilt_deg", "azimuth_deg", "area_m2", "under_tree", "near_tower"]
    return pd.DataFrame(rows, columns=names)


def _homes(model: Model) -> pd.DataFrame:
    rows = [
        (h.number, h.panden, h.quarter, h.street, model.network.home_pipe[h.number], h.owner)
        for h in model.homes
        if is_home(h)
    ]
    return pd.DataFrame(rows, columns=["home_id", "pand_ids", "buurtcode", "street_name", "pipe_id", "owner"])


def _pipes(model: Model) -> pd.DataFrame:
    rows = [
        (
            p.number,
            p.start,
            p.end,
            p.kind,
            p.street,
            p.diameter_mm,
            p.year,
            sewer.SLOPES[p.role],
            p.homes_upstream,
            p.people_upstream,
        )
        for p in model.network.pipes
    ]
    names = ["pipe_id", "from_node", "to_node", "kind", "street_name", "diameter_mm", "laid_year", "slope"]
    return pd.DataFrame(rows, columns=[*names, "homes_upstream", "people_upstream"])


def _panden(model: Model) -> pd.DataFrame:
    held: dict[int, int] = {}
    for home in model.homes:
        if is_home(home):
            held[home.panden[0]] = held.get(home.panden[0], 0) + 1
    rows = [(p.number, p.quarter, p.owner, p.bouwjaar, p.status, held.get(p.number, 0)) for p in model.panden]
    return pd.DataFrame(rows, columns=["pand_id", "buurtcode", "owner", "bouwjaar", "status", "homes"])
