"""A small picture for the tests: nine blocks on a square grid, with everything that a page can show."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, Point, box

from kansenkaart.present.mapspec import (
    AreaTool,
    BorderKind,
    Column,
    Credit,
    Criterion,
    Layer,
    MapSpec,
    ProposedArea,
    Source,
    Story,
    Theme,
    View,
)
from kansenkaart.present.style import ramp_classes

SIDE_M = 100.0
ORIGIN = (190_000.0, 560_000.0)


def blocks(name: str = "Blok") -> gpd.GeoDataFrame:
    """Nine squares of 100 m; homes 10, 20 … 90; the sun of the last is unknown."""
    x, y = np.meshgrid(range(3), range(3))
    shapes = [
        box(ORIGIN[0] + SIDE_M * i, ORIGIN[1] + SIDE_M * j, ORIGIN[0] + SIDE_M * (i + 1), ORIGIN[1] + SIDE_M * (j + 1))
        for i, j in zip(x.ravel(), y.ravel(), strict=True)
    ]
    shapes[4] = shapes[4].difference(shapes[4].centroid.buffer(20))
    number = np.arange(9)
    return gpd.GeoDataFrame(
        {
            "block": [f"b{one}" for one in number],
            "name": [f"{name} {one}" for one in number],
            "homes": (number + 1) * 10,
            "sun": np.where(number == 8, np.nan, (number + 1) * 1000.5),
            "sun_year": 2020 + number % 2,
        },
        geometry=shapes,
        crs=28992,
    )


def columns() -> tuple[Column, ...]:
    """Return the columns of the blocks."""
    return (
        Column("block", "nummer", "voorbeeld", kind="text"),
        Column("name", "naam", "voorbeeld", kind="text"),
        Column("homes", "woningen", "voorbeeld", year="2025", definition="Aantal woningen in het blok"),
        Column(
            "sun", "zon op het dak", "voorbeeld", unit="kWh per jaar", decimals=1, year_column="sun_year", basis="lod22"
        ),
        Column("sun_year", "jaar", "voorbeeld", unit="jaartal"),
    )


def picture(name: str = "Blok", *, title: str = "Proefwijk", example: bool = True) -> MapSpec:
    """Return a whole picture; ``name`` goes into every title, popup and search text."""
    frame = blocks(name)
    streets = gpd.GeoDataFrame(
        {"street": [f"{name}straat", "Kade"], "water": [12.5, np.nan]},
        geometry=[
            LineString([ORIGIN, (ORIGIN[0] + 300, ORIGIN[1])]),
            LineString([ORIGIN, (ORIGIN[0], ORIGIN[1] + 300)]),
        ],
        crs=28992,
    )
    units = Layer("blokken", "Blokken", "polygon", frame, columns(), "block", "name")
    lines = Layer(
        "straten",
        "Straten",
        "line",
        streets,
        (
            Column("street", "straat", "voorbeeld", kind="text"),
            Column("water", "grijswater", "voorbeeld", unit="m³ per jaar", year="2025", decimals=1),
        ),
        "street",
        "street",
    )
    story = Story("Hoeveel zon er op de daken valt.", "Donker is veel.", "Schaduw telt niet mee.", "Met Perez.")
    sun = View("Zon op het dak", "sun", ramp_classes([3000, 6000], ["weinig", "gewoon", "veel"]))
    homes = View("Woningen", "homes", ramp_classes([50], ["minder dan 50", "50 of meer"]))
    water = View("Grijswater", "water", ramp_classes([10], ["tot 10", "10 en meer"]))
    themes = (
        Theme("zon", "Zon", "blokken", (sun, homes), story, ("homes", "sun"), ("name", "homes", "sun"), ("blokken",)),
        Theme("water", "Grijswater", "straten", (water,), story, ("water",), ("street", "water"), ("blokken",)),
    )
    search = gpd.GeoDataFrame(
        {"text": [f"{name}straat 1", "Kade 2"], "kind": ["adres", "adres"]},
        geometry=[Point(ORIGIN[0] + 50, ORIGIN[1] + 50), Point(ORIGIN[0] + 250, ORIGIN[1] + 250)],
        crs=28992,
    )
    return MapSpec(
        title,
        "proef",
        "1",
        "Een proef met negen blokken.",
        example,
        (units, lines),
        themes,
        (Source("voorbeeld", f"Voorbeeldwijk {name}", "kansenkaart", "1", "EUPL-1.2"),),
        (Credit("(c) 3DBAG by tudelft3d and 3DGI", "https://docs.3dbag.nl/en/copyright"),),
        tool(),
        search,
    )


def tool() -> AreaTool:
    """Return the area tool over the nine blocks: neighbours share a side."""
    pairs = [(i, i + 1) for i in range(9) if i % 3 < 2] + [(i, i + 3) for i in range(6)]
    edges = pd.DataFrame(
        {"a": [f"b{i}" for i, _ in pairs], "b": [f"b{j}" for _, j in pairs], "kind": "local", "length_m": SIDE_M}
    ).assign(passable=True)
    areas = (
        ProposedArea("1", "Zuid", ("b0", "b1", "b2"), (60.0, 6003.0), sure_frac=0.5),
        ProposedArea("2", "Noord", ("b6", "b7", "b8"), (240.0, 15008.0), sure_frac=1.0),
    )
    criteria = (
        Criterion("homes", "Woningen", "1", "Aantal woningen", 50.0),
        Criterion("sun", "Zon", "kWh/year", "Zon op de daken", 50.0),
    )
    border = BorderKind("local", "gewone straat", "Een gewone straat scheidt weinig.", 1.0)
    return AreaTool(
        "blokken",
        "homes",
        ("sun",),
        edges,
        (border,),
        areas,
        criteria,
        target=330,
        target_low=150,
        target_high=600,
        top=1,
    )
