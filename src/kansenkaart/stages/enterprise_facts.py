"""What the tables know of each buurt, proposed area and best area: the facts that a wijkbedrijf's sums rest on.

A table or value that is absent leaves its facts unknown, and so the services that hang on them out; nothing becomes 0.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart import schemas
from kansenkaart.assumptions import Assumptions
from kansenkaart.stages.own import is_corporation
from kansenkaart.store import Store

TABLES = ("buurt", "buurt_score", "gebied", "best_area", "pand_score", "street_water", "terrain", "home", "own_pand")
USED = ("shared_building_homes", "reference_year", "analysis_period")
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
    names = ["footprint_area_m2", "roof_area_m2", "gallery_flats", "pv_kwp_economic", "pv_kwh_per_year", "own_use_frac",
             "pv_association_frac", "pv_corporation_frac", "corporation_own", "renovation_year", "own_panden"]  # fmt: skip
    if not store.has("pand_score"):
        return pd.DataFrame(np.nan, index=found.index, columns=names)
    pand = store.read("pand_score")
    homes = pand["homes"].astype(float)
    shared = homes >= known.value("shared_building_homes", "home/pand")
    wide = pd.DataFrame({
        "footprint_area_m2": pand["footprint_area_m2"], "roof_area_m2": pand["roof_area_m2"],
        "gallery_flats": homes.where(shared, homes * 0), "pv_kwp_economic": _maybe(pand, "kwp_pay"),
        "pv_kwh_per_year": _maybe(pand, "yield_pay_kwh_per_year"),
    })  # fmt: skip
    wide["own_kwh"] = wide["pv_kwh_per_year"] * _maybe(pand, "own_use_pay_frac").where(wide["pv_kwh_per_year"] > 0, 0.0)
    wide = wide.join(_own(store, pand, known.value("reference_year", "year")))
    corporation, association = _roof_owners(store, pand)
    kwp = wide["pv_kwp_economic"]
    wide = wide.assign(corporation_kwp=kwp * corporation, association_kwp=kwp * association,
                       told_kwp=kwp.where(corporation.notna() | kwp.eq(0)))  # fmt: skip
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
    return pd.DataFrame({"corporation_own": homes.where(corporation, 0.0).where(owner.notna()), "planned": ahead * year,
                         "planned_homes": ahead, "own_panden": owner.notna().astype(float).where(owner.notna())})  # fmt: skip


def _people(store: Store, found: gpd.GeoDataFrame) -> pd.DataFrame:
    """Share the people of each buurt over its homes: a place has those of its own homes."""
    wanted = ["households", "inhabitants", "people_65_plus", "corporation_homes", "owned_homes"]
    if not store.has("buurt"):
        return pd.DataFrame(np.nan, index=found.index, columns=wanted)
    buurt = store.read("buurt").set_index("buurtcode")
    homes, count = _homes_by_buurt(store, found)
    of = {name: buurt[name].astype(float).reindex(homes.columns) for name in
          ("households", "inhabitants", "age_65_plus_pct", "corporation_pct", "owner_occupied_pct")}  # fmt: skip
    total = count.reindex(homes.columns)
    per_home = pd.DataFrame({
        "households": of["households"] / total, "inhabitants": of["inhabitants"] / total,
        "people_65_plus": of["inhabitants"] / total * of["age_65_plus_pct"] / 100,
        "corporation_homes": of["corporation_pct"] / 100, "owned_homes": of["owner_occupied_pct"] / 100,
    })  # fmt: skip
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
    out = {"grey_water_m3_per_year": _shared(street, found, street["reused_m3_per_year"]),
           "sewer_saving_eur": _shared(street, found, grey), "sewer_saving_rain_eur": _shared(street, found, rain)}  # fmt: skip
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
