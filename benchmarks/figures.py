"""Reads every figure of every place back from each form in which it is published, and counts contradictions.

    python benchmarks/figures.py maps/proefveld data/processed/proefveld

Forms: the map (its packed layers and its first panel), the overview, factsheets and reports (HTML and the text of the PDF),
workbooks (as cached, and recalculated by LibreOffice where that is installed), GeoPackage, GeoParquet and metadata.json.
What a form says is held to the tables that were scored, at the decimals that the form itself prints. The last line is JSON.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pypdf
from pypdf.generic import ContentStream

from kansenkaart.config import read_study, study_path
from kansenkaart.core.enterprise.case import ROOFS, AreaFacts
from kansenkaart.core.enterprise.tracks import HEADLINE
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.map.spec import SHOWN
from kansenkaart.publish.release import BRIDGE
from kansenkaart.tables import fields, schemas
from kansenkaart.tables.provenance import sha256_of
from kansenkaart.tables.store import Store
from kansenkaart.wording.enterprise import label
from kansenkaart.wording.nl import capital

AMOUNT = re.compile(r"(−|-)?(?:€\s*)?(\d{1,3}(?:\.\d{3})+|\d+)(?:,(\d+))?(\s*(?:%|procent\b))?")
NOTHING = ("onbekend", "-")
ENDS = ("", "_low", "_high")
#: Expected, low, middle and high, in the order of report and workbook.
DRAWN = ("", "_low", "_median", "_high")
#: The parties on a sheet to talk with partners, in its order.
TALKED = ("household_eur_per_year", "enterprise_eur_per_year", "roof_owner_eur_per_year", "municipality_eur_per_year")
#: Figures of the case that forms print: column, and the words before it in a report.
PARTIES = {
    "household_eur_per_year": "Bewoners samen",
    "enterprise_eur_per_year": "Wijkbedrijf",
    "roof_owner_eur_per_year": "Eigenaar van de gebouwen",
    "municipality_eur_per_year": "Gemeente",
}
_CENT, _SHORT = 0.005, "short"
_SCATTERED = "-1"  # homes that lie too far apart for any area: drawn pale, and no place


class Reading(NamedTuple):
    """One figure as a form says it, as it is stored, and how far apart they may be by the form's own rounding."""

    form: str
    place: str
    figure: str
    said: float
    stored: float
    off: float = 1e-6

    @property
    def contradicts(self) -> bool:
        """Whether the form says something else: another number, or a number for what is unknown."""
        if np.isnan(self.said) or np.isnan(self.stored):
            return bool(np.isnan(self.said) != np.isnan(self.stored))
        return abs(self.said - self.stored) > self.off * (1 + 1e-9) + 1e-9 * abs(self.stored)


class Said(NamedTuple):
    """A number in a text, and half of its last printed decimal."""

    value: float
    off: float


def amounts(text: str) -> list[Said]:
    """Return the numbers in a text; a percentage is a share of one."""
    out = []
    for sign, whole, decimals, percent in AMOUNT.findall(text):
        by = 100.0 if percent else 1.0
        value = float(f"{whole.replace('.', '')}.{decimals or 0}") / by
        out.append(Said(-value if sign else value, 0.5 * 10 ** -len(decimals) / by))
    return out


def html_cells(path: Path) -> list[str]:
    """Return the texts of a page between its tags, without style and scripts."""
    page = re.sub(r"<(style|script)\b.*?</\1>", " ", path.read_text("utf-8"), flags=re.DOTALL)
    cells = (
        re.sub(r"\s+", " ", unescape(one)).replace("\N{WORD JOINER}", "").strip()
        for one in re.sub(r"<[^>]+>", "\0", page).split("\0")
    )
    return [one for one in cells if one]


def pdf_cells(path: Path) -> list[str]:
    """Return the texts of a tagged PDF as a screen reader takes them: each paragraph, and each cell of a table, whole."""
    reader = pypdf.PdfReader(path)
    texts = {page.indirect_reference.idnum: _marked(page) for page in reader.pages if page.indirect_reference}
    cells = _elements(reader.trailer["/Root"]["/StructTreeRoot"], texts, 0)
    return [one for one in (re.sub(r"\s+", " ", one).strip() for one in cells) if one]


#: Elements of a tagged PDF that are read as one text.
_WHOLE = ("/P", "/TD", "/TH", "/H1", "/H2", "/Lbl", "/LBody", "/Figure")


def _elements(element: Any, texts: Mapping[int, Mapping[int, str]], page: int) -> Iterator[str]:
    """Give the texts below an element of the structure tree: whole ones whole, those of others each by itself."""
    if "/Pg" in element:
        page = element.raw_get("/Pg").idnum
    kids = element.get("/K", [])
    found: list[str] = []
    for kid in kids if isinstance(kids, list) else [kids]:
        one = kid.get_object()
        if isinstance(one, int):
            found.append(texts[page].get(one, ""))
        elif "/MCID" in one:
            found.append(texts[one.raw_get("/Pg").idnum if "/Pg" in one else page].get(one["/MCID"], ""))
        else:
            found += _elements(one, texts, page)
    if element.get("/S") in _WHOLE and not any(one.endswith("\n") for one in found):
        yield "".join(found) + "\n"
    else:
        yield from found


