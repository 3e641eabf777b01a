"""The feasibility reports of a study: HTML, PDF and workbook per place, beside the map."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd

from kansenkaart.config import Study
from kansenkaart.errors import ConfigError
from kansenkaart.present.report import render_report
from kansenkaart.present.report_pdf import write_pdf
from kansenkaart.present.workbook import write_workbook
from kansenkaart.publish.feasibility.report import Both, report_of
from kansenkaart.publish.map.legend import editions_of
from kansenkaart.score import enterprise
from kansenkaart.score.enterprise_case import workbook_of
from kansenkaart.tables.assumptions import Assumptions
from kansenkaart.tables.provenance import Provenance, sha256_of
from kansenkaart.tables.step import Report, code_version
from kansenkaart.tables.store import Store, atomic

FOLDER = "haalbaarheid"
MOST_BEST, MOST_IN_ALL = 5, 6
_MARK = ".haalbaarheid.json"


def slug(kind: str, name: str) -> str:
    """Return the file name of a place's report, without ending."""
    return f"{kind}-{name}"


def chosen_places(cases: pd.DataFrame, best: pd.DataFrame | None) -> list[tuple[str, str]]:
    """Return the places that a run reports on: the five best areas, then the largest buurten, six in all."""
    one = cases.drop_duplicates(["place_kind", "place_id"])
    found: list[tuple[str, str]] = []
    if best is not None and len(best):
        first = "eur" if (best["criterion"] == "eur").any() else sorted(best["criterion"])[0]
        ranked = best[best["criterion"] == first].sort_values("rank").head(MOST_BEST)
        found = [("best", str(name)) for name in ranked["best_id"]]
    buurten = one[one["place_kind"] == "buurt"].sort_values(["homes", "place_id"], ascending=[False, True])
    return [*found, *(("buurt", str(name)) for name in buurten["place_id"])][:MOST_IN_ALL]


def publish_reports(store: Store, study: Study, target: Path, known: Assumptions) -> list[Report]:
    """Write the reports of the places that a run reports on; nothing is written when nothing has changed."""
    if not store.has("enterprise_case"):
        return []
    names = [name for name in (*enterprise.INPUTS, "enterprise_case", "own_actual") if _there(store, name)]
    mark = _fingerprint(store, study, names)
    if _published(target / FOLDER, mark):
        return [Report("haalbaarheid", "unchanged", {})]
    best = store.read("best_area") if store.has("best_area") else None
    places = chosen_places(store.read("enterprise_case"), best)
    files = write_reports(store, study, target, known, places)
    content = {"fingerprint": mark, "files": {one.name: sha256_of(one) for one in files}}
    with atomic(target / FOLDER / _MARK) as part:
        part.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n", encoding="utf-8")
    return [Report("haalbaarheid", "done", {"rapporten": len(places)})]


def write_reports(
    store: Store, study: Study, target: Path, known: Assumptions, places: Sequence[tuple[str, str]]
) -> list[Path]:
    """Write report and workbook of some places and return the files.

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
    places : sequence of (str, str)
        Kind and id of each.

    Raises
    ------
    ConfigError
        If a place has no case.
    """
    cases = store.read("enterprise_case")
    survey = enterprise.survey_of(store, known)
    actual = store.read("own_actual") if _there(store, "own_actual") else None
    sources = store.sources_of(["enterprise_case"])
    written = []
    for place in places:
        mine = cases[(cases["place_kind"] == place[0]) & (cases["place_id"] == place[1])]
        if mine.empty:
            raise ConfigError(
                "a place with a case",
                found=":".join(place),
                where=f"study {study.name}",
                remedy=f"choose one of {', '.join(_some(cases))}",
            )
        rows = {str(row["track"]): row.to_dict() for _, row in mine.iterrows()}
        sums = {track: enterprise.one_place(survey, place, track) for track in enterprise.TRACKS}
        around = cases[cases["place_kind"] == place[0]].drop_duplicates("place_id").geometry
        both = Both(place, rows, sums, gpd.GeoSeries(mine.geometry.iloc[:1]), gpd.GeoSeries(around))
        told = None if actual is None else actual[actual["place_id"] == ":".join(place)]
        written += _write(both, study, target / FOLDER, known, (sources, told))
    return written


def _write(
    both: Both, study: Study, folder: Path, known: Assumptions, told: tuple[Sequence[Provenance], pd.DataFrame | None]
) -> list[Path]:
    sources, actual = told
    name = slug(*both.place)
    spec = report_of(both, study=study, known=known, sources=sources, actual=actual, name=name)
    files = [folder / f"{name}{ending}" for ending in (".html", ".pdf", ".xlsx")]
    with atomic(files[0]) as part:
        part.write_text(render_report(spec), encoding="utf-8")
    with atomic(files[1]) as part:
        write_pdf(spec, part)
    track = both.track
    setting, case, _, _ = both.sums[track]
    note = f"Bronnen: {editions_of(sources)}. Spoor: {'kort' if track == 'short' else 'lang'}."
    model = workbook_of(
        case, title=spec.title, source_note=note, assumptions=known, services=setting.services, track=track
    )
    with atomic(files[2]) as part:
        write_workbook(model, part)
    return files


def _some(cases: pd.DataFrame) -> list[str]:
    names = cases["place_kind"] + ":" + cases["place_id"]
    return sorted(names.unique())[:10]


def _there(store: Store, name: str) -> bool:
    from kansenkaart.tables import schemas

    return name in schemas.tables() and store.has(name)


def _fingerprint(store: Store, study: Study, names: Sequence[str]) -> str:
    tables: Mapping[str, str] = {name: store.describe(name)["sha256"] for name in names}
    content = {"title": study.title, "code": code_version(), "tables": tables}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _published(folder: Path, mark: str) -> bool:
    if not (folder / _MARK).is_file():
        return False
    told = json.loads((folder / _MARK).read_text(encoding="utf-8"))
    whole = all(
        (folder / name).is_file() and sha256_of(folder / name) == digest for name, digest in told["files"].items()
    )
    return bool(told["fingerprint"] == mark and whole)
