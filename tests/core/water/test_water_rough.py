"""Rough towns and networks drawn by chance, as registers have them, held whole against what they were."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.core.water import table
from kansenkaart.core.water.design import DesignRules
from kansenkaart.core.water.engine import score_water
from kansenkaart.core.water.inputs import Bound, WaterFrames
from kansenkaart.core.water.network import accumulate, build_graph
from kansenkaart.core.water.orient import orient
from kansenkaart.core.water.pipes import PipeLimits, clean_pipes
from kansenkaart.core.water.sewer import Storm, storm_peaks
from tests.core.water.water_world import PRICES, RD, X0, Y0, peopled, settings
from tests.pinned import require_as_pinned

PARTS = ("street", "pipe", "home", "surface", "unassigned", "issues", "month")
SYSTEMS = ["gemengd", "vuilwater", "hemelwater", "hemelwater", "persleiding", "overig"]
KINDS = ["gravity"] * 7 + ["pressure", "weir", "orifice", "pump", "connection"]
LAND = [
    ("wegdeel", "rijbaan lokale weg", "open verharding"),
    ("wegdeel", "voetpad", "gesloten verharding"),
    ("wegdeel", "parkeervlak", "half verhard"),
    ("wegdeel", "woonerf", None),
    ("ondersteunendwegdeel", None, "groenvoorziening"),
    ("onbegroeidterreindeel", None, "erf"),
    ("onbegroeidterreindeel", None, "zand"),
    ("begroeidterreindeel", None, "groenvoorziening"),
    ("waterdeel", None, None),
    ("overbruggingsdeel", None, None),
]


def _sewers(chance: np.random.Generator, places: np.ndarray) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Pipes between places that lie near each other, with what is unknown, wrong, twice or drawn the other way."""
    count = 70
    first = chance.integers(0, len(places), count)
    far = np.hypot(*(places[first][:, None] - places[None]).transpose(2, 0, 1))
    second = np.argsort(far, axis=1)[np.arange(count), chance.integers(1, 6, count)]
    spread = chance.choice([0.0, 0.1, 0.4, 2.0], (count, 2, 2), p=[0.6, 0.2, 0.1, 0.1])
    ends = np.stack([places[first], places[second]], axis=1) + spread
    lines = [shapely.LineString(one) for one in ends]
    lines[3], lines[9], lines[11] = lines[4], None, shapely.LineString([ends[11, 0], ends[11, 0] + 0.3])
    level = chance.uniform(-4, 0, (count, 2)).round(2)
    level[chance.random((count, 2)) < 0.35] = np.nan
    same = chance.random(count) < 0.15
    level[same, 1] = level[same, 0] + 0.0005
    node = np.where(chance.random((2, count)) < 0.6, None, np.stack([first, second]).astype(str).astype(object))
    pipe = gpd.GeoDataFrame(
        {
            "pipe_id": [f"p{k}" for k in range(count)],
            "from_node": node[0],
            "to_node": node[1],
            "system": chance.choice(SYSTEMS, count, p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05]),
            "kind": chance.choice(KINDS, count),
            "diameter_mm": chance.choice([np.nan, 0.3, 160, 200, 250, 300, 400, 700, 1200, 9000], count),
            "laid_year": chance.choice([np.nan, 1890.0, 1955, 1972, 1988, 2003, 2019, 2026, 2031], count),
            "bob_from_m_nap": level[:, 0],
            "bob_to_m_nap": level[:, 1],
            "street_name": chance.choice([None, None, "Weg 1", " weg 2", "Weg 9"], count),
            "status": chance.choice([None, None, None, "in gebruik", "vervallen"], count),
        },
        geometry=lines,
        crs=RD,
    )
    kinds = ["gemaal", "lozing", "uitlaat", "overstort", "put", "put", "rand", None]
    here = chance.choice(len(places), 8, replace=False)
    names, ground = [str(one) for one in here], chance.choice([np.nan, 0.4, 1.1], 8)
    points = shapely.points(places[here] + chance.choice([0.0, 0.2, 3.0], (8, 2)))
    return pipe, gpd.GeoDataFrame(
        {"node_id": names, "kind": kinds, "ground_level_m_nap": ground}, geometry=points, crs=RD
    )


def _places(chance: np.random.Generator) -> np.ndarray:
    x, y = np.meshgrid(np.arange(6) * 45.0, np.arange(5) * 45.0)
    return np.column_stack([x.ravel() + X0, y.ravel() + Y0]) + chance.uniform(-8, 8, (30, 2))


