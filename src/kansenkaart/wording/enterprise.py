"""The words of a wijkbedrijf's case for readers: services, tracks, what is missing, what it rests on."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kansenkaart.core.enterprise.case import UNKNOWN, AreaFacts
from kansenkaart.core.enterprise.package import ServiceResult
from kansenkaart.core.enterprise.tracks import Comparison, compare_tracks

SERVICES_NL = {
    "solar_rent_own": "zonnepanelen verhuren (eigen daken)",
    "solar_rent_association": "zonnepanelen verhuren (daken van VvE's)",
    "solar_rent_corporation": "zonnepanelen verhuren (daken van corporaties)",
    "green_maintenance": "groen onderhouden",
    "home_cleaning": "trappen en galerijen schoonmaken",
    "small_maintenance": "klein onderhoud aan woningen",
    "waste": "zwerfvuil en containerplekken",
    "energy_coach": "energiecoach",
    "collective_heat": "warmte samen",
    "collective_purchase": "samen inkopen",
    "health_insurance": "samen verzekeren (zorg)",
    "transport_and_care": "vervoer en bezoek voor ouderen",
    "food_growing": "groente telen",
    "grey_water": "grijswater hergebruiken",
    "rain_decoupling": "regenwater afkoppelen",
}
FACTS_NL = {
    "homes": "woningen",
    "households": "huishoudens",
    "inhabitants": "inwoners",
    "people_65_plus": "inwoners van 65 jaar en ouder",
    "gallery_flats": "woningen in grote gebouwen",
    "corporation_homes": "corporatiewoningen",
    "owned_homes": "koopwoningen",
    "green_m2": "openbaar groen",
    "paved_connected_m2": "verharding en daken op het riool",
    "roof_area_m2": "dakoppervlak",
    "pv_kwp_economic": "panelen die de moeite waard zijn",
    "pv_kwh_per_year": "opbrengst daarvan",
    "own_use_frac": "eigen gebruik",
    "pv_association_frac": "panelen op daken van VvE's",
    "pv_corporation_frac": "panelen op daken van corporaties",
    "grey_water_m3_per_year": "grijswater",
    "sewer_saving_eur": "besparing op het riool (grijswater)",
    "sewer_saving_rain_eur": "extra besparing op het riool (regenwater)",
    "sewer_saving_year": "jaar waarin het riool aan de beurt is",
}
FACT_UNITS = {
    "green_m2": "m²",
    "paved_connected_m2": "m²",
    "roof_area_m2": "m²",
    "pv_kwp_economic": "kWp",
    "pv_kwh_per_year": "kWh per jaar",
    "own_use_frac": "van de stroom",
    "pv_association_frac": "van de panelen",
    "pv_corporation_frac": "van de panelen",
    "grey_water_m3_per_year": "m³ per jaar",
    "sewer_saving_eur": "euro",
    "sewer_saving_rain_eur": "euro",
    "sewer_saving_year": "jaar vanaf nu",
}
_NEEDS_NL = {
    **dict.fromkeys(("solar_rent_own", "solar_rent_association"), "daken en stroomgebruik"),
    "solar_rent_corporation": "welke daken van een corporatie zijn",
    "green_maintenance": "openbaar groen (BGT)",
    "home_cleaning": "gebouwen met woningen (BAG)",
    "small_maintenance": "corporatiewoningen",
    "transport_and_care": "inwoners van 65 jaar en ouder",
    "collective_heat": "gebouwen met woningen (BAG)",
    "collective_purchase": "huishoudens",
    "health_insurance": "huishoudens",
    "grey_water": "grijswater",
    "rain_decoupling": "verharding (BGT)",
}
CONDITIONS_NL = {
    "large_owner": "een eigenaar met de meeste woningen",
    "renovation_due": "groot onderhoud binnen vijf jaar",
    "shared_galleries": "veel woningen in grote gebouwen",
    "many_owners": "veel eigenaren",
    "sewer_replacement_ahead": "een riool dat binnen vijftien jaar aan de beurt is",
    "members": "genoeg leden voor een coöperatie",
    "roofs_for_panels": "daken voor zonnepanelen",
}
TRACKS_NL = {"short": "kort spoor", "long": "lang spoor", "equal": "beide even goed", "unknown": "niet te zeggen"}

BEGUN_NL = {
    "short": "begonnen door één grote eigenaar en de gemeente",
    "long": "begonnen door een coöperatie van bewoners",
}


def leading_cases(cases: pd.DataFrame) -> pd.DataFrame:
    """Keep of every place the case to show: of the track that fits better, or of the one that leaves the enterprise more.

    Parameters
    ----------
    cases : pandas.DataFrame
        Rows of ``enterprise_case``; the second rule holds where it cannot be told which track fits.

    Returns
    -------
    pandas.DataFrame
        One row per place, in the order of the rows given.
    """
    order = cases.assign(fits=cases["track"].astype(str) == cases["better_track"].astype(str))
    order = order.sort_values(["fits", "enterprise_eur_per_year", "track"], ascending=False, na_position="last")
    first = order.drop_duplicates(["place_kind", "place_id"]).index
    return cases[cases.index.isin(first)]


def euros(value: float) -> str:
    """Write a sum of money as a Dutch reader would, on tens [EUR]."""
    rounded = round(value / 10) * 10
    sign = "-" if rounded < 0 else ""
    return f"{sign}€ {abs(rounded):,.0f}".replace(",", ".")


def compare(facts: pd.Series) -> Comparison:
    """Return how well both tracks fit one place, from its facts."""
    given = {name: float(facts[name]) for name in AreaFacts().__dict__ if name in facts.index}
    renovation = float(facts.get("renovation_year", UNKNOWN))
    return compare_tracks(AreaFacts(**given), renovation_year=renovation, members=UNKNOWN)


def results_nl(results: Sequence[ServiceResult], number: int) -> dict[str, str | None]:
    """Say which services earn, which cost, and on which only others gain, with euros a year."""
    earn = sorted((one for one in results if one.earns[number]), key=lambda one: (-one.enterprise[number], one.name))
    cost = sorted(
        (one for one in results if one.known[number] and not one.earns[number]),
        key=lambda one: (one.enterprise[number], one.name),
    )
    social = [one for one in cost if one.social[number]]
    told = {
        "services_nl": [f"{SERVICES_NL[one.name]} ({euros(one.enterprise[number])})" for one in earn],
        "costly_nl": [f"{SERVICES_NL[one.name]} ({euros(one.enterprise[number])})" for one in cost],
        "social_nl": [f"{SERVICES_NL[one.name]} (buurt {euros(one.local[number])})" for one in social],
    }
    return {name: "; ".join(words) or None for name, words in told.items()}


def missing_nl(results: Sequence[ServiceResult], number: int, tracks: Comparison, track: str) -> str | None:
    """Say which services could not be summed, and which conditions of the track are missed or unknown."""
    lost = [
        f"{SERVICES_NL[one.name]} (onbekend: {_NEEDS_NL.get(one.name, 'gegevens')})"
        for one in results
        if not one.known[number]
    ]
    mine = tracks.short if track == "short" else tracks.long
    words = [f"ontbreekt: {CONDITIONS_NL[name]}" for name in mine.missing]
    words += [f"onbekend: {CONDITIONS_NL[name]}" for name in mine.unknown]
    return "; ".join([*words, *(f"niet meegerekend: {one}" for one in lost)]) or None


def basis_nl(facts: pd.Series) -> str:
    """Say what the case rests on: open data, own data, and how many facts are unknown."""
    names = [name for name in AreaFacts().__dict__ if name in facts.index]
    unknown = [name for name in names if pd.isna(facts[name])]
    panden = facts.get("own_panden", UNKNOWN)
    own = "" if pd.isna(panden) else f"; eigenaar van {panden:.0f} panden volgens eigen gegevens"
    return f"{len(names) - len(unknown)} van {len(names)} feiten bekend{own}"
