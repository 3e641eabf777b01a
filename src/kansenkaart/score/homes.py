"""The table of homes: people, grey water and street of each, once; streets, buurten and areas are sums of its rows."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd

from kansenkaart.core import scoring
from kansenkaart.tables import schemas
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.provenance import Tally
from kansenkaart.tables.step import Product
from kansenkaart.tables.store import Store

INPUTS = ("home", "buurt", "street_line")
USED = ("street_reach", "water_use_shower", "water_use_bath", "water_use_wash_basin", "household_size_design")
OUTPUTS = ("home_score", "street_score")
#: What a home brings to every sum over homes.
AMOUNTS = ("people", "grey_water_m3_per_year")


def score_homes(store: Store, figures: Assumptions) -> Sequence[Product]:
    """Make the table of homes, and the sums of each named street.

    Parameters
    ----------
    store : Store
        With ``home``; ``buurt`` and ``street_line`` where they are.
    known : Assumptions
        Household size [person/home], uses of water [l/person/day] and reach of a street [m].

    Returns
    -------
    sequence of Product
        ``home_score`` with every home, ``street_score`` with every street that has homes.
    """
    homes = _homes(store, figures)
    lost = int(homes["street"].isna().sum())
    noted = {f"toegewezen door {how}": int(n) for how, n in homes["assigned_by"].value_counts().items()}
    noted |= {f"bewoners volgens {how}": int(n) for how, n in homes["people_basis"].value_counts().items()}
    placed = Tally(len(homes), len(homes) - lost, {"geen straat bekend en geen in de buurt": lost})
    return [
        Product("home_score", homes, Tally(len(homes), len(homes), noted=noted)),
        Product("street_score", scoring.sum_streets(homes), placed),
    ]


def _homes(store: Store, figures: Assumptions) -> gpd.GeoDataFrame:
    home = store.read("home")
    buurt, lines = (store.read(name) if store.has(name) else None for name in ("buurt", "street_line"))
    if lines is not None:
        lines = lines[lines["street_name"].notna()].rename(columns={"street_name": "street"})
    out = scoring.name_streets(home, lines=lines, reach_m=figures.value("street_reach", "m"))
    out["street_key"] = scoring.key_streets(out)
    size = figures.value("household_size_design", "person/home")
    litres = sum(figures.value(f"water_use_{use}", "l/person/day") for use in ("shower", "bath", "wash_basin"))
    peopled = scoring.add_people(out, buurt=buurt, household_size_design=size)
    full = scoring.add_grey_water(peopled, litres_per_person_day=litres)
    return gpd.GeoDataFrame(full[list(schemas.get("home_score").columns)], geometry="geometry", crs=home.crs)
