"""Reads every figure of every place back from each form in which it is published, and counts contradictions.

    python benchmarks/figures.py maps/proefveld data/processed/proefveld

Forms: the map's first panel, the overview, factsheets and reports (HTML), workbooks (as cached, nothing recalculated), GeoPackage
and GeoParquet. The last line is JSON. Figures that a form rounds are held to its own rounding.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd

from kansenkaart.core.enterprise.tracks import HEADLINE
from kansenkaart.tables.store import Store

AMOUNT = re.compile(r"(−|-)?(?:€\s*)?(\d{1,3}(?:\.\d{3})*|\d+)(?:,\d+)?")
#: Figures of the case that forms print: column, and the words before it in a report.
PARTIES = {
    "household_eur_per_year": "Bewoners samen",
    "enterprise_eur_per_year": "Wijkbedrijf",
    "roof_owner_eur_per_year": "Eigenaar van de gebouwen",
    "municipality_eur_per_year": "Gemeente",
}
Reading = tuple[str, str, float, float, float]  # form, figure, what it says, what is stored, how far it may be off


def text_of(path: Path) -> str:
    """Return the words of a page, without style, scripts and tags."""
    page = re.sub(r"<(style|script)\b.*?</\1>", " ", path.read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def amounts_after(words: str, text: str, count: int = 1) -> list[float]:
    """Return the first amounts after some words; none where the words are not there."""
    at = text.find(words)
    if at < 0:
        return []
    found = AMOUNT.findall(text[at + len(words) :])[:count]
    return [float(digits.replace(".", "")) * (-1 if sign else 1) for sign, digits in found]


def _against(form: str, names: list[str], said: list[float], row: pd.Series, off: float = 0.5) -> Iterator[Reading]:
    for name, one in zip(names, said, strict=False):
        yield form, name, one, float(row[name]), off


def _before(text: str, words: str) -> int:
    """Return where the number before some words begins."""
    at = text.find(words)
    while at > 0 and (text[at - 1].isdigit() or text[at - 1] == "."):
        at -= 1
    return at


def _with_interval(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]


def factsheet(maps: Path, row: pd.Series) -> Iterator[Reading]:
    """Read the factsheet of a place."""
    path = maps / "factsheets" / f"{row['place_kind']}-{row['place_id']}.html"
    if path.is_file():
        text = text_of(path)
        yield from _against("factsheet", ["homes"], amounts_after(" Woningen ", text), row)
        if row["place_kind"] != "buurt":
            yield from _against("factsheet", ["stays_eur_per_year"], amounts_after("Blijft in de buurt ", text), row)


def report(maps: Path, row: pd.Series) -> Iterator[Reading]:
    """Read the report of a place."""
    path = maps / "haalbaarheid" / f"{row['place_kind']}-{row['place_id']}.html"
    if not path.is_file():
        return
    text = text_of(path)
    stays = amounts_after("Naar verwachting blijft er", text, 1)
    yield from _against("report", ["stays_eur_per_year"], stays[-1:], row)
    yield from _against("report", ["homes"], amounts_after("", text[_before(text, " woningen. Rekent over") :]), row)
    table = text[text.find("Wie wint en wie betaalt Partij") :]
    for name, words in PARTIES.items():
        yield from _against("report", _with_interval(name), amounts_after(f" {words} ", table, 3), row)


def workbook(maps: Path, row: pd.Series) -> Iterator[Reading]:
    """Read the cached values of a workbook: what is printed, and that its sums are not empty."""
    path = maps / "haalbaarheid" / f"{row['place_kind']}-{row['place_id']}.xlsx"
    if not path.is_file():
        return
    sheet = openpyxl.load_workbook(path, data_only=True)["Uitkomst"]
    first: dict[str, list[float]] = {}
    for cells in sheet.iter_rows(min_row=4, max_row=9, max_col=4, values_only=True):
        if isinstance(cells[0], str):
            first.setdefault(cells[0], [float(one) for one in cells[1:] if one is not None])
    for words, name in (("blijft in de buurt", "stays_eur_per_year"), ("wijkbedrijf", "enterprise_eur_per_year")):
        yield from _against("workbook", _with_interval(name), first.get(words, []), row, 0.005)
    chance = first.get("kans dat het wijkbedrijf zichzelf betaalt", [])
    yield from _against("workbook", ["earns_keep_frac"], chance, row, 1e-9)


def layers(maps: Path, row: pd.Series, open_cases: dict[str, pd.DataFrame]) -> Iterator[Reading]:
    """Read the open layers."""
    names = [*_with_interval("stays_eur_per_year"), "earns_keep_frac", "homes"]
    for form, frame in open_cases.items():
        mine = frame[frame["case_id"] == row["case_id"]]
        if len(mine):
            yield from _against(form, names, [float(mine[name].iloc[0]) for name in names], row, 0.01)


def first_panel(maps: Path, best: pd.Series) -> Iterator[Reading]:
    """Read what map and overview say first; the amount is rounded as its interval is wide."""
    step = 1000.0
    for form, path in (("overview", maps / "overzicht.html"), ("map", maps / "index.html")):
        text = text_of(path) if form == "overview" else path.read_text("utf-8").replace("\\u2212", "−")
        said = amounts_after("ngeveer", text[text.find("Wat levert het op?") :])
        yield from _against(form, ["stays_eur_per_year"], said, best, step / 2 + 1)


def read_all(maps: Path, store: Store) -> tuple[int, list[Reading]]:
    """Return how many places there are, and all figures with what is stored of them."""
    cases = store.read("enterprise_case")
    cases = cases[cases["track"] == HEADLINE]
    open_cases = {"geoparquet": gpd.read_parquet(maps / "data" / "enterprise_case.parquet")}
    packed = maps / "data" / f"{maps.name}.gpkg"
    open_cases["geopackage"] = gpd.read_file(packed, layer="enterprise_case")
    found: list[Reading] = []
    for _, row in cases.iterrows():
        found += factsheet(maps, row)
        found += report(maps, row)
        found += workbook(maps, row)
        found += layers(maps, row, open_cases)
    best = store.read("best_area")
    first = best[best["criterion"] == "stays"].sort_values("rank").head(1)
    if len(first):
        mine = cases[(cases["place_kind"] == "best") & (cases["place_id"] == str(first["best_id"].iloc[0]))]
        found += first_panel(maps, mine.iloc[0])
    return len(cases), found


def unknown_scored(store: Store) -> int:
    """Count the parts of blocks that are a number while nothing that they follow is known."""
    facts = store.read("block_facts")
    drivers = [name for name in facts if name.startswith(("pv_", "households", "green_m2", "paved_", "grey_"))]
    return int((facts["stays_part_eur_per_year"].notna() & facts[drivers].isna().all(axis=1)).sum())


def stretched(store: Store) -> int:
    """Count the intervals that were stretched to hold a value: an end that is the value itself, while the other is not."""
    cases, count = store.read("enterprise_case"), 0
    for name in (*PARTIES, "stays_eur_per_year", "local_eur_per_year"):
        low, middle, high = (cases[one] for one in (f"{name}_low", name, f"{name}_high"))
        count += int((((low == middle) | (high == middle)) & (low < high)).sum())
    return count


def main(maps: Path, processed: Path) -> dict[str, int]:
    """Compare all forms of a study and say what differs."""
    store = Store(processed)
    places, found = read_all(maps, store)
    wrong = [one for one in found if abs(one[2] - one[3]) > one[4]]
    for form, name, said, stored, _ in wrong[:40]:
        print(f"{form}: {name} says {said:,.2f} where {stored:,.2f} is stored")
    counts: dict[str, int] = {}
    for form, *_ in found:
        counts[form] = counts.get(form, 0) + 1
    print("figures read:", counts)
    return {
        "places": places,
        "figures": len(found),
        "contradictions": len(wrong),
        "unknown_scored": unknown_scored(store),
        "stretched_intervals": stretched(store),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
