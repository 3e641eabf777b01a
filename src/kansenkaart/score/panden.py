"""Sun per pand: all that fits on its roof, the size that the homes under it can use, and what that leaves in a year."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pvlib import irradiance

from kansenkaart.core import scoring
from kansenkaart.core.solar.balance import (
    SIZE_COLUMNS,
    Prices,
    annuity,
    economic_size,
    follow_sun,
    household_profile,
    own_use,
    shifted,
)
from kansenkaart.core.solar.classes import class_span, classify
from kansenkaart.core.solar.priors import GRID_DEG, OpenSun, combined, estimate, footprint_shapes, kinds, open_grid
from kansenkaart.core.solar.surface import open_months
from kansenkaart.core.solar.weather import WEATHER_COLUMNS, sun_path
from kansenkaart.errors import FormatError
from kansenkaart.score import roofs as sun_fit
from kansenkaart.score import weather
from kansenkaart.score.roofs import FLAT_BELOW_DEG, YIELD_MONTHS, module_of
from kansenkaart.score.weather import Station
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product
from kansenkaart.tables.store import Store

COLUMNS = (
    "modules_pay",
    "kwp_pay",
    "yield_pay_kwh_per_year",
    "own_use_pay_frac",
    "own_use_pay_frac_basis",
    "sun_eur_per_year",
)
#: Whether panels lie on a roof already, and how large they are around it.
IN_PLACE = ("pv_installed_frac", "pv_installed_frac_basis", "pv_installed_kwp_per_system")
#: What pays, as sums over places count it: on roofs that have no panels yet.
PAYS = ("modules_pay", "kwp_pay", "yield_pay_kwh_per_year", "sun_eur_per_year")
USE_USED = (
    "homes_with_panels",
    "electricity_use_home",
    "electricity_price_all_in",
    "export_value_net",
    "pv_system_price_pitched",
    "pv_system_price_flat",
    "pv_upkeep",
    "pv_life",
    "pv_inverter_price",
    "pv_inverter_life",
    "pv_degradation",
    "discount_rate_real",
    "self_consumption_reference",
    "pv_reference_yield",
    "pv_reference_use",
    "home_load_spread",
)
# Homes smooth each other little: own use is tabulated for these numbers, and the nearest (by ratio) serves a roof.
HOMES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256)
_PERCENT, _W_PER_KW, HALF_HOUR_MIN = 0.01, 1000.0, 30.0
_OF_A_FACE = ["roof", "flat", "modules_fit", "kwp_fit", "yield_fit_kwh_per_year"]
_FULL_DEG, _EAST_DEG = 360.0, 90.0
# Trees beside a roof that nobody saw: factor in the middle, and bounds around it (guess; 3DBAG shows buildings only).
UNSEEN_SHADE_MIDDLE, UNSEEN_SHADE = 0.98, (0.85, 1.02)
_SLOPE_DEG, _SOUTH_DEG = 35.0, 180.0  # the roof whose hours stand for all: the usual Dutch slope (guess)


def add_use(
    pand: gpd.GeoDataFrame,
    *,
    faces: pd.DataFrame | None,
    buurt: pd.DataFrame | None,
    station: Station,
    known: Assumptions,
) -> gpd.GeoDataFrame:
    """Add the size that pays, the best face filled first; unknown without homes under the roof: their use is not known.

    Parameters
    ----------
    pand : GeoDataFrame
        With ``homes`` and all that fits on the roof.
    faces : DataFrame or None
        Scored roof faces; a pand without any is sized by the mean of its estimate.
    buurt : DataFrame or None
        Use per home, where it is known.
    """
    use, basis = _use_per_home(pand, buurt, known)
    homes = pand["homes"].astype("Float64").to_numpy(float, na_value=np.nan)
    roofs = _roofs(pand, faces).assign(
        use_kwh=lambda one: np.where(homes > 0, homes * use, np.nan)[one["roof"]], homes=lambda one: homes[one["roof"]]
    )
    sized = _sized(roofs[roofs["use_kwh"].notna()], station, known).reindex(range(len(pand)))
    own = np.where(sized["sun_kwh"] > 0, sized["own_kwh"] / sized["sun_kwh"].where(sized["sun_kwh"] > 0), np.nan)
    return pand.assign(
        modules_pay=sized["modules"].round().astype("Int64").array,
        kwp_pay=sized["kwp"].to_numpy(),
        yield_pay_kwh_per_year=sized["sun_kwh"].to_numpy(),
        own_use_pay_frac=own,
        own_use_pay_frac_basis=pd.Series(basis).where(sized["modules"].notna(), None).to_numpy(),
        sun_eur_per_year=sized["net_eur"].to_numpy(),
    )


def add_installed(
    pand: gpd.GeoDataFrame, *, buurt: pd.DataFrame | None, own: pd.DataFrame | None, known: Assumptions
) -> gpd.GeoDataFrame:
    """Say how likely each roof over homes has panels already: its owner knows, else its buurt's share, else the country's.

    Parameters
    ----------
    pand : GeoDataFrame
        With ``buurtcode`` and ``homes`` [1].
    buurt : DataFrame or None
        With ``homes_with_solar_pct`` [%], or ``pv_systems`` [1], ``pv_installed_kwp`` [kWp] and ``homes_stock`` [1]; without
        the stock the homes of the panden count.
    own : DataFrame or None
        By ``pand_id``: ``pv_installed_kwp`` [kWp], 0 where there are none.
    known : Assumptions
        For ``homes_with_panels`` [%].

    Returns
    -------
    GeoDataFrame
        With ``pv_installed_frac`` [1] and its basis (``own``, ``buurt`` or ``land``), unknown where no home says anything
        of the roof, and ``pv_installed_kwp_per_system`` of the buurt [kWp], unknown without systems.
    """
    blank = pd.Series(np.nan, index=pand.index)
    share, size, said = blank, blank, blank
    if buurt is not None:
        table = buurt.set_index("buurtcode")
        columns = ("homes_with_solar_pct", "pv_systems", "pv_installed_kwp", "homes_stock")
        pct, systems, kwp, stock = (
            pand["buurtcode"].map(table[one].astype(float)) if one in table else blank for one in columns
        )
        counted = pand["buurtcode"].map(pand.groupby("buurtcode")["homes"].sum()).astype(float)
        stock = stock.where(stock > 0).fillna(counted.where(counted > 0))
        share = (pct * _PERCENT).fillna((systems / stock).clip(upper=1.0))
        size = kwp / systems.where(systems > 0)
    if own is not None and "pv_installed_kwp" in own:
        said = pand["pand_id"].map(own.set_index("pand_id")["pv_installed_kwp"].astype(float))
    lived = pand["homes"].gt(0).fillna(False).to_numpy(bool)
    country = pd.Series(np.where(lived, known.value("homes_with_panels", "%") * _PERCENT, np.nan), index=pand.index)
    basis = np.select([said.notna(), lived & share.notna(), lived], ["own", "buurt", "land"], default="")
    return pand.assign(
        pv_installed_frac=said.gt(0).astype(float).where(said.notna(), share.where(lived).fillna(country)),
        pv_installed_frac_basis=pd.Series(basis, index=pand.index, dtype=object).where(basis != "", None),
        pv_installed_kwp_per_system=size,
    )


def without_installed(pand: pd.DataFrame) -> pd.DataFrame:
    """Return the panden with what pays as places count it: times the chance that their roof has no panels yet.

    Parameters
    ----------
    pand : DataFrame
        Table ``pand_score``; one without ``pv_installed_frac`` comes back as it is.
    """
    if "pv_installed_frac" not in pand:
        return pand
    free = 1 - pand["pv_installed_frac"].astype(float).fillna(0.0)
    return pand.assign(**{name: pand[name].astype(float) * free for name in PAYS if name in pand})


def _roofs(pand: pd.DataFrame, faces: pd.DataFrame | None) -> pd.DataFrame:
    """Faces by the row of their pand: modules, yield per kWp and whether flat; one row of the mean where none is known."""
    whole = pand.assign(roof=np.arange(len(pand)), flat=pand["flat_frac"].to_numpy(float) > 0.5)
    if faces is not None:
        row = pd.Series(whole["roof"].to_numpy(), index=whole["pand_id"])
        seen = faces.assign(roof=faces["pand_id"].map(row), flat=faces["tilt_deg"].lt(FLAT_BELOW_DEG))
        # A face of unknown sun takes nothing away from the modules of the others.
        seen = seen[seen["roof"].notna() & seen["kwp_fit"].notna()].astype({"roof": int})
        whole = whole[~whole["roof"].isin(seen["roof"])]
        whole = pd.concat([pd.DataFrame(seen)[_OF_A_FACE], pd.DataFrame(whole)[_OF_A_FACE]], ignore_index=True)
    kwp = whole["kwp_fit"].to_numpy(float)
    per_kwp = np.where(kwp > 0, whole["yield_fit_kwh_per_year"].to_numpy(float) / np.where(kwp > 0, kwp, 1), 0.0)
    modules = whole["modules_fit"].astype("Float64").to_numpy(float, na_value=np.nan)
    out = pd.DataFrame({"roof": whole["roof"].to_numpy(), "flat": whole["flat"].to_numpy(bool), "modules": modules})
    return out.assign(kwh_per_kwp=per_kwp)[~np.isnan(modules)]


def _use_per_home(
    pand: pd.DataFrame, buurt: pd.DataFrame | None, known: Assumptions
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Electricity per home [kWh/home/year]: the buurt's own figure, else the national one; the basis says which."""
    national = known.value("electricity_use_home", "kWh/home/year")
    if buurt is None:
        own = np.full(len(pand), np.nan)
    else:
        own = pand["buurtcode"].map(buurt.set_index("buurtcode")["electricity_use_kwh_per_home"]).to_numpy(float)
    return np.where(np.isnan(own), national, own), np.where(np.isnan(own), "land", "buurt").astype(object)


