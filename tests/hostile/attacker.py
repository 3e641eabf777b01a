"""An attacker who has all that was ever published of a study, and wants one roof that was left out of it.

    python -m tests.hostile.attacker ROOT BEFORE STUDY

He reads the open layers, the data inside the page, the workbooks, the euros of the cases and the words of every page and PDF,
of all editions that are there, kept ones included. Each sum over a place less the roofs in it that are shown is an equation for
those that are not; he solves them all at once, starting from the estimate from the footprint that anybody can make. ``BEFORE``
is a project in which nobody was left out yet: what is true.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from html import unescape
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from pypdf import PdfReader

from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.runs import study as pipeline
from kansenkaart.score.panden import without_installed
from kansenkaart.tables.store import Store

#: A published figure is taken for a sum of roofs if it is one wherever no roof is left out, within this part of it.
SUM_WITHIN = 2e-3
#: He wins if he comes nearer to the truth than this part of what the footprint alone is off by.
WINS_BELOW = 0.8
#: Words say a sum of roofs if they do on every page of a study, rounded as pages round; at least on so many [1].
ROUNDED_WITHIN, _SEEN, _WORDS = 6e-3, 3, 4
#: Figures of a pand that its footprint, its register or nobody's roof gives.
_NOT_OF_ROOFS = ("footprint_area_m2", "bouwjaar", "homes")
#: All roofs of a study; of no place is this known, so that no other row tells whether it is a sum.
WHOLE = "verschil"
_KEYS = ("buurtcode", "block_id", "gebied_id", "best_id")
_KINDS = {"buurt": "buurtcode", "best": "best_id", "gebied": "gebied_id"}
_PARTIES = ("household", "enterprise", "roof_owner", "municipality")
_EUROS = ("investment_eur", *(f"{one}_eur_per_year" for one in _PARTIES))
_NUMBER = re.compile(r"[-\u2212]?\d{1,3}(?:\.\d{3})+(?:,\d+)?|[-\u2212]?\d+(?:,\d+)?")


@dataclass(frozen=True)
class Place:
    """One published row: where it was read, which place it is of, and its figures by name."""

    source: str
    kind: str
    key: str
    figures: dict[str, float]


@dataclass(frozen=True)
class Attack:
    """What came of one figure of one roof: rebuilt, true, and as anybody estimates it."""

    pand: str
    figure: str
    how: str
    rebuilt: float
    true: float
    estimate: float

    @property
    def wins(self) -> bool:
        """Whether the attacker knows the roof better than its footprint tells."""
        off = abs(self.estimate - self.true)
        return off > 1e-6 * abs(self.true) and abs(self.rebuilt - self.true) < WINS_BELOW * off


def page_tables(page: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """Unpack the layers inside a map page: their numbers and register ids."""
    text = page.read_text("utf-8")
    at = text.find('"layers":[{"name"')
    layers, _ = json.JSONDecoder().raw_decode(text, at + len('"layers":')) if at > 0 else ([], 0)
    packed = dict(re.findall(r'<script type="text/plain" id="laag(\d+)">([^<]*)<', text))
    for number, layer in enumerate(layers):
        data = gzip.decompress(base64.b64decode(packed[str(number)]))
        words = json.loads(data[len(data) - layer["textBytes"] :]) if layer["textBytes"] else {}
        start = sum(layer["streams"])
        columns = {}
        for column in layer["columns"]:
            block = data[start : start + column["bytes"]]
            start += column["bytes"]
            columns[column["name"]] = _column(column, block, layer["n"], words.get(column["name"], []))
        yield layer["name"], pd.DataFrame(columns)


def _codes(block: bytes, width: int, count: int) -> np.ndarray:
    planes = np.frombuffer(block, np.uint8).reshape(width, count).T
    return np.ascontiguousarray(planes).view(f"<u{width}").ravel().astype(np.int64)


def _column(column: dict, block: bytes, count: int, words: list) -> list | np.ndarray:
    if column["enc"] == "text":
        return words
    if not count:
        return []
    if column["enc"] == "digits":
        high = _codes(block[: column["width"] * count], column["width"], count)
        low = _codes(block[column["width"] * count :], column["width2"], count)
        return [f"{a:0{column['size'] - 8}d}{b:08d}" for a, b in zip(high, low, strict=True)]
    codes = _codes(block, column["width"], count)
    if column["enc"] == "dict":
        return [words[one - 1] if one else None for one in codes]
    return np.where(codes > 0, (codes - 1 + column["least"]) / 10.0 ** column["decimals"], np.nan)


def tables(folder: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """Return every table of one published edition: open layers and what is inside the page."""
    for path in sorted(folder.glob("data/*.parquet")):
        yield f"{folder.name}/{path.stem}", pd.read_parquet(path).drop(columns="geometry", errors="ignore")
    for name, frame in page_tables(folder / "index.html"):
        yield f"{folder.name}/pagina/{name}", frame


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float | np.floating) and float(value).is_integer() else str(value)


def places(source: str, frame: pd.DataFrame, figures: set[str]) -> Iterator[Place]:
    """Return the rows of a table that are of places, with the figures that are also figures of a roof."""
    named = [one for one in frame.columns if one in figures and pd.api.types.is_numeric_dtype(frame[one])]
    key = next((one for one in _KEYS if one in frame), None) if "pand_id" not in frame else None
    if source.endswith("block") or "blok" in source:
        key = "block_id" if "block_id" in frame else key
    if key is None or not named:
        return
    for row in frame.to_dict("records"):
        yield Place(source, key, _text(row[key]), {one: float(row[one]) for one in named if pd.notna(row[one])})


def moved(path: Path, figures: set[str]) -> Iterator[Place]:
    """Return what the page of differences says of all roofs together, before and after."""
    for table in json.loads(path.read_text("utf-8"))["tables"] if path.is_file() else ():
        told = [one for one in table.get("moves", ()) if table["table"] == "pand_score" and one["column"] in figures]
        for when in ("total_before", "total_now"):
            yield Place(f"{WHOLE} {when}", WHOLE, "", {one["column"]: float(one[when]) for one in told})


def workbooks(folder: Path) -> Iterator[Place]:
    """Return the facts of every workbook: what its panels yield, over all kinds of owner."""
    for path in sorted(folder.glob("haalbaarheid/*.xlsx")):
        book = openpyxl.load_workbook(path, data_only=True, read_only=True)
        facts: dict[str, float] = {}
        for row in book["Aannamen"].iter_rows(values_only=True):
            for cell in row:
                if hit := re.fullmatch(r"facts\.pv_\w+?_(kwp|kwh_per_year)", str(cell)):
                    name = {"kwp": "kwp_pay", "kwh_per_year": "yield_pay_kwh_per_year"}[hit[1]]
                    facts[name] = facts.get(name, 0.0) + (float(row[1] or 0.0) if row[1] != "onbekend" else np.nan)
        kind, _, key = path.stem.partition("-")
        yield Place(
            f"{folder.name}/rekenblad", _KINDS[kind], key, {one: v for one, v in facts.items() if np.isfinite(v)}
        )


def cases(folder: Path) -> Iterator[tuple[str, list[tuple[str, str]], np.ndarray]]:
    """Return per track the places of the cases, and their euros beside a constant and the homes."""
    files = sorted(folder.glob("**/enterprise_case*.parquet"))
    frames = [pd.DataFrame(pd.read_parquet(one)) for one in files]
    every = pd.concat(frames).drop_duplicates("case_id") if frames else pd.DataFrame({"track": []})
    for track, mine in every.groupby("track"):
        keys = [(_KINDS[kind], _text(key)) for kind, key in zip(mine["place_kind"], mine["place_id"], strict=True)]
        columns = mine[["homes", *_EUROS]].astype(float).to_numpy()
        yield str(track), keys, np.column_stack([np.ones(len(mine)), columns])


def prices(attacker: Attacker, folders: Sequence[Path], figures: set[str]) -> dict[tuple[str, str], np.ndarray]:
    """Learn how the euros of a case follow from its roofs, from cases in which all roofs are: per track and figure."""
    out = {}
    whole = attacker.true[sorted(figures)].astype(float)
    for folder in folders:
        for track, keys, euros in cases(folder):
            for figure in figures:
                sums = np.array([whole[figure].reindex(sorted(attacker.members.get(one, ()))).sum() for one in keys])
                fine = np.isfinite(euros).all(axis=1) & (sums > 0)
                if fine.sum() > 2 * euros.shape[1]:
                    out[track, figure] = np.linalg.lstsq(euros[fine], sums[fine], rcond=1e-9)[0]
    return out


def paid(folder: Path, learnt: dict[tuple[str, str], np.ndarray]) -> Iterator[Place]:
    """Return what the euros of the cases of an edition say of the sums of roofs."""
    for track, keys, euros in cases(folder):
        for number, (kind, key) in enumerate(keys):
            said = {figure: float(euros[number] @ one) for (of, figure), one in learnt.items() if of == track}
            told = {figure: value for figure, value in said.items() if np.isfinite(value)}
            yield Place(f"{folder.name}/euro {track}", kind, key, told)


@lru_cache(maxsize=1000)
def numbers_on(path: Path) -> dict[str, float]:
    """Return the numbers in the words of a page or PDF, in Dutch spelling, each by the words before it."""
    if path.suffix == ".pdf":
        text = "\n".join(page.extract_text() for page in PdfReader(path).pages)
    else:
        text = unescape(re.sub(r"(?s)<(script|style).*?</\1>|<[^>]*>", " ", path.read_text("utf-8")))
    out, last = {}, 0
    for hit in _NUMBER.finditer(text):
        words = re.findall(r"[^\W\d_]+", text[last : hit.start()])[-_WORDS:]
        plain = hit[0].replace(".", "").replace(",", ".").replace("\u2212", "-")
        out.setdefault(" ".join([path.suffix, *words]), float(plain))
        last = hit.end()
    return out


def pages(folder: Path) -> Iterator[tuple[Path, tuple[str, str]]]:
    """Return the factsheets and reports of an edition, and the place that each is about."""
    for path in sorted(folder.rglob("*")):
        kind, _, key = re.sub("-gesprek$", "", path.stem).partition("-")
        if path.suffix in (".html", ".pdf") and kind in _KINDS:
            yield path, (_KINDS[kind], key)


@dataclass
class Attacker:
    """What he holds: what is true (to judge by), the roofs that are shown, those that are not, which lie in which place."""

    true: pd.DataFrame
    shown: pd.DataFrame
    estimate: pd.DataFrame
    members: dict[tuple[str, str], set[str]]

    @property
    def hidden(self) -> list[str]:
        """The roofs that he is after."""
        return sorted(self.estimate.index)

    def equations(self, rows: list[Place], figure: str) -> list[tuple[Place, list[str], float]]:
        """Return place, roofs not shown and what is left for them, from those tables in which the figure is a sum."""
        out = []
        for source in sorted({row.source for row in rows}):
            mine = [row for row in rows if row.source == source and figure in row.figures]
            part, good, tried = [], 0, 0
            for row in mine:
                inside = self.members.get((row.kind, row.key), set())
                seen = self.shown.reindex(sorted(inside - set(self.hidden)))[figure].astype(float).sum()
                gone = sorted(inside & set(self.hidden))
                left = row.figures[figure] - seen
                part.append((row, gone, left))
                if not gone:
                    tried += 1
                    good += abs(left) <= SUM_WITHIN * max(abs(row.figures[figure]), 1.0)
            if source.endswith(("/html", "/pdf")) or source.startswith(WHOLE) or (tried and good >= 0.5 * tried):
                out += [one for one in part if one[1]]
        return out

    def solve(self, equations: list[tuple[Place, list[str], float]], figure: str) -> dict[str, float]:
        """Return each roof that is not shown: what fits all equations best, as near to its footprint as they allow."""
        guess = self.estimate[figure].astype(float).reindex(self.hidden).fillna(0.0).to_numpy()
        matrix = np.array([[one in gone for one in self.hidden] for _, gone, _ in equations], float)
        rest = np.array([left for *_, left in equations])
        step = np.linalg.pinv(matrix, rcond=1e-6) @ (rest - matrix @ guess)
        return dict(zip(self.hidden, (guess + step).tolist(), strict=True))


def members_of(store: ReaderStore, shown: ReaderStore) -> dict[tuple[str, str], set[str]]:
    """Return the roofs in each place: anybody can lay the borders that are published over the footprints."""
    panden = store.behind.read("pand_score")
    homes = pd.DataFrame(store.behind.read("home"))[["home_id", "pand_id"]].merge(
        pd.DataFrame(store.behind.read("home_area"))[["home_id", "block_id", "gebied_id"]], on="home_id"
    )
    out: dict[tuple[str, str], set[str]] = {}
    for kind, frame in (("buurtcode", panden), ("block_id", homes), ("gebied_id", homes)):
        for key, pand in zip(frame[kind], frame["pand_id"].astype(str), strict=True):
            out.setdefault((kind, _text(key)), set()).add(pand)
    best = store.behind.read("best_area")
    for key, blocks in zip(best["best_id"], best["block_ids"], strict=True):
        out["best_id", _text(key)] = set().union(*(out.get(("block_id", one), set()) for one in str(blocks).split(",")))
    joined: dict[tuple[str, str], set[str]] = {}
    for block, group in shown.member.items():
        joined.setdefault(("block_id", group), set()).update(out.get(("block_id", block), set()))
    out[WHOLE, ""] = set(panden["pand_id"].astype(str))
    return out | {(f"public {kind}", key): some for (kind, key), some in joined.items()}


def attack(
    published: pipeline.Workplace, guesses: Store, truth: pipeline.Workplace, hidden: Sequence[str]
) -> tuple[list[Attack], dict[str, int]]:
    """Attack every figure of every roof that is not shown; return what came of it, and how much was read."""
    now, true = (  # as places sum them: without the panels that are in place
        without_installed(pd.DataFrame(one.read("pand_score").drop(columns="geometry")))
        for one in (guesses, truth.store)
    )
    for frame in (now, true):
        frame.index = pd.Index(frame["pand_id"].astype(str))
    numeric = [one for one in true if pd.api.types.is_numeric_dtype(true[one]) and one not in _NOT_OF_ROOFS]
    figures = {one for one in numeric if not one.endswith(("_frac", "_low", "_high"))}  # bounds of places are no sums
    name, maps = published.study.name, published.folders.maps
    folders = sorted(one for one in maps.glob(f"{name}*") if (one / "index.html").is_file())
    members = members_of(ReaderStore(published.store), ReaderStore(published.store, public=True))
    attacker = Attacker(true, true[~true.index.isin(hidden)], now.loc[sorted(hidden)], members)
    meaning, learnt = meanings(attacker, [truth.target], figures), prices(attacker, [truth.target], figures)
    read, rows = {"tables": 0, "workbooks": 0, "pages": 0, "words": len(meaning), "prices": len(learnt)}, []
    for folder in folders:
        public = json.loads((folder / "data" / "metadata.json").read_text("utf-8")).get("edition") == "openbaar"
        for source, frame in tables(folder):
            read["tables"] += 1
            rows += [
                replace(one, kind=f"public {one.kind}") if public and one.kind == "block_id" else one
                for one in places(source, frame, figures)
            ]
        books, told = list(workbooks(folder)), list(said(folder, meaning))
        read["workbooks"] += len(books)
        read["pages"] += len(told)
        rows += [*books, *told, *paid(folder, learnt)]
    for path in sorted(maps.parent.glob(f"uitgaven/{name}*/data/*.parquet")):
        frame = pd.read_parquet(path).drop(columns="geometry", errors="ignore")
        public = json.loads((path.parent / "metadata.json").read_text("utf-8")).get("edition") == "openbaar"
        read["tables"] += 1
        rows += [
            replace(one, kind=f"public {one.kind}") if public and one.kind == "block_id" else one
            for one in places(f"{path.parents[1].name}/{path.stem}", frame, figures)
        ]
    for folder in sorted(published.store.root.parents[1].glob(f"editions/{name}/[0-9]*")):
        rows += moved(folder / "verschil.json", figures)
        for path in sorted(folder.glob("**/*.parquet")):
            rows += places(f"editie/{path.stem}", pd.DataFrame(pd.read_parquet(path)), figures)
        rows += paid(folder, learnt)
    equations = [one for figure in figures for one in attacker.equations(rows, figure)]
    read |= {"equations": len(equations), "of euros": sum("/euro " in row.source for row, *_ in equations)}
    out = [one for figure in sorted(figures) for one in _tried(attacker, rows, figure, true)]
    return out, read


def _tried(attacker: Attacker, rows: list[Place], figure: str, true: pd.DataFrame) -> Iterator[Attack]:
    equations = attacker.equations(rows, figure)
    if not equations:
        return
    for pand, rebuilt in attacker.solve(equations, figure).items():
        real, guess = true.loc[pand, figure], attacker.estimate.loc[pand, figure]
        if pd.notna(real) and pd.notna(guess):
            yield Attack(pand, figure, "all equations", rebuilt, float(real), float(guess))
    for row, gone, left in equations:
        if len(gone) == 1 and pd.notna(true.loc[gone[0], figure]) and pd.notna(attacker.estimate.loc[gone[0], figure]):
            pair = float(true.loc[gone[0], figure]), float(attacker.estimate.loc[gone[0], figure])
            yield Attack(gone[0], figure, f"{row.source} {row.key}", left, *pair)


def by_chance(found: Sequence[Attack], *, draws: int = 2000) -> tuple[float, float, float]:
    """Return how often he wins who knows nothing: the mean, and where 5 and 95 of a hundred draws end [1].

    What each roof is beside its footprint is dealt out anew over the roofs on the list, all figures of a roof together; what
    he came to stays as it is. Who knows something of the roofs themselves wins more often than that.
    """
    roofs = sorted({one.pand for one in found})
    beside = {(one.pand, one.figure): one.true / one.estimate for one in found if one.estimate}
    drawn, counts = np.random.default_rng(1), []
    for _ in range(draws):
        dealt = dict(zip(roofs, drawn.permutation(roofs).tolist(), strict=True))
        ratios = [beside.get((dealt[one.pand], one.figure), 1.0) for one in found]
        counts.append(
            sum(replace(one, true=one.estimate * ratio).wins for one, ratio in zip(found, ratios, strict=True))
        )
    low, high = np.quantile(counts, [0.05, 0.95])
    return float(np.mean(counts)), float(low), float(high)


def meanings(attacker: Attacker, folders: Sequence[Path], figures: set[str]) -> dict[str, str]:
    """Learn which words say a sum of roofs, from pages in which all roofs are: he has the program, so he has such pages."""
    names = sorted(figures)
    whole = attacker.true[names].astype(float)
    sums = {place: whole.reindex(sorted(inside)).sum().to_numpy() for place, inside in attacker.members.items()}
    seen: dict[str, list[tuple[float, np.ndarray]]] = {}
    for folder in folders:
        for path, place in pages(folder):
            for words, value in numbers_on(path).items():
                seen.setdefault(words, []).append((value, sums.get(place, np.full(len(names), np.nan))))
    out = {}
    for words, told in seen.items():
        values, wanted = np.array([value for value, _ in told])[:, None], np.array([each for _, each in told])
        fits = (np.abs(values - wanted) <= ROUNDED_WITHIN * np.abs(wanted)).all(axis=0)
        if len(told) >= _SEEN and fits.any() and len(np.unique(values)) > 1:
            out[words] = names[int(fits.argmax())]
    return out


def said(folder: Path, meaning: dict[str, str]) -> Iterator[Place]:
    """Return the sums of roofs that the pages of an edition say in words."""
    for path, (kind, key) in pages(folder):
        told = {meaning[words]: value for words, value in numbers_on(path).items() if words in meaning}
        yield Place(f"{folder.name}/{path.suffix[1:]}", kind, key, told)


def main() -> None:
    """Attack, and print what came of it."""
    root, before, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    place, truth = pipeline.open_study(name, root=root), pipeline.open_study(name, root=before)
    found, read = attack(place, place.store, truth, sorted(place.study.weglaten.ids(place.studies)))
    wins = [one for one in found if one.wins]
    told = {"read": read, "tried": len(found), "roofs": len({one.pand for one in found}), "won": len(wins)}
    told["by chance"] = by_chance(found)
    sys.stdout.write(json.dumps(told) + "\n")
    for one in wins[:20]:
        sys.stdout.write(f"{one}\n")


if __name__ == "__main__":
    main()
