"""What is known of each home and each place: people, grey water and street of homes, once; facts of blocks, buurten, areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core import scoring
from kansenkaart.core.enterprise.case import ROOFS, AreaFacts
from kansenkaart.core.scoring import is_corporation
from kansenkaart.kernel import Floats, Ints
from kansenkaart.tables import schemas
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product
from kansenkaart.tables.store import Store
from kansenkaart.wording.nl import codes

HOME_INPUTS = ("home", "buurt", "street_line")
HOME_USED = (
    "street_reach",
    "water_use_shower",
    "water_use_bath",
    "water_use_wash_basin",
    "household_size_design",
    "buurt_whole",
)
HOME_OUTPUTS = ("home_score", "street_score")
#: What a home brings to every sum over homes.
AMOUNTS = ("people", "grey_water_m3_per_year")
TABLES = (
    "buurt",
    "buurt_score",
    "pand_score",
    "street_water",
    "home_score",
    "home_water",
    "home_area",
    "terrain",
    "home",
    "own_pand",
)
USED = (
    "shared_building_homes",
    "homes_with_panels",
    "reference_year",
    "analysis_period",
    "pv_degradation",
    "pv_life",
    "sewer_renewal_rate",
    "fact_range_people",
    "fact_range_roofs",
)
#: Facts that are means, each with the facts whose sum weighs it.
WEIGHED = {
    "renovation_year": ("homes",),
    "sewer_saving_year": ("homes",),
    "roof_range_frac": tuple(f"pv_{roofs}_kwh_per_year" for roofs in ROOFS),
}
FACTS = (*AreaFacts().__dict__, "own_panden")
_ITEMS = ("systems", "kwp", "kwh_per_year", "used_kwh_per_year")
#: Panels on roofs of unknown owner: of one home, and of several together. They count nowhere until an owner is given.
OPEN = tuple(f"pv_open_{roofs}_{item}" for roofs in ("own", "association") for item in _ITEMS)
#: All of those together: where there are none, no track brings more by naming their owner.
OPEN_KWP = "pv_open_kwp"
_MOST_RANGE = 0.55  # a wider interval would let a draw fall below nothing
#: What blocks would add if roofs of unknown owner had the owner that a track begins with.
OWNED = ("owned_short_part_eur_per_year", "owned_long_part_eur_per_year")
_NEAR_M = 100.0  # how far a home or pand may lie from the block that it is counted with
_GREEN = "groenvoorziening"
#: Farmers' land, which no municipality maintains.
_FARMED = ("grasland agrarisch", "bouwland", "fruitteelt", "boomteelt")
_ASSOCIATION = r"\bvve\b|vereniging van eigenaars|vereniging van eigenaren"
_PAVED = ("open verharding", "gesloten verharding")
_PEOPLE = ("households", "inhabitants", "people_65_plus", "corporation_homes", "owned_homes")
_WATER = ("reused_m3_per_year", "sewer_saving_eur", "sewer_saving_rain_eur")


def score_homes(store: Store, figures: Assumptions) -> Sequence[Product]:
    """Make the table of homes, and the sums of each named street.

    Parameters
    ----------
    store : Store
        With ``home``; ``buurt`` and ``street_line`` where they are.
    figures : Assumptions
        Household size [person/home], uses of water [l/person/day] and reach of a street [m].

    Returns
    -------
    sequence of Product
        ``home_score`` with every home, ``street_score`` with every street that has homes.
    """
    homes = _table_of_homes(store, figures)
    lost = int(homes["street"].isna().sum())
    noted = {}
    for words, name in (("straat", "assigned_by"), ("bewoners", "people_basis")):
        for how, count in homes[name].value_counts().items():
            noted[f"{words}: {codes(name).get(str(how), 'geen gevonden')}"] = int(count)
    placed = Tally(len(homes), len(homes) - lost, {"geen straat bekend en geen in de buurt": lost})
    return [
        Product("home_score", homes, Tally(len(homes), len(homes), noted=noted)),
        Product("street_score", scoring.sum_streets(homes), placed),
    ]


def _table_of_homes(store: Store, figures: Assumptions) -> gpd.GeoDataFrame:
    home = store.read("home")
    buurt, lines = (store.read(name) if store.has(name) else None for name in ("buurt", "street_line"))
    if lines is not None:
        lines = lines[lines["street_name"].notna()].rename(columns={"street_name": "street"})
    out = scoring.name_streets(home, lines=lines, reach_m=figures.value("street_reach", "m"))
    out["street_key"] = scoring.key_streets(out)
    size = figures.value("household_size_design", "person/home")
    litres = sum(figures.value(f"water_use_{use}", "l/person/day") for use in ("shower", "bath", "wash_basin"))
    whole = figures.value("buurt_whole", "home/household")
    peopled = scoring.add_people(out, buurt=buurt, household_size_design=size, whole_frac=whole)
    full = scoring.add_grey_water(peopled, litres_per_person_day=litres)
    return gpd.GeoDataFrame(full[list(schemas.get("home_score").columns)], geometry="geometry", crs=home.crs)


def facts_of(store: Store, places: gpd.GeoDataFrame, figures: Assumptions) -> pd.DataFrame:
    """Return the facts of blocks or buurten, one row per place; NaN where unknown, which is not 0.

    Every home and pand is counted in one place only, so the facts of blocks add up to those of the study.

    Parameters
    ----------
    store : Store
        Tables of the study.
    places : GeoDataFrame
        Blocks, or buurten with ``buurtcode``, with ``homes`` [1]; in RD New [m].
    figures : Assumptions
        For what is shared, due and worn.

    Returns
    -------
    DataFrame
        The fields of ``AreaFacts`` in their units, ``renovation_year`` [year from now], ``own_panden`` [1],
        ``roof_range_frac``, the half width of the interval around what fits on the roofs [1], and the panels on roofs of
        unknown owner (``OPEN``), and their power together (``OPEN_KWP``) [kWp].
    """
    facts = pd.DataFrame({"homes": places["homes"].astype(float)}, index=places.index)
    facts = facts.join(_panden(store, places, figures)).join(_homes(store, places, figures))
    facts = facts.join(_terrain(store, places))
    facts["corporation_homes"] = facts.pop("corporation_own").fillna(facts["corporation_homes"])
    rest = (facts["homes"] - facts["corporation_homes"]).clip(lower=0.0)
    facts["owned_homes"] = facts["owned_homes"].mask(facts["owned_homes"] > rest, rest)
    facts["paved_connected_m2"] = facts.pop("paved_m2") + facts.pop("footprint_area_m2")
    facts[OPEN_KWP] = facts[[name for name in OPEN if name.endswith("_kwp")]].sum(axis=1, min_count=1)
    return facts[[*FACTS, *(name for name in WEIGHED if name not in FACTS), *OPEN, OPEN_KWP]]


def with_owner(facts: pd.DataFrame, track: str) -> pd.DataFrame:
    """Return the facts as if the roofs of unknown owner had the owner that a track begins with.

    Parameters
    ----------
    facts : DataFrame
        As of :func:`facts_of`.
    track : str
        ``short``: one corporation; ``long``: residents, and their associations where several homes share a roof.
    """
    out = facts.copy()
    for roofs, rented in (("own", "corporation_house"), ("association", "corporation")):
        mine = rented if track == "short" else roofs
        for item in _ITEMS:
            both = pd.concat([out[f"pv_{mine}_{item}"], facts[f"pv_open_{roofs}_{item}"]], axis=1)
            out[f"pv_{mine}_{item}"] = both.sum(axis=1, min_count=1)
    return out


def facts_of_areas(blocks: pd.DataFrame, members: Sequence[Sequence[int]]) -> pd.DataFrame:
    """Return the facts of areas: sums of those of their blocks, and means weighed by them.

    Parameters
    ----------
    blocks : DataFrame
        Facts of blocks, as of :func:`facts_of`, in the order of their numbers.
    members : sequence of sequence of int
        Per area the rows of its blocks.
    """
    summed = {name: blocks[name].to_numpy() for name in (*FACTS, *OWNED, OPEN_KWP) if name in blocks}
    weighed = {
        name: (
            blocks[name].fillna(0.0).to_numpy(float),
            blocks[list(weights)].sum(axis=1).where(blocks[name].notna(), 0.0).to_numpy(float),
        )
        for name, weights in WEIGHED.items()
    }
    rows = [_together(summed, weighed, np.asarray(one, np.intp)) for one in members]
    return pd.DataFrame(rows, columns=list(blocks.columns))


def _together(
    summed: Mapping[str, Floats | Ints], weighed: Mapping[str, tuple[Floats, Floats]], rows: Ints
) -> dict[str, Any]:
    total: dict[str, Any] = {
        name: np.nan if np.isnan(one[rows]).all() else np.nansum(one[rows]) for name, one in summed.items()
    }
    for name, (values, weight) in weighed.items():
        whole = weight[rows].sum()
        total[name] = (values[rows] * weight[rows]).sum() / whole if whole > 0 else np.nan
    return total


def _place_of(points: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> pd.Series:
    """Return the row of the place that each point is counted in: its buurt by code, else the nearest block; NaN for none."""
    if "buurtcode" in places.columns and "block_id" not in places.columns:
        number = pd.Series(np.arange(len(places)), index=places["buurtcode"].astype(str))
        by_code: pd.Series = points["buurtcode"].map(number).astype(float)
        return by_code
    shapes = gpd.GeoDataFrame({"place": np.arange(len(places))}, geometry=places.geometry.to_numpy(), crs=places.crs)
    spots = gpd.GeoDataFrame(geometry=points.representative_point(), crs=points.crs)
    near = gpd.sjoin_nearest(spots, shapes, max_distance=_NEAR_M)["place"]
    nearest: pd.Series = near.groupby(level=0).min().reindex(points.index).astype(float)
    return nearest


def _place_of_homes(store: Store, home: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> pd.Series:
    """Return the row of the place that each home is counted in: its block where that is stored, else as of any point."""
    if "block_id" not in places.columns or not store.has("home_area"):
        return _place_of(home, places)
    block = store.read("home_area").set_index("home_id")["block_id"]
    number = pd.Series(np.arange(len(places)), index=places["block_id"].astype("Int64"))
    placed: pd.Series = home["home_id"].map(block).astype("Int64").map(number).astype(float)
    return placed


def _place_of_panden(store: Store, pand: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> pd.Series:
    """Return the row of the place of each pand: the block of its homes, of which it has one; without homes as of any point."""
    if "block_id" not in places.columns or not (store.has("home_area") and store.has("home")):
        return _place_of(pand, places)
    home = store.read("home")
    if "pand_id" not in home:
        return _place_of(pand, places)
    placed = _place_of_homes(store, home, places).groupby(home["pand_id"].astype(str)).first()
    lived = pand["pand_id"].astype(str).isin(home["pand_id"].astype(str))
    own: pd.Series = pand["pand_id"].astype(str).map(placed).where(lived)
    return own.where(lived, _place_of(pand[~lived], places).reindex(pand.index))


def _sums(frame: pd.DataFrame, place: pd.Series, count: int) -> pd.DataFrame:
    """Sum columns over the members of each place; a place whose members are all unknown stays unknown."""
    inside = place.notna()
    out = frame[inside].groupby(place[inside].astype(int)).sum(min_count=1).reindex(range(count))
    return pd.DataFrame(out)


def _panden(store: Store, places: gpd.GeoDataFrame, figures: Assumptions) -> pd.DataFrame:
    solar = [*(f"pv_{roofs}_{item}" for roofs in ROOFS for item in _ITEMS), *OPEN]
    counted = ["footprint_area_m2", "roof_area_m2", "gallery_flats", "corporation_own", "own_panden", *solar]
    names = [*counted, "roof_range_frac", "renovation_year"]
    if not store.has("pand_score"):
        return pd.DataFrame(np.nan, index=places.index, columns=names)
    pand = store.read("pand_score")
    free = 1 - _maybe(pand, "pv_installed_frac").fillna(0.0)  # a roof that has panels gets none of the enterprise's
    homes = pand["homes"].astype(float)
    shared = homes >= figures.value("shared_building_homes", "home/pand")
    wide = pd.DataFrame(pand[["footprint_area_m2", "roof_area_m2"]]).assign(
        gallery_flats=homes.where(shared, homes * 0)
    )
    wide = wide.join(_roofs(store, pand, figures).mul(free, axis=0)).join(
        _own(store, pand, figures.value("reference_year", "year"))
    )
    sums = _sums(wide, _place_of_panden(store, pand, places), len(places)).set_index(places.index)
    sums["roof_range_frac"] = sums["range_kwh"] / sums["ranged_kwh"]
    sums["renovation_year"] = sums["planned"] / sums["planned_homes"]
    return sums[names]


def _maybe(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name].astype(float) if name in frame.columns else pd.Series(np.nan, index=frame.index)


def _roofs(store: Store, pand: pd.DataFrame, figures: Assumptions) -> pd.DataFrame:
    """Return per pand its panels by who signs for the roof, as new, and the range of what fits on it.

    The yield that pays is the mean over a life; the sums wear panels year by year, so they start from the yield when new.
    """
    worn = 1 - figures.value("pv_degradation", "%/year") / 100 * figures.value("pv_life", "year") / 2
    kwp, kwh = _maybe(pand, "kwp_pay"), _maybe(pand, "yield_pay_kwh_per_year") / worn
    used = kwh * _maybe(pand, "own_use_pay_frac").where(kwh > 0, 0.0)
    amounts = {"systems": kwp.gt(0).astype(float).where(kwp.notna()), "kwp": kwp, "kwh_per_year": kwh}
    amounts["used_kwh_per_year"] = used
    corporation, association = _roof_owners(store, pand)
    # What is left after both is the residents' own; rounding must not leave less than nothing.
    own = (1 - association - corporation).clip(lower=0.0).round(12)
    several = pand["homes"].astype(float).gt(1)
    parts = {"own": own, "association": association}
    parts |= {"corporation": corporation * several, "corporation_house": corporation * ~several}
    parts |= {
        "open_own": (~several & corporation.isna()) * 1.0,
        "open_association": (several & corporation.isna()) * 1.0,
    }
    out = {f"pv_{roofs}_{item}": value * part for roofs, part in parts.items() for item, value in amounts.items()}
    fit, low, high = (_maybe(pand, f"yield_fit_kwh_per_year{end}") for end in ("", "_low", "_high"))
    range_frac = ((high - low) / 2 / fit.where(fit > 0)).fillna(figures.value("fact_range_roofs", "1"))
    range_frac = (range_frac**2 + _doubt_of_installed(pand, figures) ** 2) ** 0.5
    out["range_kwh"], out["ranged_kwh"] = kwh * range_frac.clip(0.0, _MOST_RANGE), kwh
    return pd.DataFrame(out)


def _doubt_of_installed(pand: pd.DataFrame, figures: Assumptions) -> pd.Series:
    """Return how far the part without panels may be off, of that part, where only the country's share is known [1]."""
    row = figures["homes_with_panels"]
    half = (row.high - row.low) / 2 / (100 - row.value)
    basis = pand.get("pv_installed_frac_basis", pd.Series(None, index=pand.index, dtype=object))
    return pd.Series(np.where(basis.eq("land"), half, 0.0), index=pand.index)


