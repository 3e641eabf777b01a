"""The water themes: grey water and rain water per street, apart; and the sewers themselves."""

from __future__ import annotations

from collections.abc import Sequence

from kansenkaart.present.mapspec import Layer, LegendClass, Story, View
from kansenkaart.present.style import RAMPS
from kansenkaart.provenance import Provenance
from kansenkaart.stages.legend import columns_of, view_of
from kansenkaart.stages.themes import Made, theme_of
from kansenkaart.store import Store

_CLASSES = (
    ("A", "grote kans"),
    ("B", "goede kans"),
    ("C", "redelijke kans"),
    ("D", "kleine kans"),
    ("E", "weinig kans"),
)
_STREET = ["street_name", "street_id", "homes", "people"]
_GREY = [
    "class_grey", "score_grey", "sentence_grey_nl", "sum_nl", "grey_m3_per_year", "reused_m3_per_year",
    "drinking_water_eur_per_year", "saving_grey_off_eur", "cost_grey_eur", "net_grey_eur", "replacement_year",
    "foul_system", "foul_present_mm", "foul_diameter_as_is_mm", "foul_diameter_grey_off_100_mm", "cleansing_nl",
    "discharge_rule", "sewer_basis",
]  # fmt: skip
_RAIN = [
    "class_rain",
    "score_rain",
    "sentence_rain_nl",
    "saving_rain_off_eur",
    "cost_rain_eur",
    "replacement_year",
    "sewer_basis",
]
_LAW = (
    "Huishoudens mogen afvalwater niet in de bodem lozen waar binnen 40 meter een vuilwaterriool ligt: "
    "dat vraagt maatwerk of zuivering. De kaart toont een kans, geen vergunning."
)


def _classes() -> tuple[LegendClass, ...]:
    colors = tuple(reversed(RAMPS["viridis"]))
    return tuple(LegendClass(letter, label, colors[i], values=(letter,)) for i, (letter, label) in enumerate(_CLASSES))


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
        view_of(frame, "grey_m3_per_year", note=note),
        view_of(frame, "saving_grey_off_eur", note=later),
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


_SYSTEMS = (("gemengd", "vuil en regen samen"), ("vuilwater", "alleen vuil water"),
            ("verbeterd_gescheiden", "verbeterd gescheiden"),
            ("hemelwater", "alleen regen"))  # fmt: skip
_PRESSED = ("drukriool", "persleiding", "drain", "overig")


def sewers(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show the sewers by system, diameter and year."""
    if not store.has("sewer_pipe"):
        return None
    frame = store.read("sewer_pipe")
    extra = ["people", "paved_m2", "flow_as_is_l_per_s", "diameter_as_is_mm", "diameter_grey_off_100_mm", "diameter_both_100_mm",
             "saving_grey_off_eur", "saving_both_eur", "replacement_year", "oriented_by"]  # fmt: skip
    names = ["pipe_id", "system", "diameter_mm", "laid_year", "material", "length_m", "street_name"]
    if store.has("pipe_water"):
        frame = frame.merge(store.read("pipe_water")[["pipe_id", *extra]], on="pipe_id", how="left")
        names += extra
    names = [name for name in names if frame[name].notna().any()]
    layer = Layer(
        "riool", "Riool", "line", frame, columns_of(frame, names, sources, {"length_m": 1}), "pipe_id", "pipe_id"
    )
    colors = RAMPS["viridis"]
    classes = [LegendClass("ABCD"[i], label, colors[i], values=(value,)) for i, (value, label) in enumerate(_SYSTEMS)]
    classes.append(LegendClass("E", "onder druk, drain of anders", colors[4], values=_PRESSED))
    views = [View("stelsel", "system", tuple(classes)),
             *(view_of(frame, name, ramp="cividis") for name in ("diameter_mm", "laid_year") if name in names)]  # fmt: skip
    story = Story(
        "De riolen naar stelsel: wat er door stroomt.",
        "In een vuilwaterriool scheelt grijswater veel; in een gemengd riool bepaalt de regen hoe groot de buis is.",
        "Of een buis kleiner kan, staat hier niet: in de meeste straten ligt al de kleinste maat. Wat ontbreekt is onbekend.",
        "Leidingen zoals de gemeente ze in het GWSW heeft gezet; vervallen leidingen zijn weggelaten en geteld.",
    )
    return layer, theme_of("riool", "Riool", layer, views, story, names)
