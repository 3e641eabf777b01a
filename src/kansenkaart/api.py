"""The Python door: score roofs, make blocks and areas, work out a case, open a study or a release, with frames of your own.

Nothing here needs a study, a store or a server, but for ``open_study`` and ``render_map``. Frames are in RD New
(EPSG:28992, [m]); what is unknown is empty, never 0; ``frame.attrs["units"]`` says the unit of each column that is added.

The examples make houses of their own: twenty rows of twenty.

>>> import geopandas as gpd
>>> from shapely import box
>>> rows = [(x, y) for y in range(462_000, 462_400, 40) for x in (155_000, 155_150)]
>>> shapes = [box(x + 6 * n, y, x + 6 * n + 6, y + 9) for x, y in rows for n in range(20)]
>>> panden = gpd.GeoDataFrame({"pand_id": [f"p{n}" for n in range(400)]}, geometry=shapes, crs=28992)
>>> homes = panden.rename(columns={"pand_id": "home_id"}).assign(pand_id=panden["pand_id"])
>>> homes = homes.set_geometry(homes.centroid)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import Point

from kansenkaart.core.area.best import best_around, block_at
from kansenkaart.core.area.blocks import Blocks, build_blocks
from kansenkaart.core.area.graph import AreaGraph, build_graph
from kansenkaart.core.area.partition import partition
from kansenkaart.core.area.question import AreaQuestion
from kansenkaart.core.area.values import area_shapes
from kansenkaart.core.enterprise.case import AreaFacts, case_from
from kansenkaart.core.enterprise.cashflow import evaluate_case
from kansenkaart.core.enterprise.linear import yearly_equivalent
from kansenkaart.core.enterprise.package import with_package
from kansenkaart.core.enterprise.services import PARTIES
from kansenkaart.core.scoring import add_grey_water
from kansenkaart.core.solar.cells import roof_planes
from kansenkaart.core.solar.irradiance import cumulative_irradiance
from kansenkaart.core.solar.weather import Site
from kansenkaart.crs import rd_point
from kansenkaart.errors import ConfigError, SchemaError
from kansenkaart.runs import study as runs
from kansenkaart.runs.studies import Release
from kansenkaart.score.areas import border_factors
from kansenkaart.score.streets import OPTIONAL, named_streets, water_of
from kansenkaart.score.surfaces import height_model, shaded
from kansenkaart.score.weather import built_in
from kansenkaart.tables import assumptions, fields, schemas
from kansenkaart.wording.names import band_reason

__all__ = [
    "AreaFacts",
    "Release",
    "Site",
    "best_area",
    "divide",
    "enterprise_case",
    "make_blocks",
    "open_release",
    "open_study",
    "render_map",
    "score_roofs",
    "score_streets",
]


def score_roofs(
    roofs: gpd.GeoDataFrame,
    *,
    weather: pd.DataFrame | None = None,
    site: Site | None = None,
    surface: Path | str | None = None,
) -> gpd.GeoDataFrame:
    """Add the sun that falls on roof faces in a typical year: when nothing stands around them, and with their shade.

    Parameters
    ----------
    roofs : GeoDataFrame
        A face a row: ``tilt_deg`` (0 = flat) and ``azimuth_deg`` (0 = north, clockwise; may be empty where flat) [deg];
        with ``roof_area_m2`` [m2] its whole irradiation is added too.
    weather : DataFrame, optional
        Hours with a time zone: ``ghi_w_per_m2``, ``dni_w_per_m2``, ``dhi_w_per_m2`` [W/m2]; left out, the built-in
        typical year of De Bilt.
    site : Site, optional
        Where the weather was measured; asked for with it.
    surface : Path or str, optional
        What casts shade: a height model in RD New (GeoTIFF, [m NAP]), or ``"roofs"``: the faces themselves. Faces then
        need polygons and ``eave_height_m_nap`` [m NAP] too.

    Returns
    -------
    GeoDataFrame
        With ``open_sky_kwh_per_m2_year`` [kWh/m2/year] and, where areas are given, ``open_sky_kwh_per_year`` [kWh/year];
        with a surface also ``sun_kwh_per_m2_year`` on the free part of the face and ``shade_frac`` (lost of it [1]). Empty
        for a face without tilt, a steep one without azimuth, or one of which the surface shows no free cell. Perez (1990) by
        pvlib's coefficients.

    Raises
    ------
    SchemaError
        If a column is missing or holds words, a shape is no polygon, or the weather has gaps or no time zone.
    ConfigError
        If a face is steeper than 89 deg, or only one of weather and site is given.
    CrsError
        If the faces have shapes that are not in RD New, or the height model is not.

    Examples
    --------
    A flat roof gets what falls on the ground; a face of which no tilt is known stays unknown.

    >>> faces = panden.head(3).assign(tilt_deg=[0.0, 40.0, np.nan], azimuth_deg=[np.nan, 180.0, 180.0])
    >>> sun = score_roofs(faces)
    >>> sun["open_sky_kwh_per_m2_year"].round(-1).tolist()
    [1050.0, 1240.0, nan]
    >>> sun.attrs["units"]["open_sky_kwh_per_m2_year"]
    'kWh/m2/year'

    A low roof behind a high one loses sun.

    >>> from shapely import box
    >>> high, low = box(155_000, 462_000, 155_020, 462_020), box(155_000, 462_021, 155_020, 462_031)
    >>> eaves = {"tilt_deg": 0.0, "azimuth_deg": 0.0, "eave_height_m_nap": [30.0, 3.0]}
    >>> pair = gpd.GeoDataFrame(eaves, geometry=[high, low], crs=28992)
    >>> lost = score_roofs(pair, surface="roofs")["shade_frac"]
    >>> bool(lost[0] < 0.01 and lost[1] > 0.2)
    True
    """
    schemas.require(roofs, "roofs", "tilt_deg", "azimuth_deg", measures=("azimuth_deg", "roof_area_m2", "tilt_deg"))
    if (weather is None) != (site is None):
        raise ConfigError("weather with its site, or neither", found="one of the two", where="score_roofs")
    hours, station = built_in() if weather is None or site is None else (weather, site)
    schemas.require(hours, "weather")
    table = cumulative_irradiance(hours, site=station)
    tilt, azimuth = (roofs[name].to_numpy(float) for name in ("tilt_deg", "azimuth_deg"))
    known = ~np.isnan(tilt) & (~np.isnan(azimuth) | (tilt == 0))
    sun = np.full(len(roofs), np.nan)
    if known.any():
        sun[known] = roof_planes(tilt[known], azimuth[known], table=table).open_kwh_per_m2.sum(axis=1)
    out = roofs.assign(open_sky_kwh_per_m2_year=sun)
    if "roof_area_m2" in roofs:
        out["open_sky_kwh_per_year"] = sun * roofs["roof_area_m2"].to_numpy(float)
    if surface is not None:
        heights = ("eave_height_m_nap",)
        schemas.require(out, "roofs", *heights, measures=heights, kinds=schemas.LAND)
        sheet = None if surface == "roofs" else height_model(Path(surface))
        out = shaded(out, known, sheet, table=table, figures=assumptions.default())
    return _with_units(out)


def score_streets(
    homes: gpd.GeoDataFrame, panden: gpd.GeoDataFrame, *, weather: pd.DataFrame, **more: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Score streets for grey water and, apart from it, for rain water, with the project's own figures.

    Parameters
    ----------
    homes : GeoDataFrame
        Points with ``home_id``, ``pand_id`` and ``street_name``; ``people`` [person] where it is known, else the average
        household.
    panden : GeoDataFrame
        Footprints with ``pand_id``; ``bouwjaar`` where it is known.
    weather : DataFrame
        Days: ``day``, ``rain_mm`` and ``evaporation_mm`` [mm/day], of one season from April to September at least.
    **more : GeoDataFrame
        ``street_line``, ``terrain``, ``sewer_pipe`` and ``sewer_node``, with the columns of these tables. Without sewers no
        street has a class: unknown, never 0.

    Returns
    -------
    GeoDataFrame
        A street a row, as the table ``street_water``: homes [1], grey water [m3/year], what it nets with low and high [EUR],
        class and reason, and the same for rain.

    Raises
    ------
    CrsError, SchemaError
        If coordinates are not in RD New, a column is missing or holds words, a home or pand stands twice, there is no such
        table, or no season is complete.
    InfeasibleError
        If no home has a street and no frame holds one.

    Examples
    --------
    >>> year = pd.date_range("2025-01-01", "2025-12-31").astype(str)
    >>> days = pd.DataFrame({"day": year, "rain_mm": 1.0, "evaporation_mm": 2.0})
    >>> streets = score_streets(homes.assign(street_name="Dorpsstraat"), panden, weather=days)
    >>> int(streets["homes"].sum()), set(streets["class_grey"])
    (400, {'?'})
    >>> streets.attrs["units"]["grey_water_m3_per_year"]
    'm3/year'
    """
    _require_panden_and_homes(panden, homes, "street_name")
    schemas.require(weather, "weather", "day", "rain_mm", "evaporation_mm", measures=("rain_mm", "evaporation_mm"))
    if pd.to_datetime(weather["day"], errors="coerce").isna().any():
        raise SchemaError("days such as 2025-04-01", found=str(weather["day"].iloc[0]), where="weather.day")
    more = {name: schemas.filled(frame, name, OPTIONAL) for name, frame in more.items()}
    figures = assumptions.default()
    litres = sum(figures.value(f"water_use_{use}", "l/person/day") for use in ("shower", "bath", "wash_basin"))
    own = homes.reindex(columns=[*dict.fromkeys([*homes.columns, *schemas.get("home").columns, "people"])])
    own["people"] = own["people"].astype(float).fillna(figures.value("household_size_design", "person/home"))
    own = gpd.GeoDataFrame(add_grey_water(own, litres_per_person_day=litres), geometry="geometry", crs=homes.crs)
    land = panden if "bouwjaar" in panden else panden.assign(bouwjaar=np.nan)
    return _with_units(named_streets(water_of(own, land, weather, figures, **more), own, figures))


