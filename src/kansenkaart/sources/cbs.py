"""Reads Kerncijfers wijken en buurten of CBS from the OData answers as published.

Columns are found by title and unit, since their numbers shift from year to year. A column that a year has hardly
filled yet comes from an older year, and says so.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pandas as pd
import requests
from cbsodata import cbsodata3

from kansenkaart.config import packaged_rows
from kansenkaart.errors import ConfigError, FetchError, FormatError, IncompleteError
from kansenkaart.sources.publishers import delivery, year_stated
from kansenkaart.sources.tools.archives import parse_json
from kansenkaart.sources.tools.cleaning import typed_numbers
from kansenkaart.sources.tools.http import Http, get, get_json, same_host
from kansenkaart.sources.tools.layers import body_of, read_table
from kansenkaart.sources.tools.ogc import encoded, paged
from kansenkaart.sources.tools.rawfolder import digest_of, keep_files, plain_name, write_atomic
from kansenkaart.sources.tools.rawnames import bounded, reading, some, to_number
from kansenkaart.tables.provenance import Provenance, Tally

Row = dict[str, Any]
Names = Sequence[str]
#: A year's column is used if it is filled for this share of the buurten that its best-filled year has [1].
LEAST_FILLED_SHARE = 0.5
#: BU, four digits of the municipality, four signs of wijk and buurt: Amsterdam has letters in them.
_BUURT = re.compile(r"BU\d{4}[0-9A-Z]{4}")
#: How the column of codes is called, squeezed: OData, saved tables, and the yearly workbook (kwb).
_CODES = ("codering", "wijkenenbuurten", "gwbcode10", "gwbcode", "regiocode")
#: A table is known by the columns of one of these: key figures, or solar panels at homes.
_ESSENTIAL = (("inhabitants", "households"), ("pv_systems", "pv_installed_kwp"))


@lru_cache(maxsize=1)
def _wanted() -> dict[str, dict[str, str]]:
    return {row["name"]: row for row in packaged_rows("cbs_columns.csv")}


def _squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9%]", "", text.lower().replace("³", "3"))


def _columns(properties: list[Row], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, row in _wanted().items():
        for title in row["titles"].split("|"):
            hits = [
                str(one["Key"])
                for one in properties
                if _squeeze(str(one.get("Title", ""))) == _squeeze(title)
                and ("Unit" not in one or _squeeze(str(one["Unit"] or "")) in map(_squeeze, row["unit"].split("|")))
            ]
            if len(hits) > 1:
                wanted = f"one column {title!r} [{row['unit']}]"
                raise FormatError(wanted, found=str(hits), where=where, remedy="adapt cbs_columns.csv")
            if hits:
                found[name] = hits[0]
                break
    missing = min(([name for name in group if name not in found] for group in _ESSENTIAL), key=len)
    if missing:
        wanted = f"columns titled {', '.join(_wanted()[name]['titles'].split('|')[0] for name in missing)}"
        remedy = "take the table of key figures with all its columns (OData, CSV or the workbook kwb), as CBS gives it"
        raise FormatError(
            wanted, found=some((one.get("Title") for one in properties), most=12), where=where, remedy=remedy
        )
    return found


def read_kwb(*paths: Path, year: int | None = None) -> tuple[pd.DataFrame, Tally]:
    """Return the statistics of buurten, each column with its year, from answers of CBS as saved.

    Parameters
    ----------
    *paths : Path
        Folders that hold a folder per table, or such folders themselves; or whole tables as text or workbook (without units).
    year : int, optional
        Of the figures of a saved table, where neither its rows nor its title say it [year].

    Returns
    -------
    frame : DataFrame
        ``buurtcode`` and the statistics of table ``buurt`` with ``*_year``; unknown is NaN, also where it was spelled
        ``.``, blank, -99995 or -99997. Buurten are those of the newest year.
    tally : Tally
        Rows of the newest year; wijken and municipalities left out; in ``noted`` the columns from an older year.

    Raises
    ------
    FormatError
        If files are missing or have another shape, or no column has an essential title.
    """
    names = ("TypedDataSet.json", "Observations.json")
    tables = {one.parent for path in paths for name in names for one in path.rglob(name)}
    folders = sorted(tables | {path for path in paths if path.is_file()})
    if not folders:
        where = some(one.name for one in paths)
        raise FormatError("a folder with TypedDataSet.json", found="none", where=where, remedy="fetch the tables again")
    years = []
    for one in folders:
        with reading(one, "answers of CBS as it sends them"):
            years.append(_figures_of(one, year))
    years.sort(key=lambda item: item[0], reverse=True)
    newest = years[0][1]
    frame = pd.DataFrame(index=newest.index)
    noted: dict[str, int] = {}
    for name in dict.fromkeys(name for _, table, _ in years for name in table):
        choices = [(of, table[name].reindex(newest.index)) for of, table, _ in years if name in table]
        of, column = _best_year(choices)
        frame[name] = column
        frame[f"{name}_year"] = pd.Series(of, index=frame.index, dtype="Int64").where(column.notna())
        if of != years[0][0]:
            noted[f"{name} of the year {of}"] = int(column.notna().sum())
        if column.isna().any():
            noted[f"{name} unknown"] = int(column.isna().sum())
    kept, left_out = len(frame), years[0][2]
    return frame.rename_axis("buurtcode").reset_index(), Tally(kept + sum(left_out.values()), kept, left_out, noted)


def _best_year(choices: list[tuple[int, pd.Series[Any]]]) -> tuple[int, pd.Series[Any]]:
    most = max(column.notna().sum() for _, column in choices)
    for year, column in choices:
        if column.notna().sum() >= LEAST_FILLED_SHARE * most:
            return year, column
    return choices[0]


def _figures_of(folder: Path, year: int | None) -> tuple[int, pd.DataFrame, dict[str, int]]:
    if folder.is_file():
        content = _from_table(folder, year)
    elif (folder / "Observations.json").is_file():
        content = _from_v4(folder)
    else:
        content = {name: _rows(folder / f"{name}.json") for name in ("TableInfos", "DataProperties", "TypedDataSet")}
    where = folder.name
    raw = pd.DataFrame(content["TypedDataSet"])
    columns = _columns(content["DataProperties"], where)
    keys = {_squeeze(str(one.get("Title", ""))): str(one["Key"]) for one in reversed(content["DataProperties"])}
    code = next((keys[one] for one in _CODES if keys.get(one) in raw.columns), "WijkenEnBuurten")
    of, raw, elsewhen = _of_one_year(raw, content["TableInfos"][0], year, where)
    gone = [key for key in [code, *columns.values()] if key not in raw.columns]
    if gone:
        expected = f"the columns {some(gone)} that DataProperties announces"
        raise FormatError(expected, found=some(raw.columns, most=12), where=where, remedy="fetch the tables again")
    codes = raw[code].astype(str).str.strip()
    kept = codes.str.fullmatch(_BUURT.pattern)
    if len(codes) and not kept.any():
        expected = f"codes of buurten, such as BU01930000, in column {code}"
        remedy = "take the table with the rows of buurten, not that of municipalities or wijken alone"
        raise FormatError(expected, found=some(codes), where=where, remedy=remedy)
    double = codes.duplicated() & kept
    raw = raw[kept & ~double].set_axis(codes[kept & ~double], axis=0).sort_index()
    frame = pd.DataFrame(index=raw.index)
    for name, row in _wanted().items():
        if name in columns:
            cells = _as_typed(raw[columns[name]], f"{where}, {name}") if folder.is_file() else raw[columns[name]]
            frame[name] = to_number(cells, where=f"{where}, {name}") * float(row["factor"])
    if "age_65_plus" in frame:
        share = 100 * frame.pop("age_65_plus") / frame["inhabitants"].where(frame["inhabitants"] > 0)
        frame.insert(0, "age_65_plus_pct", share)
    left_out = {"not a buurt": int((~kept).sum()), "same buurt twice": int(double.sum())}
    return of, frame, {**left_out, **({"of another year": elsewhen} if elsewhen else {})}


def _as_typed(cells: pd.Series[Any], where: str) -> pd.Series[Any]:
    """Return cells that people saved, numbers as their column shows them; 1.234 is refused where nothing tells its sign."""
    numbers, doubt = typed_numbers(cells.fillna(""))
    if doubt.any():
        expected, found = "numbers that can be read in one way only", cells[doubt].iloc[0]
        remedy = "save the table without a sign for thousands: 1234, and 1,5 or 1.5 for decimals"
        raise FormatError(expected, found=found, where=where, remedy=remedy)
    return cells.astype("object").where(numbers.isna(), numbers)


def _of_one_year(raw: pd.DataFrame, info: Row, year: int | None, where: str) -> tuple[int, pd.DataFrame, int]:
    """Return the year of the figures, the rows of that year, and how many are of other years, where rows say theirs."""
    if info:
        return year_stated(info, where=where), raw, 0
    stated = raw["Perioden"].astype(str) if "Perioden" in raw else pd.Series("", index=raw.index)
    years = pd.to_numeric(stated.str.extract(r"^\s*(\d{4})")[0], errors="coerce")
    of = year if year in set(years) else years.max()
    if pd.isna(of):
        raise FormatError("the year of the figures", found="none", where=where, remedy="write year in the study")
    return int(of), raw[years == of], int((years != of).sum())


def _rows(path: Path) -> list[Row]:
    where = f"{path.parent.name}/{path.name}"
    try:
        return _listed(parse_json(bounded(path).read_bytes(), where=where), where)
    except OSError as why:
        raise _no_list("no such file" if isinstance(why, FileNotFoundError) else str(why.strerror), where) from why


def _listed(content: Any, where: str) -> list[Row]:
    """Return the rows of an answer of OData."""
    if not isinstance(content, dict) or not isinstance(content.get("value"), list):
        raise _no_list(str(content)[:80], where)
    return [one for one in content["value"] if isinstance(one, dict)]


def _no_list(found: str, where: str) -> FormatError:
    remedy = "fetch the table again; if it comes out the same, the service changed its shape: adapt the client"
    return FormatError("an OData answer with a list 'value'", found=found, where=where, remedy=remedy)


PUBLISHER = "cbs-odata"
_CODE = re.compile(r"GM\d{4}")
_METADATA, _LISTS_V4 = ("DataProperties", "WijkenEnBuurten"), ("WijkenEnBuurtenCodes", "MeasureCodes")
_LOCK = threading.Lock()
_LATER = "try again later, or check the municipality code for this year; what was kept stays in use"
#: The first table of the list in ``data/sources.csv`` is that of this year [year]; the others follow year by year.
FIRST_YEAR = 2020
#: So many years are asked: what the newest has hardly filled comes from the one before [1].
TABLES = 2


def tables_until(editions: Sequence[str], year: int | None) -> tuple[str, ...]:
    """Return the tables of a year and of the one before it; without a year the last two of the list.

    Parameters
    ----------
    editions : sequence of str
        Tables from `FIRST_YEAR` on, one a year.
    year : int or None
        Of the figures [year].
    """
    last = len(editions) if year is None else min(max(year - FIRST_YEAR + 1, 1), len(editions))
    return tuple(editions[max(last - TABLES, 0) : last])


def fetch_kwb(
    folder: Path, *, base_url: str, codes: Names, tables: Names, http: Http, second_url: str = ""
) -> tuple[Path, Provenance]:
    """Fetch the buurten of municipalities from one or more yearly tables, by OData v3 or, when it does not answer, v4.

    Parameters
    ----------
    folder : Path
        The folder ``data/raw``.
    base_url : str
        Address that ends with ``/ODataFeed/odata/``; from `kansenkaart.sources.publishers.base_url`.
    codes : sequence of str
        Municipalities, such as ``GM0193``.
    tables : sequence of str
        Table numbers, such as ``85984NED``.
    http : Http
        How to ask.
    second_url : str, optional
        Where OData v4 lives; without it v3 is the only way.

    Returns
    -------
    path : Path
        Folder with a folder per table, in it the answers of CBS.
    provenance : Provenance
        Its edition is the newest ``Modified`` of the tables.

    Raises
    ------
    ConfigError
        If a code is not that of a municipality.
    FetchError, IncompleteError
        If no usable or complete answer came.
    FormatError
        If the answers have another shape.
    """
    wrong = [one for one in codes if not _CODE.fullmatch(one)]
    if wrong or not codes or not tables:
        raise ConfigError("codes such as GM0193, and tables", found=f"{wrong or codes}, {tables}", where="study")
    try:
        return fetch_v3(folder, base_url, codes, tables, http)
    except FetchError as why:
        if not second_url or isinstance(why, IncompleteError):
            raise
        http.meter.tell(PUBLISHER, f"OData v3 geeft geen antwoord ({why.found[:80]}); v4 wordt gevraagd")
        return fetch_v4(folder, second_url, codes, tables, http)


def fetch_v3(folder: Path, base_url: str, codes: Names, tables: Names, http: Http) -> tuple[Path, Provenance]:
    """Fetch by OData v3 only; errors as of `fetch_kwb`.

    Parameters
    ----------
    folder, base_url, codes, tables, http
        As of `fetch_kwb`.
    """
    infos = {table: _info(table, base_url, http) for table in tables}
    digest = digest_of({code: code.encode() for code in codes})[:12]
    name = "_".join(["kwb", *sorted(codes)]) if len(codes) <= len(_METADATA) else f"kwb_{digest}"
    parts = _kept(folder / PUBLISHER / _edition(infos.values()) / name, infos)
    if parts is None:
        parts = {}
        for table, info in infos.items():
            parts |= _fetch_table(folder, table, base_url, codes, info, http)
    return _delivered(folder, name, parts, infos.values(), base_url)


def _edition(infos: Collection[Row]) -> str:
    return plain_name(max(str(one["Modified"]) for one in infos).replace(":", ""))


def _delivered(
    folder: Path, name: str, parts: dict[str, bytes], infos: Collection[Row], base_url: str
) -> tuple[Path, Provenance]:
    path, edition = keep_files(folder, PUBLISHER, _edition(infos), name, parts)
    year, sha256 = max(year_stated(one, where=base_url) for one in infos), digest_of(parts)
    return path, delivery(PUBLISHER, role="statistics", edition=edition, address=base_url, sha256=sha256, year=year)


def fetch_v4(folder: Path, base_url: str, codes: Names, tables: Names, http: Http) -> tuple[Path, Provenance]:
    """Fetch the same tables by OData v4: a row per figure, kept as CBS sends it; `read_kwb` reads both shapes.

    Parameters
    ----------
    folder, base_url, codes, tables, http
        As of :func:`fetch_kwb`.
    """
    parts, infos = dict[str, bytes](), list[Row]()
    for table in tables:
        top = f"{base_url.rstrip('/')}/{plain_name(table)}"
        told, _ = get_json(f"{top}/Properties", http=http)
        if not isinstance(told, dict) or not told.get("Modified"):
            raise FormatError("Properties with Modified", found=str(told)[:80], where=top, remedy="adapt the client")
        infos.append(told | {"Period": told.get("TemporalCoverage")})
        rows = [row for code in sorted(codes) for row in _figures_v4(f"{top}/Observations", code, http)]
        cache = folder / PUBLISHER / ".metadata" / plain_name(table) / plain_name(str(told["Modified"]))
        regions, measures = (_cached(cache, one, partial(_all_v4, f"{top}/{one}", http)) for one in _LISTS_V4)
        _require_whole(rows, regions, codes, cache / f"{_LISTS_V4[0]}.json", by=("WijkenEnBuurten", "Measure"))
        rows.sort(key=lambda one: (str(one["WijkenEnBuurten"]), str(one["Measure"])))
        kept = {"Properties": [told], "MeasureCodes": measures, "Observations": rows}
        parts |= {f"{table}/{name}.json": _plain(content) for name, content in kept.items()}
    return _delivered(folder, "_".join(["kwb-v4", *sorted(codes)]), parts, infos, base_url)


def _figures_v4(url: str, code: str, http: Http) -> list[Row]:
    """Return the figures of the buurten of a municipality, all that the service counts where it does count."""
    asked = urlencode({"$filter": f"startswith(WijkenEnBuurten,'BU{code[2:]}')"})
    rows = _all_v4(f"{url}?{asked}", http)
    counted = str(len(rows))
    with suppress(FetchError):
        counted = get(f"{url}/$count?{asked}", http=http, kinds=("text", "json")).content.decode("utf-8-sig").strip()
    if counted != str(len(rows)):
        raise IncompleteError(f"{counted[:20]} figures of {code}", found=str(len(rows)), where=url, remedy=_LATER)
    return rows


def _all_v4(url: str, http: Http) -> list[Row]:
    asked = paged(url, lambda link: get_json(link, http=http)[0])
    return [row for link, page in asked for row in _listed(page, link)]


def _from_v4(folder: Path) -> dict[str, list[Row]]:
    """Return a table of v4 in the shape of v3: a row per region, a column per measure."""
    told = {name: _rows(folder / f"{name}.json") for name in ("Properties", "MeasureCodes", "Observations")}
    table: dict[str, Row] = {}
    for one in told["Observations"]:
        region = str(one["WijkenEnBuurten"])
        table.setdefault(region, {"WijkenEnBuurten": region})[str(one["Measure"])] = one.get("Value")
    properties = [{**one, "Key": str(one["Identifier"]), "Unit": one.get("Unit")} for one in told["MeasureCodes"]]
    measured = {name for row in table.values() for name in row}
    rows = [{name: row.get(name) for name in sorted(measured)} for row in table.values()]
    announced = [one for one in properties if one["Key"] in measured]
    infos = [{**one, "Period": one.get("TemporalCoverage")} for one in told["Properties"]]
    return {"TableInfos": infos, "DataProperties": announced, "TypedDataSet": rows}


def _from_table(path: Path, year: int | None) -> dict[str, list[Row]]:
    """Return a table saved as text or workbook in the shape of v3: ``AantalInwoners_5`` or ``a_inw`` stands for its title."""
    wanted = [tuple(map(_squeeze, row["titles"].split("|"))) for row in _wanted().values()]
    table = read_table(path, [_CODES, *wanted])
    titles = {name: re.sub(r"_\d+$", "", name.rsplit("|", 1)[-1]) for name in table.head if name}
    properties = [{"Key": name, "Title": title} for name, title in titles.items()]
    rows = [dict(zip(table.head, cells, strict=False)) for _, cells in body_of(table, path)]
    above = " ".join(cell for _, cells in table.rows[: table.at] for cell in cells)
    stated = year or next(iter(re.findall(r"\b(?:19|20)\d{2}\b", above)), None)
    info = {"Period": str(stated)} if stated and "Perioden" not in table.head else {}
    return {"TableInfos": [info], "DataProperties": properties, "TypedDataSet": rows}


def _info(table: str, base_url: str, http: Http) -> Row:
    with _library(base_url, http) as host:
        info = _ask(table, "TableInfos", host)
    if not info or "Modified" not in info[0]:
        raise _no_list(str(info)[:80], f"{table}/TableInfos")
    return info[0]


def _kept(path: Path, infos: dict[str, Row]) -> dict[str, bytes] | None:
    """Return a delivery that is there already, if no table was ``Modified`` since: CBS says by it what has changed."""
    names = [f"{table}/{name}.json" for table in infos for name in ("TableInfos", *_METADATA, "TypedDataSet")]
    if not all((path / name).is_file() for name in names):
        return None
    same = all(_rows(path / table / "TableInfos.json")[:1] == [info] for table, info in infos.items())
    return {name: (path / name).read_bytes() for name in names} if same else None


def _fetch_table(folder: Path, table: str, base_url: str, codes: Names, info: Row, http: Http) -> dict[str, bytes]:
    with _library(base_url, http) as host:
        found = {"TableInfos": [info]}
        cache = folder / PUBLISHER / ".metadata" / plain_name(table) / plain_name(str(info["Modified"]))
        for name in _METADATA:
            found[name] = _cached(cache, name, partial(_ask, table, name, host))
        asked = [f"startswith(WijkenEnBuurten,'BU{code[2:]}')" for code in sorted(codes)]
        rows = [row for one in asked for row in _ask(table, "TypedDataSet", host, filters=one)]
    _require_whole(rows, found["WijkenEnBuurten"], codes, cache / f"{_METADATA[1]}.json", by=_METADATA[1:])
    found["TypedDataSet"] = sorted(rows, key=lambda row: str(row["WijkenEnBuurten"]))
    return {f"{table}/{name}.json": _plain(content) for name, content in found.items()}


def _plain(rows: list[Row]) -> bytes:
    text = json.dumps({"value": rows}, ensure_ascii=False, allow_nan=False, indent=0)
    return encoded(f"{text}\n", where="the answers of CBS")


def _cached(cache: Path, name: str, ask: Callable[[], list[Row]]) -> list[Row]:
    if (path := cache / f"{name}.json").exists():
        return _rows(path)
    rows = ask()
    write_atomic(path, _plain(rows))
    return rows


def _require_whole(rows: list[Row], regions: list[Row], codes: Names, listed: Path, by: tuple[str, ...]) -> None:
    """Refuse rows that lack a buurt of the municipalities of which the table lists the regions, or come twice.

    The list is asked anew after that, for it may be what was not whole.
    """
    table, starts = listed.parts[-3], tuple(f"BU{code[2:]}" for code in codes)
    if any(name not in row for row in rows for name in by):
        wanted, remedy = f"rows with {' and '.join(by)}", "this is no table of buurten"
        raise FormatError(wanted, found=str(rows[0])[:80], where=table, remedy=remedy)
    cells = {tuple(str(row[name]).strip() for name in by) for row in rows}
    keys = (str(one.get("Key") or one.get("Identifier")).strip() for one in regions)
    asked, got = {one for one in keys if one.startswith(starts)}, {region for region, *_ in cells}
    if asked != got or len(cells) != len(rows) or not got:
        listed.unlink(missing_ok=True)
        expected = f"the {len(asked)} buurten of {list(codes)} once each"
        found = f"{len(rows)} rows; missing {sorted(asked - got)[:5]}; {len(rows) - len(cells)} twice"
        raise IncompleteError(expected, found=found, where=table, remedy=_LATER)


def _ask(table: str, name: str, host: str, **query: str) -> list[Row]:
    try:
        rows = cbsodata3.get_meta(table, name, catalog_url=host, **query)
    except (KeyError, TypeError) as why:
        raise _no_list(f"{type(why).__name__}: {why}", f"{table}/{name}") from why
    if not all(isinstance(row, dict) for row in rows):
        raise _no_list(str(rows)[:80], f"{table}/{name}")
    return list(rows)


@contextmanager
def _library(base_url: str, http: Http) -> Iterator[str]:
    """Lend the library our session and address, one user at a time, and restore both whatever happens."""
    parts = urlsplit(base_url)
    ending = f"/{cbsodata3.BULK}"
    if not parts.path.rstrip("/").endswith(ending):
        raise ConfigError(f"an address that ends with {ending}", found=base_url, where=PUBLISHER)
    with _LOCK:
        before = cbsodata3.Session, cbsodata3.options.use_https
        asked = [base_url]
        cbsodata3.Session = lambda: _OurSession(http, asked)
        cbsodata3.options.use_https = parts.scheme == "https"
        try:
            yield parts.netloc + parts.path.rstrip("/").removesuffix(ending)
        finally:
            cbsodata3.Session, cbsodata3.options.use_https = before


class _OurSession(requests.Session):
    """Answers the library's request through `get_json`, which retries, bounds and checks; it follows any link for ever."""

    def __init__(self, http: Http, asked: list[str]) -> None:
        super().__init__()
        self._http, self._asked = http, asked  # where it lives, and what was asked since

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """Send one prepared request and return a whole, checked answer."""
        url = same_host(str(request.url), self._asked[0])
        if url in self._asked[1:]:
            raise IncompleteError("pages that go on", found="a next link to an earlier page", where=url)
        self._asked.append(url)
        answer, response = get_json(url, http=self._http)[1], requests.Response()
        response.status_code, response.url, response._content = answer.status, url, answer.content
        return response
