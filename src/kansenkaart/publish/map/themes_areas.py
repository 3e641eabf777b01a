"""The areas on the map: proposed areas of about 330 homes, and the tool to choose blocks oneself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import geopandas as gpd
import pandas as pd

from kansenkaart.config import Areas
from kansenkaart.present.mapspec import AreaTool, BorderKind, Column, Criterion, Layer, ProposedArea, Story, View
from kansenkaart.present.style import LegendClass, ramp_classes
from kansenkaart.publish.map.legend import CALCULATED, columns_of, view_of
from kansenkaart.publish.map.themes import Made, theme_of
from kansenkaart.tables.provenance import Provenance
from kansenkaart.tables.store import Store
from kansenkaart.wording.enterprise import label, leading_cases
from kansenkaart.wording.names import block_names

_KINDS = (
    ("garden", "achterkanten of tuinen", "Hier loopt geen straat: niemand noemt dit een rand.", 2.0),
    ("local", "gewone straat of pad", "Een gewone straat scheidt weinig.", 1.0),
    ("collector", "wijkstraat", "Een drukkere straat is voor bewoners vaak de rand.", 0.5),
    ("main", "hoofdweg", "Een hoofdweg is een rand die iedereen kent.", 0.2),
    ("rail", "spoor", "Het spoor is alleen bij een overgang over te steken.", 0.05),
    ("water", "water", "Water is alleen bij een brug over te steken.", 0.05),
)
_TOTALS = ("people", "grey_water_m3_per_year", "sun_kwh_per_year", "yield_fit_kwh_per_year", "value_eur_per_year")
# What the panel shows of an area, apart from its name, size and border.
_HELD = (
    "value_eur_per_year",
    "sun_eur_per_year",
    "water_eur_per_year",
    "yield_fit_kwh_per_year",
    "yield_pay_kwh_per_year",
    "kwp_pay",
    "value_known_frac",
    "people",
    "grey_water_m3_per_year",
    "sun_kwh_per_year",
    "ground_homes",
    "stacked_homes",
    "corporation_frac",
)
_DECIMALS = {
    "main_buurt_frac": 2,
    "value_known_frac": 2,
    "corporation_frac": 2,
    "known_border_frac": 2,
    "sure_frac": 2,
    "bound_gap_frac": 3,
}
_COLORS = {
    "garden": "#be185d",
    "local": "#c2410c",
    "collector": "#b45309",
    "main": "#1d4ed8",
    "rail": "#111827",
    "water": "#0e7490",
    "outer": "#3f6212",
}


def areas(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show the proposed areas."""
    if not store.has("gebied") or (frame := store.read("gebied")).empty:
        return None
    names = ["gebied_name", "gebied_id", "homes", *_HELD, "blocks", "main_buurt_frac", "band_reason_nl", "block_basis"]
    names = [name for name in names if frame[name].notna().any()]
    columns = columns_of(frame, names, sources, _DECIMALS)
    layer = Layer("gebieden", "Gebieden", "polygon", frame, columns, "gebied_id", "gebied_name")
    views = [
        view_of(frame, name)
        for name in (
            "value_eur_per_year",
            "homes",
            "yield_fit_kwh_per_year",
            "sun_kwh_per_year",
            "grey_water_m3_per_year",
            "corporation_frac",
            "main_buurt_frac",
        )
        if name in names
    ]
    story = Story(
        "De hele plaats verdeeld in aaneengesloten gebieden van ongeveer 330 woningen: zo groot als het eerste wijkbedrijf.",
        "Elk gebied is een voorstel om over te praten. Klik op een gebied voor de cijfers, of stel zelf een gebied samen.",
        "De grenzen zijn berekend, niet met bewoners besproken. "
        "Waar geen stratenkaart was, komen ze uit de ligging van de gebouwen.",
        "Bouwblokken uit gebouwen en woningen; een verdeling die wegen, water en buurtgrenzen als rand verkiest.",
    )
    return layer, theme_of("gebieden", "Gebieden", layer, views, story, names)


