"""The sums of a wijkbedrijf for every buurt, proposed area and best area, on both tracks, with their uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kansenkaart.core.enterprise.case import AreaFacts, Case, Span, case_from, facts_of_row, spans_of, term_rows
from kansenkaart.core.enterprise.linear import OUTCOMES, Units, units_of
from kansenkaart.core.enterprise.package import (
    ServiceResult,
    package_outcomes,
    participation_needed,
    service_results,
)
from kansenkaart.core.enterprise.tracks import compare_tracks
from kansenkaart.core.enterprise.uncertainty import draw, triangular_at
from kansenkaart.core.scoring import is_corporation
from kansenkaart.tables import schemas
from kansenkaart.tables.assumptions import Assumptions, ServiceRows, default_services, with_budgets
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product
from kansenkaart.tables.store import Store
from kansenkaart.wording.enterprise import amounts_nl, basis_nl, missing_nl

TABLES = ("buurt", "buurt_score", "gebied", "best_area", "pand_score", "street_water", "terrain", "home", "own_pand")
FACTS_USED = ("shared_building_homes", "reference_year", "analysis_period")
_KINDS = {"gebied": ("gebied", "gebied_id", "gebied_name"), "best": ("best_area", "best_id", "name")}
_GREEN = "groenvoorziening"
_ASSOCIATION = r"\bvve\b|vereniging van eigenaars|vereniging van eigenaren"
_PAVED = ("open verharding", "gesloten verharding")


def places(store: Store) -> gpd.GeoDataFrame:
    """Return every buurt with homes, every proposed area and every best area: kind, id, name, homes, geometry."""
    parts = []
    if store.has("buurt_score"):
        frame, known = store.read("buurt_score"), store.read("buurt").set_index("buurtcode")
        homes = frame["homes"].astype(float)
        stock = frame["buurtcode"].map(known["homes_stock"]).astype(float)
        parts.append(_places(frame, "buurt", ("buurtcode", "buurtnaam"), homes.where(homes > 0, stock)))
    for kind, (table, key, name) in _KINDS.items():
        if table in schemas.tables() and store.has(table):
            frame = store.read(table)
            parts.append(_places(frame, kind, (key, _name_of(frame, name)), frame["homes"].astype(float)))
    if not parts:
        return gpd.GeoDataFrame(
            {"place_kind": [], "place_id": [], "place_name": [], "homes": []}, geometry=[], crs=28992
        )
    found = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True))
    return found[found["homes"] > 0].reset_index(drop=True)


def _name_of(frame: pd.DataFrame, name: str) -> str:
    return next(one for one in (name, "best_name", frame.columns[0]) if one in frame.columns)


def _places(frame: gpd.GeoDataFrame, kind: str, names: tuple[str, str], homes: pd.Series) -> gpd.GeoDataFrame:
    texts = {"place_kind": kind, "place_id": frame[names[0]].astype(str), "place_name": frame[names[1]].astype(str)}
    return gpd.GeoDataFrame({**texts, "homes": homes}, geometry=frame.geometry, crs=frame.crs)


def facts_of(store: Store, found: gpd.GeoDataFrame, known: Assumptions) -> pd.DataFrame:
    """Return the facts of each place as columns named like the fields of ``AreaFacts``; NaN where unknown.

    Beside them stand ``renovation_year`` [year from now] and ``own_panden``, the panden told by their owners [1].
    """
    facts = pd.DataFrame({"homes": found["homes"].astype(float)})
    facts = facts.join(_panden(store, found, known))
    facts = facts.join(_people(store, found))
    facts = facts.join(_terrain(store, found))
    facts = facts.join(_water(store, found, known))
    facts["corporation_homes"] = facts["corporation_own"].fillna(facts["corporation_homes"])
    footprint = facts.pop("footprint_area_m2")
    facts["paved_connected_m2"] = facts.pop("paved_m2") + footprint
    return facts


def _members(points: gpd.GeoDataFrame, found: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return which point lies in which place, as pairs of row numbers; buurten by their code where it is known."""
    shapes = gpd.GeoDataFrame({"place": np.arange(len(found))}, geometry=found.geometry, crs=found.crs)
    spots = gpd.GeoDataFrame({"row": np.arange(len(points))}, geometry=points.representative_point(), crs=points.crs)
    inside = gpd.sjoin(spots, shapes, predicate="within")[["row", "place"]]
    if "buurtcode" not in points.columns:
        return pd.DataFrame(inside).sort_values(["place", "row"], ignore_index=True)
    is_buurt = found["place_kind"].eq("buurt")
    inside = inside[~is_buurt.to_numpy()[inside["place"]]]
    number = pd.Series(np.flatnonzero(is_buurt), index=found.loc[is_buurt, "place_id"])
    coded = points["buurtcode"].map(number)
    by_code = pd.DataFrame({"row": np.flatnonzero(coded.notna()), "place": coded.dropna().astype(int).to_numpy()})
    both: pd.DataFrame = pd.concat([inside, by_code]).sort_values(["place", "row"], ignore_index=True)
    return both


