"""A small neighbourhood whose truth is known, and settings to score it.

        y
     200 +---- Dwarsstraat (foul + rain, 1995) ----+
         |                                          |
     100 Hoofdstraat (combined, 1960)          Zijlaan (foul + rain, 1995)
         |                                          |
       0 +                                          +
         x = 0                                  x = 200

Each street has homes at 10 m on its inner side; pipes run under the street, nodes every 50 m.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.core import scoring
from kansenkaart.core.water.costs import Prices, cost_table
from kansenkaart.core.water.inputs import WaterFrames, WaterSettings
from kansenkaart.core.water.pipes import PipeLimits

ROOT = Path(__file__).parents[3]
DATA = ROOT / "src" / "kansenkaart" / "data"
REAL = ROOT.parent / "shared" / "data"
X0, Y0 = 120_000.0, 480_000.0
RD = "EPSG:28992"

STREETS = {
    "Hoofdstraat": ((0, 0), (0, 200), "gemengd", 1960),
    "Dwarsstraat": ((0, 200), (200, 200), "apart", 1995),
    "Zijlaan": ((200, 200), (200, 0), "apart", 1995),
}


#: Prices and lives of made-up towns, round where they may be [units of `Prices`].
PRICES = Prices(
    year_now=2026,
    price_index=1.4,
    price_year=2024,
    discount_frac=0.04,
    sewer_life=60.0,
    sewer_life_low=40.0,
    sewer_life_high=80.0,
    manhole_spacing_m=40.0,
    water_eur_per_m3=2.39,
    treatment_eur_per_m3=0.10,
    pump_kwh_per_m3=0.10,
    electricity_eur_per_kwh=0.26,
    rain_off_eur_per_m2=42.0,
    grey_eur_per_home=3500.0,
    mixed_drains_eur_per_home=1500.0,
    analysis_years=20,
)


def settings(**other: object) -> WaterSettings:
    base: dict[str, object] = {
        "limits": PipeLimits(year_max=2026),
        "prices": PRICES,
        "costs": cost_table(pd.read_csv(DATA / "sewer_costs.csv")),
    }
    return WaterSettings(**(base | other))  # type: ignore[arg-type]


def street_lines() -> gpd.GeoDataFrame:
    lines = [shapely.LineString(np.add([a, b], (X0, Y0))) for a, b, _, _ in STREETS.values()]
    return gpd.GeoDataFrame({"street_line_id": list(STREETS), "street_name": list(STREETS)}, geometry=lines, crs=RD)


def homes() -> gpd.GeoDataFrame:
    rows = []
    centre = np.array([100.0, 100.0])
    for name, (a, b, _, _) in STREETS.items():
        start, end = np.array(a, dtype=float), np.array(b, dtype=float)
        along = (end - start) / 200
        middle = (start + end) / 2
        inward = (centre - middle) / np.hypot(*(centre - middle))
        for k in range(9):
            spot = start + along * (20 + 20 * k) + inward * 10
            home = {"home_id": f"{name} {k}", "pand_id": f"pand {name} {k}", "street_name": name}
            rows.append(home | {"x": spot[0] + X0, "y": spot[1] + Y0})
    table = pd.DataFrame(rows)
    table["buurtcode"], table["floor_area_m2"] = "BU00000000", 90
    points = shapely.points(table.pop("x"), table.pop("y"))
    return gpd.GeoDataFrame(table, geometry=points, crs=RD)


def panden(home: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    year = home["street_name"].map({name: row[3] for name, row in STREETS.items()})
    table = pd.DataFrame({"pand_id": home["pand_id"], "bouwjaar": year, "homes": 1, "footprint_area_m2": 64.0})
    return gpd.GeoDataFrame(
        table.assign(buurtcode="BU00000000"), geometry=home.geometry.buffer(4, cap_style="square"), crs=RD
    )


def sewers() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Foul: Zijlaan (0,0 side is the outlet at 200,0); combined Hoofdstraat falls to (0,0)."""
    rows = []
    for name, (a, b, kind, year) in STREETS.items():
        systems = ("gemengd",) if kind == "gemengd" else ("vuilwater", "hemelwater")
        for offset, system in enumerate(systems):
            points = np.add(np.linspace(a, b, 5), (X0 + offset * 2.0, Y0 + offset * 2.0))
            drop = 0.2 if name != "Hoofdstraat" else -0.2
            base = {"Hoofdstraat": -3.0, "Dwarsstraat": -1.0, "Zijlaan": -1.8}[name]
            rows.extend(
                {
                    "pipe_id": f"{name} {system} {k}",
                    "from_node": None,
                    "to_node": None,
                    "system": system,
                    "kind": "gravity",
                    "diameter_mm": 300.0 if system != "vuilwater" else 200.0,
                    "laid_year": year,
                    "bob_from_m_nap": base - drop * k,
                    "bob_to_m_nap": base - drop * (k + 1),
                    "street_name": None,
                    "status": None,
                    "geometry": shapely.LineString(points[k : k + 2]),
                }
                for k in range(4)
            )
    pipe = gpd.GeoDataFrame(rows, crs=RD)
    ends = {"pump foul": (200, 0, "gemaal"), "pump combined": (0, 0, "gemaal"), "outfall": (202, 2, "uitlaat")}
    node = gpd.GeoDataFrame(
        {"node_id": list(ends), "kind": [end[2] for end in ends.values()], "ground_level_m_nap": 0.0},
        geometry=[shapely.Point(X0 + x, Y0 + y) for x, y, _ in ends.values()],
        crs=RD,
    )
    return pipe, node


