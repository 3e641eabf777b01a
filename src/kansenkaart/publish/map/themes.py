"""The themes of the map: which columns, which colours, and what a reader is told about them."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd

from kansenkaart.present.mapspec import Column, Layer, Story, Theme, View
from kansenkaart.present.style import RAMPS, LegendClass, ramp_classes
from kansenkaart.publish.map.legend import CALCULATED, columns_of, view_of
from kansenkaart.tables.provenance import Provenance
from kansenkaart.tables.store import Store
from kansenkaart.wording.names import face_names

Made = tuple[Layer, Theme] | None
_SUMMER_AND_WINTER = ("yield_fit_kwh_month_06", "yield_fit_kwh_month_12")  # the panel has no room for all twelve


def theme_of(
    key: str, title: str, layer: Layer, views: Sequence[View | None], story: Story, popup: Sequence[str]
) -> Theme:
    """Put a theme together; the table shows what the panel shows, title first, but for whole sentences."""
    figures = [one for one in popup if one != layer.title_column and not one.endswith("_nl")]
    shown = tuple(one for one in views if one is not None)
    return Theme(key, title, layer.name, shown, story, tuple(popup), (layer.title_column, *figures))


def buurten(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show buurten with their figures."""
    if not store.has("buurt_score"):
        return None
    frame = store.read("buurt_score")
    names = [
        "buurtnaam",
        "buurtcode",
        "homes",
        "households",
        "homes_per_household",
        "inhabitants",
        "household_size_persons",
        "grey_water_m3_per_year",
        "open_sky_kwh_per_year",
        "gas_use_m3_per_home",
        "electricity_use_kwh_per_home",
        "corporation_pct",
        "homes_with_solar_pct",
    ]
    names = [name for name in names if frame[name].notna().any()]
    columns = columns_of(frame, names, sources, {"homes_per_household": 2, "household_size_persons": 1})
    layer = Layer("buurten", "Buurten", "polygon", frame, columns, "buurtcode", "buurtnaam")
    choices = [
        "grey_water_m3_per_year",
        "open_sky_kwh_per_year",
        "homes",
        "inhabitants",
        "gas_use_m3_per_home",
        "electricity_use_kwh_per_home",
        "corporation_pct",
        "homes_per_household",
    ]
    views = [view_of(frame, name) for name in choices if name in names]
    if not any(views):
        return None
    story = Story(
        "De buurten met hun woningen en inwoners, en hun kansen.",
        "Een donkere kleur is een hogere waarde. Klik op een buurt voor alle cijfers, met het jaar erbij.",
        "Een hoge waarde betekent nog niet dat een wijkbedrijf er kan beginnen. Grijze buurten: "
        "het cijfer is onbekend, niet nul.",
        "Woningen zijn geteld in de BAG (in gebruik, met woonfunctie); huishoudens komen van het "
        "CBS en kunnen van een ander jaar zijn.",
    )
    return layer, theme_of("buurten", "Buurten", layer, views, story, [name for name in names if name != "buurtcode"])


