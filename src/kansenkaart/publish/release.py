"""What a release holds: each open layer with what its columns mean, lasting ids, and what stands for all of it.

All words come from the rows of ``data/fields``, ``data/tables.csv`` and ``data/codes.csv``, all sources and licences from the
lineage of the tables; nothing of a column is said here by name, but for the ids.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart import __released__, __version__
from kansenkaart.config import Study
from kansenkaart.core.editions import bridge
from kansenkaart.errors import StoreError
from kansenkaart.present.mapspec import Theme, View
from kansenkaart.present.release import SCHEMA_VERSION, OpenField, OpenLayer, write_layers
from kansenkaart.publish.audit import LEAST_HOMES
from kansenkaart.publish.disclosure import ReaderStore, merged_blocks
from kansenkaart.publish.map.legend import roles_of
from kansenkaart.publish.map.themes import views_by_table
from kansenkaart.tables import fields, schemas
from kansenkaart.tables.provenance import Provenance, first_day, oldest, sha256_of, undated
from kansenkaart.tables.step import code_version
from kansenkaart.tables.store import atomic
from kansenkaart.wording import nl

METADATA = "metadata.json"
BRIDGE = "id_bridge"
#: Tables whose rows get a lasting id, and the column that it stands after.
_UIDS = {"block": "block_id", "gebied": "gebied_id", "best_area": "best_id"}


def publish_release(
    readable: ReaderStore,
    study: Study,
    target: Path,
    names: Sequence[str],
    *,
    themes: Sequence[Theme],
    before: Path | None = None,
) -> tuple[list[Path], list[OpenLayer]]:
    """Write the open layers of a study with ``metadata.json``.

    Parameters
    ----------
    readable : ReaderStore
        What readers of the edition may see.
    study : Study
        For its title.
    target : Path
        Folder ``data`` of the study under ``maps``; its parent names the GeoPackage.
    names : sequence of str
        Tables to publish.
    themes : sequence of Theme
        Of the map, whose colours go with the layers.
    before : Path, optional
        Folder with the tables of the previous edition; without it the bridge that stands is kept.

    Returns
    -------
    tuple of list and list
        The files written, and the layers in them.
    """
    every = _open_layers(readable, names, views_by_table(themes))
    layers = [one for one in every if len(one.frame)]
    standing = target / f"{BRIDGE}.parquet"
    rows = _bridged(readable, before) if before else pd.read_parquet(standing) if standing.is_file() else None
    if rows is not None:
        layers.append(_layer(BRIDGE, (), schemas.conform(rows, BRIDGE), (), readable.lineage("block", len(rows))))
    edition = "openbaar" if readable.public else "" if study.invented else "intern"
    about = _whole(study.title, edition, layers) | {"empty": [one.title_en for one in every if not len(one.frame)]}
    files = write_layers(target.parent.name, target, layers, about=about)
    tables = {one.name: _about(one, target) for one in layers}
    with atomic(target / METADATA) as part:
        text = json.dumps({**about, "tables": tables}, indent=1, sort_keys=True, ensure_ascii=False)
        part.write_text(text + "\n", encoding="utf-8")
    return [*files, target / METADATA], layers


def _whole(title: str, edition: str, layers: Sequence[OpenLayer]) -> dict[str, Any]:
    """Say what holds for a release as a whole: edition, moment, versions, reference system, extent, sources and licences."""
    rows = {json.dumps(one, sort_keys=True): one for layer in layers for one in layer.lineage["sources"]}
    sources = [rows[key] for key in sorted(rows)]
    behind = [Provenance(**one) for one in sources]
    # Not before the newest delivery came can it have been made: its oldest figure is no moment of publication.
    moment = first_day(max(filter(None, (one.named_day for one in behind)), default=__released__))
    shapes = [one.frame for one in layers if isinstance(one.frame, gpd.GeoDataFrame) and len(one.frame)]
    boxes = np.array([one.total_bounds for one in shapes]).reshape(-1, 4)
    extent = [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()] if len(boxes) else []
    content = "".join(f"{one.name} {one.lineage['sha256']}" for one in layers)
    about: dict[str, Any] = {
        "title": title,
        "as_of": oldest(behind) or __released__,
        "undated": undated(behind),
        "content": hashlib.sha256(content.encode()).hexdigest(),
        "moment": f"{moment}T00:00:00.000Z",
        "schema_version": SCHEMA_VERSION,
        "software": f"kansenkaart {__version__}",
        "code": code_version(),
        "crs": "EPSG:28992",
        "extent": extent,
        "sources": sources,
        "licences": sorted({str(one["licence"]) for one in sources}),
    }
    return {**about, "edition": edition} if edition else about


def _open_layers(
    readable: ReaderStore, names: Sequence[str], views: Mapping[str, Mapping[str, Sequence[View]]]
) -> list[OpenLayer]:
    """Give each table as readers get it, some in files apart, with the meaning of its columns."""
    uids = lasting_ids(readable)
    out = []
    for name in names:
        readable.verify(name)
        frame = _ready(readable.read(name), name, uids)
        for said, part in _apart(frame, schemas.get(name).apart):
            drawn = [view for theme, some in views.get(name, {}).items() for view in some if _fits(theme, said)]
            out.append(_layer(name, said, part, drawn, readable.lineage(name, len(frame))))
    frames = {one.name: one.frame for one in out if len(one.frame)}
    return [_with_references(one, frames) for one in out]


def _fits(theme: str, said: Sequence[str]) -> bool:
    """Tell whether a theme draws a part: one that is named after a kind of place draws that kind only."""
    kind = theme.partition("_")[2] if theme.startswith("wijkbedrijf") else ""
    return not kind or not said or kind == said[0]


def _ready(frame: pd.DataFrame, name: str, uids: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Make empty what holds no word, lists of texts that are lists, and put lasting ids after the numbers."""
    out = frame.copy()
    for column in out.columns:
        kind = fields.get(column).type
        if kind == "str":
            out[column] = out[column].mask(out[column].eq("").fillna(False))
        elif kind == "list":
            out[column] = out[column].astype(object).map(fields.parts, na_action="ignore")
    if name in _UIDS and name in uids:
        at = list(out.columns).index(_UIDS[name]) + 1
        out.insert(
            at, _UIDS[name].removesuffix("_id") + "_uid", out[_UIDS[name]].astype(str).map(uids[name]).astype("str")
        )
    return out