def rough(seed: int) -> WaterFrames:
    """Draw six streets of three places each, fifty homes near them, land of all kinds and the sewers of a register."""
    chance = np.random.default_rng(seed)
    places = _places(chance)
    pipe, node = _sewers(chance, places)
    ways = [places[one : one + 3] if one % 2 else places[one::6][:3] for one in (0, 1, 3, 4, 13, 20)]
    names = ["Weg 1", "Weg 2", "Weg 2", None, "Weg 4", "Weg 5"]
    street = gpd.GeoDataFrame(
        {"street_line_id": [f"s{k}" for k in range(6)], "street_name": names},
        geometry=[shapely.LineString(one) for one in ways],
        crs=RD,
    )
    which = chance.integers(0, 6, 50)
    along, aside = chance.uniform(0.05, 0.95, 50), chance.choice([-14.0, -9, 9, 12, 31], 50)
    spot = np.array(
        [
            shapely.line_interpolate_point(street.geometry[k], a, normalized=True).coords[0]
            for k, a in zip(which, along, strict=True)
        ]
    )
    spot += chance.normal(0, 1, (50, 2)) + aside[:, None] * [0.6, 0.8]
    own = np.array(names, dtype=object)[which]
    own[chance.random(50) < 0.1], own[7], own[8] = None, "Elders", " weg 1 "
    owner = np.where(np.arange(50) % 9 == 0, np.maximum(np.arange(50) - 1, 0), np.arange(50))
    homes = gpd.GeoDataFrame(
        {
            "home_id": [f"h{k}" for k in range(50)],
            "pand_id": [f"b{k}" for k in owner],
            "street_name": own,
            "buurtcode": "BU00000000",
            "floor_area_m2": chance.integers(35, 180, 50),
        },
        geometry=shapely.points(spot),
        crs=RD,
    )
    built = np.unique(owner)
    pand = gpd.GeoDataFrame(
        {
            "pand_id": [f"b{k}" for k in built],
            "bouwjaar": pd.array([None if k % 8 == 5 else 1930 + int(k) * 2 for k in built], dtype="Int64"),
            "homes": [int((owner == k).sum()) for k in built],
            "footprint_area_m2": 64.0,
            "buurtcode": "BU00000000",
        },
        geometry=shapely.buffer(shapely.points(spot[built]), 4, cap_style="square"),
        crs=RD,
    )
    kinds = [LAND[k] for k in chance.integers(0, len(LAND), 40)]
    roads = [street.geometry[k].buffer(3.0 + k, cap_style="flat") for k in range(4)]
    corner, size = np.add(chance.uniform(0, 200, (40, 2)), (X0, Y0)), chance.uniform(2, 30, (40, 2))
    land = gpd.GeoDataFrame(
        [*[LAND[0]] * 4, *kinds],
        columns=["kind", "function", "surface"],
        geometry=[*roads, *(shapely.box(*a, *(a + b)) for a, b in zip(corner, size, strict=True))],
        crs=RD,
    )
    land["terrain_id"] = [f"t{k}" for k in range(44)]
    return WaterFrames(
        home=peopled(homes, pd.DataFrame({"buurtcode": ["BU00000000"], "household_size_persons": [2.2]})),
        pand=pand,
        garden_mm=np.array([0, 0, 5, 30, 35, 40, 30, 20, 5, 0, 0, 0], dtype=float),
        terrain=None if seed % 5 == 3 else land,
        street_line=None if seed % 5 == 4 else street,
        sewer_pipe=pipe,
        sewer_node=None if seed % 4 == 2 else node,
    )


def test_every_table_of_a_rough_town_is_as_it_was():
    made = {}
    for seed in range(8):
        town, rules = rough(seed), DesignRules(rain_l_per_s_ha=60.0 + 60 * seed)
        bounds = tuple(Bound(PRICES, town.garden_mm * one, one, 0.5 + (one - 1)) for one in (0.8, 1.2))
        found = score_water(town, settings=settings(bounds=bounds, design=rules, participation=0.5 + seed / 20))
        made |= {f"{seed}.{part}": getattr(found, part) for part in PARTS}
    require_as_pinned("rough_towns", made)


def test_every_network_drawn_by_chance_is_as_it_was():
    made = {}
    for seed in range(12):
        chance = np.random.default_rng(100 + seed)
        frame, node = _sewers(chance, _places(chance))
        clean = clean_pipes(frame, limits=PipeLimits(year_max=2026))
        graph = build_graph(clean.pipes, None if seed % 4 == 3 else node, structures=clean.structures)
        forest = orient(graph)
        load = chance.uniform(0, 900, (graph.pipes, 2))
        through, arrived = accumulate(forest, load=load)
        peaks, volume = storm_peaks(forest, paved_m2=load[:, 0], length_m=graph.length_m, storm=Storm())
        made |= {
            f"{seed}.pipe": pd.DataFrame(
                {
                    **{name: getattr(graph, name) for name in ("pipe_id", "start", "end", "layer", "drop_m")},
                    **{
                        name: getattr(forest, name) for name in ("tail", "head", "oriented_by", "closes_loop", "island")
                    },
                    "through": through[:, 0],
                    "peak": peaks,
                }
            ),
            f"{seed}.node": pd.DataFrame(
                {
                    "kind": graph.kind,
                    "next": forest.next_pipe,
                    "order": forest.order,
                    "arrived": arrived[:, 1],
                    "volume": volume,
                }
            ),
            f"{seed}.low": graph.low_m_nap.T,
            f"{seed}.issues": pd.concat([graph.issues, forest.issues, clean.issues], ignore_index=True),
        }
    require_as_pinned("rough_networks", made)


def test_without_land_a_street_has_the_norm_of_its_homes_and_one_without_homes_has_none():
    town, street = settings(paved_m2_per_home=40.0, garden_m2_per_home=50.0), pd.DataFrame(index=["a", "b", "c"])
    home = pd.DataFrame({"street_id": ["c", "a", "c", None]})
    found = table._areas(pd.DataFrame(), home, street, town)
    assert found["paved_sewer_m2"].to_dict() == {"a": 40.0, "b": 0.0, "c": 80.0}
    assert found["garden_m2"].to_dict() == {"a": 50.0, "b": 0.0, "c": 100.0}
    assert (found["green_m2"].tolist(), set(found["area_basis"])) == ([0.0] * 3, {"per home"})