def best(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show the best areas with their rank, what they are worth, how sure they are and how good they are proven to be."""
    if not store.has("best_area") or (frame := store.read("best_area")).empty:
        return None
    # Where power decides as well as money, the map shows the areas that are best in money; all are in the table.
    first = frame["criterion"].iloc[0] if "eur" not in set(frame["criterion"]) else "eur"
    frame = frame[frame["criterion"] == first].reset_index(drop=True)
    names = [
        "best_name",
        "best_id",
        "rank",
        "homes",
        *_HELD,
        "value_eur_per_home",
        "known_border_frac",
        "border_length_m",
        "sure_frac",
        "core_homes",
        "runners_up",
        "bound_gap_frac",
        "blocks",
        "reach_m",
        "block_basis",
    ]
    names = [name for name in names if frame[name].notna().any()]
    layer = Layer(
        "beste_gebieden",
        "Beste gebieden",
        "polygon",
        frame,
        columns_of(frame, names, sources, _DECIMALS),
        "best_id",
        "best_name",
    )
    views = [
        _ranks(frame),
        *(
            view_of(frame, name)
            for name in ("value_eur_per_year", "value_eur_per_home", "sure_frac", "known_border_frac", "homes")
            if name in names
        ),
    ]
    story = Story(
        f"De {len(frame)} beste gebieden van ongeveer 330 woningen die elkaar niet overlappen, beste eerst.",
        "De zekerheid is het deel van de rekengangen, met andere prijzen, maten en aannamen, waarin het gebied bij de beste "
        "vijf hoort. Het bewezen gat zegt hoeveel een ander gebied hoogstens meer waard kan zijn; 0 is bewezen het beste.",
        "Beste betekent: de hoogste waarde boven het gemiddelde van de plaats, na aftrek van een prijs voor elke meter grens. "
        "Die prijs is een gok. Bewoners zijn niet gevraagd. Onbekende waarden tellen niet mee.",
        "Voor elk blok als midden een bovengrens door minimale sneden, dan zoeken, dan gehele programmering waar de grens "
        "ruimte laat.",
    )
    return layer, theme_of("beste", "Beste gebieden", layer, views, story, names)


def _ranks(frame: gpd.GeoDataFrame) -> View:
    ranks = sorted(int(one) for one in frame["rank"].unique())
    bounds = [float(one) for one in ranks[1:]]
    return View("plaats in de rij", "rank", ramp_classes(bounds, [f"plaats {one}" for one in ranks], ramp="viridis"))


def best_borders(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show why the border of each best area runs where it runs."""
    if not store.has("best_border") or (frame := store.read("best_border")).empty:
        return None
    area = store.read("best_area").set_index("best_id")["best_name"]
    frame = frame.assign(best_name=frame["best_id"].map(area))
    names = ["best_name", "best_border_id", "border_reason_nl", "border_class", "length_m"]
    layer = Layer(
        "beste_grenzen",
        "Randen van de beste gebieden",
        "line",
        frame,
        columns_of(frame, names, sources, {}),
        "best_border_id",
        "best_name",
    )
    labels = {**{key: label for key, label, _, _ in _KINDS}, "outer": "open land of rand van de studie"}
    present = [key for key in labels if key in set(frame["border_class"])]
    classes = tuple(
        LegendClass("ABCDEFG"[i], labels[key], _COLORS[key], values=(key,)) for i, key in enumerate(present)
    )
    story = Story(
        "Waarom de rand van elk gebied loopt waar hij loopt.",
        "Klik op een stuk rand: gewone straat, hoofdweg, water, spoor, buurtgrens of open land.",
        "Zonder stratenkaart is alleen de breedte van de ruimte tussen gebouwen bekend: een brede strook heet dan wijkstraat "
        "of hoofdweg.",
    )
    return layer, theme_of(
        "beste_grenzen", "Waarom deze grens", layer, [View("soort rand", "border_class", classes)], story, names
    )


def blocks(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show the blocks, from which a reader chooses: the smallest parts of an area."""
    if not store.has("block"):
        return None
    frame = store.read("block")
    names = ["block_id", "homes", *(name for name in _TOTALS if frame[name].notna().any()), "streets", "block_basis"]
    frame["block_id"], frame["block_name"] = frame["block_id"].astype("str"), block_names(frame)
    numbered = Column("block_id", "nummer van het blok", CALCULATED, kind="text")
    columns = (
        Column("block_name", "blok", CALCULATED, kind="text"),
        numbered,
        *columns_of(frame, names[1:], sources, {}),
    )
    layer = Layer("blokken", "Bouwblokken", "polygon", frame, columns, "block_id", "block_name")
    views = [view_of(frame, name) for name in ("homes", *_TOTALS) if name in names]
    story = Story(
        "De bouwblokken: de kleinste stukken waaruit een gebied bestaat.",
        "Donker is veel. Klik op een blok voor de cijfers. Met 'Stel zelf een gebied samen' kiest u blokken; "
        "de kaart telt ze op.",
        "Een blok is berekend en heeft geen eigen naam in een register. Niet elk blok heeft woningen. "
        "Grijs betekent: onbekend, niet nul.",
        "Waar een stratenkaart is: het land tussen straten, water en spoor. Anders: gebouwen die dicht bij elkaar staan.",
    )
    return layer, theme_of("blokken", "Bouwblokken", layer, views, story, names)


def tool(store: Store, layer: Layer, wanted: Areas) -> AreaTool:
    """Return the tool over the blocks: what adds up, what borders mean, and the proposed areas to start from."""
    border = store.read("block_border")
    edges = pd.DataFrame(
        {
            "a": border["block_a"].astype("str"),
            "b": border["block_b"].astype("str"),
            "kind": border["border_class"],
            "length_m": border["length_m"],
        }
    )
    totals = tuple(column.name for column in layer.columns if column.name in _TOTALS)
    rated = (
        ("value_eur_per_year", "opbrengst samen", "euro/jaar"),
        ("yield_fit_kwh_per_year", "stroom van volle daken", "kWh/jaar"),
        ("sun_kwh_per_year", "zon op vrije daken", "kWh/jaar"),
        ("grey_water_m3_per_year", "grijswater", "m3/jaar"),
    )
    criteria = tuple(
        Criterion(
            f"{name}_per_home", f"{label} per woning", unit, f"{label}, gedeeld door de woningen", 50.0, decimals=1
        )
        for name, label, unit in rated
        if name in totals
    )
    found, units = store.read("gebied"), store.read("block")
    members = units.groupby("gebied_id")["block_id"].apply(lambda one: tuple(map(str, one)))
    proposed = []
    for row in found.itertuples():
        values = tuple(
            float(getattr(row, one.key.removesuffix("_per_home"))) / max(int(row.homes), 1) for one in criteria
        )
        if not any(value != value for value in values):
            note = row.band_reason_nl if isinstance(row.band_reason_nl, str) else ""
            proposed.append(
                ProposedArea(
                    str(row.gebied_id),
                    f"{row.gebied_name} ({row.homes} woningen)",
                    members[row.gebied_id],
                    values,
                    note,
                )
            )
    kinds = tuple(BorderKind(key, label, words, weight) for key, label, words, weight in _KINDS)
    return AreaTool(
        "blokken", "homes", totals, edges, kinds, tuple(proposed), criteria, None, target=wanted.target_homes
    )


_NAMES = (
    "place_name",
    "place_id",
    "homes",
    "enterprise_eur_per_year",
    "enterprise_eur_per_year_low",
    "enterprise_eur_per_year_high",
    "earns_keep_frac",
    "stays_eur_per_year",
    "household_eur_per_year",
    "roof_owner_eur_per_year",
    "municipality_eur_per_year",
    "overhead_eur_per_year",
    "overhead_carried_eur_per_year",
    "participation_needed_frac",
    "paid_jobs",
    "volunteers",
    "investment_eur",
    "track",
    "better_track",
    "services_nl",
    "costly_nl",
    "social_nl",
    "missing_nl",
    "case_basis",
)
_CASE_DECIMALS = {"earns_keep_frac": 2, "participation_needed_frac": 2, "paid_jobs": 1, "volunteers": 1}
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
    frame["track"] = [label("track", str(one)) for one in frame["track"]]
    frame["better_track"] = [label("track", str(one)) for one in frame["better_track"]]
    names = [name for name in _NAMES if frame[name].notna().any()]
    labels = {"place_name": kind, "track": "spoor van deze cijfers"}
    columns = tuple(
        replace(one, label=labels.get(one.name, one.label)) for one in columns_of(frame, names, sources, _CASE_DECIMALS)
    )
    layer = Layer(f"wijkbedrijf_{kind}", title, "polygon", frame, columns, "place_id", "place_name")
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
