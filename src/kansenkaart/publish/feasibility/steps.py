"""The feasibility reports of a study: HTML, PDF and workbook per place, beside the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from kansenkaart.config import Study, has_extra
from kansenkaart.errors import ConfigError, StoreError
from kansenkaart.present.report import ReportSpec, render_report
from kansenkaart.present.workbook import write_workbook
from kansenkaart.publish import release
from kansenkaart.publish.audit import LEAST_HOMES
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.feasibility.report import report_of
from kansenkaart.publish.feasibility.sums import Place, PlaceSums, Survey, survey_of, workbook_of
from kansenkaart.publish.map.legend import editions_of
from kansenkaart.publish.release import REPORTS
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.provenance import Provenance
from kansenkaart.tables.step import Report, made_from
from kansenkaart.tables.store import Store, atomic

MOST_BEST, MOST_IN_ALL = 5, 6
_READ = ("enterprise_case", "enterprise_facts", "block_facts", "own_budget", "own_actual", "sensitivity")


def chosen_places(cases: pd.DataFrame, best: pd.DataFrame | None) -> list[Place]:
    """Return the places that a run reports on, by kind and id: the five best areas, then the largest buurten, six in all.

    Parameters
    ----------
    cases : DataFrame
        Rows of ``enterprise_case``.
    best : DataFrame or None
        Rows of ``best_area``, where areas were sought.
    """
    one = cases.drop_duplicates(["place_kind", "place_id"])
    found: list[Place] = []
    if best is not None and len(best):
        first = "stays" if (best["criterion"] == "stays").any() else sorted(best["criterion"])[0]
        ranked = best[best["criterion"] == first].sort_values("rank").head(MOST_BEST)
        found = [("best", str(name)) for name in ranked["best_id"]]
    buurten = one[one["place_kind"] == "buurt"].sort_values(["homes", "place_id"], ascending=[False, True])
    return [*found, *(("buurt", str(name)) for name in buurten["place_id"])][:MOST_IN_ALL]


def publish_reports(store: Store, study: Study, target: Path, known: Assumptions) -> list[Report]:
    """Write the reports of the places that a run reports on, and of those asked for before; nothing where nothing changed.

    Parameters
    ----------
    store : Store
        Tables of the study.
    study : Study
        For its title.
    target : Path
        Folder of the study under ``maps``.
    known : Assumptions
        Figures.
    """
    if not store.has("enterprise_case"):
        return []
    folder, mark = target / REPORTS, _mark(store, study)
    if stand(store, study, target):
        return [Report("haalbaarheid", "unchanged", {})]
    cases = store.read("enterprise_case")
    places = chosen_places(cases, store.read("best_area") if store.has("best_area") else None)
    earlier = _published(folder)
    here = sorted({(str(kind), str(key)) for kind, key in zip(cases["place_kind"], cases["place_id"], strict=True)})
    places += [one for one in here if one not in places and f"{'-'.join(one)}.html" in earlier]
    few, _ = of_few_roofs(store)
    places = [one for one in places if one not in few]
    files = _write_all(store, study, folder, known, places)
    for name in earlier - {one.name for one in files}:
        (folder / name).unlink(missing_ok=True)
    release.record(folder, mark, files)
    return [Report("haalbaarheid", "done", {"rapporten": len(places)})]


def stand(store: Store, study: Study, target: Path) -> bool:
    """Tell whether the reports of a study are there as they would be made again.

    Parameters
    ----------
    store, study, target
        As of `publish_reports`.
    """
    return not store.has("enterprise_case") or release.stands(target / REPORTS, _mark(store, study))


def _published(folder: Path) -> set[str]:
    try:
        known = release.publication(folder)
    except StoreError:
        return set()
    return {Path(name).name for name in known.files} if known else set()


def of_few_roofs(store: Store) -> tuple[set[Place], set[Place]]:
    """Return the places with panels on one to nine roofs in all, and those with so few of one kind of owner.

    In a public edition the first have no report, and that of the others tells of all their roofs together.

    Parameters
    ----------
    store : Store
        Tables of the study, as readers may see them; only a public edition hides anything.
    """
    if not (isinstance(store, ReaderStore) and store.public and store.has("enterprise_facts")):
        return set(), set()
    facts = store.read("enterprise_facts")
    counts = facts[[name for name in facts.columns if str(name).endswith("_systems")]].astype(float)
    places = [(str(kind), str(key)) for kind, key in zip(facts["place_kind"], facts["place_id"], strict=True)]

    def few(some: pd.DataFrame) -> set[Place]:
        hit = (some.gt(0) & some.lt(LEAST_HOMES)).any(axis=1)
        return {place for place, yes in zip(places, hit, strict=True) if yes}

    return few(counts.sum(axis=1).to_frame()), few(counts)


def write_reports(store: Store, study: Study, target: Path, known: Assumptions, places: Sequence[Place]) -> list[Path]:
    """Write report and workbook of some places beside those that are there, and return the files.

    Parameters
    ----------
    store, study, target, known
        As of `publish_reports`.
    places : sequence of (str, str)
        Kind and id of each.

    Raises
    ------
    ConfigError
        If a place has no case.
    """
    folder = target / REPORTS
    if hidden := [":".join(one) for one in places if one in of_few_roofs(store)[0]]:
        raise ConfigError(
            "a place whose report speaks of no roof or at least ten, in the public edition",
            found=", ".join(hidden),
            where=f"study {study.name}",
            remedy="choose another place, or make the edition for internal use (--intern)",
        )
    files = _write_all(store, study, folder, known, places)
    try:
        before = release.publication(folder)
    except StoreError:
        before = None
    others = [folder / name for name in before.files if (folder / name).is_file()] if before else []
    release.record(folder, before.fingerprint if before else "", {*files, *others})
    return files


def _write_all(store: Store, study: Study, folder: Path, known: Assumptions, places: Sequence[Place]) -> list[Path]:
    if not places:  # as in a public edition of a place with fewer than ten homes: no cases, no services to choose
        return []
    survey = survey_of(store, known)
    actual = store.read("own_actual") if store.has("own_actual") else None
    sources = store.sources_of(["enterprise_case"])
    _, joined = of_few_roofs(store)
    written = []
    for place in places:
        sums = survey.sums_of(place)
        if sums is None:
            there = survey.cases["place_kind"] + ":" + survey.cases["place_id"]
            raise ConfigError(
                "a place with a case",
                found=":".join(place),
                where=f"study {study.name}",
                remedy=f"choose one of {', '.join(sorted(there.unique())[:10])}",
            )
        sums = replace(sums, roofs_apart=place not in joined)
        mine = None if actual is None else actual[actual["place_id"] == ":".join(place)]
        name = "-".join(place)
        spec = report_of(sums, study=study, known=known, sources=sources, actual=mine, name=name)
        if isinstance(store, ReaderStore) and not store.public and not study.invented:
            spec = replace(spec, warning="Intern: met gegevens van afzonderlijke panden; niet verspreiden.")
        with atomic(folder / f"{name}.html") as part:
            part.write_text(render_report(spec), encoding="utf-8")
        if has_extra("rapporten"):
            from kansenkaart.present.pdf import write_pdf

            with atomic(folder / f"{name}.pdf") as part:
                write_pdf(spec, part)
        if sums.roofs_apart:
            with atomic(folder / f"{name}.xlsx") as part:
                _write_workbook(sums, survey, spec, known, sources, part)
        written += [folder / one for one in (f"{name}.html", *(file for _, file in spec.downloads))]
    return written


def _write_workbook(
    sums: PlaceSums, survey: Survey, spec: ReportSpec, known: Assumptions, sources: Sequence[Provenance], path: Path
) -> None:
    track = sums.track
    note = f"{spec.warning} Bronnen: {editions_of(sources)}. Spoor: {'kort' if track == 'short' else 'lang'}.".strip()
    model = workbook_of(
        sums.sums[track],
        sums.rows[track],
        title=spec.title,
        source_note=note,
        assumptions=known,
        services=survey.services,
    )
    write_workbook(model, path)


def _mark(store: Store, study: Study) -> str:
    return made_from(store, [name for name in _READ if store.has(name)], [study.title, has_extra("rapporten")])