def _sized(roofs: pd.DataFrame, station: Station, known: Assumptions) -> pd.DataFrame:
    """Find the size that pays, roofs with about as many homes together."""
    sun, load, spread = load_of(station, known)
    near = np.abs(np.log(roofs["homes"].to_numpy()[:, None] / np.array(HOMES))).argmin(axis=1)
    life = known.value("pv_life", "year")
    roofs = roofs.assign(kwh_per_kwp=roofs["kwh_per_kwp"] * _mean_output(known, life))
    prices, kwp = _prices(known), module_of(known).power_wp / _W_PER_KW
    parts = [
        economic_size(
            roofs[near == i], own=own_use(sun, load, homes=HOMES[i], spread=spread), prices=prices, module_kwp=kwp
        )
        for i in np.unique(near)
    ]
    return pd.concat(parts) if parts else pd.DataFrame(columns=SIZE_COLUMNS, dtype=float)


def _true_hours(station: Station) -> pd.DatetimeIndex:
    """Begin of each hour as the sun has it, where the stamps of the file lie aside; the load must not lag the sun."""
    aside = pd.Timedelta(minutes=station.site.mid_interval_minutes - HALF_HOUR_MIN)
    return pd.DatetimeIndex(station.hours.index) + aside


def _prices(known: Assumptions) -> Prices:
    """Money per kWp and year, constant and real: price, and the inverter's replacement brought to the start."""
    rate = known.value("discount_rate_real", "%/year") * _PERCENT
    inverter = known.value("pv_inverter_price", "EUR/kWp") / (1 + rate) ** known.value("pv_inverter_life", "year")
    yearly = annuity(rate, years=known.value("pv_life", "year"), upkeep=known.value("pv_upkeep", "%/year") * _PERCENT)
    pitched, flat = (known.value(f"pv_system_price_{one}", "EUR/Wp") * _W_PER_KW for one in ("pitched", "flat"))
    return Prices(
        known.value("electricity_price_all_in", "EUR/kWh"),
        known.value("export_value_net", "EUR/kWh"),
        pitched + inverter,
        flat + inverter,
        yearly,
    )


