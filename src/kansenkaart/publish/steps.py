"""From scored tables to readers: the map page, factsheets, the overview, and the open layers with their metadata."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
from pyproj import Geod
from shapely import box

from kansenkaart.config import Study, has_extra, packaged_rows
from kansenkaart.errors import ConfigError, GateError, StoreError
from kansenkaart.present.catalog import Release, ReleaseFile, documents
from kansenkaart.present.editionpages import DataRow, IndexPage, Known, PlaceRow, index_html
from kansenkaart.present.factsheet import Sheet, Talk, sheet_html, talk_html
from kansenkaart.present.mapspec import Answer, Page, Start
from kansenkaart.present.render import render_page
from kansenkaart.present.style import HouseStyle, read_house_style
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.factsheets import sheets as factsheets_of
from kansenkaart.publish.factsheets import talks
from kansenkaart.publish.figures import contact_of
from kansenkaart.publish.map.legend import delivered, editions_of
from kansenkaart.publish.map.spec import SHOWN, Companions, picture
from kansenkaart.publish.release import BRIDGE, METADATA, REPORTS, publish_release, record, stands
from kansenkaart.sources.knmi import stations
from kansenkaart.tables import assumptions
from kansenkaart.tables.provenance import sha256_of
from kansenkaart.tables.step import Report, commit, made_from
from kansenkaart.tables.store import Store, atomic
from kansenkaart.wording import nl
from kansenkaart.wording.messages import EMPTY, NOT_READ
from kansenkaart.wording.nl import exact, number, say, unit_words

PAGE = "index.html"
OVERVIEW = "overzicht.html"
SHEETS = "factsheets"
_TALK = "-gesprek.html"


def publish(
    readable: ReaderStore, study: Study, target: Path, *, studies: Path, before: Path | None = None
) -> Iterator[Report]:
    """Write map, factsheets, overview and data release of a study; nothing is written when nothing has changed.

    Parameters
    ----------
    readable : ReaderStore
        What readers of the edition may see of the scored tables.
    study : Study
        For its title and its house style.
    target : Path
        Folder of the study under ``maps``.
    studies : Path
        Folder of the study file, in which the house style lies.
    before : Path, optional
        Folder with the tables of the previous edition, for the bridge between lasting ids.

    Yields
    ------
    Report
        One for the page, one for the layers, one for the factsheets and the overview, each as soon as it is there.

    Raises
    ------
    StoreError
        If nothing stands for ten homes, in a public edition.
    """
    style = read_house_style(studies / study.stijl) if study.stijl else ({}, {})
    store, public = readable.behind, readable.public
    names = [name for name in SHOWN if readable.has(name)]
    reports = sorted(one.name for one in (target / REPORTS).glob("*.*") if not one.name.startswith("."))
    read = [name for name in store.names() if store.path(name).parent.name != "1_clean"]
    own = study.model_dump(mode="json", include={"title", "assumptions"})
    mark = made_from(store, read, [own, sorted(readable.opt_out), style, public, reports, has_extra("rapporten")])
    if stands(target, mark):
        yield from (Report(step, "unchanged", {}) for step in ("kaart", "open data", "factsheets"))
        return
    if public and not any(len(readable.read(name)) for name in names):
        raise StoreError(
            "figures of at least ten homes together, for the public edition",
            found="none: the study has fewer homes, or nothing was scored; its tables were made all the same",
            where=f"study {study.name}",
            remedy=f"add homes to the study, or make the whole edition for internal use: kansenkaart run {study.name} --intern",
        )
    require_safe(readable, study)
    sheets = list(factsheets_of(readable, study, assumptions.with_own(study.assumptions), public=public))
    over = list(talks(readable, sheets))
    companions = replace(_companions(sheets, over, reports, style, public), contact=contact_of(study))
    spec = picture(readable, study, companions)
    # Typst sets paper in a process of its own: meanwhile pages and layers are written here.
    press = ThreadPoolExecutor(1)
    try:
        paper = _print_sheets(press, target / SHEETS, sheets, over, style)
        files = [_written(target / PAGE, render_page(spec))]
        yield Report("kaart", "done", {})
        files += _write_sheets(target / SHEETS, sheets, over, style)
        written, layers = publish_release(readable, study, target / "data", names, themes=spec.themes, before=before)
        rows = {one.name: len(one.frame) for one in layers}
        yield Report("open data", "done", rows)
        files += [*written, *(one.result() for one in paper)]
    finally:
        press.shutdown(cancel_futures=True)
    titles = {one.name: (one.title_nl, number(rows[one.name])) for one in layers}
    about = overview(readable, study, sheets, start=spec.start, layers=titles, reports=reports, folder=target.name)
    files.append(_written(target / OVERVIEW, index_html(about, style)))
    _clear(target, files)
    record(target, mark, files)
    yield Report("factsheets", "done", {"factsheet": len(sheets)})


def release_folder(
    readable: ReaderStore, study: Study, published: Path, target: Path, *, number: int, who: tuple[str, str]
) -> list[Path]:
    """Write a folder that can be deposited as it is: layers, their meaning in the standards, how to cite them, hashes.

    Parameters
    ----------
    readable : ReaderStore
        What readers of the edition may see.
    study : Study
        For its name and title.
    published : Path
        Folder of the study under ``maps``, with the bridge to the edition before.
    target : Path
        Folder of all releases; that of this one is made in it, whole or not at all.
    number : int
        Of the edition of the study [1].
    who : tuple of str
        Who publishes it, and an address or page where to ask.

    Returns
    -------
    list of Path
        The files, ``SHA256SUMS`` last.

    Raises
    ------
    GateError
        If the disclosure audit finds anything.
    """
    names = [name for name in SHOWN if readable.has(name)]
    require_safe(readable, study)
    target.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=target))
    try:
        part = draft / study.name
        (part / "data").mkdir(parents=True)
        if (published / "data" / f"{BRIDGE}.parquet").is_file():
            shutil.copyfile(published / "data" / f"{BRIDGE}.parquet", part / "data" / f"{BRIDGE}.parquet")
        themes = picture(readable, study).themes
        files, layers = publish_release(readable, study, part / "data", names, themes=themes)
        about = json.loads((part / "data" / METADATA).read_text("utf-8"))
        about |= {"version": f"{about['as_of']}-{number}", "commit": commit()}
        _written(part / "data" / METADATA, json.dumps(about, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        made = [ReleaseFile(f"data/{one.name}", one.stat().st_size, sha256_of(one)) for one in files]
        name = "-".join(
            filter(None, [study.name, "intern" * (not readable.public and not study.invented), about["version"]])
        )
        for path, text in documents(Release(name, about, layers, made, *who)).items():
            _written(part / path, text)
        every = sorted(one.relative_to(part).as_posix() for one in part.rglob("*") if one.is_file())
        _written(part / "SHA256SUMS", "".join(f"{sha256_of(part / one)}  {one}\n" for one in every))
        shutil.rmtree(target / name, ignore_errors=True)
        part.replace(target / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return [target / name / one for one in (*every, "SHA256SUMS")]


def readable_of(store: Store, study: Study, *, studies: Path, public: bool) -> ReaderStore:
    """Return what readers of an edition may see of a study.

    Parameters
    ----------
    store : Store
        Scored tables.
    study : Study
        For its opt-out list.
    studies : Path
        Folder of the study file, in which that list lies.
    public : bool
        Whether it is the public edition.

    Raises
    ------
    ConfigError
        If the list names panden that the study does not have.
    """
    shown = ReaderStore(store, opt_out=study.weglaten.ids(studies), public=public)
    if wrong := shown.unknown():
        raise ConfigError(
            "pand ids of this study on the opt-out list",
            found=f"unknown: {', '.join(wrong[:20])}",
            where=f"study {study.name}, [weglaten]",
            remedy="correct these ids, or take them off the list if the pand is gone",
        )
    return shown


def require_safe(shown: ReaderStore, study: Study) -> None:
    """Hold all that is shown together against the disclosure audit, before any of it is written.

    Parameters
    ----------
    shown : ReaderStore
        What readers may see.
    study : Study
        For its name.

    Raises
    ------
    GateError
        If the sums of one to nine homes, or a roof on the opt-out list, could be taken by subtracting.
    """
    if found := shown.findings:
        raise GateError(
            "layers of which nobody takes the sums of fewer than ten homes, or a roof that is not to be shown",
            found=f"{len(found)}: {'; '.join(map(str, found[:5]))}",
            where=f"study {study.name}, disclosure audit",
            remedy=f"run the study again from its scores (kansenkaart run {study.name}); if that does not help, report it",
        )


def _companions(
    sheets: Sequence[Sheet],
    over: Sequence[Talk],
    reports: Sequence[str],
    style: HouseStyle,
    public: bool,
) -> Companions:
    pages = {Path(one).stem: f"{REPORTS}/{one}" for one in reports if one.endswith(".html")}
    keys = [one.key for one in sheets]
    found = {key: pages.get(key) or pages.get(key.split("-", 1)[1]) for key in keys}
    return Companions(
        pages=(Page("Overzicht van deze plaats", OVERVIEW),),
        factsheets={key: f"{SHEETS}/{key}.html" for key in keys},
        reports={key: path for key, path in found.items() if path},
        talks={one.sheet.key: f"{SHEETS}/{one.sheet.key}{_TALK}" for one in over},
        style=style,
        public=public,
    )


def _written(path: Path, content: str | bytes) -> Path:
    with atomic(path) as part:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def _write_sheets(folder: Path, sheets: Sequence[Sheet], over: Sequence[Talk], style: HouseStyle) -> list[Path]:
    out = []
    for one in sheets:
        links = [*_pdf(one), *([("Gesprekskaarten", f"{one.key}{_TALK}")] if one.talked else [])]
        out.append(_written(folder / f"{one.key}.html", sheet_html(one, style, pdfs=links)))
    for talk in over:
        page = talk_html(talk, style, pdf="".join(name for _, name in _pdf(talk.sheet, "-gesprek")))
        out.append(_written(folder / f"{talk.sheet.key}{_TALK}", page))
    return out


def _print_sheets(
    press: Executor, folder: Path, sheets: Sequence[Sheet], over: Sequence[Talk], style: HouseStyle
) -> list[Future[Path]]:
    """Begin to write the same on paper; nothing without the extra that makes PDFs."""
    if not has_extra("rapporten"):
        return []
    from kansenkaart.present.pdf import sheet_pdf, talk_pdf

    brand = style[0].get("--merk", "")
    color: dict[str, Any] = {"brand": brand} if len(brand) == 7 and brand.startswith("#") else {}
    made = [(_pdf(one), partial(sheet_pdf, one, **color)) for one in sheets]
    made += [(_pdf(one.sheet, "-gesprek"), partial(talk_pdf, one, **color)) for one in over]
    return [press.submit(lambda to, page: _written(to, page()), folder / name, one) for [(_, name)], one in made]


def _pdf(sheet: Sheet, part: str = "") -> list[tuple[str, str]]:
    """Return what to call the sheet to print of a place, or a part of it, and its file; none without the extra for it."""
    return [("PDF A4", f"{sheet.key}{part}.pdf")] if has_extra("rapporten") else []


def _clear(target: Path, files: Sequence[Path]) -> None:
    """Take away factsheets and layers that an earlier run left and this one did not make."""
    for folder in (target / SHEETS, target / "data"):
        for one in [one for one in folder.glob("*") if one.is_file() and one not in set(files)]:
            one.unlink()


#: What weather serves, by its table.
_MEASURED = {"weather_hourly": "Zon van een weerstation", "weather_daily": "Regen en verdamping van een weerstation"}
#: From here on a station of KNMI lies nearer: it has some thirty that measure radiation (guess).
_FAR_KM = 50.0


def overview(
    store: ReaderStore,
    study: Study,
    sheets: Sequence[Sheet],
    *,
    start: Start | None,
    layers: Mapping[str, tuple[str, str]],
    reports: Sequence[str],
    folder: str,
) -> IndexPage:
    """Put the overview together.

    Parameters
    ----------
    store : ReaderStore
        What may be shown.
    study : Study
        For its title.
    sheets : sequence of Sheet
        The factsheets that were made.
    start : Start or None
        What the map says first.
    layers : mapping
        Open layers by name: what it holds, and how many rows as readers see it.
    reports : sequence of str
        Files of the feasibility, by name.
    folder : str
        Name of the folder of the map, after which the file with all layers is called.
    """
    sources = store.sources_of([name for name in store.names() if store.has(name)])
    data = [DataRow(f"data/{name}.parquet", title, rows) for name, (title, rows) in layers.items()]
    data += [
        DataRow(f"data/{folder}.gpkg", "alle lagen in één bestand (GeoPackage)", ""),
        DataRow("data/metadata.json", "betekenis, bronnen en edities", ""),
    ]
    return IndexPage(
        title=study.title,
        edition=editions_of(sources),
        answers=tuple(map(_answered, start.answers)) if start else (),
        places=tuple(_place_row(one) for one in sheets),
        data=tuple(data),
        reports=_report_rows(store, reports),
        known=(*(_known(store, one) for one in packaged_rows("overview.csv")), *_weather(store), *own_figures(study)),
        sources=tuple(
            dict.fromkeys(f"{one.credit}, {delivered(one)}, {say('licence', one.licence)}" for one in sources)
        ),
        example=study.invented,
        public=store.public,
        contact=f"Klopt dit niet? {contact_of(study)}",
    )


def _answered(one: Answer) -> tuple[str, str]:
    """Say question and answer of the first screen; which place stands first with why it does."""
    return one.question, f"{one.answer}: {one.origin}" if one.question == "Waar?" and one.origin else one.answer


def _place_row(sheet: Sheet) -> PlaceRow:
    base = f"{SHEETS}/{sheet.key}"
    files = [("lezen", f"{base}.html"), *((label, f"{SHEETS}/{name}") for label, name in _pdf(sheet))]
    if sheet.talked:
        files += [("gesprek", f"{base}{_TALK}")]
        files += [("gesprek PDF", f"{SHEETS}/{name}") for _, name in _pdf(sheet, "-gesprek")]
    return PlaceRow(sheet.title, sheet.figures[0].text, tuple(files))


def _known(store: Store, row: Mapping[str, str]) -> Known:
    """Say whether a study has one kind of data; of a source that gave nothing also why, of roofs for how many buildings."""
    whole, table, yes, no = Store(store.root), row["table"], row["yes_nl"], row["no_nl"]
    known = whole.has(table) and (whole.path(table).suffix != ".parquet" or whole.describe(table)["rows"] > 0)
    served = [one for one in row["serves"].split() if whole.has(one) and whole.describe(one)["rows"]]
    if row["serves"] and not served:
        return Known(row["what_nl"], known, row["nothing_nl"] + ("" if known else _why_not(whole, table)))
    if table == "roof_face" and known and "pand_score" in served:
        basis = whole.read("pand_score")["score_basis"].astype("str")
        by_face = int(basis.str.startswith("lod22").sum())
        if by_face < len(basis):
            yes = (
                f"zon is per dakvlak berekend voor {number(by_face)} van de {number(len(basis))} gebouwen; andere {no}"
            )
    return Known(row["what_nl"], known, yes if known else no + _why_not(whole, table))


def _weather(store: Store) -> list[Known]:
    """Say how far from a study its sun and its rain were measured; nothing where it has no place, or the station none."""
    whole = Store(store.root)
    land = next((one for one in ("buurt", "pand", "roof_face") if whole.has(one) and whole.describe(one)["rows"]), "")
    if not land:
        return []
    frame = whole.read(land)
    here = gpd.GeoSeries([box(*frame.total_bounds).centroid], crs=frame.crs).to_crs(4326).iloc[0]
    there = {what: place for table, what in _MEASURED.items() if (place := _station_place(whole, table))}
    km = {what: Geod(ellps="GRS80").inv(here.x, here.y, *place[::-1])[2] / 1000 for what, place in there.items()}
    nearer = "; een station van het KNMI dichterbij geeft een beter cijfer: het weer verschilt per streek"
    said = {what: f"gemeten op ongeveer {number(nl.two_digits(far))} km van hier" for what, far in km.items()}
    return [Known(what, far <= _FAR_KM, said[what] + nearer * (far > _FAR_KM)) for what, far in km.items()]


def _station_place(whole: Store, table: str) -> tuple[float, float] | None:
    """Return latitude and longitude [deg] of the station behind a table of weather, where they are known."""
    if not whole.has(table) or not whole.describe(table)["rows"]:
        return None
    first = whole.read(table).iloc[0]
    if "latitude_deg" in first:
        return float(first["latitude_deg"]), float(first["longitude_deg"])
    return stations().get(int(first["station"])) if str(first["station"]).isdecimal() else None


def own_figures(study: Study) -> list[Known]:
    """Name the assumptions that a study puts in place of ours, each with its source.

    Parameters
    ----------
    study : Study
        The study.
    """
    table, said = assumptions.with_own(study.assumptions), []
    for name, one in study.assumptions.items():
        unit = table[name].unit  # the only year that is one of the calendar is not a study's to change
        words = "jaar" if unit == "year" else unit_words(unit)
        said.append(f"{say('assumption', name)}: {f'{exact(one.value)} {words}'.strip()} (bron: {one.source})")
    return [Known("Eigen aannames van deze studie", True, "; ".join(said))] if said else []


def _why_not(store: Store, table: str) -> str:
    """Return what was noted of a source that could not be had or read; nothing where the study names none."""
    tallies = {name: store.describe(name)["tally"].get("noted", {}) for name in store.names() if store.has(name)}
    said = [one for noted in tallies.values() for one in noted if one.startswith(f"bron {table} ")]
    said += [one for one in tallies.get(table, ()) if NOT_READ in one or EMPTY in one]
    return f". Waarom: {'; '.join(dict.fromkeys(said))}" if said else ""


_REPORT_FORMS = {".html": "lezen", ".pdf": "PDF", ".xlsx": "rekenblad"}


def _report_rows(store: ReaderStore, files: Sequence[str]) -> tuple[PlaceRow, ...]:
    """Name the feasibility of each place after it, the best areas first in their order, with its homes and its forms."""
    if not files or not store.has("enterprise_case"):
        return ()
    cases = store.read("enterprise_case").drop_duplicates(["place_kind", "place_id"])
    of = {f"{one.place_kind}-{one.place_id}": one for one in cases.itertuples()}
    stems = dict.fromkeys(Path(one).stem for one in files if Path(one).stem in of)
    rows = []
    for stem in stems:
        kind = "Buurt" if of[stem].place_kind == "buurt" else "Gebied"
        forms = [(label, f"{REPORTS}/{stem}{end}") for end, label in _REPORT_FORMS.items() if f"{stem}{end}" in files]
        rows.append(PlaceRow(f"{kind} {of[stem].place_name}", number(of[stem].homes), tuple(forms)))
    return tuple(rows)
