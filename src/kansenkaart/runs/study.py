"""One study from publishers to maps, and how it stands: run, status, check."""

from __future__ import annotations

import ctypes
import json
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kansenkaart.acquire import steps as acquire
from kansenkaart.acquire.own_data import erase_left, published_of
from kansenkaart.acquire.readers import ROLES_READ, settle
from kansenkaart.config import Folders, Source, Study, folders, read_study, require_extra, study_path, template_and_code
from kansenkaart.errors import ConfigError, CrsError, FormatError, KansenkaartError, StoreError
from kansenkaart.kernel import end_maker
from kansenkaart.publish import release
from kansenkaart.publish import steps as publish
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.editions.editions import accepted
from kansenkaart.publish.editions.steps import Editions
from kansenkaart.publish.feasibility import steps as feasibility_reports
from kansenkaart.score import steps as score
from kansenkaart.sources.own import example_csv
from kansenkaart.sources.tools.http import Http
from kansenkaart.sources.tools.rawfolder import clear_left
from kansenkaart.tables import assumptions
from kansenkaart.tables.provenance import oldest, undated
from kansenkaart.tables.step import Report, Step, is_current, run
from kansenkaart.tables.store import RASTERS, Store, locked

Listen = Callable[[Report], None]
#: How a municipality is divided, beside its tables; and what a part is called: the code of its municipality, which of how many.
PARTS = "parts.json"
_PART = re.compile(r"(?:(GM\d{4})-)?(\d{1,3}-van-\d{1,3})")


def _silent(_: Report) -> None:
    return


@dataclass(frozen=True)
class Workplace:
    """A study with its folders and its store, how live services are asked, and what holds the place at one meanwhile."""

    study: Study
    folders: Folders
    store: Store
    http: Http = field(default_factory=Http.of_environment)
    public: bool = True
    turn: acquire.Turn = nullcontext

    @property
    def target(self) -> Path:
        """Where map, factsheets and layers go: the edition that one gets unasked has the name of the study alone."""
        if self.public == public_unasked(self.study):
            return self.folders.maps / self.study.name
        return self.folders.maps / f"{self.study.name}-{'openbaar' if self.public else 'intern'}"

    @property
    def known(self) -> assumptions.Assumptions:
        """The assumptions, with the figures of the study's own."""
        return assumptions.with_own(self.study.assumptions)

    @property
    def studies(self) -> Path:
        """The folder of the study file, with its opt-out list and house style."""
        return self.folders.maps.parent / "studies"


def public_unasked(study: Study) -> bool:
    """Tell whether a study is published as its public edition unasked: all are but an invented one, of which nobody lives.

    Parameters
    ----------
    study : Study
        The study.
    """
    return not study.invented


def open_study(name: str, *, root: Path, gemeentecode: str | None = None, public: bool | None = None) -> Workplace:
    """Open a study by the name of its file in ``studies/``.

    Parameters
    ----------
    name : str
        Of the file, without ``.toml``, or as its folder is called: ``gemeente-gm0193``.
    root : Path
        Folder of the project.
    gemeentecode : str, optional
        Municipality that takes the place of the one in the file; the study is then called after it. ``GM0363-2-van-6`` is the
        second of the parts in which `kansenkaart.runs.studies.divide_study` has divided it; ``2-van-6`` of a study's own place.
    public : bool, optional
        Whether its pages are the public edition; as `public_unasked` says when not given. The whole one is for
        internal use.

    Returns
    -------
    Workplace
        The study with its folders; nothing is read or made yet.

    Raises
    ------
    ConfigError
        If there is no such study or it has faults, or its place is not divided so.
    """
    if gemeentecode is None:
        name, gemeentecode = template_and_code(root, name)
    path = study_path(root, name)
    code, part = _code_and_part(gemeentecode or "")
    study = read_study(path, gemeentecode=code)
    if study.name != name:
        raise ConfigError(
            f'name = "{name}", as the file is called',
            found=study.name,
            where=path.name,
            remedy="give the file and the study in it one name",
        )
    places = folders(root)
    if code:
        study = study.model_copy(update={"name": f"{study.name}-{code.lower()}"})
    if part:
        study = _part_of(study, places.processed / study.name / PARTS, part)
    chosen = public_unasked(study) if public is None else public
    return Workplace(study, places, Store(places.processed / study.name), public=chosen)