def _roof_owners(store: Store, pand: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the share of each roof that is a corporation's and that is an owners' association's [1]; NaN if unknown.

    The owner's own table comes first. Else a roof is a corporation's for the share of the homes of its buurt that CBS
    says are; what is left is an association's where the pand has more than one home, and the residents' own where not.
    Where CBS says nothing, whose it is is unknown.
    """
    code = pand["buurtcode"] if "buurtcode" in pand.columns else pd.Series(None, index=pand.index, dtype=object)
    share = pd.Series(np.nan, index=pand.index)
    if store.has("buurt"):
        share = code.map(store.read("buurt").set_index("buurtcode")["corporation_pct"].astype(float)) / 100
    many = pand["homes"].astype(float).gt(1)
    owner = pand["pand_id"].map(store.read("own_pand").set_index("pand_id")["owner"]) if store.has("own_pand") else None
    association = many.astype(float)
    if owner is not None:
        share = share.where(owner.isna(), is_corporation(owner).astype(float))
        association = association.where(~owner.str.contains(_ASSOCIATION, case=False, na=False), 1.0)
    return share, association * (1 - share)


def _own(store: Store, pand: pd.DataFrame, this_year: float) -> pd.DataFrame:
    """Return what the owners' own tables hold per pand: homes of a corporation, and planned maintenance by its homes."""
    names = ["corporation_own", "planned", "planned_homes", "own_panden"]
    if not store.has("own_pand"):
        return pd.DataFrame(np.nan, index=pand.index, columns=names)
    own = store.read("own_pand").set_index("pand_id")
    homes, owner = pand["homes"].astype(float), pand["pand_id"].map(own["owner"])
    year = pand["pand_id"].map(own["maintenance_year"]).astype(float) - this_year
    ahead = homes.where(year.ge(0))
    return pd.DataFrame(
        {
            "corporation_own": homes.where(is_corporation(owner), 0.0).where(owner.notna()),
            "planned": ahead * year,
            "planned_homes": ahead,
            "own_panden": owner.notna().astype(float).where(owner.notna()),
        }
    )


def _homes(store: Store, places: gpd.GeoDataFrame, figures: Assumptions) -> pd.DataFrame:
    """Sum over the homes of each place their share of the people of their buurt and of the water of their street."""
    names = [*_PEOPLE, *_WATER, "sewer_saving_year"]
    if not store.has("home"):
        per_home = _people_per_home(store, pd.Series(dtype=float))
        known = per_home.reindex(places["buurtcode"]) if "buurtcode" in places else per_home.reindex(places.index)
        people = known.mul(places["homes"].to_numpy(float), axis=0).set_axis(places.index)
        return people.reindex(columns=names)
    home = store.read("home").reset_index(drop=True)
    per_home = _people_per_home(store, home["buurtcode"].value_counts())
    wide = per_home.reindex(home["buurtcode"]).reset_index(drop=True).join(_water(store, home, figures))
    if store.has("home_score"):  # the people of each home, as on every page
        people = home["home_id"].map(_people(store)).astype(float)
        wide["people_65_plus"] *= people / wide["inhabitants"]
        wide["inhabitants"] = people
    sums = _sums(wide, _place_of_homes(store, home, places), len(places)).set_index(places.index)
    sums["sewer_saving_year"] = sums["dated"] / sums["dated_homes"]
    empty = places["homes"].to_numpy(float) == 0
    sums.loc[empty, [*_PEOPLE, *_WATER]] = sums.loc[empty, [*_PEOPLE, *_WATER]].fillna(0.0)
    return sums[names]


def _people(store: Store) -> pd.Series:
    """Return the people of each home by its id, unknown where only a norm stood in."""
    score = store.read("home_score").set_index("home_id")
    counted: pd.Series = score["people"].where(score["people_basis"] != "norm")
    return counted


def _people_per_home(store: Store, count: pd.Series) -> pd.DataFrame:
    """Return what CBS counts in a buurt per home of it, by buurtcode; its homes are those of the register, else of CBS."""
    if not store.has("buurt"):
        return pd.DataFrame(columns=list(_PEOPLE), dtype=float)
    buurt = store.read("buurt").set_index("buurtcode")
    homes = count.reindex(buurt.index).astype(float)
    homes = homes.where(homes > 0, buurt["homes_stock"].astype(float))
    of = {name: buurt[name].astype(float) for name in ("households", "inhabitants", "age_65_plus_pct")}
    return pd.DataFrame(
        {
            "households": of["households"] / homes,
            "inhabitants": of["inhabitants"] / homes,
            "people_65_plus": of["inhabitants"] / homes * of["age_65_plus_pct"] / 100,
            "corporation_homes": buurt["corporation_pct"].astype(float) / 100,
            "owned_homes": buurt["owner_occupied_pct"].astype(float) / 100,
        }
    )


def _water(store: Store, home: gpd.GeoDataFrame, figures: Assumptions) -> pd.DataFrame:
    """Share the grey water and the sewer savings of each street over its homes.

    Only sewers due within the period save anything in it; of those whose year is unknown the part that is renewed in it.
    """
    names = [*_WATER, "dated", "dated_homes"]
    if not (store.has("street_water") and store.has("home_water")):
        return pd.DataFrame(np.nan, index=home.index, columns=names)
    street = store.read("street_water").set_index("street_id")
    of_home = home["home_id"].map(store.read("home_water").set_index("home_id")["street_id"])
    size = of_home.map(of_home.value_counts())
    period = figures.value("analysis_period", "year")
    year = street["replacement_year"].astype(float).sub(figures.value("reference_year", "year")).clip(lower=0.0)
    renewed = min(figures.value("sewer_renewal_rate", "%/year") / 100 * period, 1.0)
    due = year.le(period).astype(float).where(year.notna(), renewed)
    amounts = {
        "reused_m3_per_year": street["reused_m3_per_year"].astype(float),
        "sewer_saving_eur": street["saving_grey_off_eur"].astype(float) * due,
        "sewer_saving_rain_eur": (street["saving_both_eur"] - street["saving_grey_off_eur"]).clip(lower=0.0) * due,
    }
    out = pd.DataFrame({name: of_home.map(value) / size for name, value in amounts.items()})
    dated = of_home.map(year.where(year.le(period)))
    return out.assign(dated=dated, dated_homes=dated.notna().astype(float).where(dated.notna()))


def _terrain(store: Store, places: gpd.GeoDataFrame) -> pd.DataFrame:
    if not store.has("terrain"):
        return pd.DataFrame(np.nan, index=places.index, columns=["green_m2", "paved_m2"])
    terrain = store.read("terrain")
    grown = terrain["kind"].eq("begroeidterreindeel") & ~terrain["surface"].isin(_FARMED)
    green = terrain[terrain["surface"].eq(_GREEN) | grown]
    paved = terrain[terrain["kind"].isin(("wegdeel", "ondersteunendwegdeel")) & terrain["surface"].isin(_PAVED)]
    return pd.DataFrame({"green_m2": _overlap(green, places), "paved_m2": _overlap(paved, places)}, index=places.index)


def _overlap(parts: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> np.ndarray:
    """Return per place the area of the parts within it [m2]."""
    first, second = parts.sindex.query(places.geometry, predicate="intersects")
    shapes = gpd.GeoSeries(places.geometry.iloc[first].to_numpy(), crs=places.crs)
    cut = shapes.intersection(gpd.GeoSeries(parts.geometry.iloc[second].to_numpy(), crs=places.crs)).area.to_numpy()
    return np.bincount(first, weights=cut, minlength=len(places))


def block_facts(store: Store) -> pd.DataFrame | None:
    """Return the stored facts of blocks in the order of their numbers; None where there are none."""
    if "block_facts" not in schemas.tables() or not store.has("block_facts"):
        return None
    return pd.DataFrame(store.read("block_facts")).sort_values("block_id", ignore_index=True)
