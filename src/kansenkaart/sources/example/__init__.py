"""The embedded examples: an invented town and a small invented field, in the publishers' own formats, with their truth.

Nothing of them exists: municipality 9999 is called Voorbeeldstad, and every table says so. They go through the same
readers as real data. The field is the fast fixture of the tests; the town is what `kansenkaart demo` shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import Point

from kansenkaart.errors import ConfigError
from kansenkaart.sources.example import (
    buildings,
    layout,
    lots,
    registers,
    sewer,
    statistics,
    terrain,
    town,
    weather,
)
from kansenkaart.sources.example.buildings import roof_faces
from kansenkaart.sources.example.model import STATUS_IN_USE, Model, World, home_id, node_id, pand_id, pipe_id
from kansenkaart.sources.example.registers import face_ring

MAX_SCALE = 100
FIELD = "proefveld"

__all__ = ["Truth", "truth", "world", "write_example"]


@lru_cache(maxsize=4)
def world(name: str = FIELD, scale: int = 1) -> World:
    """Design an example; the same on every machine.

    Parameters
    ----------
    name : str, optional
        ``voorbeeld``, the town, of which no two are equal; or ``proefveld``, whose copies are.
    scale : int, optional
        How many places side by side [1], from 1 to 100.

    Raises
    ------
    ConfigError
        If the scale is out of range.
    """
    if not 1 <= scale <= MAX_SCALE:
        raise ConfigError(
            f"a scale from 1 to {MAX_SCALE}", found=str(scale), where="example", remedy="choose 1, 4 or 16"
        )
    if name == FIELD:
        return World((_field(),) * scale, layout.PITCH_X_M, layout.PITCH_Y_M, layout.ORIGIN_RD_M)
    wide, tall = town.table()["size_m"]
    x, y = town.table()["origin_rd_m"]
    return World(tuple(_town(copy) for copy in range(scale)), wide, tall, (x, y), sheets=2, rough=True)


def _town(copy: int) -> Model:
    plan = town.plan(copy)
    made = lots.build(plan, copy)
    homes = buildings.town_homes(made.panden, plan)
    parts, network = terrain.town_parts(plan, made), sewer.town_network(plan, homes)
    in_cluster = {pand.number for pand in made.panden if "cluster" in pand.marks}
    mine = frozenset(home.number for home in homes if home.in_use and home.panden[0] in in_cluster)
    wijken = tuple(town.table()["wijken"])
    missing, wrong, recoded = town.faults(network.pipes)
    base = Model(made.panden, homes, parts, made.trees, network, plan.buurten, wijken, plan.streets, mine)
    return replace(base, unpublished=missing, misread=wrong, recoded=recoded)


def _field() -> Model:
    panden = buildings.panden()
    homes = buildings.homes(panden)
    parts, trees, buurten = terrain.parts(panden), terrain.trees(panden), layout.buurten()
    network = layout.network(homes)
    mine = frozenset(home.number for home in homes if home.in_use and home.quarter == CLUSTER_QUARTER)
    return Model(panden, homes, parts, trees, network, buurten, ("Voorbeeldwijk 1",), layout.STREETS, mine)


def write_example(folder: Path, *, name: str = FIELD, edition: str = "1", scale: int = 1) -> Path:
    """Write an example in the publishers' formats; the same bytes each time.

    Parameters
    ----------
    folder : Path
        Where to write; made when absent. Below it: ``odata/<table>``, ``ogc``, ``3dbag``, ``ahn``, ``knmi``, ``epw``.
    name : str
        Which example.
    edition : str
        ``1``, or of the town ``2``: a year later.
    scale : int
        How many places side by side [1], from 1 to 100.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ConfigError
        If the scale is out of range, or there is no such edition.
    """
    editions = ("1",) if name == FIELD else ("1", "2")
    if edition not in editions:
        raise ConfigError(
            f"edition {' or '.join(editions)} of {name}",
            found=edition[:40],
            where="example",
            remedy="correct edition in the study",
        )
    places = world(name, scale)
    if edition == "2":
        places = replace(places, models=tuple(map(lots.a_year_later, places.models)))
    statistics.write_all(folder / "odata", places)
    registers.write_layers(folder / "ogc", places)
    registers.write_buildings(folder / "3dbag" / f"{name}.city.jsonl", places)
    terrain.write_heights(folder / "ahn", places)
    weather.write_knmi(folder / "knmi")
    if name == FIELD:
        weather.write_epw(folder / "epw" / f"{name}.epw")
    else:
        statistics.write_own(folder / "eigen", places)
    return folder


CLUSTER_QUARTER = "01"
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
        home_id of the 330 homes of the area with one large owner, first place.
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


def truth(scale: int = 1, name: str = FIELD) -> Truth:
    """Return the truth of an example.

    Parameters
    ----------
    scale : int, optional
        How many places side by side [1].
    name : str, optional
        Which example.
    """
    places = world(name, scale)
    first = places.models[0]
    mine = [home for home in first.homes if home.number in first.cluster]
    centre = np.mean([home.point for home in mine], axis=0) + places.origin(0)
    homes = _all(places, _homes)
    return Truth(
        _all(places, _faces),
        homes,
        _all(places, _pipes),
        _all(places, _panden),
        homes.groupby("buurtcode").size(),
        tuple(home_id(0, home.number) for home in mine),
        (float(centre[0]), float(centre[1])),
        float(np.mean([home.owner in statistics.OWNED for home in mine])),
    )


def _all(places: World, table: Callable[[Model], pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of all places together, their keys turned into identifiers."""
    turns: dict[str, Callable[[int, Any], str]] = {
        "pand_id": pand_id,
        "pand_ids": lambda copy, numbers: ",".join(pand_id(copy, n) for n in numbers),
        "home_id": home_id,
        "buurtcode": places.buurtcode,
        "street_name": places.street_name,
        "pipe_id": pipe_id,
        "from_node": node_id,
        "to_node": node_id,
    }
    out = []
    for copy, model in enumerate(places.models):
        unit = table(model)
        frame = unit.copy()
        for column, turn in turns.items():
            if column in frame:
                frame[column] = [turn(copy, key) for key in unit[column]]
        if "street_name" in frame:
            frame["street_id"] = [places.street_id(copy, key) for key in unit["street_name"]]
        out.append(frame)
    return pd.concat(out, ignore_index=True)