def make_blocks(
    panden: gpd.GeoDataFrame, homes: gpd.GeoDataFrame, *, streets: gpd.GeoDataFrame | None = None
) -> Blocks:
    """Make building blocks of footprints and homes: the units of which areas consist.

    Parameters
    ----------
    panden : GeoDataFrame
        Footprints with ``pand_id``; ``buurtcode`` where it is known.
    homes : GeoDataFrame
        Points with ``home_id`` and ``pand_id``.
    streets : GeoDataFrame, optional
        Lines or areas that bound blocks, with ``cls``: ``local``, ``collector``, ``main``, ``rail`` or ``water``.

    Returns
    -------
    Blocks
        ``frame``: a block a row, with ``homes`` [1] and its land; ``edges``: their borders, with ``length_m`` [m].

    Raises
    ------
    CrsError, SchemaError, InfeasibleError
        If coordinates are not in RD New, a column is missing, a home or pand stands twice, or there are no homes.

    Examples
    --------
    >>> blocks = make_blocks(panden, homes)
    >>> int(blocks.frame["homes"].sum())
    400
    """
    _require_panden_and_homes(panden, homes)
    if streets is not None:
        schemas.require(streets, "streets", "cls", kinds=schemas.LINES_OR_LAND)
    panden = panden if "buurtcode" in panden else panden.assign(buurtcode="")
    return build_blocks(panden, homes, factors=border_factors(), barriers=streets)


