"""Small invented towns for the tests of areas."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.core.area.best import best_areas
from kansenkaart.core.area.graph import AreaGraph, BorderFactors, Borders, graph_from_arrays
from kansenkaart.core.area.question import Area, AreaQuestion, Effort

FACTORS = BorderFactors(
    by_class={"garden": 2.0, "local": 1.0, "collector": 0.5, "main": 0.2, "rail": 0.05, "water": 0.05},
    buurt=0.6,
    place_name=0.7,
    outer=0.05,
)


def grid_town(
    columns: int, rows: int, *, seed: int = 0, homes: tuple[int, int] = (4, 13), canal: int | None = None
) -> AreaGraph:
    """Lay out blocks of 50 m in a grid; a canal along one column border, with a bridge in the first row."""
    rng = np.random.default_rng(seed)
    n = columns * rows
    x, y = np.arange(n) % columns, np.arange(n) // columns
    right, up = np.flatnonzero(x < columns - 1), np.flatnonzero(y < rows - 1)
    a, b = np.r_[right, up], np.r_[right + 1, up + columns]
    wet = np.r_[x[right] == canal - 1, np.zeros(len(up), bool)] if canal else np.zeros(len(a), bool)
    rim = (x == 0).astype(float) + (x == columns - 1) + (y == 0) + (y == rows - 1)
    count = rng.integers(*homes, n)
    return graph_from_arrays(
        homes=count.astype(np.int64),
        value=np.round(count * rng.uniform(200, 700, n), 2),
        owned=np.round(count * rng.choice([0.0, 1.0], n)),
        xy=np.c_[x, y] * 50.0,
        buurt=(x // 3).astype(np.int64),
        ext=rim * 50.0 * 0.05,
        borders=Borders(
            a.astype(np.int64),
            b.astype(np.int64),
            np.full(len(a), 50.0),
            np.where(wet, 2.5, 50.0),
            np.where(wet, "water", "local"),
            ~wet | (y[a] == 0),
        ),
    )


def relabelled(graph: AreaGraph, order: np.ndarray) -> AreaGraph:
    """Give the same town with its blocks in another order: block i of the new one is block order[i] of the old."""
    place = np.argsort(order)
    return graph_from_arrays(
        homes=graph.homes[order],
        value=graph.value[order],
        owned=graph.owned[order],
        xy=graph.xy[order],
        buurt=graph.buurt[order],
        ext=graph.ext[order],
        borders=Borders(place[graph.a], place[graph.b], graph.length, graph.weight, graph.cls, graph.passable),
    )


def moved(graph: AreaGraph, *, east_m: float, north_m: float, turn_rad: float) -> AreaGraph:
    """Give the same town elsewhere and turned."""
    cos, sin = np.cos(turn_rad), np.sin(turn_rad)
    xy = graph.xy @ np.array([[cos, sin], [-sin, cos]]) + (east_m, north_m)
    return graph_from_arrays(
        homes=graph.homes,
        value=graph.value,
        owned=graph.owned,
        xy=xy,
        buurt=graph.buurt,
        ext=graph.ext,
        borders=Borders(graph.a, graph.b, graph.length, graph.weight, graph.cls, graph.passable),
    )


def row_houses(
    rows: int, per_row: int, *, east: float = 0.0, north: float = 0.0, apart: float = 20.0
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Rows of touching houses of 6 x 9 m, one home each, `apart` metres of street between the rows."""
    panden, homes = [], []
    for r in range(rows):
        for c in range(per_row):
            x, y = east + 6.0 * c, north + (9.0 + apart) * r
            key = f"p{east:g}-{north:g}-{r}-{c}"
            panden.append({"pand_id": key, "buurtcode": "BU1", "geometry": shapely.box(x, y, x + 6, y + 9)})
            homes.append({"home_id": "h" + key, "pand_id": key, "geometry": shapely.Point(x + 3, y + 4)})
    return gpd.GeoDataFrame(panden, crs=28992), gpd.GeoDataFrame(homes, crs=28992)


def best_area(graph: AreaGraph, *, question: AreaQuestion, effort: Effort) -> Area:
    """Find the best area of a whole town."""
    return best_areas(graph, count=1, question=question, effort=effort)[0]


def untidy_town() -> dict[str, gpd.GeoDataFrame]:
    """Lay out rows on numbered streets, a gallery, a canal with one bridge, a main road, a hamlet, homes without building."""
    parts = [row_houses(7, 14, apart=12.0), row_houses(2, 6, east=280.0, north=10.0), row_houses(1, 2, east=190.0)]
    pand, home = (gpd.GeoDataFrame(pd.concat(two, ignore_index=True), crs=28992) for two in zip(*parts, strict=True))
    east, north = pand.geometry.bounds["minx"], pand.geometry.bounds["miny"]
    pand["buurtcode"] = np.where(north > 60, "BU2", np.where(east > 200, None, "BU1"))
    pand["place_name"] = np.where(east < 30, "Westhoek", np.where(east < 150, "Oosthoek", None))
    row = (north // 42).astype(int)
    home["street_name"] = np.where(east < 200, "Straat " + row.astype(str), None)
    home["house_number"] = np.where(north % 42 > 15, 2, 1) + 2 * (east // 6).astype(int)
    gallery = {"pand_id": "flat", "buurtcode": "BU2", "place_name": None, "geometry": shapely.box(100, 0, 112, 60)}
    pand = gpd.GeoDataFrame(pd.concat([pd.DataFrame(pand), pd.DataFrame([gallery])], ignore_index=True), crs=28992)
    pand["roof_m2"] = np.where(np.isin(np.arange(len(pand)), (3, 60)), np.nan, pand.area)
    flats = [(f"f{k}", "flat", shapely.Point(106, 0.5 + k)) for k in range(59)]
    lost = [("near", None, shapely.Point(3, 14)), ("far", "gone", shapely.Point(600, 60)), ("nowhere", None, None)]
    more = pd.DataFrame([*flats, *lost], columns=["home_id", "pand_id", "geometry"])
    home = gpd.GeoDataFrame(pd.concat([pd.DataFrame(home), more], ignore_index=True), crs=28992)
    lines = {
        "water": shapely.box(-60, 72, 330, 80),
        "main": shapely.LineString([(92, -50), (92, 250)]),
        "local": shapely.LineString([(-20, 36), (90, 36)]),
        "collector": shapely.LineString([(40, 100), (40, 190)]),
        "rail": shapely.LineString([(150, -80), (150, 120)]),
    }
    barriers = gpd.GeoDataFrame({"cls": list(lines)}, geometry=list(lines.values()), crs=28992)
    paths = [shapely.LineString([(20, 60), (20, 90)]), shapely.LineString([(145, 30), (155, 30)])]
    crossings = gpd.GeoDataFrame({"cls": ["bridge", "path"]}, geometry=paths, crs=28992)
    return {"pand": pand, "home": home, "barriers": barriers, "crossings": crossings}
