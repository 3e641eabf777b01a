"""A small town as stored tables, for the stages of areas."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from kansenkaart.config import Areas
from kansenkaart.score import areas, best_areas, enterprise, facts
from kansenkaart.tables import assumptions, schemas
from kansenkaart.tables.store import Lineage, Store
from tests.core.area.area_towns import row_houses

MADE = Lineage("test")


def stored(**tables: pd.DataFrame) -> SimpleNamespace:
    """Stand in for a store that holds some tables, whatever their columns."""
    return SimpleNamespace(has=lambda name: name in tables, read=lambda name: tables[name].copy())


def _filled(frame: gpd.GeoDataFrame, table: str, **values: object) -> gpd.GeoDataFrame:
    full = frame.assign(**values).set_geometry(frame.translate(120_000.0, 480_000.0))  # somewhere in the country
    missing = {name: None for name in schemas.get(table).columns if name not in full}
    return gpd.GeoDataFrame(full.assign(**missing)[list(schemas.get(table).columns)], geometry="geometry", crs=28992)


def town_store(
    folder: Path,
    *,
    rows: int = 24,
    per_row: int = 40,
    flat_homes: int = 0,
    value: bool = True,
    corporation: float | None = 50.0,
    exclave_rows: int = 0,
) -> Store:
    """Store rows of houses in two buurten, a street per row, and if asked one flat and rows far away; values or none."""
    pand, home = row_houses(rows, per_row)
    if exclave_rows:
        away = row_houses(exclave_rows, per_row, east=5_000.0)
        pand, home = (
            gpd.GeoDataFrame(pd.concat(two, ignore_index=True), crs=28992)
            for two in zip((pand, home), away, strict=True)
        )
    row = pand["pand_id"].str.split("-").str[-2].astype(int)
    pand["buurtcode"] = np.where(row < rows // 2, "BU99990001", "BU99990002")
    home["street_name"] = ("Straat " + row.astype(str)).to_numpy()
    home["buurtcode"] = pand["buurtcode"].to_numpy()
    if flat_homes:
        box = shapely.box(-60.0, 0.0, -20.0, 15.0)
        flat = gpd.GeoDataFrame({"pand_id": ["flat"], "buurtcode": ["BU99990001"]}, geometry=[box], crs=28992)
        keys = [f"f{k}" for k in range(flat_homes)]
        inside = gpd.GeoDataFrame(
            {"home_id": keys, "pand_id": "flat", "buurtcode": "BU99990001", "street_name": "Straat 0"},
            geometry=[shapely.Point(-40.0, 7.0)] * flat_homes,
            crs=28992,
        )
        pand = gpd.GeoDataFrame(pd.concat([pand, flat], ignore_index=True), crs=28992)
        home = gpd.GeoDataFrame(pd.concat([home, inside], ignore_index=True), crs=28992)
    half = rows // 2 * 29.0
    land = [shapely.box(-500, -500, 1500, half - 10), shapely.box(-500, half - 10, 1500, rows * 29.0 + 500)]
    buurt = gpd.GeoDataFrame(
        {"buurtcode": ["BU99990001", "BU99990002"], "buurtnaam": ["Zuid", "Noord"]}, geometry=land, crs=28992
    )
    store = Store(folder / "proef")
    store.write("buurt", _filled(buurt, "buurt", wijkcode="WK999900", corporation_pct=corporation), MADE)
    store.write("home", _filled(home, "home", status="in gebruik"), MADE)
    roofs = {"footprint_area_m2": 54.0, "score_basis": "footprint"}
    if value:  # panels of which the homes use much: those on the corporation's half of the roofs carry themselves
        kwp = 2.0 + 0.3 * (pand["pand_id"].str.split("-").str[-2].astype(float).fillna(0.0) % 7)
        roofs |= {"kwp_pay": kwp, "yield_pay_kwh_per_year": kwp * 850.0, "own_use_pay_frac": 0.85, "homes": 1}
    store.write("pand_score", _filled(pand, "pand_score", **roofs), MADE)
    if value:
        street = home.dissolve(by="street_name", as_index=False)[["street_name", "geometry"]]
        street["geometry"] = street.geometry.buffer(2.0)
        street["homes"] = street["street_name"].map(home["street_name"].value_counts())
        number = street["street_name"].str.removeprefix("Straat ").astype(int)
        yearly = street["homes"] * (50.0 + 10.0 * (number % 7))
        store.write(
            "street_water",
            _filled(
                street,
                "street_water",
                street_id=street["street_name"],
                street_basis="test",
                sewer_basis="none",
                class_grey="?",
                class_rain="?",
                people=1.0,
                water_eur_per_year=yearly,
            ),
            MADE,
        )
    return store


def scored(store: Store, wanted: Areas | None = None) -> Store:
    """Make blocks, areas and best areas."""
    wanted, known = wanted or Areas(), assumptions.default()
    for product in facts.score_homes(store, known):
        store.write(product.name, product.content, MADE)
    stages = (
        lambda: areas.divide(store, wanted, known),
        lambda: enterprise.score_blocks(store, known),
        lambda: best_areas.find(store, wanted, known),
    )
    for stage in stages:
        for product in stage():
            rows = product.tally.to_dict() if product.tally else {}
            store.write(product.name, product.content, Lineage("test", rows=rows))
    return store