def _faces(model: Model) -> pd.DataFrame:
    crowns = shapely.union_all([Point(t.point).buffer(t.radius_m) for t in model.trees])
    shapely.prepare(crowns)
    tower = next(p for p in model.panden if "tower" in p.marks)
    rows = []
    for pand in (p for p in model.panden if p.status == STATUS_IN_USE):
        north = 0.0 < pand.centre[1] - tower.centre[1] < TOWER_SHADE_M
        near = north and abs(pand.centre[0] - tower.centre[0]) < TOWER_SHADE_M / 2
        for n, face in enumerate(face for body in pand.bodies for face in roof_faces(body)):
            under = crowns.intersects(face_ring(face))
            rows.append((pand.number, n, face.tilt_deg, face.azimuth_deg, face.area_m2, bool(under), near))
    names = ["pand_id", "face", "tilt_deg", "azimuth_deg", "area_m2", "under_tree", "near_tower"]
    return pd.DataFrame(rows, columns=names)


def _homes(model: Model) -> pd.DataFrame:
    rows = [
        (h.number, h.panden, h.quarter, h.street, model.network.home_pipe[h.number], h.owner)
        for h in model.homes
        if h.in_use
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
        if home.in_use:
            held[home.panden[0]] = held.get(home.panden[0], 0) + 1
    rows = [(p.number, p.quarter, p.owner, p.bouwjaar, p.status, held.get(p.number, 0)) for p in model.panden]
    return pd.DataFrame(rows, columns=["pand_id", "buurtcode", "owner", "bouwjaar", "status", "homes"])
