"""The water themes: grey water and rain water per street, apart; and the sewers themselves."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kansenkaart.present.mapspec import Column, Layer, Story, View
from kansenkaart.present.style import RAMPS, LegendClass, ramp_classes
from kansenkaart.publish.map.legend import CALCULATED, columns_of, view_of
from kansenkaart.publish.map.themes import Made, theme_of
from kansenkaart.tables.provenance import Provenance
from kansenkaart.tables.store import Store
from kansenkaart.wording.names import pipe_names, short_id

_CLASSES = (
    ("A", "grote kans"),
    ("B", "goede kans"),
    ("C", "redelijke kans"),
    ("D", "kleine kans"),
    ("E", "weinig kans"),
)
_STREET = ["street_name", "street_id", "homes", "people"]
_GREY = [
    "class_grey",
    "score_grey",
    "sentence_grey_nl",
    "sum_nl",
    "grey_water_m3_per_year",
    "reused_m3_per_year",
    "drinking_water_eur_per_year",
    "yearly_eur",
    "yearly_eur_low",
    "yearly_eur_high",
    "saving_grey_off_eur",
    "saving_grey_off_eur_low",
    "saving_grey_off_eur_high",
    "cost_grey_eur",
    "net_grey_eur",
    "net_grey_eur_low",
    "net_grey_eur_high",
    "replacement_year",
    "foul_system",
    "foul_present_mm",
    "foul_diameter_as_is_mm",
    "foul_diameter_grey_off_100_mm",
    "participation_nl",
    "cleansing_nl",
    "discharge_rule",
    "sewer_basis",
    "area_basis",
    "street_basis",
]
_RAIN = [
    "class_rain",
    "score_rain",
    "sentence_rain_nl",
    "saving_rain_off_eur",
    "cost_rain_eur",
    "replacement_year",
    "foul_diameter_as_is_mm",
    "foul_diameter_both_100_mm",
    "rain_diameter_storm_08_mm",
    "discharge_rule",
    "sewer_basis",
]
_LAW = (
    "Huishoudens mogen afvalwater niet in de bodem lozen waar binnen 40 meter een vuilwaterriool ligt: "
    "dat vraagt maatwerk of zuivering. De kaart toont een kans, geen vergunning."
)


def _classes() -> tuple[LegendClass, ...]:
    colors = tuple(reversed(RAMPS["viridis"]))
    return tuple(LegendClass(letter, label, colors[i], values=(letter,)) for i, (letter, label) in enumerate(_CLASSES))


_RULE = (
    ("maatwerk", "riool binnen 40 m: alleen met maatwerk"),
    ("free", "geen riool binnen 40 m: onder voorwaarden"),
    ("unknown", "onbekend: er zijn geen rioolgegevens"),
)
_DECADES = ((2035.0, "tot 2035"), (2045.0, "2035 tot 2045"), (2055.0, "2045 tot 2055"), (2070.0, "2055 tot 2070"))


def _rule_classes() -> tuple[LegendClass, ...]:
    colors = RAMPS["cividis"]
    return tuple(LegendClass("ABC"[i], label, colors[2 * i], values=(code,)) for i, (code, label) in enumerate(_RULE))


def _years(frame: pd.DataFrame) -> View | None:
    """Colour by the year of replacement in fixed classes, so that places can be compared: soonest is darkest."""
    if frame["replacement_year"].isna().all():
        return None
    labels = [label for _, label in _DECADES] + ["2070 en later"]
    classes = ramp_classes([bound for bound, _ in _DECADES], labels, ramp="cividis")
    note = "Wanneer het riool aan vervanging toe is: dan is een andere maat te kiezen. Levensduur 60 jaar (40 tot 80)."
    return View("jaar van vervanging", "replacement_year", classes, note)


def _layer(
    store: Store, sources: Sequence[Provenance], name: str, names: Sequence[str]
) -> tuple[Layer, list[str]] | None:
    if not store.has("street_water"):
        return None
    frame = store.read("street_water")
    shown = [one for one in [*_STREET, *names] if frame[one].notna().any()]
    if f"class_{name}" not in shown:
        return None
    columns = columns_of(frame, shown, sources, {})
    return Layer(f"straten_{name}", "Straten", "polygon", frame, columns, "street_id", "street_name"), shown


def grey(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show what grey water brings in each street, and why."""
    made = _layer(store, sources, "grey", _GREY)
    if made is None:
        return None
    layer, names = made
    frame = layer.frame
    note = "Grijswater is water van douche, bad en wastafel. Regenwater staat onder Hemelwater."
    later = "Alleen het deel dat bij vervanging van het riool vrijkomt."
    views = [
        View("kans voor grijswater", "class_grey", _classes(), note),
        view_of(frame, "grey_water_m3_per_year", note=note),
        view_of(frame, "saving_grey_off_eur", note=later),
        view_of(frame, "yearly_eur", note="Drinkwater, zuivering en pompen, per jaar, als iedereen meedoet."),
        _years(frame),
        View("mag lozen in de bodem?", "discharge_rule", _rule_classes(), _LAW),
    ]
    story = Story(
        "Waar het loont om grijswater van douche, bad en wastafel van het riool te halen, straat voor straat.",
        "A is het kansrijkst. Klik op een straat: daar staat de som, en waarom de besparing groot of nul is.",
        "In de meeste straten ligt al de kleinste buis; dan bespaart afkoppelen geen riool en is de winst drinkwater. "
        + _LAW,
        "Aanbod en vraag per maand, riool als netwerk, kleinste handelsmaat voor en na (Colebrook-White), kosten RIONED 2015 "
        "naar prijspeil 2024. Zie docs/methods/water.md.",
    )
    return layer, theme_of(
        "grijswater", "Grijswater", layer, views, story, [one for one in names if one != "street_id"]
    )