def _apart(frame: pd.DataFrame, columns: Sequence[str]) -> Iterable[tuple[tuple[str, ...], pd.DataFrame]]:
    if not columns:
        yield (), frame
        return
    for key, part in frame.groupby(list(columns), sort=True):
        yield tuple(map(str, key)), part.reset_index(drop=True)


def _layer(
    name: str, said: Sequence[str], frame: pd.DataFrame, views: Sequence[View], lineage: Mapping[str, Any]
) -> OpenLayer:
    shape = schemas.get(name)
    labels = [(one.codes, word) for one, word in zip(map(fields.get, shape.apart), said, strict=True)]
    dutch, english = ([nl.codes(codes, tongue)[word] for codes, word in labels] for tongue in ("nl", "en"))
    return OpenLayer(
        "_".join([name, *said]),
        frame,
        ", ".join([shape.title_nl, *dutch]),
        ", ".join([shape.title_en, *english]),
        shape.row_nl,
        shape.row_en,
        shape.key,
        tuple(_field(frame, column, shape, lineage["sources"]) for column in frame.columns),
        views=tuple(one for one in views if one.column in frame.columns),
        lineage=lineage,
    )


def _field(frame: pd.DataFrame, name: str, shape: schemas.Table, sources: Sequence[Mapping[str, Any]]) -> OpenField:
    one, columns = fields.get(name), set(frame.columns)
    roles = one.behind or roles_of(one.origin)
    behind = [some for some in sources if some["role"] in roles] or list(sources)
    grounds = [f"{name}_basis"] if f"{name}_basis" in columns else []
    if not grounds and one.origin == "calculated" and one.type in ("int", "float") and not name.endswith("_id"):
        roofs = not one.behind or "roof_face" in one.behind  # a count of homes does not hang on what is known of roofs
        bases = [ground for ground in frame.columns if ground.endswith("_basis") and ground in fields.dictionary()]
        grounds = [ground for ground in bases if roofs or ground != "score_basis"]
    dutch, english = (nl.codes(one.codes, tongue) if one.codes else {} for tongue in ("nl", "en"))
    return OpenField(
        name,
        one.type,
        one.unit,
        one.label_nl,
        one.label_en,
        one.definition_nl or one.label_nl,
        one.definition_en,
        one.origin,
        tuple(sorted({f"{some['credit'].removeprefix('(c) ')} {some['edition']}" for some in behind})),
        tuple(sorted({str(some["licence"]) for some in behind})),
        ", ".join(grounds),
        tuple(end for end in (f"{name}_low", f"{name}_high") if end in columns),
        {code: (dutch[code], english[code]) for code in dutch},
        one.minimum,
        one.maximum,
        name not in shape.nullable and bool(frame[name].notna().all()),
    )


