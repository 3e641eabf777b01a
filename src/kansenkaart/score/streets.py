"""Grey water and rain water per street, through the sewer as a network; each with its basis, interval and reason."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.config import packaged_rows
from kansenkaart.core.water.costs import Prices, cost_table
from kansenkaart.core.water.decoupling import pipe_change
from kansenkaart.core.water.demand import Uses, garden_demand_mm
from kansenkaart.core.water.design import DesignRules
from kansenkaart.core.water.engine import score_water
from kansenkaart.core.water.inputs import HOME_AMOUNTS, Bound, WaterFrames, WaterResult, WaterSettings
from kansenkaart.core.water.pipes import PipeLimits
from kansenkaart.tables import schemas
from kansenkaart.tables.assumptions import CIVIL_WORKS, Assumption, Assumptions, price_factor
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product
from kansenkaart.tables.store import Store
from kansenkaart.wording.names import commonest, spaced
from kansenkaart.wording.water import cleansing_sentence, four_lines, grey_sentence, participation_line, rain_sentence

_WORDS = {
    # faults of pipes
    "no geometry": "leiding zonder plaats",
    "not one line": "leiding is niet één lijn",
    "outside RD New": "leiding ligt buiten RD New",
    "drawn twice": "leiding dubbel getekend",
    "zero length": "leiding zonder lengte",
    "drain": "drain",
    "weir or orifice: no pipe": "overstortdrempel of doorlaat: geen leiding",
    "lost pipe": "loze leiding of buiten gebruik",
    "no sewer: system overig or unknown": "geen riool: stelsel overig of onbekend",
    "both ends on one node": "begin en eind op één put",
    "diameter in metres": "diameter in meters",
    "diameter unbelievable": "diameter ongeloofwaardig",
    "laying year unbelievable": "jaar van aanleg ongeloofwaardig",
    "level unbelievable": "hoogte ongeloofwaardig",
    "levels give an unbelievable slope": "hoogten geven een ongeloofwaardig verhang",
    "ring of pressure mains": "kring van persleidingen",
    "levels contradict the only way out": "hoogten spreken de enige uitweg tegen",
    "flows to the outlet": "stroomt naar de uitlaat",
    # what was done
    "blanked": "onbekend gemaakt",
    "mended": "hersteld",
    "cut here": "hier doorgeknipt",
    # what has no place
    "home: street": "woning zonder straat",
    "surface: street": "vlak zonder straat",
    "home": "woning zonder riool",
    "paved_m2": "straat waarvan de regen geen riool vindt",
    # why, and by what rule
    "name": "eigen naam",
    "nearest": "dichtste straat",
    "none: no geometry": "geen plaats bekend",
    "none: no street within reach": "geen straat binnen bereik",
    "none: water": "water hoort bij geen straat",
    "none: no sewer within reach": "geen riool binnen bereik",
    "none: no sewer for rain within reach": "geen riool voor regen binnen bereik",
}


def _dutch(column: pd.Series) -> pd.Series:
    return column.map(lambda word: _WORDS.get(word, word)).astype(object)


def _counted(rows: pd.DataFrame, *columns: str) -> dict[str, int]:
    words = pd.Series(
        [": ".join(row) for row in zip(*(_dutch(rows[name]) for name in columns), strict=True)], dtype=object
    )
    return {str(word): int(count) for word, count in words.value_counts().items()}


def pipe_tally(result: WaterResult, *, given: pd.DataFrame | None) -> Tally:
    """Count the pipes that no graph can hold by their fault [1]; values that were mended or blanked are noted.

    Parameters
    ----------
    result : WaterResult
        The answer.
    given : DataFrame, optional
        Table `sewer_pipe` as it came in.
    """
    out = result.issues["action"] == "left out"
    left, noted = _counted(result.issues[out], "reason"), _counted(result.issues[~out], "reason", "action")
    return Tally(0 if given is None else len(given), len(result.pipe), left, noted)


def home_tally(result: WaterResult) -> Tally:
    """Count homes by the rule that put them on a street [1]; all are kept, also those without a street.

    Parameters
    ----------
    result : WaterResult
        The answer.
    """
    noted = {f"straat door {word}": count for word, count in _counted(result.home, "assigned_by").items()}
    return Tally(len(result.home), len(result.home), noted=noted)


def unassigned_counts(result: WaterResult) -> dict[str, int]:
    """Count homes, surfaces and streets that found no street or sewer, by reason [1].

    Parameters
    ----------
    result : WaterResult
        The answer.
    """
    return _counted(result.unassigned, "what", "reason")


INPUTS = ("home", "home_score", "pand", "terrain", "street_line", "sewer_pipe", "sewer_node", "weather_daily")
USED = (
    "reference_year",
    "garden_crop_factor",
    "sewer_renewal_rate",
    "discount_rate_real",
    "sewer_life",
    "drinking_water_price",
    "electricity_price_all_in",
    "decoupling_rain_cost",
    "grey_water_system_cost",
    "analysis_period",
    "paved_area_connected_per_home",
    "manhole_spacing",
    "water_use_total",
    "water_use_shower",
    "water_use_bath",
    "water_use_wash_basin",
    "water_use_washing_machine",
    "water_use_toilet",
    "treatment_cost_running",
    "sewer_pumping_energy",
    "mixed_drains_extra_cost",
    "yard_paved_share",
    "grey_water_store",
    "garden_area_default",
    "dwa_peak",
    "rain_design_flat",
    "sewer_filling_foul",
    "sewer_min_diameter_foul",
    "sewer_min_diameter_combined",
    "sewer_shear_min",
)
#: What a score can do without.
OPTIONAL = ("terrain", "street_line", "sewer_pipe", "sewer_node")
OUTPUTS = ("street_water", "pipe_water", "home_water", "street_water_month")
_LINE_WIDTH_M = 3.0
_COST_TABLE_YEAR = 2015  # price level of sewer_costs.csv, as its rows say
# A BAG identification of an openbare ruimte: gemeente (4), object type 30, number (10).
_OPENBARE_RUIMTE = r"\d{4}30\d{10}"
_NAMELESS = "naam onbekend, openbare ruimte "
_NEAR_M = 50.0  # how far a street with a name may lie from one that is called after it; a guess


def ready(store: Store) -> bool:
    """Tell whether streets can be made at all: homes with a street, or roads, and the weather for gardens.

    Parameters
    ----------
    store : Store
        The tables of a study.
    """
    if not all(store.has(name) for name in ("home", "pand", "weather_daily")):
        return False
    return (
        store.has("street_line")
        or store.has("terrain")
        or bool(store.read("home")[["street_name", "street_id"]].notna().any(axis=None))
    )


def score_streets(store: Store, figures: Assumptions) -> Sequence[Product]:
    """Score all streets and pipes; what found no street or sewer is counted by reason.

    Parameters
    ----------
    store : Store
        With the tables that `ready` asks for; terrain, street lines and sewers where they are.
    figures : Assumptions
        All figures, each with its unit.

    Returns
    -------
    sequence of Product
        The tables of `OUTPUTS`.

    Raises
    ------
    InfeasibleError
        If no source holds a street.
    """
    optional = {name: store.read(name) for name in OPTIONAL if store.has(name)}
    score = store.read("home_score")[["home_id", *HOME_AMOUNTS]]
    home = store.read("home").merge(score, on="home_id", how="left")
    home["street_name"] = home["street_name"].fillna(home["street_id"])
    result = water_of(home, store.read("pand"), store.read("weather_daily"), figures, **optional)
    street, pipe, made = named_streets(result, home, figures), _pipe(result.pipe), _home(home, result.home)
    return [
        Product("street_water", street, Tally(len(street), len(street), noted=unassigned_counts(result))),
        Product("pipe_water", pipe, pipe_tally(result, given=optional.get("sewer_pipe"))),
        Product("home_water", made, home_tally(result)),
        Product("street_water_month", result.month, Tally(len(result.month), len(result.month))),
    ]


def water_of(
    home: gpd.GeoDataFrame,
    pand: gpd.GeoDataFrame,
    daily: pd.DataFrame,
    figures: Assumptions,
    **optional: gpd.GeoDataFrame,
) -> WaterResult:
    """Score the streets of frames, with intervals over both ends of every figure.

    Parameters
    ----------
    home : GeoDataFrame
        Table `home` with the amounts of `HOME_AMOUNTS`.
    pand : GeoDataFrame
        Table `pand`.
    daily : DataFrame
        Table `weather_daily`.
    figures : Assumptions
        All figures, each with its unit.
    **optional : GeoDataFrame
        Tables of `OPTIONAL`, by name.

    Raises
    ------
    InfeasibleError
        If no frame holds a street.
    """
    daily = daily.set_index(pd.DatetimeIndex(pd.to_datetime(daily["day"])))
    garden = garden_demand_mm(daily, crop_factor=figures.value("garden_crop_factor", "1"))
    # Both ends with yards all paved and not paved at all, which pull the two ways.
    ends = tuple(_bound(figures, daily, end, paved) for end in ("low", "high") for paved in ("low", "high"))
    frames = WaterFrames(home=home, pand=pand, garden_mm=garden, **optional)
    return score_water(frames, settings=_settings(figures, bounds=ends))


def named_streets(result: WaterResult, home: gpd.GeoDataFrame, figures: Assumptions) -> gpd.GeoDataFrame:
    """Give the streets of an answer as the table `street_water`, with names and sentences.

    Parameters
    ----------
    result : WaterResult
        The answer.
    home : GeoDataFrame
        For the names of streets.
    figures : Assumptions
        For how often sewers are renewed.
    """
    return _street(_worded(_named(result.street, home, result.home), renewal_pct=figures["sewer_renewal_rate"]))


def _bound(figures: Assumptions, daily: pd.DataFrame, end: str, paved: str) -> Bound:
    return Bound(
        prices=_prices(figures, end=end),
        garden_mm=garden_demand_mm(daily, crop_factor=_end(figures, "garden_crop_factor", "1", end)),
        use_factor=_end(figures, "water_use_total", "l/person/day", end) / figures["water_use_total"].value,
        yard_paved_frac=_end(figures, "yard_paved_share", "1", paved),
        garden_m2_per_home=_end(figures, "garden_area_default", "m2/home", end),
        store_m3_per_home=_end(figures, "grey_water_store", "m3/home", end),
    )


def _end(figures: Assumptions, name: str, unit: str, end: str) -> float:
    figures.value(name, unit)
    return float(getattr(figures[name], end))


def _prices(figures: Assumptions, *, end: str = "value") -> Prices:
    """Prices of the middle or of one end; a high discount rate makes a later amount small, so it goes with the low end."""
    against = {"low": "high", "high": "low"}.get(end, end)
    life, level = figures["sewer_life"], int(figures.value("reference_year", "year"))
    index = price_factor(CIVIL_WORKS, year=_COST_TABLE_YEAR, level=level)
    return Prices(
        year_now=level,
        price_index=dict(zip(("value", "low", "high"), index, strict=True))[end],
        price_year=level,
        discount_frac=_end(figures, "discount_rate_real", "%/year", against) / 100,
        sewer_life=life.value,
        sewer_life_low=life.low,
        sewer_life_high=life.high,
        manhole_spacing_m=figures.value("manhole_spacing", "m"),
        water_eur_per_m3=_end(figures, "drinking_water_price", "EUR/m3", end),
        electricity_eur_per_kwh=_end(figures, "electricity_price_all_in", "EUR/kWh", end),
        rain_off_eur_per_m2=_end(figures, "decoupling_rain_cost", "EUR/m2", end),
        grey_eur_per_home=_end(figures, "grey_water_system_cost", "EUR/home", end),
        treatment_eur_per_m3=_end(figures, "treatment_cost_running", "EUR/m3", end),
        pump_kwh_per_m3=_end(figures, "sewer_pumping_energy", "kWh/m3", end),
        mixed_drains_eur_per_home=_end(figures, "mixed_drains_extra_cost", "EUR/home", end),
        analysis_years=int(_end(figures, "analysis_period", "year", end)),
    )


def _settings(figures: Assumptions, *, bounds: tuple[Bound, ...]) -> WaterSettings:
    prices = _prices(figures)
    return WaterSettings(
        limits=PipeLimits(year_max=prices.year_now),
        bounds=bounds,
        prices=prices,
        costs=cost_table(pd.DataFrame(packaged_rows("sewer_costs.csv"))),
        uses=_uses(figures),
        design=_design(figures),
        interval_rains_l_per_s_ha=(figures["rain_design_flat"].low, figures["rain_design_flat"].high),
        paved_m2_per_home=figures.value("paved_area_connected_per_home", "m2/home"),
        yard_paved_frac=figures.value("yard_paved_share", "1"),
        store_m3_per_home=figures.value("grey_water_store", "m3/home"),
        garden_m2_per_home=figures.value("garden_area_default", "m2/home"),
    )


def _design(figures: Assumptions) -> DesignRules:
    return DesignRules(
        dwa_peak_l_per_person_h=figures.value("dwa_peak", "l/person/h"),
        grey_frac=_uses(figures).grey_frac,
        rain_l_per_s_ha=figures.value("rain_design_flat", "l/s/ha"),
        filling_foul=figures.value("sewer_filling_foul", "1"),
        min_foul_mm=figures.value("sewer_min_diameter_foul", "mm"),
        min_rain_mm=figures.value("sewer_min_diameter_combined", "mm"),
        shear_min_n_per_m2=figures.value("sewer_shear_min", "N/m2"),
    )


def _uses(figures: Assumptions) -> Uses:
    names = ("shower", "bath", "wash_basin", "washing_machine", "toilet", "total")
    shower, bath, basin, machine, toilet, total = (figures.value(f"water_use_{name}", "l/person/day") for name in names)
    return Uses(shower, bath, basin, machine, toilet, total)


def _named(street: gpd.GeoDataFrame, home: gpd.GeoDataFrame, put: pd.DataFrame) -> gpd.GeoDataFrame:
    """Say where a street lies that has no name, or of which the source holds only the number of its openbare ruimte.

    The first by the street of most homes on it, else by the nearest with a name; the second by its commonest postcode.
    """
    name = street["street_name"].astype("string")
    coded = name.str.fullmatch(_OPENBARE_RUIMTE).fillna(False).astype(bool)
    place = spaced(street["street_id"].map(commonest(put["street_id"], home["postcode"])))
    words = ("straat bij postcode " + place).fillna(_NAMELESS + name.str[-5:])
    beside = street["street_id"].map(commonest(put["street_id"], home["street_name"])).fillna(_nearest_name(street))
    beside = beside.mask(beside.str.fullmatch(_OPENBARE_RUIMTE).fillna(False).astype(bool))
    return street.assign(street_name=name.mask(coded, words).fillna("weg zonder naam bij " + beside))


def _nearest_name(street: gpd.GeoDataFrame) -> pd.Series[str]:
    """Give each street without a name that of the nearest within reach that has one."""
    bare = street["street_name"].isna()
    if not bare.any() or bare.all():
        return pd.Series(pd.NA, index=street.index, dtype="string")
    near = street.loc[bare, ["geometry"]].sjoin_nearest(
        street.loc[~bare, ["street_name", "geometry"]], max_distance=_NEAR_M
    )
    first: pd.Series[str] = near.groupby(level=0)["street_name"].min().reindex(street.index).astype("string")
    return first


def _worded(street: gpd.GeoDataFrame, *, renewal_pct: Assumption) -> gpd.GeoDataFrame:
    """Add what a reader is told of each street; every sentence is made from the row that it stands in."""
    rows = street.drop(columns="geometry").to_dict("records")
    return street.assign(
        sentence_grey_nl=[grey_sentence(row, renewal_pct=renewal_pct.value) for row in rows],
        sentence_rain_nl=[rain_sentence(row) for row in rows],
        cleansing_nl=[cleansing_sentence(row) for row in rows],
        participation_nl=[participation_line(row) for row in rows],
        sum_nl=["\n".join(four_lines(row)) for row in rows],
    )


def _street(street: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Publish streets as surfaces; one that is only known as a line or point gets the width of a line on the map."""
    out = street.rename(columns={"basis": "street_basis"})
    flat = out.geometry.geom_type.isin(["Polygon", "MultiPolygon"])
    shape = out.geometry.where(flat, out.geometry.buffer(_LINE_WIDTH_M))
    return _published(out.set_geometry(shape), "street_water")


def _home(point: gpd.GeoDataFrame, home: pd.DataFrame) -> gpd.GeoDataFrame:
    """Publish each home with its street, pipe, rule, distances and share of what grey water nets in the street."""
    return _published(gpd.GeoDataFrame(home, geometry=point.geometry.to_numpy(), crs=point.crs), "home_water")


def _pipe(pipe: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    years = pipe["laid_year"].round()
    named = pipe.assign(laid_year=years, pipe_change=pipe_change(pipe)).rename(columns={"basis": "pipe_basis"})
    return _published(named, "pipe_water")


def _published(frame: gpd.GeoDataFrame, table: str) -> gpd.GeoDataFrame:
    out = frame.copy()
    names = list(schemas.get(table).columns)
    for name in names:
        if name not in out.columns:
            out[name] = np.nan
        elif out[name].dtype == object:
            out[name] = out[name].where(out[name].notna(), None)
    return gpd.GeoDataFrame(out[names], geometry="geometry", crs=frame.crs)