def divide(blocks: Blocks, *, target: int = 330) -> gpd.GeoDataFrame:
    """Divide all blocks into contiguous areas of about as many homes.

    Parameters
    ----------
    blocks : Blocks
        From ``make_blocks``.
    target : int
        Homes aimed at [1]; the band runs from 10 % below to 10 % above it.

    Returns
    -------
    GeoDataFrame
        An area a row: ``homes`` [1], ``reason`` (why its band had to be wider, in Dutch; mostly empty) and its outline.

    Raises
    ------
    InfeasibleError
        If there are fewer homes than one area needs.

    Examples
    --------
    >>> areas = divide(make_blocks(panden, homes), target=100)
    >>> len(areas), int(areas["homes"].sum())
    (4, 400)
    """
    graph = _graph(blocks)
    low, high = _band(target)
    whole = partition(graph, target_homes=target, low_homes=low, high_homes=high)
    shapes = area_shapes(blocks.frame, whole.label.tolist())
    reasons = [
        band_reason(why.kind, why.homes, area_homes=homes, band=(low, high), tries=why.tries) or ""
        for why, homes in zip(whole.why, whole.homes.tolist(), strict=True)
    ]
    return _with_units(gpd.GeoDataFrame({"homes": whole.homes, "reason": reasons}, geometry=shapes, crs=shapes.crs))


