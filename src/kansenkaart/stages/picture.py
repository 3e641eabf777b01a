"""Which scored tables become which themes of the map, in words for readers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart import fields
from kansenkaart.config import Study
from kansenkaart.errors import StoreError
from kansenkaart.present.mapspec import Column, Credit, Layer, LegendClass, MapSpec, Source, Story, Theme, View
from kansenkaart.present.style import RAMPS, ramp_classes
from kansenkaart.provenance import Provenance
from kansenkaart.store import Store

SHOWN = ("buurt_score", "pand_score", "street_score", "roof_face_score", "sewer_pipe")
_QUANTILES = (0.2, 0.4, 0.6, 0.8)
_CALCULATED = "berekend"


def picture(store: Store, study: Study) -> MapSpec:
    """Build the map of a study from what is stored; a theme without data is left out.

    Raises
    ------
    StoreError
        If there is nothing at all to show.
    """
    shown = [name for name in SHOWN if store.has(name)]
    if not shown:
        raise StoreError("at least one scored table", found="none", where=study.name,
                         remedy="add buurten, panden or homes to the study")  # fmt: skip
    sources = store.sources_of(shown)
    layers, themes = [], []
    for make in (_buurten, _roofs, _panden, _streets, _sewers):
        made = make(store, sources)
        if made is not None:
            layers.append(made[0])
            themes.append(made[1])
    if not themes:
        raise StoreError("at least one theme with figures", found="none", where=study.name, remedy="add a source")
    outlines = ("buurten",) if any(layer.name == "buurten" for layer in layers) else ()
    return MapSpec(
        title=study.title, study=study.name, edition=_editions(sources), example=study.invented,
        intro="Wat deze buurten samen kunnen verdienen en besparen: zon op daken en grijswater per straat.",
        layers=tuple(layers), themes=tuple(_outlined(theme, outlines) for theme in themes), sources=_notes(sources),
        credits=_credits(sources), search=_search(store),
    )  # fmt: skip


def _outlined(theme: Theme, outlines: tuple[str, ...]) -> Theme:
    return Theme(theme.key, theme.title, theme.layer, theme.views, theme.story, theme.popup, theme.table, outlines)


def _editions(sources: Sequence[Provenance]) -> str:
    return ", ".join(sorted({f"{one.publisher} {one.edition}" for one in sources}))


def _notes(sources: Sequence[Provenance]) -> tuple[Source, ...]:
    first: dict[str, Source] = {}
    for one in sources:
        year = f"cijfers over {one.year}" if one.year else ""
        first.setdefault(f"{one.publisher}-{one.role}", Source(f"{one.publisher}-{one.role}", f"{one.credit} ({one.role})",
                                                              one.publisher, one.edition, one.licence, note=year))  # fmt: skip
    own = Source(
        _CALCULATED, "berekend", "kansenkaart", _editions(sources), "EUPL-1.2", note="uit de bronnen hierboven"
    )
    return (*first.values(), own)


def _credits(sources: Sequence[Provenance]) -> tuple[Credit, ...]:
    links = {"3dbag": "https://docs.3dbag.nl/en/copyright"}
    return tuple(
        Credit(credit, url) for credit, url in sorted({(one.credit, links.get(one.publisher, "")) for one in sources})
    )


def _columns(
    frame: pd.DataFrame, names: Sequence[str], sources: Sequence[Provenance], decimals: dict[str, int]
) -> tuple[Column, ...]:
    out = []
    for name in names:
        one = fields.get(name)
        year = f"{name}_year" if f"{name}_year" in frame.columns else ""
        basis = next(
            (word for word in (f"{name}_basis", "score_basis") if word in frame.columns and one.origin == "calculated"),
            "",
        )
        out.append(Column(
            name, one.label_nl, _origin(one.origin, sources), "" if one.unit == "-" else one.unit, _year(one.origin, sources),
            definition=one.definition_nl, kind="number" if one.type in ("int", "float") else "text",
            decimals=decimals.get(name, 0), year_column=year, basis_column=basis if basis != name else "",
        ))  # fmt: skip
    extra = [name for column in out for name in (column.year_column, column.basis_column) if name]
    known = {column.name for column in out}
    plain = [Column(name, fields.get(name).label_nl, _CALCULATED, kind="number" if name.endswith("_year") else "text")
             for name in dict.fromkeys(extra) if name not in known]  # fmt: skip
    return (*out, *plain)


_ROLES = {"CBS": ("statistics", "buurt"), "BAG": ("pand", "home"), "3DBAG": ("roof_face",), "GWSW": ("sewer_pipe",)}


def _origin(origin: str, sources: Sequence[Provenance]) -> str:
    found = next((one for role in _ROLES.get(origin, ()) for one in sources if one.role == role), None)
    return f"{found.publisher}-{found.role}" if found else _CALCULATED


def _year(origin: str, sources: Sequence[Provenance]) -> str:
    """Say of which year or edition a figure is; a calculated one names the editions it was made from."""
    found = next((one for role in _ROLES.get(origin, ()) for one in sources if one.role == role), None)
    if found:
        return str(found.year or f"editie {found.edition}")
    return "uit " + _editions([one for one in sources if not one.role.startswith("weather_daily")])


def _view(frame: pd.DataFrame, name: str, *, ramp: str = "viridis", note: str = "") -> View | None:
    """Make five classes of equal numbers of features, with round bounds; none where all is unknown."""
    values = frame[name].astype(float).dropna()
    if values.empty:
        return None
    bounds = sorted({_round(float(one)) for one in values.quantile(list(_QUANTILES)) if one > values.min()})
    edges = ["", *(_say(one) for one in bounds)]
    labels = [f"tot {edges[1]}" if len(bounds) else "alle"]
    labels += [f"{low} tot {high}" for low, high in pairwise(edges[1:])]
    labels += [f"{edges[-1]} en meer"] if bounds else []
    return View(fields.get(name).label_nl, name, ramp_classes(bounds, labels, ramp=ramp), note)


def _round(value: float) -> float:
    """Round to two digits that count."""
    if value == 0:
        return 0.0
    size = 10.0 ** (np.floor(np.log10(abs(value))) - 1)
    return float(round(value / size) * size)


def _say(value: float) -> str:
    return (
        f"{value:,.0f}".replace(",", ".")
        if abs(value) >= 10 or value == int(value)
        else f"{value:.2g}".replace(".", ",")
    )


_MADE = tuple[Layer, Theme] | None


def _theme(
    key: str, title: str, layer: Layer, views: Sequence[View | None], story: Story, popup: Sequence[str]
) -> Theme:
    return Theme(key, title, layer.name, tuple(one for one in views if one is not None), story, tuple(popup),
                 (layer.title_column, *[one for one in popup if one != layer.title_column]))  # fmt: skip


def _buurten(store: Store, sources: Sequence[Provenance]) -> _MADE:
    if not store.has("buurt_score"):
        return None
    frame = store.read("buurt_score")
    names = ["buurtnaam", "buurtcode", "homes", "households", "homes_per_household", "inhabitants", "household_size_persons",
             "grey_water_m3_per_year", "open_sky_kwh_per_year", "gas_use_m3_per_home", "electricity_use_kwh_per_home",
             "corporation_pct", "homes_with_solar_pct"]  # fmt: skip
    names = [name for name in names if frame[name].notna().any()]
    columns = _columns(frame, names, sources, {"homes_per_household": 2, "household_size_persons": 1})
    layer = Layer("buurten", "Buurten", "polygon", frame, columns, "buurtcode", "buurtnaam")
    choices = ["grey_water_m3_per_year", "open_sky_kwh_per_year", "homes", "inhabitants", "gas_use_m3_per_home",
               "electricity_use_kwh_per_home", "corporation_pct", "homes_per_household"]  # fmt: skip
    views = [_view(frame, name) for name in choices if name in names]
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
    return layer, _theme("buurten", "Buurten", layer, views, story, [name for name in names if name != "buurtcode"])


def _roofs(store: Store, sources: Sequence[Provenance]) -> _MADE:
    if not store.has("roof_face_score"):
        return None
    frame = store.read("roof_face_score")
    names = ["face_id", "pand_id", "open_sky_kwh_per_m2_year", "open_sky_kwh_per_year", "roof_area_m2", "tilt_deg", "azimuth_deg",
             "score_basis"]  # fmt: skip
    layer = Layer(
        "dakvlakken",
        "Dakvlakken",
        "polygon",
        frame,
        _columns(frame, names, sources, {"roof_area_m2": 1}),
        "face_id",
        "face_id",
    )
    note = "Zonder schaduw van buren en bomen: de werkelijke opbrengst is lager."
    views = [_view(frame, "open_sky_kwh_per_m2_year", note=note), _view(frame, "open_sky_kwh_per_year", note=note)]
    if not any(views):
        return None
    story = Story(
        "Hoeveel zon er in een gewoon jaar op elk dakvlak valt.",
        "Donker is veel zon. Klik op een dakvlak voor helling, richting en oppervlakte.",
        "Schaduw van bomen en gebouwen is niet meegeteld, en dit is zonlicht, geen stroom: panelen "
        "maken er ongeveer een vijfde van.",
        "Straling per uur uit een typisch jaar, omgerekend naar het vlak met het model van Perez (1990) in pvlib.",
    )
    return layer, _theme("zon", "Zon op daken", layer, views, story, names[1:])


def _panden(store: Store, sources: Sequence[Provenance]) -> _MADE:
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
    layer = Layer("panden", "Panden", "polygon", frame, _columns(frame, names, sources, {}), "pand_id", "pand_id")
    views = [
        _era(frame),
        _homes(frame),
        *(_view(frame, name) for name in ("footprint_area_m2", "open_sky_kwh_per_year") if name in names),
    ]
    story = Story(
        "De gebouwen met hun bouwjaar en het aantal woningen.",
        "Het bouwjaar zegt iets over de riolering: voor 1970 meestal gemengd, na 1990 meestal gescheiden.",
        "Een plaatsvervangend bouwjaar in het register is als onbekend getoond. Panden die niet in "
        "gebruik zijn, staan er niet op.",
        "Panden in gebruik volgens de BAG; woningen zijn verblijfsobjecten in gebruik met woonfunctie.",
    )
    return layer, _theme("panden", "Gebouwen", layer, views, story, names)


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


def _streets(store: Store, sources: Sequence[Provenance]) -> _MADE:
    if not store.has("street_score"):
        return None
    frame = store.read("street_score")
    if frame.empty:
        return None
    frame["geometry"] = frame.geometry.centroid
    frame = gpd.GeoDataFrame(frame, geometry="geometry", crs=frame.crs)
    names = ["street", "grey_water_m3_per_year", "homes", "people", "assigned_by"]
    columns = (*_columns(frame, names, sources, {}), Column("street_key", "sleutel", _CALCULATED, kind="text"))
    layer = Layer("straten", "Straten", "point", frame, columns, "street_key", "street")
    note = "Grijswater is water van douche, bad en wastafel. Hemelwater (regen) is iets anders en staat hier niet."
    story = Story(
        "Hoeveel grijswater de woningen aan elke straat per jaar maken.",
        "Elke stip is een straat, op het midden van haar woningen. Donker is veel grijswater.",
        "Dit is het aanbod, niet de besparing. In de meeste straten is de rioolbuis al zo klein als mag: daar bespaart afkoppelen geen buis. "
        "Huishoudens mogen afvalwater niet zomaar in de bodem lozen waar riool ligt: het vraagt maatwerk of zuivering.",
        "Woningen maal personen per huishouden (CBS) maal 60 liter per persoon per dag (CBS/Vewin 2021).",
    )
    views = [_view(frame, "grey_water_m3_per_year", note=note), _view(frame, "homes")]
    if not any(views):
        return None
    return layer, _theme("grijswater", "Grijswater", layer, views, story, names)


_SYSTEMS = (("gemengd", "vuil en regen samen"), ("vuilwater", "alleen vuil water"), ("verbeterd_gescheiden", "verbeterd gescheiden"),
            ("hemelwater", "alleen regen"))  # fmt: skip
_PRESSED = ("drukriool", "persleiding", "drain", "overig")


def _sewers(store: Store, sources: Sequence[Provenance]) -> _MADE:
    if not store.has("sewer_pipe"):
        return None
    frame = store.read("sewer_pipe")
    names = ["pipe_id", "system", "diameter_mm", "laid_year", "material", "length_m", "street_name"]
    names = [name for name in names if frame[name].notna().any()]
    layer = Layer(
        "riool", "Riool", "line", frame, _columns(frame, names, sources, {"length_m": 1}), "pipe_id", "pipe_id"
    )
    colors = RAMPS["viridis"]
    classes = [LegendClass("ABCD"[i], label, colors[i], values=(value,)) for i, (value, label) in enumerate(_SYSTEMS)]
    classes.append(LegendClass("E", "onder druk, drain of anders", colors[4], values=_PRESSED))
    views = [View("stelsel", "system", tuple(classes)),
             *(_view(frame, name, ramp="cividis") for name in ("diameter_mm", "laid_year") if name in names)]  # fmt: skip
    story = Story(
        "De riolen naar stelsel: wat er door stroomt.",
        "In een vuilwaterriool scheelt grijswater veel; in een gemengd riool bepaalt de regen hoe groot de buis is.",
        "Of een buis kleiner kan, staat hier niet: in de meeste straten ligt al de kleinste maat. Wat ontbreekt is onbekend.",
        "Leidingen zoals de gemeente ze in het GWSW heeft gezet; vervallen leidingen zijn weggelaten en geteld.",
    )
    return layer, _theme("riool", "Riool", layer, views, story, names)


def _search(store: Store) -> gpd.GeoDataFrame | None:
    parts = []
    if store.has("buurt_score"):
        frame = store.read("buurt_score")
        parts.append(
            gpd.GeoDataFrame(
                {"text": frame["buurtnaam"], "kind": "buurt"}, geometry=frame.representative_point(), crs=frame.crs
            )
        )
    if store.has("street_score"):
        frame = store.read("street_score")
        parts.append(
            gpd.GeoDataFrame({"text": frame["street"], "kind": "straat"}, geometry=frame.centroid, crs=frame.crs)
        )
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True)) if parts else None
