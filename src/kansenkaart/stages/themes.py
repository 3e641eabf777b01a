"""The themes of the map: which columns, which colours, and what a reader is told about them."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd

from kansenkaart.present.mapspec import Column, Layer, LegendClass, Story, Theme, View
from kansenkaart.present.style import RAMPS, ramp_classes
from kansenkaart.provenance import Provenance
from kansenkaart.stages.legend import CALCULATED, columns_of, view_of
from kansenkaart.store import Store

Made = tuple[Layer, Theme] | None


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
    names = ["buurtnaam", "buurtcode", "homes", "households", "homes_per_household", "inhabitants", "household_size_persons",
             "grey_water_m3_per_year", "open_sky_kwh_per_year", "gas_use_m3_per_home", "electricity_use_kwh_per_home",
             "corporation_pct", "homes_with_solar_pct"]  # fmt: skip
    names = [name for name in names if frame[name].notna().any()]
    columns = columns_of(frame, names, sources, {"homes_per_household": 2, "household_size_persons": 1})
    layer = Layer("buurten", "Buurten", "polygon", frame, columns, "buurtcode", "buurtnaam")
    choices = ["grey_water_m3_per_year", "open_sky_kwh_per_year", "homes", "inhabitants", "gas_use_m3_per_home",
               "electricity_use_kwh_per_home", "corporation_pct", "homes_per_household"]  # fmt: skip
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
    names = ["face_id", "pand_id", "sun_kwh_per_m2_year", "sun_kwh_per_year", "shade_frac", "open_sky_kwh_per_m2_year",
             "open_sky_kwh_per_year", "free_area_m2", "roof_area_m2", "tilt_deg", "azimuth_deg", "score_basis"]  # fmt: skip
    names = [name for name in names if frame[name].notna().any()]
    decimals = {"roof_area_m2": 1, "free_area_m2": 1, "shade_frac": 2}
    layer = Layer(
        "dakvlakken", "Dakvlakken", "polygon", frame, columns_of(frame, names, sources, decimals), "face_id", "face_id"
    )
    open_sky = "Zonder schaduw van buren en bomen: de werkelijke opbrengst is lager."
    shaded = "Met schaduw van gebouwen en bomen uit het hoogtemodel."
    views = [
        view_of(frame, "sun_kwh_per_m2_year", note=shaded),
        view_of(frame, "sun_kwh_per_year", note=shaded),
        view_of(frame, "open_sky_kwh_per_m2_year", note=open_sky),
    ]
    if not any(views):
        return None
    story = Story(
        "Hoeveel zon er in een gewoon jaar op elk dakvlak valt.",
        "Donker is veel zon. Klik op een dakvlak voor helling, richting, schaduw en oppervlakte. "
        "De grondslag zegt of er een hoogtemodel was (lod22+dsm, met schaduw) of niet (lod22, zonder schaduw).",
        "Dit is zonlicht, geen stroom: panelen maken er ongeveer een vijfde van. "
        "Het hoogtemodel is jaren oud en in de winter gemeten: nieuwe bomen en gebouwen staan er niet op.",
        "Straling per uur uit een typisch jaar, met het model van Perez (1990) op het vlak gebracht; "
        "de horizon van elke vrije dakcel in 36 richtingen. Dakkapellen, schoorstenen en bomen zijn geen vrij dak.",
    )
    return layer, theme_of("zon", "Zon op daken", layer, views, story, names[1:])


def panden(store: Store, sources: Sequence[Provenance]) -> Made:
    """Show panden by age and homes."""
    if not store.has("pand_score"):
        return None
    frame = store.read("pand_score")
    names = [
        "pand_id",
        "homes",
        "bouwjaar",
        "footprint_area_m2",
        "open_sky_kwh_per_year",
        "roof_area_m2",
        "score_basis",
    ]
    names = [name for name in names if frame[name].notna().any()]
    layer = Layer("panden", "Panden", "polygon", frame, columns_of(frame, names, sources, {}), "pand_id", "pand_id")
    views = [
        _era(frame),
        _homes(frame),
        *(view_of(frame, name) for name in ("footprint_area_m2", "open_sky_kwh_per_year") if name in names),
    ]
    story = Story(
        "De gebouwen met hun bouwjaar en het aantal woningen.",
        "Het bouwjaar zegt iets over de riolering: voor 1970 meestal gemengd, na 1990 meestal gescheiden.",
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