def _sums(frame: pd.DataFrame, pairs: pd.DataFrame, places_count: int) -> pd.DataFrame:
    """Sum columns over the members of each place; a place whose members are all unknown stays unknown."""
    rows = frame.iloc[pairs["row"]].set_axis(pd.Index(pairs["place"].to_numpy(), name="place"))
    return pd.DataFrame(rows.groupby(level=0).sum(min_count=1).reindex(range(places_count)))


def _panden(store: Store, found: gpd.GeoDataFrame, known: Assumptions) -> pd.DataFrame:
    names = [
        "footprint_area_m2",
        "roof_area_m2",
        "gallery_flats",
        "pv_kwp_economic",
        "pv_kwh_per_year",
        "own_use_frac",
        "pv_association_frac",
        "pv_corporation_frac",
        "corporation_own",
        "renovation_year",
        "own_panden",
    ]
    if not store.has("pand_score"):
        return pd.DataFrame(np.nan, index=found.index, columns=names)
    pand = store.read("pand_score")
    homes = pand["homes"].astype(float)
    shared = homes >= known.value("shared_building_homes", "home/pand")
    wide = pd.DataFrame(
        {
            "footprint_area_m2": pand["footprint_area_m2"],
            "roof_area_m2": pand["roof_area_m2"],
            "gallery_flats": homes.where(shared, homes * 0),
            "pv_kwp_economic": _maybe(pand, "kwp_pay"),
            "pv_kwh_per_year": _maybe(pand, "yield_pay_kwh_per_year"),
        }
    )
    wide["own_kwh"] = wide["pv_kwh_per_year"] * _maybe(pand, "own_use_pay_frac").where(wide["pv_kwh_per_year"] > 0, 0.0)
    wide = wide.join(_own(store, pand, known.value("reference_year", "year")))
    corporation, association = _roof_owners(store, pand)
    kwp = wide["pv_kwp_economic"]
    wide = wide.assign(
        corporation_kwp=kwp * corporation,
        association_kwp=kwp * association,
        told_kwp=kwp.where(corporation.notna() | kwp.eq(0)),
    )
    sums = _sums(wide, _members(pand, found), len(found))
    sums["own_use_frac"] = sums["own_kwh"] / sums["pv_kwh_per_year"].where(sums["pv_kwh_per_year"] > 0)
    # A place with panels on roofs that might be a corporation's keeps that share unknown: a part would count as nothing.
    whole = sums["pv_kwp_economic"]
    told = whole.where(np.isclose(sums["told_kwp"], whole))
    for roofs, base in (("association", whole), ("corporation", told)):
        sums[f"pv_{roofs}_frac"] = (sums[f"{roofs}_kwp"] / base.where(base > 0)).where(~base.eq(0), 0.0)
    sums["renovation_year"] = sums["planned"] / sums["planned_homes"].where(sums["planned_homes"] > 0)
    return pd.DataFrame(sums[names])


def _maybe(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name].astype(float) if name in frame.columns else pd.Series(np.nan, index=frame.index)


