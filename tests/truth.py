"""What the examples were designed to be, as tables: the oracle of the tests, made from the design and not from the files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import Point, Polygon

from kansenkaart.sources.example import FIELD, sewer, statistics, world
from kansenkaart.sources.example.buildings import roof_faces
from kansenkaart.sources.example.model import STATUS_IN_USE, Model, World, identifier

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
        tuple(identifier("home", 0, home.number) for home in mine),
        (float(centre[0]), float(centre[1])),
        float(np.mean([home.owner in statistics.OWNED for home in mine])),
    )


def _all(places: World, table: Callable[[Model], pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of all places together, their keys turned into identifiers."""
    turns: dict[str, Callable[[int, Any], str]] = {
        "pand_id": partial(identifier, "pand"),
        "pand_ids": lambda copy, numbers: ",".join(identifier("pand", copy, n) for n in numbers),
        "home_id": partial(identifier, "home"),
        "buurtcode": places.buurtcode,
        "street_name": places.street_name,
        "pipe_id": partial(identifier, "pipe"),
        "from_node": partial(identifier, "node"),
        "to_node": partial(identifier, "node"),
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
            under = crowns.intersects(Polygon(face.corners[:, :2]))
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