def _code_and_part(text: str) -> tuple[str, str]:
    hit = _PART.fullmatch(text)
    return (hit[1] or "", hit[2]) if hit else (text, "")


def _part_of(study: Study, path: Path, part: str) -> Study:
    """Return the study of some wijken, as the division of the whole place says."""
    try:
        row = json.loads(path.read_text(encoding="utf-8"))[part]
        more = {"wijken": tuple(row["wijken"])}
        title = f"{study.title}, deel {part.replace('-', ' ')}: {row['title']}"
    except (OSError, ValueError, KeyError, TypeError) as why:
        raise ConfigError(
            "a part of a divided municipality",
            found=f"{part}: no such part",
            where=study.name,
            remedy="run the country: it divides what is too large, docs/how-to/schedule.md",
        ) from why
    whole = {**study.model_dump(), "name": f"{study.name}-{part}", "title": title}
    return Study.model_validate({**whole, "place": {**whole["place"], **more}})


def run_acquire(place: Workplace, *, listen: Listen = _silent) -> list[Report]:
    """Bring the clean tables up to date.

    Parameters
    ----------
    place : Workplace
        The study.
    listen : callable, optional
        Gets each report.

    Returns
    -------
    list of Report
        One for each clean table.
    """
    with locked(place.store.root):
        erase_left(place.study, place.store)
        clear_left(place.folders.raw)
        steps = acquire.steps(place.study, place.folders, http=place.http, turn=place.turn)
        return _heard(_run(place.store, steps), listen)


def run_score(place: Workplace, *, listen: Listen = _silent) -> list[Report]:
    """Bring the scores up to date; each step sees what the one before it stored.

    Parameters
    ----------
    place : Workplace
        The study, with its clean tables.
    listen : callable, optional
        Gets each report.

    Returns
    -------
    list of Report
        One for each step.
    """
    with locked(place.store.root):
        steps = score.steps(place.store, place.known, place.study, place.studies)
        return _heard(_run(place.store, steps), listen)


def run_publish(place: Workplace, *, listen: Listen = _silent, accept: str | None = None) -> list[Report]:
    """Bring map and data release up to date, after the gates; then keep what was published as an edition.

    Parameters
    ----------
    place : Workplace
        The study.
    listen : callable
        Gets each report.
    accept : str, optional
        ``who: why``, to publish although gates fail.

    Raises
    ------
    GateError
        If new figures fail a gate and nobody accepts it: then nothing is published.
    """
    target = place.target
    with locked(place.store.root, target):
        folder = place.store.root.parent.parent / "editions" / place.study.name
        hidden = score.mark_of(place.study.weglaten.ids(place.studies))
        editions = Editions(place.store, place.study, folder, opt_out=hidden)
        editions.judge(accepted(accept))
        # The reports come first: the map and the overview link to those that are there.
        shown = publish.readable_of(place.store, place.study, studies=place.studies, public=place.public)
        return _heard(_published(place, shown, editions), listen)


def _published(place: Workplace, shown: ReaderStore, editions: Editions) -> Iterator[Report]:
    if not feasibility_reports.stand(shown, place.study, place.target):
        publish.require_safe(shown, place.study)
    yield from feasibility_reports.publish_reports(shown, place.study, place.target, place.known)
    _give_back()
    yield from publish.publish(shown, place.study, place.target, studies=place.studies, before=editions.before())
    if editions.relisted:  # the other edition and releases have other roofs in their sums: their difference is a roof
        for folder in published_of(place.study, place.folders):
            if folder != place.target:
                shutil.rmtree(folder)
    yield from editions.keep()