def _mean_output(known: Assumptions, life: float) -> float:
    """Mean output over a life against the first year [1]."""
    return 1 - known.value("pv_degradation", "%/year") * _PERCENT * life / 2


def load_of(station: Station, known: Assumptions) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the hours of sun and of the load of a home with panels, as shares of the year, and the spread of one home [1]."""
    sun, usual = _sun_profile(station), household_profile(_true_hours(station))
    spread = known.value("home_load_spread", "1")
    part = follow_sun(
        sun,
        usual,
        share=known.value("self_consumption_reference", "%") * _PERCENT,
        sun_kwh=known.value("pv_reference_yield", "kWh/home/year"),
        use_kwh=known.value("pv_reference_use", "kWh/home/year"),
        spread=spread,
    )
    return sun, shifted(usual, sun, part), spread


def _sun_profile(station: Station) -> NDArray[np.float64]:
    """Share of the year's sun in each hour on a slope to the south; sums to 1."""
    path = sun_path(station.hours, station.site)
    ghi, dni, dhi = (station.hours[name].to_numpy(float) for name in WEATHER_COLUMNS)
    total = irradiance.get_total_irradiance(
        _SLOPE_DEG,
        _SOUTH_DEG,
        90.0 - path.elevation_deg,
        path.azimuth_deg,
        dni,
        ghi,
        dhi,
        dni_extra=irradiance.get_extra_radiation(path.times).to_numpy(),
        model="haydavies",
    )["poa_global"]
    power = np.nan_to_num(np.asarray(total, dtype=float))
    return np.asarray(power / power.sum())


