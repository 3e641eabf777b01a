"""One place as its report sees it: its stored rows, its sums made again from its stored facts, and its workbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core.enterprise.case import AreaFacts, Case, case_from, facts_of_row, term_rows
from kansenkaart.core.enterprise.cashflow import payment_keys, sheet_formulas
from kansenkaart.core.enterprise.linear import Units, units_of
from kansenkaart.core.enterprise.package import ServiceResult, service_results, with_package
from kansenkaart.core.enterprise.services import PARTIES
from kansenkaart.core.enterprise.tracks import Comparison, compare_tracks
from kansenkaart.present.workbook import InputCell, PaymentRow, SumRow, WorkbookModel
from kansenkaart.tables.assumptions import Assumption, Assumptions, ServiceRows, default_services, with_budgets
from kansenkaart.tables.store import Store
from kansenkaart.wording.enterprise import label, leading_cases

TRACKS = ("short", "long")
Place = tuple[str, str]


@dataclass(frozen=True)
class TrackSums:
    """The sums of one place on one track: its case with the package, and what each service leaves alone."""

    case: Case
    results: tuple[ServiceResult, ...]


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
    """

    place: Place
    rows: Mapping[str, Mapping[str, Any]]
    sums: Mapping[str, TrackSums]
    tracks: Comparison
    shape: gpd.GeoSeries
    around: gpd.GeoSeries

    @property
    def track(self) -> str:
        """The track that is shown, as on the map (:func:`leading_cases`)."""
        return str(leading_cases(pd.DataFrame(list(self.rows.values()))).iloc[0]["track"])


@dataclass(frozen=True)
class Survey:
    """All places of a study as stored, and per track the case and the units that hold for all of them."""

    cases: gpd.GeoDataFrame
    facts: pd.DataFrame
    services: tuple[ServiceRows, ...]
    units: Mapping[str, tuple[Case, Units]]

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
            {track: _sums(facts, *self.units[track]) for track in TRACKS},
            compare_tracks(facts, renovation_year=float(row["renovation_year"]), members=np.nan),
            gpd.GeoSeries(mine.geometry.iloc[:1]),
            gpd.GeoSeries(around),
        )


def _sums(facts: AreaFacts, case: Case, units: Units) -> TrackSums:
    given = {name: np.array([value], float) for name, value in facts.__dict__.items()}
    results = service_results(units, given)
    chosen = [one.name for one in results if one.earns[0]]
    return TrackSums(replace(with_package(case, chosen), facts=facts), results)


def survey_of(store: Store, known: Assumptions) -> Survey:
    """Return all places of a study with their stored facts and cases.

    Parameters
    ----------
    store : Store
        With ``enterprise_case`` and ``enterprise_facts``.
    known : Assumptions
        Figures.
    """
    facts, services = store.read("enterprise_facts"), default_services()
    if store.has("own_budget"):
        rows = store.read("own_budget").dropna(subset="budget_eur_per_year")
        budget = dict(zip(rows["service"], rows["budget_eur_per_year"], strict=True))
        buurten = facts[facts["place_kind"].eq("buurt")]
        sizes = {name: float(buurten[name].sum(skipna=False)) for name in AreaFacts().__dict__}
        services = with_budgets(services, budget, sizes)
    cases = {one: case_from(AreaFacts(), assumptions=known, services=services, track=one) for one in TRACKS}
    units = {track: (case, units_of(case)) for track, case in cases.items()}
    return Survey(store.read("enterprise_case"), facts, services, units)


def workbook_of(
    case: Case,
    *,
    title: str,
    source_note: str,
    assumptions: Assumptions,
    services: Sequence[ServiceRows],
    track: str = "long",
) -> WorkbookModel:
    """Return the workbook of a case: the same sums as formulas, every input with its bounds and source.

    Parameters
    ----------
    case : Case
        The case, its package chosen.
    title, source_note : str
        Heading, and the line on sources.
    assumptions : Assumptions
        Figures of the terms.
    services : sequence of ServiceRows
        Figures of the services.
    track : str
        ``short`` or ``long``.
    """
    figures = _figures(assumptions, services, track)
    return WorkbookModel(
        title=title,
        source_note=source_note,
        inputs=tuple(_cell(path, value, figures) for path, value in case.inputs().items()),
        rows=tuple(SumRow(*row) for row in sheet_formulas(case)),
        payments=tuple(PaymentRow(name, of, payer, payee) for name, of, _, payer, payee in payment_keys(case)),
        parties=tuple((name, label("party", name)) for name in PARTIES),
        period_years=case.period_years,
        discount_path="terms.discount_real_frac",
        index_row="price_index",
    )


def _figures(
    assumptions: Assumptions, services: Sequence[ServiceRows], track: str
) -> dict[str, tuple[Assumption, float]]:
    """Return by path the row of figures behind an input, and the factor to the unit of the sums [1]."""
    found = {f"terms.{name}": (assumptions[row], by) for name, (row, _, by) in term_rows(track).items()}
    for one in services:
        found |= {f"{one.name}.{item}": (row, 1.0) for item, row in one.figures.items()}
    return found


def _cell(path: str, value: float, figures: Mapping[str, tuple[Assumption, float]]) -> InputCell:
    if path not in figures:
        source = "1 = doet mee, 0 = doet niet mee" if path.endswith("chosen") else "feiten van het gebied"
        return InputCell(path, value, value, value, "", "choice" if path.endswith("chosen") else "from the map", source)
    row, by = figures[path]
    unit = row.unit if by == 1 else f"{row.unit} x {by:g}"
    return InputCell(path, value, row.low * by, row.high * by, unit, row.quality, row.source)