def run_reports(place: Workplace, wanted: tuple[str, str] | None) -> list[Path]:
    """Write the feasibility report of one place of a study that has run, or of all of them, and return the files.

    Parameters
    ----------
    place : Workplace
        The study, after a run.
    wanted : tuple of str, optional
        Kind and id of one place; None for all of them.

    Returns
    -------
    list of Path
        The pages that were written.

    Raises
    ------
    StoreError
        If the study has no cases yet.
    ConfigError
        If there is no such place, or the extra that makes PDFs is not installed.
    """
    require_extra("rapporten")
    target = place.target
    with locked(place.store.root, target):
        shown = publish.readable_of(place.store, place.study, studies=place.studies, public=place.public)
        cases = shown.read("enterprise_case") if shown.has("enterprise_case") else None
        if cases is None or cases.empty:
            raise StoreError(
                "the cases of the study",
                found="none",
                where=f"study {place.study.name}",
                remedy=f"make them: kansenkaart run {place.study.name}",
            )
        publish.require_safe(shown, place.study)
        every = sorted(set(zip(cases["place_kind"], cases["place_id"], strict=True)))
        places = every if wanted is None else [wanted]
        return feasibility_reports.write_reports(shown, place.study, target, place.known, places)


def run_all(place: Workplace, *, listen: Listen = _silent, accept: str | None = None) -> list[Report]:
    """Run the three stages in a row.

    Parameters
    ----------
    place : Workplace
        The study.
    listen : callable, optional
        Gets each report.
    accept : str, optional
        ``who: why``, to publish although gates fail.

    Returns
    -------
    list of Report
        Those of the three stages, in their order.
    """
    accepted(accept)  # a wrong word is told before the work, not after it
    made = [*run_acquire(place, listen=listen), *run_score(place, listen=listen)]
    return [*made, *run_publish(place, listen=listen, accept=accept)]


def _run(store: Store, steps: Iterable[Step]) -> Iterator[Report]:
    for step in steps:
        report = run(store, step)
        if report.status == "done":
            _give_back()
        yield report


def _heard(reports: Iterable[Report], listen: Listen) -> list[Report]:
    """Pass each report on as soon as it is there, with how long it took since the one before [s]."""
    out, begun = [], time.perf_counter()
    for one in reports:
        out.append(replace(one, seconds=time.perf_counter() - begun))
        listen(out[-1])
        begun = time.perf_counter()
    return out


def _give_back() -> None:
    """Give memory that is free back to the system, where the C library can: else what one step took is held in the next."""
    end_maker()
    trim = getattr(ctypes.pythonapi, "malloc_trim", None)  # glibc
    if trim is not None:
        trim(0)


def foresee(place: Workplace) -> list[dict[str, str]]:
    """Say what a run would read, make and skip, without fetching or writing anything; of files only the columns are read.

    Parameters
    ----------
    place : Workplace
        The study.

    Returns
    -------
    list of dict
        Per source and per step: ``kind`` (``source`` or ``step``), ``name``, ``plan`` (``read``, ``fetch``, ``missing``,
        ``wrong``, ``make`` or ``skip``) and ``detail``: of a file the form that its columns show, or what is wrong with it.
        Steps after a missing or fetched source are foreseen as to be made. What a run would end with has its ``exit_code``.
    """
    rows = [_foreseen_source(place, one) for one in place.study.source]
    if any(row["plan"] != "read" for row in rows):
        return rows
    changed: set[str] = set()
    for step in [
        *acquire.steps(place.study, place.folders, http=place.http),
        *score.steps(place.store, place.known, place.study, place.studies),
    ]:
        skip = not changed & set(step.inputs) and is_current(place.store, step)
        changed |= set() if skip else set(step.outputs)
        rows.append({"kind": "step", "name": step.name, "plan": "skip" if skip else "make", "detail": ""})
    return rows


def _foreseen_source(place: Workplace, source: Source) -> dict[str, str]:
    row = {"kind": "source", "name": source.role, "plan": "read", "detail": f"{source.path} ({source.form})"}
    if source.origin in ("live", "bulk"):
        return {**row, "plan": "fetch", "detail": f"{source.publisher}, {source.edition}"}
    if source.origin == "example" and not acquire.has_example(place.folders, source.publisher, source.edition):
        return {**row, "plan": "fetch", "detail": f"{source.path} (ingebouwd voorbeeld)"}
    path = place.folders.published / str(source.path)
    if source.origin != "file":
        return row
    if not path.exists():
        return {**row, "plan": "missing", "exit_code": str(ConfigError.exit_code)}
    try:
        form = settle(path, source, sure=True).form if source.role in {*ROLES_READ, *RASTERS} else source.form
    except (ConfigError, CrsError, FormatError) as why:
        wrong = f"{source.path}; {why.found}; {why.remedy}"
        return {**row, "plan": "wrong", "detail": wrong, "exit_code": str(why.exit_code)}
    return {**row, "detail": f"{source.path} ({form})"}