INPUTS = ("pand", "buurt", "roof_face_score", "own_pand", *weather.INPUTS)
OUTPUTS = ("pand_score",)
USED = (*weather.USED, *sun_fit.FIT_USED, *USE_USED)
_SUN = (
    "roof_area_m2",
    "free_area_m2",
    "open_sky_kwh_per_year",
    "sun_kwh_per_year",
    "modules_fit",
    "modules_in_doubt",
    "kwp_fit",
    "kwp_fit_low",
    "kwp_fit_high",
    "yield_fit_kwh_per_year",
    "yield_fit_kwh_per_year_low",
    "yield_fit_kwh_per_year_high",
    *YIELD_MONTHS,
)
_NAMES = [
    "pand_id",
    "buurtcode",
    "bouwjaar",
    "homes",
    "footprint_area_m2",
    "roof_area_m2",
    "faces",
    "open_sky_kwh_per_year",
    "sun_kwh_per_year",
    *sun_fit.COLUMNS,
    "kwp_fit_low",
    "kwp_fit_high",
    *COLUMNS,
    *IN_PLACE,
    "score_basis",
    "geometry",
]


def score_panden(store: Store, known: Assumptions, *, priors: pd.DataFrame | None = None) -> Sequence[Product]:
    """Sum the faces of each pand; one without known faces is estimated from its footprint, with a wide interval."""
    pand = store.read("pand")
    faces = store.read("roof_face_score") if store.has("roof_face_score") else None
    station = weather.station_of(store, known) if store.has("weather_hourly") else None
    out = pand.assign(
        **dict.fromkeys(_SUN, np.nan),
        faces=pd.array([pd.NA] * len(pand), dtype="Int64"),
        sun_class="?",
        sun_class_span="?",
    )
    out = out.assign(score_basis="footprint", flat_frac=np.nan)
    if faces is not None:
        out = _with_faces(pand, faces)
    buurt = store.read("buurt") if store.has("buurt") else None
    own = store.read("own_pand") if store.has("own_pand") else None
    out = add_installed(out, buurt=buurt, own=own, known=known)
    if station is not None:
        out = _bounded(_estimated(out, station, known, roof_priors() if priors is None else priors), known)
        out["sun_class"], out["sun_class_span"] = _classes(out, station, known)
        out = add_use(out, faces=faces, buurt=buurt, station=station, known=known)
    else:
        out = out.assign(**{**dict.fromkeys(COLUMNS, np.nan), "own_use_pay_frac_basis": None})
    out["modules_fit"] = out["modules_fit"].round().astype("Int64")
    noted = {f"pand op grondslag {name}": int(n) for name, n in out["score_basis"].value_counts().items()}
    return [Product("pand_score", out[_NAMES], Tally(len(pand), len(out), noted=noted))]


