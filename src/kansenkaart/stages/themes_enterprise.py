"""The wijkbedrijf on the map: per buurt and per proposed area what the parties gain, which track fits, how sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kansenkaart.present.mapspec import Layer, Story
from kansenkaart.provenance import Provenance
from kansenkaart.stages.enterprise_words import TRACKS_NL, leading_cases
from kansenkaart.stages.legend import columns_of, view_of
from kansenkaart.stages.themes import Made, theme_of
from kansenkaart.store import Store

_NAMES = ("place_name", "place_id", "homes",
          "enterprise_eur_per_year", "enterprise_eur_per_year_low", "enterprise_eur_per_year_high",
          "earns_keep_frac", "stays_eur_per_year", "household_eur_per_year", "roof_owner_eur_per_year",
          "municipality_eur_per_year", "overhead_eur_per_year", "overhead_carried_eur_per_year", "participation_needed_frac",
          "paid_jobs", "volunteers", "investment_eur", "track", "better_track", "services_nl", "costly_nl", "social_nl",
          "missing_nl", "case_basis")  # fmt: skip
_DECIMALS = {"earns_keep_frac": 2, "participation_needed_frac": 2, "paid_jobs": 1, "volunteers": 1}
_VIEWS = ("enterprise_eur_per_year", "stays_eur_per_year", "earns_keep_frac")


def enterprise_buurten(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show the cases of the buurten."""
    return _theme(store, sources, "buurt", "Wijkbedrijf per buurt")


def enterprise_areas(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show the cases of the proposed areas."""
    return _theme(store, sources, "gebied", "Wijkbedrijf per gebied")


def _theme(store: Store, sources: Sequence[Provenance], kind: str, title: str) -> Made:
    if not store.has("enterprise_case"):
        return None
    cases = store.read("enterprise_case")
    frame = cases[cases["place_kind"] == kind]
    frame = leading_cases(frame).reset_index(drop=True)
    if frame.empty:
        return None
    frame["track"] = frame["track"].map(TRACKS_NL)
    frame["better_track"] = frame["better_track"].map(TRACKS_NL)
    names = [name for name in _NAMES if frame[name].notna().any()]
    labels = {"place_name": kind, "track": "spoor van deze cijfers"}
    columns = tuple(
        replace(one, label=labels.get(one.name, one.label)) for one in columns_of(frame, names, sources, _DECIMALS)
    )
    layer = Layer(f"wijkbedrijf_{kind}", title, "polygon", frame, columns, "place_id",
                  "place_name")  # fmt: skip
    views = [view_of(frame, name) for name in _VIEWS if name in names]
    story = Story(
        "Wat een wijkbedrijf hier per jaar zou overhouden, wat er in de wijk blijft, en hoe groot de kans is dat het uitkomt.",
        "Klik op een plek: welke diensten verdienen, welke kosten geld, welk spoor past beter, en wat ontbreekt. "
        "Het rapport met alle sommen staat in de map haalbaarheid.",
        "Bijna alle prijzen en uren zijn gokken. Een min betekent dat er geld bij moet. Diensten zonder gegevens tellen niet "
        "mee, dus niet als nul. Eigen cijfers van gemeente of corporatie gaan voor.",
        "Betalingen tussen bewoners, wijkbedrijf, eigenaar, gemeente en anderen over twintig jaar, gelijk verdeeld per jaar in "
        "geld van nu; 500 trekkingen van alle aannamen.",
    )
    return layer, theme_of(
        f"wijkbedrijf_{kind}", title, layer, views, story, [name for name in names if name != "place_id"]
    )