def write_own_example(role: str, target: Path) -> Path:
    """Write a table of own data to start from, and return where; a file that is there already is never replaced.

    Parameters
    ----------
    role : str
        ``own_pand``, ``own_sewer``, ``own_budget`` or ``own_actual``.
    target : Path
        The new file.

    Raises
    ------
    ConfigError
        If there is such a file already, or its folder is missing.
    """
    try:
        with target.open("xb") as handle:
            handle.write(example_csv(role))
    except OSError as why:
        raise ConfigError(
            "a new file in a folder that is there",
            found="a file of that name" if target.exists() else why.strerror or "no such folder",
            where=target.name,
            remedy="choose another name: --uit NAAM.csv",
        ) from why
    return target


def own_report(place: Workplace) -> list[dict[str, Any]]:
    """Return what became of every row of the own data of a study, in the order of the files.

    Parameters
    ----------
    place : Workplace
        A study that has run.

    Raises
    ------
    StoreError
        If the study has no own data, or has not run.
    """
    if not place.store.has("own_report"):
        raise StoreError(
            "a report on own data",
            found="none",
            where=place.study.name,
            remedy=f"name own data in the study (docs/how-to/own-data.md), then: kansenkaart run {place.study.name}",
        )
    frame = place.store.read("own_report").sort_values(["own_file", "own_row", "own_column"], kind="stable")
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def status(place: Workplace) -> list[dict[str, Any]]:
    """Return of each stored file its rows, its tally and the editions behind it.

    Parameters
    ----------
    place : Workplace
        The study.

    Returns
    -------
    list of dict
        Name, rows [1], tally and editions of each file; ``as_of`` is the date of the oldest delivery behind it (None if
        none has one), ``undated`` the editions that do not say of when they are.
    """
    rows = []
    for name in place.store.names():
        lineage, sources = place.store.describe(name), place.store.sources_of([name])
        editions = sorted({f"{one.publisher} {one.edition}" for one in sources})
        row = {"name": name, "rows": lineage["rows"], "tally": lineage["tally"], "editions": editions}
        rows.append({**row, "as_of": oldest(sources), "undated": undated(sources)})
    return rows


def check(place: Workplace) -> list[KansenkaartError]:
    """Read every stored and every published file again and return all that is wrong with them.

    Parameters
    ----------
    place : Workplace
        The study.

    Returns
    -------
    list of KansenkaartError
        Empty where all is as it was written.

    Raises
    ------
    StoreError
        If the study has no stored files at all.
    """
    wrong: list[KansenkaartError] = []
    if not place.store.root.is_dir() or not list(place.store.root.rglob("*.json")):
        raise StoreError(
            "stored tables of the study",
            found="none",
            where=place.study.name,
            remedy=f"make them: kansenkaart run {place.study.name}",
        )
    for name in _expected(place.store):
        try:
            place.store.verify(name)
            if place.store.path(name).suffix == ".parquet":
                place.store.read(name)
        except KansenkaartError as why:
            wrong.append(why)
    targets = [replace(place, public=one).target for one in (True, False)]
    return [*wrong, *(fault for target in targets for fault in release.faults(target))]


def _expected(store: Store) -> list[str]:
    """Return the names of all files there, and of those that these were made from."""
    there = {
        path.stem
        for path in store.root.rglob("*")
        if path.suffix in (".json", ".parquet", ".tif") and path.parent != store.root
    }
    named = {name for name in there if not name.startswith(".")}
    for name in sorted(named & set(store.names())):
        try:
            named |= set(store.describe(name)["inputs"])
        except StoreError:
            continue
    return sorted(named)