def _with_references(layer: OpenLayer, frames: Mapping[str, pd.DataFrame]) -> OpenLayer:
    """Add the files that columns refer to, where every value is there: of a public edition some rows may not be."""
    found = []
    for column, other in next((one.references for one in schemas.tables().values() if _is_of(layer.name, one)), ()):
        key = schemas.get(other).key
        if other in frames and len(key) == 1 and layer.frame[column].dropna().isin(set(frames[other][key[0]])).all():
            found.append((column, other, key[0]))
    return replace(layer, references=tuple(found))


def _is_of(layer: str, table: schemas.Table) -> bool:
    return layer == table.name or (bool(table.apart) and layer.startswith(f"{table.name}_"))


def _about(layer: OpenLayer, target: Path) -> dict[str, Any]:
    lineage = layer.lineage
    return {
        "rows": len(layer.frame),
        "sha256": sha256_of(target / f"{layer.name}.parquet"),
        "title_nl": layer.title_nl,
        "title_en": layer.title_en,
        "row_nl": layer.row_nl,
        "row_en": layer.row_en,
        "schema": layer.schema(),
        "sources": lineage["sources"],
        "tally": lineage["tally"],
        "parameters": lineage["parameters"],
    }


# Lasting ids: a block is the one that holds a certain home, an area is its blocks.


def lasting_ids(readable: ReaderStore) -> dict[str, dict[str, str]]:
    """Return the lasting ids of blocks, areas and best areas by table and number.

    Parameters
    ----------
    readable : ReaderStore
        What may be shown; the ids are those of all homes, whoever reads them.
    """
    if not readable.behind.has("block"):
        return {}
    homes = readable.homes
    ids = _identified(readable.behind.read("block"), homes.frame, homes.best)
    return {**ids, "block": _joined(ids["block"], readable.member, homes.frame)}


def _joined(ids: Mapping[str, str], member: Mapping[str, str], homes: pd.DataFrame) -> dict[str, str]:
    """Give joined blocks the id of the one among them with the lowest home."""
    lowest = _lowest(homes)
    out: dict[str, str] = {}
    for block, group in sorted(member.items(), key=lambda pair: lowest.get(pair[0], f"~{pair[0]}")):
        out.setdefault(str(group), ids[block])
    return out


def _lowest(homes: pd.DataFrame) -> dict[str, str]:
    if "block_id" not in homes:
        return {}
    known = homes.dropna(subset=["block_id"])
    first = known.groupby(known["block_id"].astype("Int64").astype(str))["home_id"].min()
    return {str(block): str(home) for block, home in first.items()}


def _identified(
    blocks: gpd.GeoDataFrame, homes: pd.DataFrame, best: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, str]]:
    lowest, middle = _lowest(homes), blocks.geometry.centroid
    block = {}
    for number, x, y in zip(blocks["block_id"].astype(str), middle.x, middle.y, strict=True):
        block[number] = _uid("block", lowest.get(number) or f"{x:.0f} {y:.0f}")
    area: dict[str, list[str]] = {}
    if "gebied_id" in blocks:
        inside = blocks.dropna(subset=["gebied_id"])
        for number, key in zip(inside["block_id"].astype(str), inside["gebied_id"].astype(str), strict=True):
            area.setdefault(key, []).append(block[number])
    return {
        "block": block,
        "gebied": {key: _uid("gebied", *sorted(some)) for key, some in area.items()},
        "best_area": {
            key: _uid("best", *sorted(block[one] for one in some if one in block)) for key, some in best.items()
        },
    }


def _uid(kind: str, *content: str) -> str:
    return f"{kind}-{hashlib.sha256(' '.join(content).encode()).hexdigest()[:12]}"


def _bridged(readable: ReaderStore, before: Path) -> pd.DataFrame | None:
    """Tell what became of the ids of the previous edition, by the homes behind them."""
    old = _homes_before(before, public=readable.public)
    if old is None or not readable.behind.has("block"):
        return None
    homes, ids = readable.homes, lasting_ids(readable)
    now = homes.frame.dropna(subset=["block_id"]) if "block_id" in homes.frame else homes.frame
    if "block_id" not in now:
        return None
    group = now["block_id"].astype("Int64").astype(str).map(readable.member).astype(object)
    new = pd.DataFrame({"home_id": now["home_id"], "block": group.map(ids["block"])})
    if "gebied_id" in now:
        new["gebied"] = now["gebied_id"].astype("Int64").astype(str).map(ids["gebied"])
    kinds = [kind for kind in ("block", "gebied") if kind in old and kind in new]
    rows = pd.concat([bridge(old[["home_id", kind]], new[["home_id", kind]], kind) for kind in kinds])
    rows = rows.reset_index(drop=True)
    rows.insert(0, "bridge_id", range(len(rows)))
    return rows