def rain(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show what taking rain off the foul sewer brings in each street, and why."""
    made = _layer(store, sources, "rain", _RAIN)
    if made is None:
        return None
    layer, names = made
    note = "Hemelwater is regen van daken en straten. Water uit huis staat onder Grijswater."
    views = [
        View("kans voor hemelwater", "class_rain", _classes(), note),
        view_of(layer.frame, "saving_rain_off_eur", note=note),
        _years(layer.frame),
    ]
    story = Story(
        "Waar het loont om regenwater van daken en straten van het vuilwaterriool te halen.",
        "A is het kansrijkst. Grijs betekent: geen score, bijvoorbeeld omdat de regen al apart gaat. "
        "De zin in het paneel zegt waarom.",
        "De opbrengst valt bij de gemeente, bij vervanging van het riool. Hoeveel daarvan naar de buurt gaat, is een keuze.",
        "Regen van 60 l/s/ha op het aangesloten oppervlak; extra kosten per vierkante meter volgens RIONED (2021).",
    )
    return layer, theme_of(
        "hemelwater", "Hemelwater", layer, views, story, [one for one in names if one != "street_id"]
    )


_SYSTEMS = (
    ("gemengd", "vuil en regen samen"),
    ("vuilwater", "alleen vuil water"),
    ("verbeterd_gescheiden", "verbeterd gescheiden"),
    ("hemelwater", "alleen regen"),
)
_PRESSED = ("drukriool", "persleiding", "drain", "overig")


_CHANGES = (
    ("grey", "kleiner zonder grijswater"),
    ("rain", "kleiner zonder hemelwater"),
    ("both", "alleen kleiner zonder beide"),
    ("same", "blijft even groot"),
    ("unknown", "niet te zeggen"),
)
_PIPE = [
    "pipe_change",
    "homes",
    "people",
    "paved_m2",
    "flow_as_is_l_per_s",
    "diameter_as_is_mm",
    "diameter_grey_off_100_mm",
    "diameter_rain_off_100_mm",
    "diameter_both_100_mm",
    "storm_08_l_per_s",
    "diameter_storm_08_mm",
    "saving_grey_off_eur",
    "saving_both_eur",
    "replacement_year",
    "cleansing",
    "oriented_by",
    "slope_basis",
    "pipe_basis",
]


def sewers(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show the sewers by system, diameter before and after and year, drawn along their flow."""
    scored = store.has("pipe_water")
    if not scored and not store.has("sewer_pipe"):
        return None
    frame = store.read("pipe_water" if scored else "sewer_pipe")
    names = ["pipe_id", "system", "diameter_mm", "laid_year", *(_PIPE if scored else ["length_m"])]
    if scored and store.has("sewer_pipe"):
        given = store.read("sewer_pipe")[["pipe_id", "material", "length_m", "street_name"]]
        frame = frame.merge(given.drop_duplicates("pipe_id"), on="pipe_id", how="left")
        names += ["material", "length_m", "street_name"]
    names = [name for name in names if frame[name].notna().any()]
    frame["pipe_name"] = pipe_names(frame, store)
    if "material" in frame:
        frame["material"] = frame["material"].map(short_id, na_action="ignore")
    columns = (
        Column("pipe_name", "riool", CALCULATED, kind="text"),
        *columns_of(frame, names, sources, {"length_m": 1, "flow_as_is_l_per_s": 1, "storm_08_l_per_s": 1}),
    )
    layer = Layer("riool", "Riool", "line", frame, columns, "pipe_id", "pipe_name", arrows=scored)
    return layer, theme_of("riool", "Riool", layer, _sewer_views(frame, names), _SEWERS, names)


def _sewer_views(frame: pd.DataFrame, names: Sequence[str]) -> list[View | None]:
    colors = RAMPS["viridis"]
    classes = [LegendClass("ABCD"[i], label, colors[i], values=(value,)) for i, (value, label) in enumerate(_SYSTEMS)]
    classes.append(LegendClass("E", "onder druk, drain of anders", colors[4], values=_PRESSED))
    views: list[View | None] = [View("stelsel", "system", tuple(classes))]
    if "pipe_change" in names:
        change = [LegendClass("ABCDE"[i], label, colors[i], values=(code,)) for i, (code, label) in enumerate(_CHANGES)]
        note = "Vergelijkt de kleinste maat die nu volstaat met die daarna; alle woningen doen mee."
        views.append(View("kan de buis kleiner?", "pipe_change", tuple(change), note))
    views += [
        view_of(frame, name, ramp="cividis")
        for name in ("diameter_mm", "diameter_as_is_mm", "people", "laid_year")
        if name in names
    ]
    return [*views, _years(frame)] if "replacement_year" in names else views


_SEWERS = Story(
    "De riolen: wat er door stroomt, waarheen, hoe groot de buis is en wanneer die aan vervanging toe is.",
    "De pijlen wijzen met de stroom mee. Klik op een buis voor de maat nu, de maat die nodig is, en de maat zonder grijswater, "
    "zonder hemelwater en zonder beide.",
    "In de meeste straten is de kleinste maat al groot genoeg; dan kan de buis niet kleiner. Wat ontbreekt is onbekend. "
    "Staat er 'geschat naar bouwjaren', dan is de leiding bedacht langs de straat.",
    "Leidingen zoals de gemeente ze in het GWSW heeft gezet; vervallen leidingen en drains zijn weggelaten en geteld. "
    "Stroomrichting uit de hoogten, anders de kortste weg naar gemaal of uitlaat. Zie docs/methods/water.md.",
)
