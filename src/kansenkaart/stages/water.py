"""Grey water and rain water per street, through the sewer as a network; each with its basis, interval and reason."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart import schemas
from kansenkaart.assumptions import Assumptions
from kansenkaart.core.water.costs import Prices, cost_table
from kansenkaart.core.water.demand import Uses, garden_demand_mm
from kansenkaart.core.water.engine import score_water
from kansenkaart.core.water.inputs import WaterFrames, WaterSettings
from kansenkaart.core.water.pipes import PipeLimits
from kansenkaart.provenance import Tally
from kansenkaart.stages.steps import Product
from kansenkaart.store import Store

INPUTS = ("home", "pand", "buurt", "terrain", "street_line", "sewer_pipe", "sewer_node", "weather_daily")
USED = (
    "reference_year", "garden_crop_factor", "price_index_civil_works", "discount_rate_real", "sewer_life", "drinking_water_price",
    "electricity_price_all_in", "decoupling_rain_cost", "grey_water_system_cost", "analysis_period", "household_size_design",
    "paved_area_connected_per_home", "manhole_spacing", "water_use_total", "water_use_shower", "water_use_bath",
    "water_use_wash_basin", "water_use_washing_machine", "water_use_toilet", "treatment_cost_running", "sewer_pumping_energy",
    "mixed_drains_extra_cost", "yard_paved_share", "grey_water_store", "garden_area_default",
)  # fmt: skip
OUTPUTS = ("street_water", "pipe_water")
_LINE_WIDTH_M = 3.0


def ready(store: Store) -> bool:
    """Tell whether streets can be made at all: homes with a street, or roads, and the weather for gardens."""
    if not all(store.has(name) for name in ("home", "pand", "buurt", "weather_daily")):
        return False
    return (
        store.has("street_line")
        or store.has("terrain")
        or bool(store.read("home")[["street_name", "street_id"]].notna().any(axis=None))
    )


def score_streets(store: Store, known: Assumptions) -> Sequence[Product]:
    """Score all streets and pipes; what found no street or sewer is counted by reason."""
    frames = _frames(store, known)
    result = score_water(frames, settings=_settings(known))
    street, pipe = _street(result.street), _pipe(result.pipe)
    noted = _counted(result.unassigned, ["what", "reason"]) | _counted(result.issues, ["reason", "action"])
    return [
        Product("street_water", street, Tally(len(result.street), len(street), noted=noted)),
        Product("pipe_water", pipe, Tally(len(result.pipe), len(pipe))),
    ]


def _counted(rows: pd.DataFrame, by: list[str]) -> dict[str, int]:
    return {": ".join(map(str, key)): len(group) for key, group in rows.groupby(by)} if len(rows) else {}


def _frames(store: Store, known: Assumptions) -> WaterFrames:
    daily = store.read("weather_daily")
    garden = garden_demand_mm(
        daily.set_index(pd.DatetimeIndex(pd.to_datetime(daily["day"]))),
        crop_factor=known.value("garden_crop_factor", "1"),
    )
    optional = {
        name: store.read(name) for name in ("terrain", "street_line", "sewer_pipe", "sewer_node") if store.has(name)
    }
    home = store.read("home")
    home["street_name"] = home["street_name"].fillna(home["street_id"])
    return WaterFrames(home=home, pand=store.read("pand"), buurt=store.read("buurt"), garden_mm=garden, **optional)


def _settings(known: Assumptions) -> WaterSettings:
    data = files("kansenkaart") / "data"
    year = int(known.value("reference_year", "year"))
    life = known["sewer_life"]
    prices = Prices(
        year_now=year, price_index=known.value("price_index_civil_works", "1"),
        discount_frac=known.value("discount_rate_real", "%/year") / 100,
        sewer_life=life.value, sewer_life_low=life.low, sewer_life_high=life.high,
        manhole_spacing_m=known.value("manhole_spacing", "m"), water_eur_per_m3=known.value("drinking_water_price", "EUR/m3"),
        electricity_eur_per_kwh=known.value("electricity_price_all_in", "EUR/kWh"),
        rain_off_eur_per_m2=known.value("decoupling_rain_cost", "EUR/m2"),
        grey_eur_per_home=known.value("grey_water_system_cost", "EUR/home"),
        treatment_eur_per_m3=known.value("treatment_cost_running", "EUR/m3"),
        pump_kwh_per_m3=known.value("sewer_pumping_energy", "kWh/m3"),
        mixed_drains_eur_per_home=known.value("mixed_drains_extra_cost", "EUR/home"),
        analysis_years=int(known.value("analysis_period", "year")),
    )  # fmt: skip
    with (
        (data / "sewer_costs.csv").open(encoding="utf-8") as costs,
        (data / "water_classes.csv").open(encoding="utf-8") as classes,
    ):
        return WaterSettings(
            limits=PipeLimits(year_max=year), prices=prices, costs=cost_table(pd.read_csv(costs)), classes=pd.read_csv(classes),
            uses=_uses(known),
            household_size=known.value("household_size_design", "person/home"),
            paved_m2_per_home=known.value("paved_area_connected_per_home", "m2/home"),
            yard_paved_frac=known.value("yard_paved_share", "1"), store_m3_per_home=known.value("grey_water_store", "m3/home"),
            garden_m2_per_home=known.value("garden_area_default", "m2/home"),
        )  # fmt: skip


def _uses(known: Assumptions) -> Uses:
    names = ("shower", "bath", "wash_basin", "washing_machine", "toilet", "total")
    shower, bath, basin, machine, toilet, total = (known.value(f"water_use_{name}", "l/person/day") for name in names)
    return Uses(shower, bath, basin, machine, toilet, total)


def _street(street: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Publish streets as surfaces; one that is only known as a line or point gets the width of a line on the map."""
    out = street.rename(columns={"basis": "street_basis"})
    flat = out.geometry.geom_type.isin(["Polygon", "MultiPolygon"])
    shape = out.geometry.where(flat, out.geometry.buffer(_LINE_WIDTH_M))
    return _published(out.set_geometry(shape), "street_water")


def _pipe(pipe: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    years = pipe["laid_year"].round()
    return _published(pipe.assign(laid_year=years).rename(columns={"basis": "pipe_basis"}), "pipe_water")


def _published(frame: gpd.GeoDataFrame, table: str) -> gpd.GeoDataFrame:
    out = frame.copy()
    names = list(schemas.get(table).columns)
    for name in names:
        if name not in out.columns:
            out[name] = np.nan
        elif out[name].dtype == object:
            out[name] = out[name].where(out[name].notna(), None)
    return gpd.GeoDataFrame(out[names], geometry="geometry", crs=frame.crs)