def _roof_owners(store: Store, pand: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the share of each roof that is a corporation's (NaN if unknown) and that is an owners' association's [1].

    The owner's own table comes first. Else a roof is a corporation's for the share of the homes of its buurt that CBS
    says are; what is left is an association's where the pand has more than one home, and the residents' own where not.
    Where CBS says nothing, all of it is what is left.
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
    return share, association * (1 - share.fillna(0.0))


def _own(store: Store, pand: pd.DataFrame, this_year: float) -> pd.DataFrame:
    """Return what the owners' own tables tell per pand: homes of a corporation, and planned maintenance by its homes."""
    names = ["corporation_own", "planned", "planned_homes", "own_panden"]
    if not store.has("own_pand"):
        return pd.DataFrame(np.nan, index=pand.index, columns=names)
    told = store.read("own_pand").set_index("pand_id")
    homes, owner = pand["homes"].astype(float), pand["pand_id"].map(told["owner"])
    year = pand["pand_id"].map(told["maintenance_year"]).astype(float) - this_year
    corporation = is_corporation(owner)
    ahead = homes.where(year.ge(0))
    return pd.DataFrame(
        {
            "corporation_own": homes.where(corporation, 0.0).where(owner.notna()),
            "planned": ahead * year,
            "planned_homes": ahead,
            "own_panden": owner.notna().astype(float).where(owner.notna()),
        }
    )


def _people(store: Store, found: gpd.GeoDataFrame) -> pd.DataFrame:
    """Share the people of each buurt over its homes: a place has those of its own homes."""
    wanted = ["households", "inhabitants", "people_65_plus", "corporation_homes", "owned_homes"]
    if not store.has("buurt"):
        return pd.DataFrame(np.nan, index=found.index, columns=wanted)
    buurt = store.read("buurt").set_index("buurtcode")
    homes, count = _homes_by_buurt(store, found)
    of = {
        name: buurt[name].astype(float).reindex(homes.columns)
        for name in ("households", "inhabitants", "age_65_plus_pct", "corporation_pct", "owner_occupied_pct")
    }
    total = count.reindex(homes.columns)
    per_home = pd.DataFrame(
        {
            "households": of["households"] / total,
            "inhabitants": of["inhabitants"] / total,
            "people_65_plus": of["inhabitants"] / total * of["age_65_plus_pct"] / 100,
            "corporation_homes": of["corporation_pct"] / 100,
            "owned_homes": of["owner_occupied_pct"] / 100,
        }
    )
    known = per_home.notna()
    sums = homes.to_numpy() @ per_home.fillna(0.0).to_numpy()
    missing = homes.to_numpy() @ (~known).to_numpy().astype(float)
    return pd.DataFrame(np.where(missing > 0, np.nan, sums), index=found.index, columns=wanted)


def _homes_by_buurt(store: Store, found: gpd.GeoDataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return the homes of each place by buurt, and of each buurt in all."""
    buurten = found[found["place_kind"] == "buurt"].set_index("place_id")["homes"]
    table = pd.DataFrame(0.0, index=found.index, columns=buurten.index)
    for number, row in found[found["place_kind"] == "buurt"].iterrows():
        table.loc[number, row["place_id"]] = row["homes"]
    others = found[found["place_kind"] != "buurt"]
    if len(others) and store.has("home"):
        home = store.read("home")
        pairs = _members(home, others.reset_index(drop=True))
        codes = home["buurtcode"].iloc[pairs["row"]].to_numpy()
        counts = pd.crosstab(pairs["place"], codes).reindex(range(len(others)), fill_value=0)
        counts = counts.reindex(columns=buurten.index, fill_value=0)
        table.loc[others.index] = counts.to_numpy(float)
        seen = table.loc[others.index].sum(axis=1).to_numpy()
        scale = np.divide(others["homes"].to_numpy(float), seen, out=np.full(len(others), np.nan), where=seen > 0)
        table.loc[others.index] = table.loc[others.index].to_numpy() * scale[:, None]
    return table, buurten


def _terrain(store: Store, found: gpd.GeoDataFrame) -> pd.DataFrame:
    if not store.has("terrain"):
        return pd.DataFrame(np.nan, index=found.index, columns=["green_m2", "paved_m2"])
    terrain = store.read("terrain")
    green = terrain[terrain["surface"].eq(_GREEN) | terrain["kind"].eq("begroeidterreindeel")]
    paved = terrain[terrain["kind"].isin(("wegdeel", "ondersteunendwegdeel")) & terrain["surface"].isin(_PAVED)]
    return pd.DataFrame({"green_m2": _overlap(green, found), "paved_m2": _overlap(paved, found)}, index=found.index)


def _overlap(parts: gpd.GeoDataFrame, found: gpd.GeoDataFrame, weight: pd.Series | None = None) -> np.ndarray:
    """Return per place the area [m2] of the parts within it, or a value of each part shared by area."""
    first, second = parts.sindex.query(found.geometry, predicate="intersects")
    shapes = gpd.GeoSeries(found.geometry.iloc[first].to_numpy(), crs=found.crs)
    cut = shapes.intersection(gpd.GeoSeries(parts.geometry.iloc[second].to_numpy(), crs=found.crs)).area.to_numpy()
    if weight is not None:
        whole = parts.geometry.area.to_numpy()[second]
        cut = np.divide(cut, whole, out=np.zeros_like(cut), where=whole > 0) * weight.to_numpy(float)[second]
    return np.bincount(first, weights=cut, minlength=len(found))


def _water(store: Store, found: gpd.GeoDataFrame, known: Assumptions) -> pd.DataFrame:
    """Share each street's grey water and sewer savings over the places by the area of the street in each.

    Only sewers due within the period save anything in it; their year is the mean, weighted by what they save.
    """
    names = ["grey_water_m3_per_year", "sewer_saving_eur", "sewer_saving_rain_eur", "sewer_saving_year"]
    if not store.has("street_water"):
        return pd.DataFrame(np.nan, index=found.index, columns=names)
    street = store.read("street_water")
    year = street["replacement_year"].astype(float).sub(known.value("reference_year", "year")).clip(lower=0.0)
    due = year.le(known.value("analysis_period", "year"))
    grey = street["saving_grey_off_eur"].where(due | year.isna(), 0.0)
    rain = (street["saving_both_eur"] - street["saving_grey_off_eur"]).clip(lower=0.0).where(due | year.isna(), 0.0)
    out = {
        "grey_water_m3_per_year": _shared(street, found, street["reused_m3_per_year"]),
        "sewer_saving_eur": _shared(street, found, grey),
        "sewer_saving_rain_eur": _shared(street, found, rain),
    }
    weight = (street["homes"] + grey.fillna(0.0) + rain.fillna(0.0)).where(due, 0.0)
    total, dated = _overlap(street, found, weight), _overlap(street, found, weight * year.fillna(0.0))
    any_year = _overlap(street, found, year.notna().astype(float)) > 0
    mean = np.divide(dated, total, out=np.zeros(len(found)), where=total > 0)
    out["sewer_saving_year"] = np.where(any_year, mean, np.nan)
    return pd.DataFrame(out, index=found.index)[names]


def _shared(street: gpd.GeoDataFrame, found: gpd.GeoDataFrame, value: pd.Series) -> np.ndarray:
    known = value.notna()
    seen = _overlap(street, found, known.astype(float))
    return np.where(seen > 0, _overlap(street, found, value.fillna(0.0)), np.nan)


INPUTS = (*TABLES, "own_budget")
OUTPUTS = ("enterprise_case", "enterprise_facts")
TRACKS = ("short", "long")
USED = (
    *FACTS_USED,
    "own_use_range",
    *sorted({row for track in TRACKS for row, _, _ in term_rows(track).values()}),
)
DRAWS, SEED = 500, 20
_POINTS = (None, 0.5, 1.0)
_SHARE = "terms.participation_frac"
_LOW, _HIGH = 0.1, 0.9
SHOWN = {
    "household": "household_eur_per_year",
    "enterprise": "enterprise_eur_per_year",
    "roof_owner": "roof_owner_eur_per_year",
    "municipality": "municipality_eur_per_year",
}
Array = NDArray[np.float64]
Facts = Mapping[str, Array]


@dataclass(frozen=True)
class Setting:
    """What holds for all places of a study on one track."""

    case: Case
    known: Assumptions
    services: tuple[ServiceRows, ...]
    track: str


def ready(store: Store) -> bool:
    """Tell whether there is any place with homes to sum for."""
    return any(name in schemas.tables() and store.has(name) for name in ("buurt_score", "gebied", "best_area"))


def services_of(store: Store, facts: pd.DataFrame) -> tuple[ServiceRows, ...]:
    """Return the services of a study; present budgets of the municipality take the place of estimates.

    Parameters
    ----------
    store : Store
        For the budgets that it may hold.
    facts : DataFrame
        Facts by place, with ``place_kind``: a budget is for all buurten together.
    """
    if not store.has("own_budget"):
        return default_services()
    rows = store.read("own_budget").dropna(subset="budget_eur_per_year")
    budget = dict(zip(rows["service"], rows["budget_eur_per_year"], strict=True))
    buurten = facts[facts["place_kind"].eq("buurt")]
    units = {name: float(buurten[name].sum(skipna=False)) for name in AreaFacts().__dict__}
    return with_budgets(default_services(), budget, units)


def score_cases(store: Store, known: Assumptions) -> Sequence[Product]:
    """Make the tables ``enterprise_case``, a row per place and track, and ``enterprise_facts``, a row per place."""
    found = places(store)
    facts = pd.DataFrame(found[["place_kind", "place_id"]]).join(facts_of(store, found, known))
    services = services_of(store, facts)
    rows = []
    for track in TRACKS:
        case = case_from(AreaFacts(), assumptions=known, services=services, track=track)
        rows += _track_rows(Setting(case, known, services, track), facts, found)
    noted = {f"{kind} met een zaak": int(n) for kind, n in found["place_kind"].value_counts(sort=False).items()}
    columns = [name for name in schemas.get("enterprise_case").columns if name != "geometry"]
    frame = pd.DataFrame(rows, columns=columns)
    geometry = gpd.GeoSeries(pd.concat([found.geometry] * len(TRACKS), ignore_index=True), crs=found.crs)
    return [
        Product(
            "enterprise_case", gpd.GeoDataFrame(frame, geometry=geometry), Tally(len(found), len(found), noted=noted)
        ),
        Product("enterprise_facts", facts.reindex(columns=list(schemas.get("enterprise_facts").columns))),
    ]


def _track_rows(setting: Setting, facts: pd.DataFrame, found: gpd.GeoDataFrame) -> list[dict[str, object]]:
    given, units, track = as_inputs(facts), _units(setting), setting.track
    middle, half, full = (units.part(at, at + 1) for at in range(DRAWS, DRAWS + len(_POINTS)))
    results = service_results(middle, given)
    chosen = {one.name: one.earns for one in results}
    at = {
        name: package_outcomes(one, given, chosen)[:, :, 0]
        for name, one in {"middle": middle, "half": half, "full": full}.items()
    }
    drawn = package_outcomes(units.part(0, DRAWS), _moved(given, setting.known), chosen)
    columns = _money(at["middle"], drawn) | _work(setting.case, at["middle"])
    firm = OUTCOMES.index("enterprise")
    columns["participation_needed_frac"] = participation_needed(at["half"][firm], at["full"][firm])
    rows = []
    for number, place in enumerate(found.itertuples()):
        rows.append(
            {
                "case_id": f"{place.place_kind}:{place.place_id}:{track}",
                "place_kind": place.place_kind,
                "place_id": place.place_id,
                "place_name": place.place_name,
                "track": track,
                "homes": round(place.homes),
            }
            | {name: float(values[number]) for name, values in columns.items()}
            | _words(results, number, track, facts.iloc[number])
        )
    return rows


def as_inputs(facts: pd.DataFrame) -> dict[str, Array]:
    """Return the facts of a case by name, one value per place."""
    names = AreaFacts().__dict__
    return {name: facts[name].to_numpy(float) if name in facts else np.full(len(facts), np.nan) for name in names}


def _units(setting: Setting) -> Units:
    """Return the units of all draws, and after them those of the middle values at the participations of ``_POINTS``."""
    spans = spans_of(setting.case, assumptions=setting.known, services=setting.services, track=setting.track)
    free = {path: span for path, span in spans.items() if not path.startswith("facts.")}
    drawn, middle = draw(setting.case, free, draws=DRAWS, seed=SEED), setting.case.inputs()
    drawn.setdefault(_SHARE, np.full(DRAWS, middle[_SHARE]))
    trial = {path: np.append(values, np.full(len(_POINTS), middle[path])) for path, values in drawn.items()}
    trial[_SHARE][DRAWS:] = [middle[_SHARE] if one is None else one for one in _POINTS]
    return units_of(setting.case, trial)


def _moved(given: Facts, known: Assumptions) -> Facts:
    """Return the facts with the own use of power moved in each draw; it moves in all places together."""
    half = known.value("own_use_range", "1")
    at = np.random.default_rng([SEED, *b"facts.own_use_frac"]).random(DRAWS)
    moved = given["own_use_frac"][:, None] + triangular_at(at, Span(-half, half), middle=0.0)
    return dict(given) | {"own_use_frac": np.clip(moved, 0.0, 1.0)}


def _money(middle: Array, drawn: Array) -> dict[str, Array]:
    out: dict[str, Array] = {}
    for name, column in SHOWN.items():
        at = OUTCOMES.index(name)
        out |= _interval(column, middle[at], drawn[at])
    home, firm = OUTCOMES.index("household"), OUTCOMES.index("enterprise")
    out |= _interval("stays_eur_per_year", middle[home] + middle[firm], drawn[home] + drawn[firm])
    return out | {"earns_keep_frac": (drawn[firm] >= 0).mean(axis=1)}


def _interval(name: str, middle: Array, drawn: Array) -> dict[str, Array]:
    low, high = np.quantile(drawn, [_LOW, _HIGH], axis=1)
    # The chosen value may lie outside the interval where bounds are lopsided: then the interval stretches to hold it.
    return {name: middle, f"{name}_low": np.minimum(low, middle), f"{name}_high": np.maximum(high, middle)}


def _work(case: Case, middle: Array) -> dict[str, Array]:
    at = {name: middle[OUTCOMES.index(name)] for name in OUTCOMES}
    return {
        "paid_jobs": at["paid"] / case.terms.hours_per_job,
        "volunteers": at["volunteer"] / case.terms.volunteer_hours_per_year,
        "investment_eur": at["investment"],
        "overhead_eur_per_year": at["overhead"],
        "overhead_carried_eur_per_year": at["enterprise"] + at["overhead"],
    }


def _words(results: Sequence[ServiceResult], number: int, track: str, facts: pd.Series) -> dict[str, str | None]:
    given = facts_of_row(facts.to_dict())
    tracks = compare_tracks(given, renovation_year=float(facts["renovation_year"]), members=np.nan)
    mine = tracks.short if track == "short" else tracks.long
    known = [name for name, value in given.__dict__.items() if not np.isnan(value)]
    left_out = [(one.name, one.drivers[0]) for one in results if not one.known[number]]
    return {
        "better_track": tracks.better,
        "missing_nl": missing_nl(mine.missing, mine.unknown, left_out),
        "case_basis": basis_nl(len(known), len(given.__dict__), float(facts["own_panden"])),
        **_services(results, number),
    }


def _services(results: Sequence[ServiceResult], number: int) -> dict[str, str | None]:
    """Return which services earn, which cost, and on which only others gain, with euros a year."""
    earn = sorted((one for one in results if one.earns[number]), key=lambda one: (-one.enterprise[number], one.name))
    cost = sorted(
        (one for one in results if one.known[number] and not one.earns[number]),
        key=lambda one: (one.enterprise[number], one.name),
    )
    return {
        "services_nl": amounts_nl((one.name, one.enterprise[number]) for one in earn),
        "costly_nl": amounts_nl((one.name, one.enterprise[number]) for one in cost),
        "social_nl": amounts_nl(((one.name, one.local[number]) for one in cost if one.social[number]), "buurt "),
    }
