"""The factsheets of a study: one per buurt and per proposed place, from the same figures as the map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from kansenkaart.config import Study
from kansenkaart.present.factsheet import Amount, Compared, KeyFigure, MapPart, Moved, Partner, Sheet, Talk
from kansenkaart.present.mapspec import Column, View
from kansenkaart.present.style import UNKNOWN_COLOR, LegendClass
from kansenkaart.publish.figures import (
    ESTIMATED,
    GEMEENTE,
    ROOFS_OF_HOMES,
    WIJK,
    Around,
    Means,
    buurt_of,
    case_of,
    cases_of,
    contact_of,
    figure_words,
    mean_words,
    width_of,
    with_case,
    with_parts,
)
from kansenkaart.publish.map.legend import columns_of, delivered, editions_of, view_of
from kansenkaart.publish.map.ranking import Places, proposed
from kansenkaart.tables import fields
from kansenkaart.tables.assumptions import Assumption, Assumptions
from kansenkaart.tables.provenance import Provenance
from kansenkaart.tables.store import Store
from kansenkaart.wording.enterprise import PartnerLine, label, partners
from kansenkaart.wording.nl import (
    UNKNOWN,
    capital,
    chance,
    counted,
    homes_nl,
    listed,
    number,
    roughly,
    say,
    share,
    unit_words,
)
from kansenkaart.wording.nl import year as year_words


def compared_with(row: pd.Series[Any], around: Around) -> tuple[tuple[str, ...], tuple[Compared, ...]]:
    """Compare a place with its buurt, wijk and gemeente, as far as their buurten are in the study.

    Parameters
    ----------
    row : Series
        The place, with `homes` [1] and its figures.
    around : Around
        The buurten of the study.

    Returns
    -------
    tuple of tuple of str and tuple of Compared
        The columns and the rows.
    """
    names, groups = ["hier"], [around.own(row)]
    if (buurten := around.buurten) is not None:
        codes, mine = [str(one) for one in buurten["buurtcode"]], buurt_of(buurten, row)
        if not isinstance(row.get("buurtnaam"), str):
            names.append(f"buurt {buurten['buurtnaam'].iloc[codes.index(mine)]}")
            groups.append(around.of(mine))
        for word, part in (("wijk", mine[:WIJK]), ("gemeente", mine[:GEMEENTE])):
            count = sum(one.startswith(part) for one in codes)
            names.append(f"{word} ({count} {'buurt' if count == 1 else 'buurten'} in de studie)")
            groups.append(around.of(part))
    return tuple(names), _rows(groups)


def _rows(groups: Sequence[Means]) -> tuple[Compared, ...]:
    out = []
    for name in fields.on_sheet("compare"):
        means = [one[name] for one in groups]
        if any(value is not None for value, _ in means):
            texts = tuple(why if value is None else mean_words(name, value) for value, why in means)
            out.append(Compared(_label(name) + (" per woning" if fields.get(name).per_home else ""), texts))
    return tuple(out)


def _label(name: str) -> str:
    return capital(fields.get(name).label_nl)


#: Figures on a factsheet [1].
_FIGURES = 6
#: Areas of the division that get a factsheet; beyond, the table of the map has them all.
MOST_AREAS = 200
_NEAR_M = 400.0
_FINEST_M = 0.5
_LIMITS = (
    "Het toont een kans, geen toestemming. Wie iets wil beginnen, laat het ter plaatse onderzoeken.",
    "De grens is berekend of bestuurlijk; er is niet met bewoners over gesproken.",
    "Opbrengsten zijn van een gewoon jaar en van prijzen van nu; ze zijn geen belofte.",
    "Zon, stroom en grijswater staan hier voor alle woningen en daken; wat in de buurt blijft rekent met wie er meedoet.",
)


@dataclass(frozen=True, eq=False)
class _Scene:
    """What all sheets of a study share."""

    study: Study
    sources: tuple[Provenance, ...]
    known: Assumptions
    buurten: gpd.GeoDataFrame | None
    units: gpd.GeoDataFrame | None
    around: Around
    cases: Mapping[tuple[str, str], pd.Series[Any]]
    talked: frozenset[tuple[str, str]]
    view: View | None
    public: bool
    streets: gpd.GeoDataFrame | None
    panden: gpd.GeoDataFrame | None

    def near(self, frame: gpd.GeoDataFrame | None, place: BaseGeometry) -> tuple[BaseGeometry, ...]:
        """Return the shapes of a table that may be on the map of a place."""
        if frame is None:
            return ()
        found = frame.sindex.query(shapely.box(*place.buffer(_NEAR_M).bounds))
        return tuple(frame.geometry.to_numpy()[sorted(found)])


def sheets(store: Store, study: Study, known: Assumptions, *, public: bool = False) -> Iterator[Sheet]:
    """Give the factsheet of each buurt and of each proposed place; places without a home have none.

    Parameters
    ----------
    store : Store
        Scored tables.
    study : Study
        For its title.
    known : Assumptions
        For what moves when they move.
    public : bool
        Whether this is the public edition.

    Yields
    ------
    Sheet
        Keyed ``kind-id``.
    """
    buurten = with_case(store, store.read("buurt_score"), "buurt", "buurtcode") if store.has("buurt_score") else None
    units = with_parts(store, store.read("block")) if store.has("block") else None
    if units is not None:
        units["geometry"] = units.geometry.simplify(_FINEST_M)
    tables = [
        name
        for name in ("buurt_score", "block", "gebied", "best_area", "street_water", "pand_score")
        if store.has(name)
    ]
    colored = units if units is not None else buurten
    view = None
    if colored is not None:
        names = [name for name in fields.on_sheet("color") if name in colored.columns]
        view = next((made for name in names if (made := view_of(colored, name))), None)
    compared = {"buurtcode", "homes", ROOFS_OF_HOMES, *fields.on_sheet("compare")}
    scene = _Scene(
        study,
        store.sources_of(tables),
        known,
        buurten,
        units,
        Around(buurten, None if units is None else units[[one for one in units if one in compared]]),
        cases_of(store),
        _talked(store),
        view,
        public,
        *(store.read(name) if store.has(name) else None for name in ("street_water", "pand_score")),
    )
    if buurten is not None:
        for _, row in buurten.iterrows():
            yield from _sheet(scene, "buurt", str(row["buurtcode"]), f"Buurt {row['buurtnaam']}", row)
    for places in _proposals(store):
        for _, row in places.frame.iterrows():
            yield from _sheet(scene, places.kind, str(row[places.key]), f"Gebied {row[places.name]}", row)


def _proposals(store: Store) -> Iterator[Places]:
    """Give the best areas, and of the division of the whole place the first so many areas."""
    first = proposed(store)
    if first is not None:
        yield replace(first, frame=first.frame.head(MOST_AREAS))
    if first is not None and first.kind != "gebied" and store.has("gebied"):
        frame = with_case(
            store, store.read("gebied").sort_values("gebied_id", ignore_index=True), "gebied", "gebied_id"
        )
        yield Places("gebied", frame.head(MOST_AREAS), "gebied_id", "gebied_name")


def _sheet(scene: _Scene, kind: str, key: str, title: str, row: pd.Series[Any]) -> Iterator[Sheet]:
    homes = row.get("homes")
    if pd.isna(homes) or int(homes) < 1:
        return
    around, compared = compared_with(row, scene.around)
    parts = _parts(scene, row["geometry"])
    legend_title, legend = _legend(scene, parts)
    roofs = _roof_basis(scene, row)
    yield Sheet(
        key=f"{kind}-{key}",
        title=title,
        study=scene.study.title,
        edition=editions_of(scene.sources),
        place=row["geometry"],
        parts=parts,
        legend_title=legend_title,
        legend=legend,
        figures=tuple(_figure(scene, row, name, roofs) for name in _shown(row)),
        around=around,
        compared=compared,
        moved=tuple(_moved(scene, row, scene.cases.get((kind, key)))),
        not_said=(*_LIMITS, *_missing(row, compared)),
        sources=_sources(scene.sources),
        example=scene.study.invented,
        public=scene.public,
        talked=(kind, key) in scene.talked and (kind, key) in scene.cases,
        contact=f"Klopt dit niet? {contact_of(scene.study)}",
        streets=scene.near(scene.streets, row["geometry"]),
        buildings=scene.near(scene.panden, row["geometry"]),
    )


def _shown(row: pd.Series[Any]) -> list[str]:
    names = [name for name in fields.on_sheet("figure") if name in row and pd.notna(row[name])][:_FIGURES]
    return names + [name for name in fields.on_sheet("always") if name not in names][: _FIGURES - len(names)]


@lru_cache(maxsize=256)
def _column(sources: tuple[Provenance, ...], name: str, *beside: str) -> Column:
    return columns_of(pd.DataFrame(columns=[name, *beside]), [name], sources)[0]


def _figure(scene: _Scene, row: pd.Series[Any], name: str, roofs: str | None) -> KeyFigure:
    column = _column(scene.sources, name, *(one for one in (f"{name}_year", "score_basis") if one in row))
    year = row.get(f"{name}_year")
    own = column.basis_column if column.basis_column != "score_basis" or fields.get(name).of_roof == "whole" else ""
    basis = row.get(own) if own else roofs if fields.get(name).of_roof == "whole" else None
    calculated = fields.get(name).origin == "calculated"  # from which deliveries is said once, below
    words = [
        "" if calculated else year_words(year) if pd.notna(year) else column.year,
        _publisher(scene, column.source),
        column.definition if calculated else "",
        f"gemaakt uit: {say(fields.get(own or 'score_basis').codes, str(basis))}" if pd.notna(basis) else "",
    ]
    said = figure_words(name, row.get(name), width_of(row, name))
    about = "ongeveer " if calculated and fields.get(name).unit.startswith(ESTIMATED) and said != UNKNOWN else ""
    return KeyFigure(capital(column.label), about + said, "; ".join(one for one in words if one))


def _roof_basis(scene: _Scene, row: pd.Series[Any]) -> str | None:
    """Return what the roofs of the buurt of an area were made from, for figures of roofs."""
    if scene.buurten is None:
        return None
    mine = scene.buurten.loc[scene.buurten["buurtcode"].astype(str) == buurt_of(scene.buurten, row), "score_basis"]
    return str(mine.iloc[0]) if len(mine) and pd.notna(mine.iloc[0]) else None


def _publisher(scene: _Scene, key: str) -> str:
    return next((one.credit for one in scene.sources if f"{one.publisher}-{one.role}" == key), "")


#: What the bounds of a sum are that no draws were made of.
_BOUNDS = {
    "yield_fit_kwh_per_year": "80% kans dat het hiertussen ligt: wat alle daken delen en wat elk apart afwijkt",
    "water_eur_per_year": "de laagste en hoogste uitkomst van alle straten, bij elkaar opgeteld",
}


def _moved(scene: _Scene, row: pd.Series[Any], case: pd.Series[Any] | None) -> Iterator[Moved]:
    """Say what comes out when assumptions move: as stored where that was worked out, else where the sum is one product."""
    for name in fields.on_sheet("figure"):
        yield from _interval(name, row, _BOUNDS.get(name, "80% kans dat het hiertussen ligt, alle aannamen samen"))
    water, use = row.get("grey_water_m3_per_year"), scene.known["water_use_total"]
    if pd.notna(water) and use.low < use.high:
        yield _by_use("grey_water_m3_per_year", float(water), use)
    if "sure_frac" in row and pd.notna(row["sure_frac"]):
        yield Moved(
            "Bij de beste vijf",
            "-",
            share(row["sure_frac"]),
            "-",
            f"deel van de {number(row['sure_draws'])} berekeningen, elk met andere aannamen; van "
            f"{counted(row['candidates'], 'gebied', 'gebieden')}",
        )
    if case is not None:
        for name in ("household_eur_per_year", "enterprise_eur_per_year"):
            yield from _interval(name, case, "80% kans dat het hiertussen ligt")


def _by_use(name: str, water: float, use: Assumption) -> Moved:
    """Say what becomes of an amount of water at either end of the use of water; an end that is the use itself says nothing."""
    ends = [figure_words(name, water * one / use.value) if one != use.value else "-" for one in (use.low, use.high)]
    given = " of ".join(number(one) for one in (use.low, use.high) if one != use.value)
    why = f"watergebruik van {given} liter per persoon per dag, waar wij met {number(use.value)} rekenen"
    return Moved(_label(name), ends[0], figure_words(name, water), ends[1], why)


def _interval(name: str, row: pd.Series[Any], why: str) -> Iterator[Moved]:
    """Give a figure with its stored bounds, where all three are known."""
    values = [row.get(one) for one in (f"{name}_low", name, f"{name}_high")]
    if all(pd.notna(one) for one in values):
        low, middle, high = (figure_words(name, one, width_of(row, name)) for one in values)
        if low != high:
            yield Moved(_label(name), low, middle, high, why)


def _missing(row: pd.Series[Any], compared: Sequence[Compared]) -> Iterator[str]:
    solar = ("yield_pay_kwh_per_year", "yield_fit_kwh_per_year", "sun_kwh_per_year", "open_sky_kwh_per_year")
    if any(one in row and pd.notna(row[one]) for one in ("sun_kwh_per_year", "open_sky_kwh_per_year")):
        yield "Zon op het dak is zonlicht, geen stroom: panelen maken er ongeveer een vijfde van."
    if not any(name in row and pd.notna(row[name]) for name in solar):
        yield "Zon op daken: onbekend, want van de daken van deze plek is niets bekend. Onbekend is geen nul."
    euros = ("stays_eur_per_year", "sun_eur_per_year", "water_eur_per_year")
    if not any(name in row and pd.notna(row[name]) for name in euros) and not any(
        "euro" in text for one in compared for text in one.texts[:1]
    ):
        yield "Wat het in euro's oplevert: hier niet berekend."
    bare = [name for name in _shown(row) if pd.notna(row.get(name)) and f"{name}_low" not in row]
    if labels := [fields.get(name).label_nl for name in bare if fields.get(name).unit.startswith(("kWh", "EUR"))]:
        yield f"Zonder marge: {listed(labels)}. Hoe ver dat ernaast kan zitten, is niet uitgerekend."


#: What no figure is known of: it has a letter too, or it would look like what lies around the place.
_UNKNOWN_CLASS = LegendClass("?", UNKNOWN, UNKNOWN_COLOR)


def _legend(scene: _Scene, parts: Sequence[MapPart]) -> tuple[str, tuple[LegendClass, ...]]:
    """Return the title of the legend and its classes; what is unknown is one of them where the place has any."""
    if scene.view is None:
        return "Geen klassen bekend", ()
    unit = unit_words(fields.get(scene.view.column).unit)
    what = "per bouwblok" if scene.units is not None else "per buurt"
    unknown = (_UNKNOWN_CLASS,) * any(one.letter == _UNKNOWN_CLASS.letter for one in parts)
    return f"{capital(scene.view.label)} {what}{f' ({unit})' if unit else ''}", (*scene.view.classes, *unknown)


def _parts(scene: _Scene, place: BaseGeometry) -> tuple[MapPart, ...]:
    """Return the shapes of the map: those of the place with letters, those near it as context."""
    frame = scene.units if scene.units is not None else scene.buurten
    if frame is None or scene.view is None:
        return ()
    near = frame.iloc[np.sort(frame.sindex.query(shapely.box(*place.buffer(_NEAR_M).bounds), predicate="intersects"))]
    inside = shapely.contains(place.buffer(1.0), shapely.point_on_surface(near.geometry.to_numpy()))
    out = []
    for shape, value, mine in zip(
        near.geometry.tolist(), near[scene.view.column].tolist(), inside.tolist(), strict=True
    ):
        one = _class_of(value, scene.view) if mine else None
        out.append(MapPart(shape, one.letter if one else "", one.color if one else ""))
    return tuple(out)


def _class_of(value: Any, view: View) -> LegendClass:
    """Return the class of a figure, from the decimals that the map has of it: a letter is the same in every form."""
    if pd.isna(value):
        return _UNKNOWN_CLASS
    figure = round(float(value), fields.get(view.column).decimals)
    lows = [one for one in view.classes if one.low is None or figure >= one.low]
    return next(one for one in lows if one.high is None or figure < one.high)


def _sources(sources: Sequence[Provenance]) -> tuple[str, ...]:
    said = [
        f"{one.credit} ({say('role', one.role)}), {delivered(one)}, {say('licence', one.licence)}" for one in sources
    ]
    return tuple(dict.fromkeys(said))


#: Places for which there are sheets to talk with partners [1].
_MOST_TALKS = 5
#: Who wins and who pays on such a sheet, in order.
_PARTIES = ("household", "enterprise", "roof_owner", "municipality")


def talks(store: Store, made: Sequence[Sheet]) -> Iterator[Talk]:
    """Give the sheets to talk over each of the first proposed places; none where no case was worked out.

    Parameters
    ----------
    store : Store
        Scored tables.
    made : sequence of Sheet
        The factsheets.
    """
    for sheet in made:
        case = case_of(store, *sheet.key.split("-", 1)) if sheet.talked else None
        if case is not None:
            yield _talk(store, case, sheet)


def _talked(store: Store) -> frozenset[tuple[str, str]]:
    """Return kind and id of the first places that are proposed."""
    places = proposed(store)
    if places is None:
        return frozenset()
    return frozenset((places.kind, key) for key in places.frame[places.key].astype(str).head(_MOST_TALKS))


def _talk(store: Store, case: pd.Series[Any], sheet: Sheet) -> Talk:
    water = (
        "Wat dat u oplevert weten we niet: welk riool hier ligt, is onbekend."
        if not store.has("sewer_pipe")
        else "Wat dat oplevert, staat per straat op de kaart."
    )
    short = case_of(store, str(case["place_kind"]), str(case["place_id"]), "short")
    if short is None:
        condition = ""
    else:
        more = _amount("stays", short)[0].text
        condition = f"Met één grote eigenaar en de gemeente vooraan: {more} per jaar."
        condition += " Uw deelname maakt het verschil." if float(short["stays_eur_per_year"]) > 0 else ""
    stays, span = _amount("stays", case)
    return Talk(
        sheet,
        homes_nl(case["homes"]),
        stays,
        span,
        f"De kans dat het wijkbedrijf zichzelf betaalt is {chance(case['earns_keep_frac'])}.",
        condition,
        tuple(_amount(one, case)[0] for one in _PARTIES),
        tuple(_partner(key, lines, case, water) for key, lines in partners().items()),
    )


def _amount(name: str, case: pd.Series[Any]) -> tuple[Amount, str]:
    """Say a sum of a case as roundly as its interval is wide, with that interval."""
    low, middle, high = (float(case[f"{name}_eur_per_year{end}"]) for end in ("_low", "", "_high"))
    whose, known = capital(label("party", name)), not np.isnan(middle)
    said, span = roughly(middle, low, high) if known else ("nog onbekend", "")
    return (Amount(whose, middle, low, high, said) if known else Amount(whose, 0.0, 0.0, 0.0, said)), span


def _partner(key: str, lines: Sequence[PartnerLine], case: pd.Series[Any], water: str) -> Partner:
    def said(kind: str) -> tuple[str, ...]:
        return tuple(_line(one, case, water) for one in lines if one.kind == kind)

    return Partner(key, said("label")[0], said("gain"), said("ask"), said("unknown"))


def _line(one: PartnerLine, case: pd.Series[Any], water: str) -> str:
    if not one.column:
        return one.text.replace("{water}", water)
    amount, span = _amount(one.column.removesuffix("_eur_per_year"), case)
    each = amount.text if not span else f"{amount.text} per jaar ({span.split(', ')[0]})"
    return one.text.format(amount=each)