def _homes_before(before: Path, *, public: bool) -> pd.DataFrame | None:
    block, home = before / "block.parquet", before / "home_area.parquet"
    if not block.is_file() or not home.is_file():
        return None
    blocks, homes = gpd.read_parquet(block), pd.read_parquet(home)
    ids = _identified(blocks, homes, {})
    member = merged_blocks(blocks, LEAST_HOMES)[1] if public else {str(one): str(one) for one in blocks["block_id"]}
    inside = (
        homes["block_id"]
        .astype("Int64")
        .astype(str)
        .map(member)
        .astype(object)
        .map(_joined(ids["block"], member, homes))
    )
    area = homes["gebied_id"].astype("Int64").astype(str).map(ids["gebied"])
    return pd.DataFrame({"home_id": homes["home_id"], "block": inside, "gebied": area})


# What stands published: a mark beside the files names every one with its hash, so that damage shows and is mended. Map,
# factsheets and layers have their mark in the folder of the study, the feasibility reports in the folder below it.

MARK = ".publish.json"
REPORTS = "haalbaarheid"


@dataclass(frozen=True)
class Publication:
    """What was published last: its fingerprint, and its files with their hashes."""

    fingerprint: str
    files: Mapping[str, str]


def publication(folder: Path) -> Publication | None:
    """Read the mark of a folder of published files.

    Parameters
    ----------
    folder : Path
        Folder of the study under ``maps``, or that of its reports.

    Returns
    -------
    Publication or None
        None where nothing was published.

    Raises
    ------
    StoreError
        If the mark is damaged.
    """
    path = folder / MARK
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = {str(name): str(digest) for name, digest in content["files"].items()}
        return Publication(str(content["fingerprint"]), files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as why:
        raise _damaged(folder, MARK, f"no readable list of files: {type(why).__name__} {why}") from why


def record(folder: Path, fingerprint: str, files: Iterable[Path]) -> None:
    """Write down what was published in a folder.

    Parameters
    ----------
    folder : Path
        Folder of the study under ``maps``, or that of its reports.
    fingerprint : str
        Of what the files were made from.
    files : iterable of Path
        All files that were published, in the folder or below it.
    """
    content = {"fingerprint": fingerprint, "files": {str(one.relative_to(folder)): sha256_of(one) for one in files}}
    with atomic(folder / MARK) as part:
        part.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def stands(folder: Path, fingerprint: str) -> bool:
    """Tell whether exactly this was published, and every file of it is there unchanged.

    Parameters
    ----------
    folder : Path
        Where it was published.
    fingerprint : str
        Of what would be published now.
    """
    try:
        known = publication(folder)
    except StoreError:
        return False
    return known is not None and known.fingerprint == fingerprint and not any(_wrong(folder, known))


def faults(target: Path) -> list[StoreError]:
    """Return what is wrong with the published files of a study, reports included: gone, changed, or without a mark.

    Parameters
    ----------
    target : Path
        Folder of the study under ``maps``.
    """
    return [fault for folder in (target, target / REPORTS) for fault in _faults(folder)]


def _faults(folder: Path) -> list[StoreError]:
    try:
        known = publication(folder)
    except StoreError as why:
        return [why]
    if known is None:
        strays = folder.is_dir() and any(one.suffix == ".html" for one in folder.iterdir())
        return [_damaged(folder, MARK, "a page without its list of files")] if strays else []
    return list(_wrong(folder, known))


def _wrong(folder: Path, known: Publication) -> Iterator[StoreError]:
    for name, digest in sorted(known.files.items()):
        try:
            path = (folder / name).resolve()
            there = path.is_file()
        except (ValueError, OSError):  # a null, half a character, or more characters than a name can have
            yield _damaged(folder, MARK, f"no name of a file: {name!r:.60}")
            continue
        if not path.is_relative_to(folder.resolve()):
            yield _damaged(folder, MARK, f"a file outside the folder: {name}")
        elif not there:
            yield _damaged(folder, name, "no such file")
        elif (found := sha256_of(path)) != digest:
            yield _damaged(folder, name, f"bytes with sha256 {found[:12]}… where {digest[:12]}… was published")


def _damaged(folder: Path, name: str, found: str) -> StoreError:
    inside = [folder.parent.name, folder.name] if folder.name == REPORTS else [folder.name]
    return StoreError(
        "a published file as it was written",
        found=found,
        where="/".join(("maps", *inside, name)),
        remedy=f"make it again: kansenkaart run {inside[0]}",
    )
