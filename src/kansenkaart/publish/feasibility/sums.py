"""One place as its report sees it: its stored rows, its sums made again from its stored facts, and its workbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core.enterprise.case import PANELS, ROOFS, AreaFacts, Case, facts_of_row, term_rows
from kansenkaart.core.enterprise.cashflow import CashFlow, evaluate_case, payment_keys, sheet_formulas
from kansenkaart.core.enterprise.linear import OUTCOMES, Array, yearly_equivalent
from kansenkaart.core.enterprise.package import ServiceResult, service_results, with_package
from kansenkaart.core.enterprise.services import PARTIES
from kansenkaart.core.enterprise.setting import CRITERIA, Setting, as_inputs, setting_of
from kansenkaart.core.enterprise.tracks import HEADLINE, Comparison, compare_tracks
from kansenkaart.present.workbook import InputCell, PaymentRow, SumRow, WorkbookModel
from kansenkaart.publish.figures import ENDS, with_more_homes
from kansenkaart.tables.assumptions import Assumption, Assumptions, ServiceRows, default_services, with_budgets
from kansenkaart.tables.store import Store
from kansenkaart.wording.enterprise import label, path_words, row_words, unit_of_fact
from kansenkaart.wording.names import doubt_lines

TRACKS = ("short", "long")
#: How the facts of roofs begin, by kind of owner.
_ROOFS = tuple(f"pv_{one}_" for one in ROOFS)
Place = tuple[str, str]


@dataclass(frozen=True)
class TrackSums:
    """The sums of one place on one track.

    Parameters
    ----------
    case : Case
        Its facts, with the package chosen.
    setting : Setting
        What holds for all places: units, draws and package.
    results : tuple of ServiceResult
        What each service leaves alone, expected.
    stays : array
        What stays in the neighbourhood in each draw [EUR/year].
    """

    case: Case
    setting: Setting
    results: tuple[ServiceResult, ...]
    stays: Array

    def flow(self) -> CashFlow:
        """Return the payments of every year, one value per draw of the terms; facts as they are."""
        return evaluate_case(self.case, self.setting.terms)


@dataclass(frozen=True)
class PlaceSums:
    """One place with its stored rows and its sums on both tracks, how well these fit, its shape, and its neighbours.

    Parameters
    ----------
    place : tuple of (str, str)
        Kind and id.
    rows : mapping of str to mapping
        By track its row of ``enterprise_case``.
    sums : mapping of str to TrackSums
        By track.
    tracks : Comparison
        How well either track fits.
    shape, around : GeoSeries
        Its outline, and those of the other places of its kind.
    roofs_apart : bool
        Whether the roofs of each kind of owner may be told of by themselves.
    doubts : tuple of str
        By score of the whole study, which inputs carry most of its doubt.
    larger : Series or None
        Case of a larger buurt where each home that takes part adds much less.
    """

    place: Place
    rows: Mapping[str, Mapping[str, Any]]
    sums: Mapping[str, TrackSums]
    tracks: Comparison
    shape: gpd.GeoSeries
    around: gpd.GeoSeries
    roofs_apart: bool = True
    doubts: tuple[str, ...] = ()
    larger: pd.Series[Any] | None = None

    @property
    def track(self) -> str:
        """The track that is shown, as on the map: the one on which places are compared."""
        return HEADLINE

    def results(self) -> Sequence[ServiceResult]:
        """Return what each service leaves alone; panels as one where roofs may not be told of by kind of owner."""
        every = self.sums[self.track].results
        if self.roofs_apart:
            return every
        chosen = [one for one in every if one.name in PANELS and one.chosen and one.known[0]]
        rest = [one for one in every if one.name not in PANELS]
        if not chosen:
            return rest
        parties = np.asarray(np.sum([one.parties for one in chosen], axis=0))
        return [*rest, replace(chosen[0], name="solar", parties=parties)]

    def facts(self) -> list[tuple[str, str, float]]:
        """Return name, words and value of each fact; roofs of all owners together where they may not be told of apart."""
        facts = self.sums[self.track].case.facts
        rows = [(name, label("fact", name), float(getattr(facts, name))) for name in AreaFacts().__dict__]
        if self.roofs_apart:
            return rows
        values, out = {name: value for name, _, value in rows}, []
        for name, words, value in rows:
            if name.startswith(_ROOFS[0]):
                every = [values[one + name.removeprefix(_ROOFS[0])] for one in _ROOFS]
                out.append((name, f"{words.split(' (')[0]} (alle bekende daken samen)", float(np.nansum(every))))
            elif not name.startswith(_ROOFS):
                out.append((name, words, value))
        return out


@dataclass(frozen=True)
class Survey:
    """All places of a study as stored, and per track the case and the units that hold for all of them."""

    cases: gpd.GeoDataFrame
    facts: pd.DataFrame
    services: tuple[ServiceRows, ...]
    settings: Mapping[str, Setting]
    doubts: tuple[str, ...] = ()

    def sums_of(self, place: Place) -> PlaceSums | None:
        """Return the sums of one place, made from its stored facts; None if it has no case.

        Parameters
        ----------
        place : tuple of (str, str)
            Kind and id.
        """
        mine = self.cases[(self.cases["place_kind"] == place[0]) & (self.cases["place_id"] == place[1])]
        if mine.empty:
            return None
        row = self.facts[(self.facts["place_kind"] == place[0]) & (self.facts["place_id"] == place[1])].iloc[0]
        facts = facts_of_row(row.to_dict())
        around = self.cases[self.cases["place_kind"] == place[0]].drop_duplicates("place_id").geometry
        return PlaceSums(
            place,
            {str(one["track"]): one.to_dict() for _, one in mine.iterrows()},
            {track: _sums(row, self.settings[track]) for track in TRACKS},
            compare_tracks(facts, renovation_year=float(row["renovation_year"]), members=np.nan),
            gpd.GeoSeries(mine.geometry.iloc[:1]),
            gpd.GeoSeries(around),
            doubts=self.doubts,
            larger=with_more_homes(self.cases, mine[mine["track"].astype(str).eq(HEADLINE)].iloc[0]),
        )


def _sums(row: pd.Series[Any], setting: Setting) -> TrackSums:
    given = as_inputs(row.to_frame().T)
    results = service_results(setting.units, given, setting.package)
    drawn = setting.drawn(given, np.array([float(row["roof_range_frac"])]))
    stays = drawn[[OUTCOMES.index(one) for one in CRITERIA["stays"]], 0].sum(axis=0)
    case = replace(with_package(setting.case, setting.package), facts=facts_of_row(row.to_dict()))
    return TrackSums(case, setting, results, stays)


def survey_of(store: Store, known: Assumptions) -> Survey:
    """Return all places of a study with their stored facts and cases.

    Parameters
    ----------
    store : Store
        With ``enterprise_case`` and ``enterprise_facts``.
    known : Assumptions
        Figures.
    """
    facts, cases = store.read("enterprise_facts"), store.read("enterprise_case")
    whole = store.read("block_facts") if store.has("block_facts") else facts[facts["place_kind"].eq("buurt")]
    services = with_budgets(default_services(), store.read("own_budget") if store.has("own_budget") else None, whole)
    packages = cases.groupby("track")["package"].first()
    settings = {
        track: setting_of(
            track, figures=known, services=services, package=[one for one in str(packages[track]).split(";") if one]
        )
        for track in TRACKS
    }
    doubts = doubt_lines(store.read("sensitivity")) if store.has("sensitivity") else ()
    return Survey(cases, facts, services, settings, doubts)


def workbook_of(
    sums: TrackSums,
    row: Mapping[str, Any],
    *,
    title: str,
    source_note: str,
    assumptions: Assumptions,
    services: Sequence[ServiceRows],
) -> WorkbookModel:
    """Return the workbook of a place: the same sums as formulas with their outcome, every input with bounds and source.

    Parameters
    ----------
    sums : TrackSums
        The case, its package chosen.
    row : mapping
        Its row of ``enterprise_case``: what is printed everywhere.
    title, source_note : str
        Heading, and the line on sources.
    assumptions : Assumptions
        Figures of the terms.
    services : sequence of ServiceRows
        Figures of the services.
    """
    case, flow = sums.case, evaluate_case(sums.case)
    figures = _figures(assumptions, services, str(row["track"]))
    whole = {name for name in PARTIES[:-1] if not pd.isna(row[f"{name}_eur_per_year"])}
    whole |= set(PARTIES) if len(whole) == len(PARTIES) - 1 else set()  # what others miss is the sum of what all win
    return WorkbookModel(
        title=title,
        source_note=source_note,
        published=tuple(
            (words, *(float(row[f"{name}_eur_per_year{end}"]) for end in ENDS))
            for name, words in (("stays", "blijft in de buurt"), *((one, label("party", one)) for one in PARTIES[:-1]))
            if not np.isnan(row[f"{name}_eur_per_year"])
        ),
        chance_frac=float(row["earns_keep_frac"]),
        inputs=tuple(_cell(path, value, figures) for path, value in case.inputs().items()),
        rows=tuple(
            SumRow(name, row_words(name), unit_nl(unit), formula, tuple(map(float, flow.by_row[name][:, 0])))
            for name, unit, formula in sheet_formulas(case)
        ),
        payments=tuple(PaymentRow(name, of, payer, payee) for name, of, _, payer, payee in payment_keys(case)),
        parties=tuple((name, label("party", name), name in whole) for name in PARTIES),
        results={
            name: (
                float(flow.present_value(name)[0]),
                float(yearly_equivalent(flow, name)[0]),
                tuple(map(float, flow.party(name)[:, 0])),
            )
            for name in PARTIES
        },
        period_years=case.period_years,
        discount_path="terms.discount_real_frac",
        index_row="price_index",
    )


QUALITY_NL = {"guess": "gok", "estimate": "schatting", "measured": "gemeten", "norm": "norm", "own": "eigen aanname"}
_UNITS_NL = {
    "EUR": "euro",
    "year": "jaar",
    "h": "uur",
    "home": "woning",
    "person": "persoon",
    "1": "deel",
    "%": "deel",
    "m2": "m²",
    "m3": "m³",
    "system": "dak",
    "panel": "paneel",
    "kwp": "kWp",
    "pand": "gebouw",
    "job": "baan",
}


def unit_nl(unit: str) -> str:
    """Say a unit of an assumption or of a row of the sums; shares are parts of one.

    Parameters
    ----------
    unit : str
        Such as ``EUR/m2/year`` or ``1/year``.
    """
    return " per ".join(_UNITS_NL.get(one, one) for one in unit.split("/"))


def _figures(
    assumptions: Assumptions, services: Sequence[ServiceRows], track: str
) -> dict[str, tuple[Assumption, float]]:
    """Return by path the row of figures behind an input, and the factor to the unit of the sums [1]."""
    found = {f"terms.{name}": (assumptions[row], by) for name, (row, _, by) in term_rows(track).items()}
    for one in services:
        found |= {f"{one.name}.{item}": (row, 1.0) for item, row in one.figures.items()}
    return found


def _cell(path: str, value: float, figures: Mapping[str, tuple[Assumption, float]]) -> InputCell:
    words = path_words(path)
    if path not in figures:
        chosen = path.endswith("chosen")
        source = "1 = doet mee, 0 = doet niet mee" if chosen else "feiten van het gebied"
        unit = "" if chosen else unit_of_fact(path.split(".")[1])
        return InputCell(path, words, value, value, value, unit, "keuze" if chosen else "van de kaart", source)
    row, by = figures[path]
    price = path.partition("_eur_per_")[2]  # what a figure that is brought to another unit is a price of
    unit = unit_nl(row.unit if by == 1 or not price else f"EUR/{price}")
    quality = QUALITY_NL.get(row.quality, row.quality)
    source = "gok" if row.source == "guess" else row.source
    return InputCell(path, words, value, row.low * by, row.high * by, unit, quality, source)