def terrain() -> gpd.GeoDataFrame:
    roads = street_lines().geometry.buffer(3, cap_style="flat").tolist()
    rows = [("wegdeel", "rijbaan lokale weg", "open verharding", road) for road in roads]
    inner = shapely.box(X0 + 5, Y0, X0 + 195, Y0 + 195)
    for pand in panden(homes()).geometry:
        inner = inner - pand
    rows.append(("onbegroeidterreindeel", None, "erf", inner & shapely.box(X0 + 5, Y0, X0 + 30, Y0 + 195)))
    rows.append(("begroeidterreindeel", None, "groenvoorziening", inner & shapely.box(X0 + 30, Y0, X0 + 170, Y0 + 195)))
    rows.append(("waterdeel", None, None, shapely.box(X0 - 60, Y0, X0 - 50, Y0 + 200)))
    table = pd.DataFrame(rows, columns=["kind", "function", "surface", "geometry"])
    table["terrain_id"] = [f"bgt {number}" for number in range(len(table))]
    return gpd.GeoDataFrame(table, geometry="geometry", crs=RD)


LITRES = 46.2 + 5.2 + 8.7


def peopled(home: gpd.GeoDataFrame, buurt: pd.DataFrame) -> gpd.GeoDataFrame:
    """Homes with people and grey water, as the table of homes has them."""
    named = scoring.add_people(home, buurt=buurt, household_size_design=2.3, whole_frac=0.9)
    return gpd.GeoDataFrame(scoring.add_grey_water(named, litres_per_person_day=LITRES))


def frames(*, home: gpd.GeoDataFrame | None = None, **other: object) -> WaterFrames:
    home = homes() if home is None else home
    pipe, node = sewers()
    base: dict[str, object] = {
        "home": peopled(home, pd.DataFrame({"buurtcode": ["BU00000000"], "household_size_persons": [2.0]})),
        "pand": panden(homes()),
        "garden_mm": np.array([0, 0, 0, 30, 35, 40, 30, 20, 0, 0, 0, 0], dtype=float),
        "terrain": terrain(),
        "street_line": street_lines(),
        "sewer_pipe": pipe,
        "sewer_node": node,
    }
    return WaterFrames(**(base | other))  # type: ignore[arg-type]


def untidy() -> WaterFrames:
    """Give it as registers have it: crowds, unknown years and levels, a ring, a main, sewers side by side, a ditch."""
    home, number = homes(), np.arange(27)
    home.loc[[3, 14], "street_name"] = None
    home.loc[5, "geometry"] = shapely.Point(X0 + 900, Y0 + 900)
    home.loc[20, "geometry"] = shapely.Point(X0 + 238, Y0 + 100)
    world = frames(home=home)
    crowd = np.where(home["street_name"] == "Dwarsstraat", 300.0, 1.0 + number % 4)
    amounts = {name: world.home[name] * crowd for name in ("people", "grey_water_m3_per_year")}
    pand = world.pand.assign(bouwjaar=pd.array([None if k % 7 == 6 else 1950 + 4 * k for k in number], dtype="Int64"))
    pipe, node = sewers()
    extra = pipe.iloc[[0, 1, 2, 3, 5, 9]].copy()
    extra["pipe_id"] = ["rain 0", "rain 1", "rain 2", "rain 3", "main", "ring"]
    extra["system"] = ["hemelwater"] * 4 + ["persleiding", "vuilwater"]
    extra["kind"] = ["gravity"] * 4 + ["pressure", "gravity"]
    extra["geometry"] = extra.geometry.translate(1.5, 0).to_list()[:4] + [
        shapely.LineString(np.add(line, (X0, Y0)))
        for line in ([(0, 0), (-300, 0), (-300, -90)], [(50, 200), (50, 60), (98, 200)])
    ]
    pipe = gpd.GeoDataFrame(pd.concat([pipe, extra], ignore_index=True), crs=RD)
    at = pipe.set_index("pipe_id").index.get_indexer
    pipe.loc[at(["Dwarsstraat vuilwater 2", "rain 1", "ring"]), ["bob_from_m_nap", "bob_to_m_nap"]] = np.nan
    pipe.loc[at(["Zijlaan vuilwater 1"]), ["bob_from_m_nap", "bob_to_m_nap"]] = [-2.2, -2.0]
    pipe.loc[at(["Hoofdstraat gemengd 2", "Zijlaan hemelwater 3"]), "diameter_mm"] = [np.nan, 0.3]
    pipe["laid_year"] = pipe["laid_year"].where(pipe["pipe_id"] != "Hoofdstraat gemengd 1")
    pipe.loc[pipe["pipe_id"] == "rain 2", "laid_year"] = 2030
    pipe.loc[at(["Zijlaan hemelwater 0", "rain 0"]), "street_name"] = [" zijlaan", "Dwarsstraat"]
    ditch = shapely.box(X0 + 205, Y0 + 20, X0 + 209, Y0 + 180)
    own = world.terrain.iloc[:4].assign(kind="ondersteunendwegdeel", function=None)
    own = own.assign(
        surface=["half verhard", "groenvoorziening", "zand", "gesloten verharding"], terrain_id=list("abcd")
    )
    own["geometry"] = [
        shapely.box(X0 + x, Y0 + y, X0 + x + w, Y0 + y + h)
        for x, y, w, h in ((5, 10, 9, 20), (90, 190, 20, 7), (190, 40, 7, 30), (203, 60, 2, 90))
    ]
    wet = own.iloc[:1].assign(kind="waterdeel", surface=None, terrain_id="w", geometry=[ditch])
    terrain_ = gpd.GeoDataFrame(pd.concat([world.terrain, own, wet], ignore_index=True), crs=RD)
    return replace(
        world, home=world.home.assign(**amounts), pand=pand, terrain=terrain_, sewer_pipe=pipe, sewer_node=node
    )