def roofs(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show roof faces by the sun on them."""
    if not store.has("roof_face_score"):
        return None
    frame = store.read("roof_face_score")
    names = [
        "pand_id",
        "sun_class",
        "yield_fit_kwh_per_year",
        "yield_fit_kwh_per_year_low",
        "yield_fit_kwh_per_year_high",
        *_SUMMER_AND_WINTER,
        "modules_fit",
        "kwp_fit",
        "tilt_deg",
        "azimuth_deg",
        "sun_kwh_per_m2_year",
        "shade_frac",
        "free_area_m2",
        "roof_area_m2",
        "open_sky_kwh_per_m2_year",
        "score_basis",
    ]
    names = [name for name in names if frame[name].notna().any()]
    decimals = {"roof_area_m2": 1, "free_area_m2": 1, "shade_frac": 2, "kwp_fit": 1}
    frame["face_name"] = face_names(frame)
    columns = (
        Column("face_name", "dakvlak", CALCULATED, kind="text"),
        *columns_of(frame, names, sources, decimals),
        Column("face_id", "nummer van het dakvlak", CALCULATED, kind="text"),
    )
    layer = Layer("dakvlakken", "Dakvlakken", "polygon", frame, columns, "face_id", "face_name")
    shaded = "Met schaduw van gebouwen; ook van bomen waar een hoogtemodel is (grondslag lod22+dsm of dsm)."
    views = [
        _sun_classes(frame, "Alleen vlakken van klasse A, B en C krijgen panelen."),
        view_of(frame, "yield_fit_kwh_per_year"),
        view_of(frame, "sun_kwh_per_m2_year", note=shaded),
        view_of(frame, "open_sky_kwh_per_m2_year", note="Zonder schaduw: de werkelijke opbrengst is lager."),
    ]
    if not any(views):
        return None
    story = Story(
        "Hoe goed elk dakvlak voor zonnepanelen is, en hoeveel stroom de panelen geven die erop passen.",
        "Klasse A is zeer goed, D is slecht. Klik op een dakvlak voor helling, richting, panelen en stroom, "
        "met de laagste en hoogste waarde. De grondslag zegt waar het cijfer van is gemaakt.",
        "Wat past is niet wat loont: vanaf 2027 is er geen saldering en brengt teruggeleverde stroom bijna niets op. "
        "Hoeveel panelen lonen, staat bij de gebouwen. Of het dak sterk genoeg is, weet deze kaart niet. "
        "Het hoogtemodel is jaren oud: nieuwe bomen en gebouwen staan er niet op.",
        "Straling per uur (Perez 1990), de horizon van elke vrije dakcel in 36 richtingen, en echte panelen met afstand "
        "tot de rand. Klassen zoals de Zonatlas: 85 en 70 % van het beste vlak in de streek.",
    )
    return layer, theme_of("zon", "Zon op daken", layer, views, story, names)


_SUN_WORDS = (
    ("A", "zeer goed"),
    ("B", "goed"),
    ("C", "matig"),
    ("D", "slecht"),
    ("-", "te klein of vol"),
    ("?", "onbekend"),
)


def _sun_classes(frame: gpd.GeoDataFrame, note: str) -> View | None:
    """Show the classes of the sun; A has the colour of most."""
    if not frame["sun_class"].isin(list("ABCD-")).any():
        return None
    colors = (*reversed(RAMPS["viridis"][1:]), "#9a9a9a", "#d9d9d9")
    classes = tuple(
        LegendClass(letter, words, color, values=(letter,))
        for (letter, words), color in zip(_SUN_WORDS, colors, strict=True)
    )
    return View("klasse zon", "sun_class", classes, note)


def panden(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show panden by age and homes."""
    if not store.has("pand_score"):
        return None
    frame = store.read("pand_score")
    names = [
        "pand_id",
        "homes",
        "bouwjaar",
        "sun_class",
        "yield_fit_kwh_per_year",
        "yield_fit_kwh_per_year_low",
        "yield_fit_kwh_per_year_high",
        *_SUMMER_AND_WINTER,
        "modules_fit",
        "kwp_fit",
        "modules_pay",
        "kwp_pay",
        "yield_pay_kwh_per_year",
        "own_use_pay_frac",
        "sun_eur_per_year",
        "footprint_area_m2",
        "roof_area_m2",
        "score_basis",
    ]
    names = [name for name in names if frame[name].notna().any()]
    decimals = {"kwp_fit": 1, "kwp_pay": 1, "own_use_pay_frac": 2}
    layer = Layer(
        "panden", "Panden", "polygon", frame, columns_of(frame, names, sources, decimals), "pand_id", "pand_id"
    )
    views = [
        _sun_classes(frame, "Klasse van de panelen die op het dak passen."),
        *(view_of(frame, name) for name in ("yield_fit_kwh_per_year", "sun_eur_per_year") if name in names),
        _era(frame),
        _homes(frame),
        *(view_of(frame, name) for name in ("footprint_area_m2",) if name in names),
    ]
    story = Story(
        "De gebouwen: woningen, bouwjaar, panelen die op het dak passen en panelen die voor de woningen eronder lonen.",
        "Wat loont is wat de woningen zelf gebruiken op het uur dat de zon schijnt, zonder saldering; de grondslag "
        "footprint is een schatting uit alleen het grondvlak, met een ruime marge. "
        "Het bouwjaar zegt iets over de riolering: voor 1970 meestal gemengd, na 1990 meestal gescheiden.",
        "Bij gebouwen zonder woningen is niet bekend wie de stroom gebruikt: daar is onbekend wat loont, niet nul. "
        "Een plaatsvervangend bouwjaar in het register is als onbekend getoond. Panden die niet in "
        "gebruik zijn, staan er niet op.",
        "Panden in gebruik volgens de BAG; woningen zijn verblijfsobjecten in gebruik met woonfunctie.",
    )
    return layer, theme_of("panden", "Gebouwen", layer, views, story, names)


def _era(frame: gpd.GeoDataFrame) -> View | None:
    if frame["bouwjaar"].notna().sum() == 0:
        return None
    labels = ["voor 1945", "1945 tot 1970", "1970 tot 1992", "1992 tot 2010", "2010 en later"]
    note = "Vanaf 1992 heeft een woning gescheiden huisriolering (vuistregel van de BGT-inlooptool)."
    return View("bouwjaar", "bouwjaar", ramp_classes([1945, 1970, 1992, 2010], labels, ramp="cividis"), note)


def _homes(frame: gpd.GeoDataFrame) -> View | None:
    if frame["homes"].notna().sum() == 0:
        return None
    words = (
        ("geen woning", None, 1.0),
        ("1", 1.0, 2.0),
        ("2 tot 9", 2.0, 10.0),
        ("10 tot 49", 10.0, 50.0),
        ("50 en meer", 50.0, None),
    )
    colors = RAMPS["viridis"]
    classes = tuple(LegendClass("ABCDE"[i], label, colors[i], low, high) for i, (label, low, high) in enumerate(words))
    return View("woningen", "homes", classes)


def streets(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show the grey water of each street, where no more than the homes is known."""
    if not store.has("street_score") or store.has("street_water"):
        return None
    frame = store.read("street_score")
    if frame.empty:
        return None
    frame["geometry"] = frame.geometry.centroid
    frame = gpd.GeoDataFrame(frame, geometry="geometry", crs=frame.crs)
    names = ["street", "grey_water_m3_per_year", "homes", "people", "assigned_by"]
    columns = (*columns_of(frame, names, sources, {}), Column("street_key", "sleutel", CALCULATED, kind="text"))
    layer = Layer("straten", "Straten", "point", frame, columns, "street_key", "street")
    note = "Grijswater is water van douche, bad en wastafel. Hemelwater (regen) is iets anders en staat hier niet."
    story = Story(
        "Hoeveel grijswater de woningen aan elke straat per jaar maken.",
        "Elke stip is een straat, op het midden van haar woningen. Donker is veel grijswater.",
        "Dit is het aanbod, niet de besparing. "
        "In de meeste straten is de rioolbuis al zo klein als mag: daar bespaart afkoppelen geen buis. "
        "Huishoudens mogen afvalwater niet zomaar in de bodem lozen waar riool ligt: het vraagt maatwerk of zuivering.",
        "Woningen maal personen per huishouden (CBS) maal 60 liter per persoon per dag (CBS/Vewin 2021).",
    )
    views = [view_of(frame, "grey_water_m3_per_year", note=note), view_of(frame, "homes")]
    if not any(views):
        return None
    return layer, theme_of("grijswater", "Grijswater", layer, views, story, names)