def _marked(page: pypdf.PageObject) -> dict[int, str]:
    """Return the marked texts of a page by their number."""
    letters, font, mark = _letters(page), "", -1
    texts: dict[int, str] = {}
    for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
        if operator == b"Tf":
            font = str(operands[0])
        elif operator in (b"BDC", b"EMC"):
            mark = int(operands[1].get("/MCID", -1)) if operator == b"BDC" else -1
        elif operator in (b"Tj", b"TJ") and mark >= 0:
            parts = operands[0] if operator == b"TJ" else operands
            codes = b"".join(getattr(one, "original_bytes", one) for one in parts if isinstance(one, (str, bytes)))
            words = "".join(letters[font].get(codes[k : k + 2], "") for k in range(0, len(codes), 2))
            texts[mark] = texts.get(mark, "") + words
    return texts


def _letters(page: pypdf.PageObject) -> dict[str, dict[bytes, str]]:
    """Return by font which letters its codes of two bytes stand for, as the file itself says."""
    out: dict[str, dict[bytes, str]] = {}
    for name, font in page["/Resources"].get("/Font", {}).items():  # type: ignore[union-attr]
        table = font.get_object()["/ToUnicode"].get_data().decode("ascii")
        rows = re.findall(r"^<([0-9A-F]{4})> <([0-9A-F]+)>$", table, flags=re.MULTILINE)
        out[str(name)] = {bytes.fromhex(code): bytes.fromhex(words).decode("utf-16-be") for code, words in rows}
    return out


def after(cells: Sequence[str], words: str, count: int = 1) -> list[Said]:
    """Return what the cells after some words say; the words may run over lines, as they do in a PDF."""
    for at in range(len(cells)):
        if not words.startswith(cells[at]):
            continue
        for end in range(at + 1, min(at + 5, len(cells)) + 1):
            if " ".join(cells[at:end]) == words:
                found = [_said(one) for one in cells[end : end + count]]
                if all(found):
                    return [one for one in found if one]
    return []


def _said(cell: str) -> Said | None:
    if cell in NOTHING:
        return Said(np.nan, 0.0)
    found = amounts(cell)
    bound = 0.01 if cell.startswith(("minder dan", "meer dan")) else 0.0
    return found[0]._replace(off=max(found[0].off, bound)) if found else None


def section(cells: Sequence[str], begin: str, end: str) -> Sequence[str]:
    """Return the cells between two headings; all of them where the first is not there."""
    first = next((at for at, one in enumerate(cells) if one == begin), 0)
    last = next((at for at, one in enumerate(cells[first:], first) if one == end), len(cells))
    return cells[first:last]


class Truth:
    """What is stored of a study, as far as readers of an edition may see it."""

    def __init__(self, maps: Path, processed: Path) -> None:
        self.maps = maps
        self.metadata = json.loads((maps / "data" / "metadata.json").read_text("utf-8"))
        file = study_path(processed.absolute().parents[2], processed.name)
        hidden = read_study(file).weglaten.ids(file.parent) if file.exists() else frozenset()
        self.store = ReaderStore(Store(processed), opt_out=hidden, public=self.metadata.get("edition") == "openbaar")

    @cached_property
    def cases(self) -> pd.DataFrame:
        """Cases by kind, place and track."""
        return _keyed(self.store.read("enterprise_case"), ["place_kind", "place_id", "track"])

    @cached_property
    def facts(self) -> pd.DataFrame:
        """Facts of cases by kind and place."""
        return _keyed(self.store.read("enterprise_facts"), ["place_kind", "place_id"])

    def case(self, place: tuple[str, str], track: str = HEADLINE) -> pd.Series[Any] | None:
        """Return the case of a place; None where there is none."""
        key = (*place, track)
        return self.cases.loc[key] if self.store.has("enterprise_case") and key in self.cases.index else None

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Published tables by the key of their rows."""
        names = {table_of(layer) for layer in self.metadata["tables"]} - {BRIDGE}  # which is of the release alone
        return {name: _keyed(self.store.read(name), list(schemas.get(name).key)) for name in names}

    def layer(self, name: str) -> pd.DataFrame:
        """Return the rows of a table that a published layer should hold: all, or those of one kind and track."""
        table = table_of(name)
        frame, said = self.tables[table], name.removeprefix(table).strip("_")
        parts = frame[list(schemas.get(table).apart)].astype(str).agg("_".join, axis=1) if said else None
        return frame if parts is None else frame[parts == said]

    @cached_property
    def places(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Each place (kind and id), with its table and key there."""
        kinds = {"buurt": "buurt_score", "gebied": "gebied", "best": "best_area"}
        return {
            (kind, key): (name, key)
            for kind, name in kinds.items()
            for key in self.tables.get(name, pd.DataFrame()).index
        }

    def stored(self, place: tuple[str, str], figure: str) -> float:
        """Return a stored figure of a place; NaN where it is unknown."""
        case = self.case(place)
        row = self.tables[self.places[place][0]].loc[place[1]]
        if figure in row and pd.notna(row[figure]):
            return _number(row[figure])
        return _number(case[figure]) if case is not None and figure in case else np.nan


def table_of(layer: str) -> str:
    """Return the table that a published layer is, or is a part of."""
    return max((name for name in schemas.tables() if layer == name or layer.startswith(f"{name}_")), key=len)