def best_area(
    blocks: Blocks,
    *,
    around: tuple[float, float] | Point,
    target: int = 330,
    value: str | None = None,
    radius_m: float = 300.0,
) -> gpd.GeoDataFrame:
    """Find the best contiguous area around a place: most value, least border across which people walk.

    Parameters
    ----------
    blocks : Blocks
        From ``make_blocks``.
    around : tuple of float or Point
        A place in RD New [m], within `radius_m` of homes.
    target : int
        Homes aimed at [1]; the band runs from 10 % below to 10 % above it.
    value : str, optional
        Column of ``blocks.frame`` with what a block is worth [EUR/year]; without it the border alone decides.
    radius_m : float
        All blocks lie within this distance of the block at the place [m].

    Returns
    -------
    GeoDataFrame
        One row: ``homes`` [1], ``border_m`` (weighted [m]), ``bound_gap_frac`` (0 = proven best [1]), ``block_ids`` and
        its outline.

    Raises
    ------
    InfeasibleError
        If nothing around the place fits.
    ConfigError, SchemaError
        If the place is no point in RD New, no home is near it, or there is no such column of numbers.

    Examples
    --------
    >>> best = best_area(make_blocks(panden, homes), around=(155_120, 462_200), target=100)
    >>> 90 <= best["homes"].item() <= 110
    True
    """
    graph = _graph(blocks, value)
    low, high = _band(target)
    mean = max(float(np.nansum(graph.value)) / max(int(graph.homes.sum()), 1), 0.0)
    price = assumptions.default().value("area_border_price", "home/m") * mean or 1.0
    question = AreaQuestion(low, high, radius_m, border_price=price, reference=mean)
    centre = block_at(graph, rd_point(around, where="around"), within_m=radius_m)
    area = best_around(graph, centre=centre, question=question)
    inside = blocks.frame.iloc[area.blocks]
    row = {"homes": area.homes, "border_m": area.border_m, "bound_gap_frac": area.gap}
    row |= {"block_ids": inside["block_id"].tolist()}
    return _with_units(gpd.GeoDataFrame([row], geometry=[inside.union_all()], crs=inside.crs))


def enterprise_case(facts: AreaFacts, *, track: str = "long", package: Sequence[str] | None = None) -> pd.DataFrame:
    """Work out what an enterprise of a neighbourhood brings each party, with the project's own figures.

    Parameters
    ----------
    facts : AreaFacts
        What is known of the area; what is left out is unknown, and services that need it do not take part.
    track : str
        ``short`` (an owner and the municipality commit themselves) or ``long`` (a cooperative grows).
    package : sequence of str, optional
        Services taken on, as in the column ``package`` of a study (which has budgets of its own, too); else all.

    Returns
    -------
    DataFrame
        A party a row: ``eur_per_year`` (an equal sum each year, at prices of now [EUR/year]) and ``eur`` (the whole period, in
        money of now [EUR]); they sum to 0. ``attrs["unknown"]`` names the services left out. A study publishes the sum of
        its package: the services that earn over all its places.

    Raises
    ------
    ConfigError
        If there is no such track or service, or a fact is no number of 0 or more (what sewers save may be less).

    Examples
    --------
    >>> case = enterprise_case(AreaFacts(homes=330.0, households=330.0, inhabitants=700.0))
    >>> list(case.index)
    ['household', 'enterprise', 'roof_owner', 'municipality', 'others']
    >>> bool(abs(case["eur_per_year"].sum()) < 0.01)
    True
    """
    if track not in ("short", "long"):
        raise ConfigError("short or long", found=track, where="track", remedy="choose one of the two")
    if not isinstance(facts, AreaFacts):
        raise ConfigError("AreaFacts", found=type(facts).__name__, where="facts")
    if wrong := [name for name, one in vars(facts).items() if not _is_fact(name, one)]:
        raise ConfigError("numbers of 0 or more", found=str(getattr(facts, wrong[0])), where=f"facts.{wrong[0]}")
    case = case_from(facts, assumptions=assumptions.default(), services=assumptions.default_services(), track=track)
    case = case if package is None else with_package(case, package)
    flow = evaluate_case(case)
    sums = {one: (float(yearly_equivalent(flow, one)[0]), float(flow.present_value(one)[0])) for one in PARTIES}
    out = pd.DataFrame.from_dict(sums, orient="index", columns=["eur_per_year", "eur"]).rename_axis("party")
    out.attrs = {"units": {"eur_per_year": "EUR/year", "eur": "EUR"}, "unknown": flow.unknown}
    return out