def _with_faces(pand: gpd.GeoDataFrame, faces: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    sums = scoring.sum_roofs(faces, by="pand_id", names=[name for name in _SUN if name in faces])
    level = faces["kwp_fit"].where(faces["tilt_deg"] < FLAT_BELOW_DEG, 0.0)
    sums["flat_frac"] = level.groupby(faces["pand_id"]).sum() / sums["kwp_fit"].where(sums["kwp_fit"] > 0)
    out = pand.merge(sums, left_on="pand_id", right_index=True, how="left")
    out["score_basis"] = out["score_basis"].fillna("footprint")
    out = out.assign(kwp_fit_low=np.nan, kwp_fit_high=np.nan)
    return out.assign(faces=out["faces"].astype("Int64"), modules_fit=out["modules_fit"].astype("Float64"))


def roof_priors(path: Path | None = None) -> pd.DataFrame:
    """Return what roofs carry by the shape of their footprint: ``data/roof_priors.csv``, or a table fitted elsewhere.

    Parameters
    ----------
    path : Path, optional
        As ``kansenkaart daken`` writes it.

    Raises
    ------
    FormatError
        If the file is missing, or is no such table: other kinds, columns missing, cells that are no number or below nothing.
    """
    source = files("kansenkaart") / "data" / "roof_priors.csv"
    if path is None:
        with source.open(encoding="utf-8") as handle:
            return pd.read_csv(handle, comment="#")
    shipped = roof_priors()
    try:
        table = pd.read_csv(path, comment="#")
    except (OSError, ValueError) as why:
        raise _no_priors(path, f"{type(why).__name__}") from why
    missing = [name for name in shipped if name not in table]
    if missing:
        raise _no_priors(path, f"missing {missing}")
    bounds = list(kinds())
    if not table[bounds].astype(float).equals(shipped[bounds].astype(float)):
        raise _no_priors(path, f"{len(table)} rows of other kinds")
    numbers = table[[name for name in shipped if name not in bounds]].apply(pd.to_numeric, errors="coerce")
    if not (numbers >= 0).all(axis=None):
        raise _no_priors(path, "a cell that is no number, or below 0")
    return table[list(shipped)]


def _no_priors(path: Path, found: str) -> FormatError:
    return FormatError(
        "a table of priors of footprints",
        found=found,
        where=path.name,
        remedy="put the table that kansenkaart daken writes beside the study file",
    )


def open_sun(station: Station, known: Assumptions) -> OpenSun:
    """Return the irradiation of open planes at a station, and from where on a slope carries modules."""
    months = open_months(*open_grid(), station.table).reshape(-1, int(_FULL_DEG / GRID_DEG), len(YIELD_MONTHS))
    lean = known.value("pv_flat_tilt_east_west", "deg")
    racks = open_months(np.full(2, lean), np.array([_EAST_DEG, _EAST_DEG + _SOUTH_DEG]), station.table).mean(axis=0)
    return OpenSun(months, racks, sun_fit.best_of_region(station), sun_fit.class_rule(known))


def _estimated(pand: gpd.GeoDataFrame, station: Station, known: Assumptions, priors: pd.DataFrame) -> gpd.GeoDataFrame:
    """Estimate the roofs of panden without faces from their footprints; areas stay unknown, since nobody saw them."""
    bare = pand["score_basis"].eq("footprint").to_numpy() & ~pand.geometry.is_empty.to_numpy()
    if not bare.any():
        return pand
    shapes = footprint_shapes(pand.geometry.to_list(), pand["bouwjaar"])[bare]
    roof = estimate(shapes, priors, open_sun(station, known))
    ratio, module = sun_fit.performance(known)[0], sun_fit.module_of(known)
    months = (
        roof[[name for name in roof.columns if str(name).startswith("month_")]].to_numpy() * ratio * UNSEEN_SHADE_MIDDLE
    )
    values = {
        "open_sky_kwh_per_year": roof["open_kwh"],
        "kwp_fit": roof["kwp"],
        "kwp_fit_low": roof["kwp_low"],
        "kwp_fit_high": roof["kwp_high"],
        "yield_fit_kwh_per_year": months.sum(axis=1),
        "flat_frac": roof["flat_kwp"] / roof["kwp"].where(roof["kwp"] > 0),
        "modules_fit": (roof["kwp"] * _W_PER_KW / module.power_wp).round(),
        **dict(zip(YIELD_MONTHS, months.T, strict=True)),
    }
    out = pand.copy()
    for name, value in values.items():
        out.loc[bare, name] = np.asarray(value)
    return out


def _bounded(pand: gpd.GeoDataFrame, known: Assumptions) -> gpd.GeoDataFrame:
    """Bound power and yield of each roof by its basis; the footprint's own bounds are widened by shade that nobody saw."""
    kwp, kwh = (pand[name].to_numpy(float) for name in ("kwp_fit", "yield_fit_kwh_per_year"))
    own = pand["score_basis"].eq("footprint").to_numpy()
    doubt = pand["modules_in_doubt"].astype("Float64").to_numpy(float, na_value=np.nan)
    basis = pand["score_basis"].where(pand["score_basis"].isin(("lod22+dsm", "dsm")), "lod22")  # of a mix the weakest
    low, high = sun_fit.power_bounds(kwp, basis, doubt, known)
    low, high = np.where(own, pand["kwp_fit_low"], low), np.where(own, pand["kwp_fit_high"], high)
    down, up = sun_fit.yield_bounds(kwh, kwp, low, high, known)
    some = np.where(kwh > 0, kwh, 1.0)
    dark, bright = combined(kwh, (down / some, up / some), UNSEEN_SHADE)
    return pand.assign(
        kwp_fit_low=low,
        kwp_fit_high=high,
        yield_fit_kwh_per_year_low=np.where(own, dark, down),
        yield_fit_kwh_per_year_high=np.where(own, bright, up),
    )


def _classes(pand: pd.DataFrame, station: Station, known: Assumptions) -> tuple[Any, Any]:
    """Class of what fits, and those between which it lies: the mean sun on its modules against the best plane of the region.

    It is - where no whole module fits.
    """
    kwp = pand["kwp_fit"].to_numpy(float)
    modules = pand["modules_fit"].astype("Float64").round().to_numpy(float, na_value=np.nan)
    per_m2 = np.where(kwp > 0, pand["yield_fit_kwh_per_year"].to_numpy(float) / np.where(kwp > 0, kwp, 1), np.nan)
    rule = sun_fit.class_rule(known)
    size = np.where(np.isnan(kwp + modules), np.nan, np.where(modules >= 1, rule.least_area_m2, 0.0))
    sun = per_m2 / sun_fit.performance(known)[0]
    bounds: dict[str, Any] = {"best_kwh_per_m2": sun_fit.best_of_region(station), "area_m2": size, "rule": rule}
    basis = pand["score_basis"].where(pand["score_basis"].isin(("lod22+dsm", "dsm", "footprint")), "lod22")
    span = class_span(sun, basis=basis.to_numpy(object), rules=sun_fit.interval_rules(), **bounds)
    return classify(sun, **bounds), span