def _keyed(frame: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    texts = pd.DataFrame(frame).assign(**{name: frame[name].astype(str) for name in key})
    return texts.set_index(key, drop=False)


def _number(value: Any) -> float:
    return np.nan if pd.isna(value) else float(value)


def factsheet(truth: Truth, place: tuple[str, str]) -> Iterator[Reading]:
    """Read the factsheet of a place: its six figures, its comparison, and what moves."""
    for form, ending, cells_of in (("factsheet", ".html", html_cells), ("factsheet pdf", ".pdf", pdf_cells)):
        path = truth.maps / "factsheets" / f"{'-'.join(place)}{ending}"
        if not path.is_file():
            continue
        cells = cells_of(path)
        names = [*fields.on_sheet("figure"), *fields.on_sheet("always")]
        first = section(cells, "", "Vergeleken met de omgeving")
        moved = section(cells, "Als de aannamen schuiven", "Wat dit niet zegt")
        said_first = {name: after(first, capital(fields.get(name).label_nl)) for name in names}
        yield Reading(form, "-".join(place), "six figures", float(sum(map(len, said_first.values()))), 6.0)
        for name, found in said_first.items():
            for said in found:
                yield Reading(
                    form, "-".join(place), name, said.value, truth.stored(place, name), _rough(truth, place, name, said)
                )
        for name in (*names, *PARTIES):
            span = after(moved, capital(fields.get(name).label_nl), 3)
            for end, said in zip(("_low", "", "_high"), span, strict=False):
                if not (
                    name == "grey_water_m3_per_year" and end
                ):  # its ends follow the use of water, and are not stored
                    stored = truth.stored(place, f"{name}{end}")
                    yield Reading(
                        form, "-".join(place), f"{name}{end}", said.value, stored, _rough(truth, place, name, said)
                    )
        yield from _compared(
            form, truth, place, section(cells, "Vergeleken met de omgeving", "Als de aannamen schuiven")
        )


def _is_estimate(name: str) -> bool:
    one = fields.get(name)
    return one.origin == "calculated" and one.unit.startswith(("kWh", "EUR", "m3", "person"))


def _two_digits(value: float) -> float:
    """Return how far a figure of two digits that count may be off."""
    return 0.5 * 10 ** (np.floor(np.log10(abs(value))) - 1) if abs(value) >= 100 else 0.0


def _rough(truth: Truth, place: tuple[str, str], name: str, said: Said) -> float:
    """Return how far a factsheet's figure may be off: estimates are rounded by their interval, else to two digits that count.

    They are rounded from the decimals that the map has, so that both say the same: half of the last of these comes with it.
    """
    if not _is_estimate(name):
        return said.off
    low, high = (truth.stored(place, f"{name}{end}") for end in ("_low", "_high"))
    by = _two_digits(said.value) if np.isnan(low) or np.isnan(high) or low == high else _step_of(high - low) / 2
    return max(said.off, by) + 0.5 * 10.0 ** -fields.get(name).decimals


def _compared(form: str, truth: Truth, place: tuple[str, str], cells: Sequence[str]) -> Iterator[Reading]:
    for name in fields.on_sheet("compare"):
        one = fields.get(name)
        stored = truth.stored(place, name) / (truth.stored(place, "homes") if one.per_home else 1.0)
        for said in after(cells, capital(one.label_nl) + (" per woning" if one.per_home else "")):
            by = 100.0 if one.unit == "%" else 1.0  # a share of one in `amounts`
            if not np.isnan(stored):
                off = max(said.off, _two_digits(stored)) if _is_estimate(name) else said.off
                yield Reading(form, "-".join(place), f"{name} per home", said.value, stored / by, off)


def report(truth: Truth, place: tuple[str, str]) -> Iterator[Reading]:
    """Read the report of a place: money of both tracks, parties, chance, and the facts that it rests on."""
    case, short = truth.case(place), truth.case(place, _SHORT)
    for form, ending, cells_of in (("report", ".html", html_cells), ("report pdf", ".pdf", pdf_cells)):
        path = truth.maps / "haalbaarheid" / f"{'-'.join(place)}{ending}"
        if case is None or short is None or not path.is_file():
            continue
        cells, name = cells_of(path), "-".join(place)
        for figure, words in PARTIES.items():
            found = after(section(cells, "Wie wint en wie betaalt", "Zo telt het op"), words, 4)
            yield Reading(form, name, f"{figure}, times read", float(len(found)), 4.0)
            for end, said in zip(DRAWN, found, strict=False):
                yield Reading(form, name, f"{figure}{end}", said.value, float(case[f"{figure}{end}"]), said.off)
        for figure, words in (
            ("enterprise_eur_per_year", "Wijkbedrijf houdt over"),
            ("stays_eur_per_year", "Blijft in de buurt (bewoners en wijkbedrijf)"),
            ("earns_keep_frac", "Kans dat het uitkomt"),
        ):
            for row, said in zip((short, case), after(cells, words, 2), strict=False):
                yield Reading(form, name, f"{figure} {row['track']}", said.value, float(row[figure]), said.off)
        yield from _in_words(form, name, " ".join(cells), case)
        facts = section(cells, "Wat we van deze plek weten", "De aannamen die het meest tellen")
        together = any("(alle bekende daken samen)" in one for one in facts)
        for fact, words, stored in _facts(truth.facts.loc[place], together=together):
            said = after(facts, words) or [Said(-np.inf, 0.0)]  # a fact that could not be read
            yield Reading(form, name, fact, said[0].value, stored, said[0].off)


def _facts(row: pd.Series[Any], *, together: bool) -> Iterator[tuple[str, str, float]]:
    """Give name, words and value of each fact that a report tells; of roofs per kind of owner, or of all that are known."""
    for fact in AreaFacts().__dict__:
        kind = next((one for one in [f"pv_{roofs}_" for roofs in ROOFS] if fact.startswith(one)), "")
        if not (together and kind):
            yield fact, label("fact", fact), float(row[fact])
        elif kind == "pv_own_":
            item = fact.removeprefix(kind)
            every = [float(row[f"pv_{roofs}_{item}"]) for roofs in ROOFS]
            yield fact, f"{label('fact', fact).split(' (')[0]} (alle bekende daken samen)", float(np.nansum(every))


def _in_words(form: str, name: str, text: str, case: pd.Series[Any]) -> Iterator[Reading]:
    """Read what the third section says in a sentence: expected, low, high and chance."""
    figures = [*(f"stays_eur_per_year{end}" for end in ENDS), "earns_keep_frac"]
    found = re.search(
        r"Wat er in de buurt blijft is naar verwachting ongeveer (\S+) euro per jaar: .*?ligt het tussen (.*?) en (.*?) euro, .*?"
        r"zichzelf betaalt is (.*?procent)",
        text,
    )
    for figure, words in zip(figures, found.groups() if found else (), strict=True) if found else ():
        if said := _said(words):
            off = said.off if figure.endswith("_frac") else _rounded_by(case, "stays_eur_per_year")
            yield Reading(form, name, f"{figure} in words", said.value, float(case[figure]), off)
    yield from _contribution(form, name, text, case)
    for words, figure in ((r"(\d[\d.]*) woningen\. Rekent over", "homes"),):
        for one in re.findall(words, text)[:1]:
            yield Reading(form, name, figure, amounts(one)[0].value, float(case[figure]), 0.5)


def workbook(truth: Truth, place: tuple[str, str], path: Path, form: str) -> Iterator[Reading]:
    """Read the values of a workbook: what is printed, the facts, and that its sums add up."""
    case, name = truth.case(place), "-".join(place)
    book = openpyxl.load_workbook(path, data_only=True)
    rows = [list(cells) for cells in book["Uitkomst"].iter_rows(values_only=True)]
    first: dict[str, list[Any]] = {}
    for cells in rows:
        first.setdefault(str(cells[0]), cells[1:])
    printed = {"stays": "blijft in de buurt", **{one: label("party", one) for one in ("household", "enterprise")}}
    for party, words in printed.items():
        for end, said in zip(DRAWN, first.get(words, ()), strict=False):
            figure = f"{party}_eur_per_year{end}"
            yield Reading(form, name, figure, _number(said), float(case[figure]), _CENT)  # type: ignore[index]
    chance = first.get("kans dat het wijkbedrijf zichzelf betaalt", [np.nan])[0]
    yield Reading(form, name, "earns_keep_frac", _number(chance), float(case["earns_keep_frac"]))  # type: ignore[index]
    for cells in book["Aannamen"].iter_rows(min_row=4, values_only=True):
        under, _, fact = str(cells[7]).partition(".")
        if under == "facts":
            said = np.nan if cells[1] == "onbekend" else float(cells[1])
            yield Reading(form, name, fact, said, float(truth.facts.loc[place, fact]))
    yield from _sums(form, name, rows, book["Berekening"])


def _sums(form: str, name: str, rows: list[list[Any]], sums: Any) -> Iterator[Reading]:
    """Hold the values of formulas to each other: parties sum to nothing in every year, and no sum is empty."""
    top = next(at for at, cells in enumerate(rows) if str(cells[0]).startswith("Netto per jaar"))
    net = np.array([[_number(one) for one in cells[2:]] for cells in rows[top + 2 :] if cells[0] is not None], float)
    count = int((~np.isnan(net[0])).sum())
    for year in range(count):
        yield Reading(form, name, f"sum of parties, year {year}", float(net[:-1, year].sum()), 0.0, _CENT)
    cells = [one for row in sums.iter_rows(min_row=4, min_col=3, max_col=2 + count, values_only=True) for one in row]
    filled = sum(isinstance(one, int | float) and one != 0 for one in cells)
    yield Reading(form, name, "sums that are not empty", float(filled > len(cells) / 10), 1.0)
    yield Reading(
        form, name, "sums without a value", float(sum(one is None or isinstance(one, str) for one in cells)), 0.0
    )


def recalculated(paths: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Return workbooks as LibreOffice recalculates them; none where it is not installed."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None or not paths:
        return {}
    command = [office, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(folder)]
    subprocess.run([*command, *map(str, paths)], check=True, capture_output=True, timeout=600)
    return {one: folder / one.name for one in paths}


def layers(truth: Truth) -> Iterator[Reading]:
    """Read the open layers and what metadata.json says of them."""
    packed = truth.maps / "data" / f"{truth.maps.name}.gpkg"
    for name, about in truth.metadata["tables"].items():
        if name == BRIDGE:
            continue
        path, stored, table = truth.maps / "data" / f"{name}.parquet", truth.layer(name), schemas.get(table_of(name))
        spatial = table.geometry
        frame = gpd.read_parquet(path) if spatial else pd.read_parquet(path)
        yield Reading("metadata", name, "rows", float(about["rows"]), float(len(stored)))
        yield Reading(
            "metadata",
            name,
            "columns",
            float(len({one["name"] for one in about["schema"]["fields"]} ^ set(frame.columns))),
            0.0,
        )
        yield Reading("metadata", name, "other bytes", float(about["sha256"] != sha256_of(path)), 0.0)
        key = list(table.key)
        yield from _frame("geoparquet", name, _keyed(frame, key), stored)
        if spatial:
            yield from _frame("geopackage", name, _keyed(gpd.read_file(packed, layer=name), key), stored)


def _frame(
    form: str, name: str, frame: pd.DataFrame, stored: pd.DataFrame, off: float | None = None
) -> Iterator[Reading]:
    """Hold all numbers of a layer to the table; rows that only one of them has are contradictions too."""
    yield Reading(form, name, "rows in one of both", float(len(frame.index.symmetric_difference(stored.index))), 0.0)
    shared = frame.index.intersection(stored.index)
    for column in stored.columns:
        if column not in frame or not pd.api.types.is_numeric_dtype(stored[column]) or stored[column].dtype == bool:
            continue
        said, true = (
            one.loc[shared, column].astype("Float64").to_numpy(float, na_value=np.nan) for one in (frame, stored)
        )
        for key, one, other in zip(shared, said, true, strict=True):
            yield Reading(form, f"{name} {key}", column, float(one), float(other), off or 1e-6)


class Page:
    """What the map holds: its spec, and its packed layers."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text("utf-8")
        self.spec, _ = json.JSONDecoder().raw_decode(self.text[self.text.index("const spec=") + len("const spec=") :])

    def numbers(self, at: int) -> pd.DataFrame:
        """Unpack the columns of numbers, codes and texts of a layer."""
        about = self.spec["layers"][at]
        block = re.search(rf'id="laag{at}"[^>]*>([^<]*)<', self.text)
        data = gzip.decompress(b64decode(block[1]))  # type: ignore[index]
        texts = json.loads(data[len(data) - about["textBytes"] :])
        start, out = sum(about["streams"]), {}
        for column in about["columns"]:
            part = data[start : start + column["bytes"]]
            start += column["bytes"]
            out[column["name"]] = _column(column, part, about["n"], texts[column["name"]])
        return pd.DataFrame(out)


def _planes(part: bytes, width: int, count: int) -> Any:
    return np.frombuffer(part, np.uint8).reshape(width, count).T.copy().view(f"<u{width}").ravel().astype(np.int64)


def _column(about: Mapping[str, Any], part: bytes, count: int, texts: list[str | None]) -> Any:
    if about["enc"] == "text":
        return texts
    if about["enc"] == "digits":
        high, low = part[: about["width"] * count], part[about["width"] * count :]
        halves = zip(_planes(high, about["width"], count), _planes(low, about["width2"], count), strict=True)
        return [f"{one:0{about['size'] - 8}d}{other:08d}" for one, other in halves]
    codes = _planes(part, about["width"], count) if count else np.zeros(0, np.int64)
    if about["enc"] == "dict":
        return [texts[one - 1] if one else None for one in codes]
    return np.where(codes == 0, np.nan, (codes - 1 + about["least"]) / 10.0 ** about["decimals"])


def the_map(truth: Truth) -> Iterator[Reading]:
    """Read the layers of the map: every number of every feature that is a row of a table."""
    page = Page(truth.maps / "index.html")
    tables = {schemas.get(name).key: name for name in reversed(SHOWN) if name in truth.tables}
    for at, about in enumerate(page.spec["layers"]):
        key = about["key"]
        frame = page.numbers(at)
        if key == "place_id":
            kind = about["name"].removeprefix("wijkbedrijf_")
            stored = truth.cases.xs((kind, HEADLINE), level=("place_kind", "track"))
            name = f"case {kind}"
        elif (key,) in tables:
            name = tables[(key,)]
            stored = truth.tables[name]
        else:
            continue
        number = next(one for one in about["columns"] if one["name"] == key)["kind"] == "number"
        frame = frame.set_index(frame[key].astype(int).astype(str) if number else frame[key].astype(str))
        for column in about["columns"]:
            if column["kind"] == "number" and column["name"] != key:
                yield from _feature(f"map {about['name']}", truth, frame, stored, name, column)


def _feature(
    form: str, truth: Truth, frame: pd.DataFrame, stored: pd.DataFrame, table: str, column: Mapping[str, Any]
) -> Iterator[Reading]:
    name, off = column["name"], 0.5 * 10.0 ** -column["decimals"]
    kind = next((one for one, (of, _) in truth.places.items() if of == table), ("", ""))[0]
    for key, said in frame[name].items():
        if kind and (kind, str(key)) in truth.places:
            true = truth.stored((kind, str(key)), name)
        elif name in stored and key in stored.index:
            true = _number(stored.loc[key, name])
        elif str(key) == _SCATTERED or name not in stored:
            continue
        else:
            true = np.inf  # a feature that is no row of the table
        yield Reading(form, f"{table} {key}", name, float(said), true, off)


def panel(truth: Truth) -> Iterator[Reading]:
    """Read what map and overview say first, and the places on one axis."""
    start = Page(truth.maps / "index.html").spec.get("start")
    if not start:
        return
    kind = {"beste_gebieden": "best", "gebieden": "gebied"}[start["layer"]]
    for one in start["places"]:
        place = (kind, one["feature"])
        for name, figure in (
            ("middle", "stays_eur_per_year"),
            ("low", "stays_eur_per_year_low"),
            ("high", "stays_eur_per_year_high"),
            ("chance", "earns_keep_frac"),
        ):
            yield Reading("map panel", "-".join(place), figure, one[name], truth.stored(place, figure))
    place = (kind, start["feature"])
    answers = {one["question"]: (one["answer"], one["origin"]) for one in start["answers"]}
    cells = html_cells(truth.maps / "overzicht.html")
    overview = {
        question: (cells[at + 1], "") for question in answers for at in range(len(cells)) if cells[at] == question
    }
    for form, said in (("map panel", answers), ("overview", overview)):
        yield from _answers(form, truth, place, said)


def compose(truth: Truth) -> Iterator[Reading]:
    """Read the proposed areas where one puts an area together: homes, grounds and order, as the page shows them at first."""
    spec = Page(truth.maps / "index.html").spec
    tool, blocks = spec.get("tool"), truth.tables.get("block", pd.DataFrame())
    places = [one["feature"] for one in (spec.get("start") or {}).get("places", ())]
    for one in tool["areas"] if tool else ():
        kind, _, key = one["key"].partition("-")
        drawn = float(sum(blocks.loc[some, "homes"] for some in one["units"]))
        homes = truth.stored((kind, key), "homes")
        yield Reading("compose", one["key"], "homes", float(one.get("homes") or drawn), homes)
        said = amounts(one["note"].rpartition("in blokken op de kaart: ")[2])[:1] if drawn < homes else []
        for some in said or ([Said(-np.inf, 0.0)] if drawn < homes else []):  # fewer are drawn, and nothing says so
            yield Reading("compose", one["key"], "homes drawn", some.value, drawn)
        for ground, value in zip(tool["criteria"], one["values"], strict=True):
            stored = truth.stored((kind, key), ground["key"])
            by = homes if fields.get(ground["key"]).per_home else 1.0
            if value is not None:
                yield Reading("compose", one["key"], ground["key"], value, stored / by)
    for at, (first, second) in enumerate(zip(places, _in_order(tool) if tool else (), strict=False)):
        yield Reading("compose", f"place {at + 1}", "key", float(second.partition("-")[2]), float(first))


def _in_order(tool: Mapping[str, Any]) -> list[str]:
    """Return the keys of the proposed areas in the order of the page before a slider is moved; unknown counts as the worst."""
    if not tool["areas"]:
        return []
    values = np.array([[np.nan if value is None else value for value in one["values"]] for one in tool["areas"]], float)
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    share = np.where(high > low, (values - low) / np.where(high > low, high - low, 1.0), 0.5)
    up = np.array([one["up"] for one in tool["criteria"]])
    score = np.nan_to_num(np.where(up, share, 1 - share)) @ np.array([one["weight"] for one in tool["criteria"]])
    return [tool["areas"][at]["key"] for at in np.argsort(-score, kind="stable")]


def _answers(form: str, truth: Truth, place: tuple[str, str], said: Mapping[str, tuple[str, str]]) -> Iterator[Reading]:
    name, case = "-".join(place), truth.case(place)
    for one in amounts(said["Hoeveel woningen?"][0])[:1]:
        yield Reading(form, name, "homes", one.value, truth.stored(place, "homes"), one.off)
    if case is None:
        return
    off = _rounded_by(case, "stays_eur_per_year")
    answer, origin = said["Wat levert het op?"]
    bounds = amounts(origin.partition("tussen")[2])[:2]
    half = amounts(origin.partition("de middelste berekening: ")[2])[:1]
    for end, one in zip((*ENDS, "_median"), [*amounts(answer)[:1], *bounds, *half], strict=False):
        figure = f"stays_eur_per_year{end}"
        yield Reading(form, name, figure, one.value, float(case[figure]), off)
    chance = said.get("Hoe zeker?", ("", ""))[0].partition("betaalt is ")[2].partition(";")[0].strip(".")
    if one := _said(chance) if chance else None:
        yield Reading(form, name, "earns_keep_frac", one.value, float(case["earns_keep_frac"]), one.off)
    yield from _contribution(form, name, said.get("Welke bijdrage?", ("", ""))[0], case)
    figure = "contribution_eur_per_participant"
    short = amounts(said["Wat is ervoor nodig?"][0].partition("legt ongeveer")[2].partition("(")[0])[:3]
    for end, one in zip(ENDS, short, strict=False):
        yield Reading(form, name, f"{figure}{end}", one.value, float(case[f"{figure}{end}"]), _rounded_by(case, figure))


def _contribution(form: str, name: str, text: str, case: pd.Series[Any]) -> Iterator[Reading]:
    """Read what is asked of those who take part, with its interval; nothing where the enterprise lacks no money."""
    said = re.search(
        r"Een bijdrage van (.*?) per jaar \(over alle woningen (.*?); per woning die meedoet (.*?) maakt", text
    )
    lacks, figure = -float(case["enterprise_eur_per_year"]), "contribution_eur_per_participant"
    yield Reading(form, name, f"{figure}, times read", float(said is not None), float(lacks > 0))
    if said is None:
        return
    width, homes = (
        float(case["enterprise_eur_per_year_high"] - case["enterprise_eur_per_year_low"]),
        float(case["homes"]),
    )
    for column, words, stored, step in (
        ("gap", said[1], lacks, _step_of(width)),
        ("gap per home", said[2], lacks / homes, _step_of(width / homes)),
    ):
        value = 0.0 if words.startswith("minder dan") else amounts(words)[0].value
        yield Reading(form, name, column, value, stored, step / 2 + 0.5)
    for end, one in zip(ENDS, amounts(said[3]), strict=False):
        yield Reading(form, name, f"{figure}{end}", one.value, float(case[f"{figure}{end}"]), _rounded_by(case, figure))


def _rounded_by(case: pd.Series[Any], name: str) -> float:
    """Return how far an amount that is said as roundly as its interval is wide may be off [EUR/year]."""
    width = float(case[f"{name}_high"] - case[f"{name}_low"])
    return _step_of(width) / 2 + 0.5


def _step_of(width: float) -> float:
    """Return to which step an amount is rounded whose interval is so wide."""
    steps = ((1e6, 100_000), (1e5, 10_000), (5000, 1000), (1500, 500), (400, 100))
    return float(next((step for least, step in steps if width > least), 10))


def talk(truth: Truth, place: tuple[str, str]) -> Iterator[Reading]:
    """Read the sheets to talk with partners: what stays, with its interval, and the parties; once for each partner."""
    path, case, name = truth.maps / "factsheets" / f"{'-'.join(place)}-gesprek.html", truth.case(place), "-".join(place)
    if case is None or not path.is_file():
        return
    for page in path.read_text("utf-8").split("<article ")[1:]:
        text = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))
        said = [*amounts(text.partition("Uitkomst per jaar, voor de buurt")[2])[:3]]
        for end, one in zip(ENDS, said, strict=True):
            figure = f"stays_eur_per_year{end}"
            yield Reading("talk", name, figure, one.value, float(case[figure]), _rounded_by(case, "stays_eur_per_year"))
        parties = re.findall(r"</svg><b>(.*?)</b>", page)
        for figure, words in zip(TALKED, parties, strict=True):
            if found := amounts(words):
                yield Reading("talk", name, figure, found[0].value, float(case[figure]), _rounded_by(case, figure))


def talk_paper(truth: Truth, place: tuple[str, str]) -> Iterator[Reading]:
    """Read the same sheets on paper: what stays, with its interval, and the parties; once for each partner."""
    path, case, name = truth.maps / "factsheets" / f"{'-'.join(place)}-gesprek.pdf", truth.case(place), "-".join(place)
    if case is None or not path.is_file():
        return
    cells = pdf_cells(path)
    for at in (k for k, one in enumerate(cells) if one == "Uitkomst per jaar, voor de buurt"):
        for end, one in zip(ENDS, amounts(" ".join(cells[at + 1 : at + 3]))[:3], strict=True):
            figure = f"stays_eur_per_year{end}"
            yield Reading(
                "talk pdf", name, figure, one.value, float(case[figure]), _rounded_by(case, "stays_eur_per_year")
            )
        parties = cells[cells.index("Wie wint, wie betaalt", at) :]
        for figure in TALKED:
            words = capital(label("party", figure.removesuffix("_eur_per_year")))
            for one in after(parties, words):
                if not np.isnan(one.value):
                    yield Reading("talk pdf", name, figure, one.value, float(case[figure]), _rounded_by(case, figure))


def overview(truth: Truth) -> Iterator[Reading]:
    """Read the homes of each place with a factsheet or a report from the overview."""
    text = (truth.maps / "overzicht.html").read_text("utf-8")
    for row in re.findall(r"<tr>(.*?)</tr>", text, flags=re.DOTALL):
        link = re.search(r'(?:factsheets|haalbaarheid)/(buurt|gebied|best)-([^".]+)\.html', row)
        cells = [
            unescape(re.sub(r"<[^>]+>", " ", one)).strip()
            for one in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.S)
        ]
        if link and (place := (link[1], link[2])) in truth.places and (said := _said(cells[1])):
            yield Reading("overview", "-".join(place), "homes", said.value, truth.stored(place, "homes"), 0.5)


def _of_places(reader: Callable[[Truth, tuple[str, str]], Iterator[Reading]]) -> Callable[[Truth], Iterator[Reading]]:
    def read(truth: Truth) -> Iterator[Reading]:
        for place in truth.places:
            yield from reader(truth, place)

    return read


def workbooks(truth: Truth) -> Iterator[Reading]:
    """Read all workbooks, as cached and as recalculated."""
    paths = {truth.maps / "haalbaarheid" / f"{'-'.join(place)}.xlsx": place for place in truth.places}
    books = {path: place for path, place in paths.items() if path.is_file()}
    for path, place in books.items():
        yield from workbook(truth, place, path, "workbook")
    with tempfile.TemporaryDirectory() as folder:
        for path, again in recalculated(list(books), Path(folder)).items():
            yield from workbook(truth, books[path], again, "workbook in LibreOffice")


#: All that reads figures back, by what it reads.
READERS: dict[str, Callable[[Truth], Iterator[Reading]]] = {
    "map": the_map,
    "panel": panel,
    "compose": compose,
    "overview": overview,
    "layers": layers,
    "factsheets": _of_places(factsheet),
    "reports": _of_places(report),
    "talks": _of_places(talk),
    "talks pdf": _of_places(talk_paper),
    "workbooks": workbooks,
}


def unknown_scored(truth: Truth) -> int:
    """Count scores of which nothing that decides them is known: classes, parts of blocks, and amounts of cases."""
    count, tables = 0, truth.tables
    for name, letters, needs in (
        ("street_water", "class_grey", "net_grey_eur"),
        ("street_water", "class_rain", "net_rain_eur"),
        ("pand_score", "sun_class", "yield_fit_kwh_per_year"),
        ("roof_face_score", "sun_class", "yield_fit_kwh_per_year"),
    ):
        if name in tables:
            lettered = tables[name][letters].astype(str).isin(list("ABCDE"))
            known = tables[name][needs].notna()
            if needs == "net_grey_eur":  # a loss whatever the sewer saves is known without the sewer
                known |= tables[name]["net_grey_home_eur"].notna()
            count += int((lettered & ~known).sum())
    store = truth.store.behind
    if store.has("block_facts"):
        facts = store.read("block_facts")
        drivers = [
            name for name in facts if str(name).startswith(("pv_", "households", "green_m2", "paved_", "reused_"))
        ]
        count += int((facts["stays_part_eur_per_year"].notna() & facts[drivers].isna().all(axis=1)).sum())
    if store.has("enterprise_facts") and truth.store.has("enterprise_case"):
        facts = truth.facts[[one for one in AreaFacts().__dict__ if one != "homes"]].isna().all(axis=1)
        count += int(facts.sum())
    return count


#: How the sentence of a class begins, and what it may not say.
_SENTENCES = {
    "A": ("Loont", r"Kan lonen|Geen (kans|besparing)|onbekend"),
    "B": ("Kan lonen", r"Geen (kans|besparing)|[Rr]iool onbekend"),
    "C": ("Geen besparing", r"\bLoont\b|Kan lonen|[Rr]iool onbekend"),
    "-": ("", r"\bLoont\b|Kan lonen|Geen besparing"),
    "?": ("Riool", r"\bLoont\b|Kan lonen|Geen (kans|besparing)"),
}


def letters_against_sentence(truth: Truth, page: Page) -> int:
    """Count streets, in the open layers and on the map, whose sentence says another class than their letter."""
    frames = [truth.tables["street_water"]] if "street_water" in truth.tables else []
    parquet = truth.maps / "data" / "street_water.parquet"
    frames += [gpd.read_parquet(parquet)] if parquet.is_file() else []
    frames += [page.numbers(at) for at, one in enumerate(page.spec["layers"]) if one["name"].startswith("straten_")]
    count = 0
    for frame in frames:
        for water in ("grey", "rain"):
            if f"class_{water}" in frame and f"sentence_{water}_nl" in frame:
                count += _disagree(frame[f"class_{water}"], frame[f"sentence_{water}_nl"])
    for name in ("pand_score", "roof_face_score"):
        if name in truth.tables:  # a roof on which no panel fits is not called moderate or better
            frame = truth.tables[name]
            count += int((frame["sun_class"].isin(list("ABC")) & frame["modules_fit"].eq(0).fillna(value=False)).sum())
    return count


def _disagree(classes: Iterable[Any], sentences: Iterable[Any]) -> int:
    count = 0
    for letter, text in zip(classes, sentences, strict=True):
        if isinstance(text, str) and str(letter) in _SENTENCES:
            begins, never = _SENTENCES[str(letter)]
            count += not text.startswith(begins) or re.search(never, text) is not None
    return count


def stretched(truth: Truth) -> int:
    """Count intervals that were stretched to hold a value (an end is the value itself, the other is not), or miss it."""
    count = 0
    for name in PARTIES:
        frame = truth.cases
        low, middle, high = (frame[f"{name}{end}"].astype(float) for end in ("_low", "", "_high"))
        count += int((((low == middle) | (high == middle)) & (low < high)).sum())
    for name, frame in truth.tables.items():
        for column in frame.columns:
            if name != "enterprise_case" and {f"{column}_low", f"{column}_high"} <= set(frame.columns):
                low, middle, high = (frame[f"{column}{end}"].astype(float) for end in ("_low", "", "_high"))
                count += int((low > high).sum())
                if str(column).startswith("stays_"):
                    count += int((((low == middle) | (high == middle)) & (low < high)).sum())
    return count + sum(_stretched_row(html_cells(path)) for path in (truth.maps / "factsheets").glob("*.html"))


def _stretched_row(cells: Sequence[str]) -> int:
    """Count the rows of a factsheet of which the middle is said to be an end as well."""
    moved, count = section(cells, "Als de aannamen schuiven", "Wat dit niet zegt"), 0
    for name in fields.on_sheet("figure"):
        low, middle, high = [one.value for one in after(moved, capital(fields.get(name).label_nl), 3)] or (
            0.0,
            0.0,
            0.0,
        )
        count += low < high and middle in (low, high)
    return count


def main(maps: Path, processed: Path) -> dict[str, int]:
    """Compare all forms of a study and say what differs."""
    truth = Truth(maps, processed)
    found = [one for read in READERS.values() for one in read(truth)]
    wrong = [one for one in found if one.contradicts]
    for one in wrong[:40]:
        print(f"{one.form}: {one.figure} of {one.place} says {one.said:,.2f} where {one.stored:,.2f} is stored")
    print("figures read:", dict(Counter(one.form for one in found)))
    if not any(one.form == "workbook in LibreOffice" for one in found):
        print("not read: workbooks through LibreOffice, which is not installed here or has no workbook to read")
    return {
        "places": len(truth.places),
        "figures": len(found),
        "contradictions": len(wrong),
        "unknown_scored": unknown_scored(truth),
        "letters_against_sentence": letters_against_sentence(truth, Page(maps / "index.html")),
        "stretched_intervals": stretched(truth) if truth.store.has("enterprise_case") else 0,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