def open_study(name: str, *, root: Path | str = ".") -> runs.Workplace:
    """Open a study of a project, or one that comes with the package.

    Parameters
    ----------
    name : str
        Of the file in ``studies/``, or ``voorbeeld``, ``proefveld`` or ``gemeente``.
    root : Path or str
        Folder of the project.

    Returns
    -------
    Workplace
        Nothing is read or made yet; ``place.store.read(table)`` gives what a run has stored.

    Raises
    ------
    ConfigError
        If there is no such study or it has faults.

    Examples
    --------
    >>> open_study("proefveld").study.areas.target_homes
    330
    """
    return runs.open_study(name, root=Path(root))


def open_release(path: Path | str) -> Release:
    """Open the layers that a run published, its own or somebody else's.

    Parameters
    ----------
    path : Path or str
        ``maps/<study>``, a folder that ``kansenkaart uitgave`` made, or the folder ``data`` in either.

    Returns
    -------
    Release
        Name of each layer to its frame, with units in ``attrs``.

    Raises
    ------
    FormatError
        If there is no release.

    Examples
    --------
    >>> open_release("nowhere")
    Traceback (most recent call last):
    kansenkaart.errors.FormatError: ...
    """
    folder = Path(path)
    return Release(folder if (folder / "metadata.json").is_file() else folder / "data")


def render_map(place: runs.Workplace | str) -> str:
    """Draw the map of a study that has run, as one page of HTML that needs no network.

    Parameters
    ----------
    place : Workplace or str
        From ``open_study``, or the name of a study in this folder.

    Returns
    -------
    str
        The page.

    Raises
    ------
    StoreError
        If the study has no scores yet.

    Examples
    --------
    >>> render_map(open_study("proefveld", root="an-empty-folder"))
    Traceback (most recent call last):
    kansenkaart.errors.StoreError: ...
    """
    from kansenkaart.present.render import render_page
    from kansenkaart.publish.map.spec import picture

    place = open_study(place) if isinstance(place, str) else place
    return render_page(picture(place.store, place.study))


def _band(target: int) -> tuple[int, int]:
    return round(0.9 * target), round(1.1 * target)


def _is_fact(name: str, value: object) -> bool:
    if not isinstance(value, int | float | np.number) or np.isinf(value):
        return False
    return not value < 0 or name.startswith("sewer")


def _graph(blocks: Blocks, value: str | None = None) -> AreaGraph:
    if not isinstance(blocks, Blocks):
        raise SchemaError("blocks of make_blocks", found=type(blocks).__name__, where="blocks")
    if value is not None:
        schemas.require(blocks.frame, "blocks", value, figures=(value,))
    return build_graph(blocks.frame, blocks.edges, factors=border_factors(), value=value)


def _require_panden_and_homes(panden: gpd.GeoDataFrame, homes: gpd.GeoDataFrame, *columns: str) -> None:
    schemas.require(
        homes, "homes", "home_id", "pand_id", *columns, measures=("people",), kinds=schemas.POINTS, key="home_id"
    )
    schemas.require(panden, "panden", "pand_id", figures=("bouwjaar",), kinds=schemas.LAND, key="pand_id")


def _with_units(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    known = fields.dictionary()
    units = {str(name): known[name].unit for name in frame.columns if name in known and name != "geometry"}
    frame.attrs = {**frame.attrs, "units": units}
    return frame
