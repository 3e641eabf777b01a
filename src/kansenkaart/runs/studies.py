"""The studies of a project: begin one, list them, try what its services answer, put releases ready, divide one, join many."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import shapely

from kansenkaart.acquire import own_data, trial
from kansenkaart.acquire import steps as acquire
from kansenkaart.config import NAME, STEERING, read_study, shipped_studies, study_path
from kansenkaart.core.area.grouping import fewest, joined
from kansenkaart.errors import ConfigError, FormatError, StoreError
from kansenkaart.kernel import Floats, Ints
from kansenkaart.present.editionpages import page_of
from kansenkaart.present.release import cited
from kansenkaart.publish import steps as publish
from kansenkaart.publish.editions.editions import editions
from kansenkaart.runs.study import PARTS, Workplace, open_study
from kansenkaart.sources import cbs_areas
from kansenkaart.tables.provenance import sha256_of
from kansenkaart.tables.step import run
from kansenkaart.tables.store import atomic, locked
from kansenkaart.wording.nl import UNKNOWN, listed, number, say

__all__ = [
    "Release",
    "divide_study",
    "join_studies",
    "list_studies",
    "new_study",
    "open_study",
    "run_release",
    "run_trial",
]
#: Where to ask about a release: it becomes an address in its descriptions, so nothing that could lead elsewhere.
_CONTACT = re.compile(r"|[^@\s<>\"'{}|\\^`:/]+@[\w.-]+|https?://[^\s<>\"'{}|\\^`]+")


def new_study(name: str, *, root: Path, template: str) -> Path:
    """Copy a study that comes with the package to the project, under a name of its own or for a municipality.

    Parameters
    ----------
    name : str
        Of the new study, or the name or code of a municipality: then the study is named after it and asks it.
    root : Path
        Folder of the project.
    template : str
        Name of the study to copy.

    Returns
    -------
    Path
        The new file.

    Raises
    ------
    ConfigError
        If the name is not that of a study or is taken, is a slip of the pen or code of no municipality, or there is no such
        template.
    """
    shipped = shipped_studies()
    code, title = cbs_areas.municipality(name) or ("", "")
    if not title or title == code:
        _require_name(name, code)
    if title:
        name = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in title.lower()).strip("-")
        name = f"{name}-{code.lower()}" if (root / "studies" / f"{name}.toml").exists() else name
    target = root / "studies" / study_path(root, name).name
    if template not in shipped:
        raise ConfigError(
            f"one of the templates {sorted(shipped)}", found=template, where="studies", remedy="choose one of them"
        )
    if target.exists():
        raise ConfigError(
            "a name that is free", found="a study of that name", where=target.name, remedy="choose another name"
        )
    text = shipped[template].read_text(encoding="utf-8").replace(f'name = "{template}"', f'name = "{name}"')
    if title:
        text = re.sub(r'(?m)^title = ".*"$', f'title = "{title}"', text)
        text = re.sub(r'(?m)^gemeentecode = ".*"$', f'gemeentecode = "{code}"', text)
    with atomic(target) as part:
        part.write_text(text, encoding="utf-8")
    return target


def _require_name(name: str, code: str) -> None:
    like = cbs_areas.municipality_like(name)
    if code or like or not NAME.fullmatch(name):
        raise ConfigError(
            "a municipality of today, or a name of 1 to 40 lower-case letters, digits, - or _, starting with a letter",
            found=repr(name[:60]),
            where="data/gemeenten.csv",
            remedy=f'kansenkaart nieuw "{like}"' if like else "choose another name, such as mijnwijk",
        )


def asked(path: Path) -> str:
    """Say which municipality a study asks, if any, by its name or else its code.

    Parameters
    ----------
    path : Path
        The file of the study.
    """
    code = read_study(path).place.gemeentecode or ""
    name = (cbs_areas.municipality(code) or ("", code))[1] if code else ""
    return f"{name} ({code})" if code else ""


def list_studies(root: Path) -> list[dict[str, Any]]:
    """Return the studies of a project and those that come with the package, a faulty one with its fault as title.

    Parameters
    ----------
    root : Path
        Folder of the project.
    """
    own = {one.stem: one for one in (root / "studies").glob("*.toml")}
    rows = []
    for name, path in sorted({**shipped_studies(), **own}.items()):
        row: dict[str, Any] = {"name": name, "origin": "project" if name in own else "kansenkaart"}
        row |= {"published": (root / "maps" / name / "index.html").exists()}
        try:
            study = read_study(path)
        except ConfigError as why:
            rows.append({**row, "title": f"fout: {why.found[:80]}", "place": "-"})
            continue
        rows.append({**row, "title": study.title, "place": study.place.gemeentecode or "-"})
    return rows


def run_trial(place: Workplace, out: Path | None = None) -> list[dict[str, Any]]:
    """Ask every live service of a study a little, and return one row per source.

    Parameters
    ----------
    place : Workplace
        The study, with a municipality.
    out : Path, optional
        Folder for the answers, cleaned of what could lead to a person.

    Returns
    -------
    list of dict
        ``source``, ``works``, ``verdict``, ``words``, ``seconds``, ``headers``, and the ``requests`` and ``minutes`` that a
        run would take.
    """
    verdicts, box = trial.try_services(place.study, place.http)
    if out is not None:
        trial.write_bodies(verdicts, box, out)
    return [
        {
            "source": one.source,
            "works": one.works,
            "verdict": "werkt" if one.works else "WERKT NIET",
            "words": one.words,
            "seconds": number(sum(one.seconds) / len(one.seconds) if one.seconds else None, 1),
            "headers": one.headers,
            "requests": number(one.expected.requests if one.expected else None),
            "minutes": number(one.expected.minutes if one.expected else None, 1),
        }
        for one in verdicts
    ]


def run_release(place: Workplace, who: tuple[str, str]) -> list[Path]:
    """Write the folder of a release of a study that has run, and return its files.

    Parameters
    ----------
    place : Workplace
        The study, after a run.
    who : tuple of str
        Who publishes it, and where to ask.

    Raises
    ------
    StoreError
        If nothing of the study was published yet.
    ConfigError
        If who publishes is no text of one line, or where to ask is neither a mail address nor a page.
    """
    if STEERING.search(who[0]) or not _CONTACT.fullmatch(who[1]):
        raise ConfigError(
            "a name of one line, and a mail address or the address of a page",
            found=", ".join(map(repr, who)),
            where="uitgave",
            remedy="give a mail address, or the https address of a page, as --contact",
        )
    folder = place.store.root.parent.parent / "editions" / place.study.name
    with locked(place.store.root):
        kept = editions(folder)
        if not kept:
            words = {"where": place.study.name, "remedy": f"kansenkaart run {place.study.name}"}
            raise StoreError("an edition of the study", found="none", **words)
        shown = publish.readable_of(place.store, place.study, studies=place.studies, public=place.public)
        target, number = place.folders.maps.parent / "uitgaven", kept[-1].number
        return publish.release_folder(shown, place.study, place.target, target, number=number, who=who)


class Release(Mapping[str, gpd.GeoDataFrame]):
    """The open layers of a study, by name; each is read when it is asked for.

    Parameters
    ----------
    folder : Path
        ``maps/<study>/data``, or the folder ``data`` of a release.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self.metadata: dict[str, Any] = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as why:
            raise FormatError(
                "a folder with metadata.json", found=str(why)[:200], where=folder.name, remedy="open maps/<study>/data"
            ) from why

    def __getitem__(self, name: str) -> gpd.GeoDataFrame:
        """Read one layer; ``attrs`` hold ``units`` by column and what the metadata say of it."""
        about = self.metadata["tables"].get(name)
        if about is None:
            raise KeyError(f"no layer {name}: {', '.join(self.metadata['tables'])}")
        columns = about["schema"]["fields"]
        shaped = any(one["name"] == "geometry" for one in columns)
        frame = (gpd.read_parquet if shaped else pd.read_parquet)(self.folder / f"{name}.parquet")
        units = {one["name"]: one["unit"] for one in columns if one["name"] != "geometry"}
        frame.attrs = {**about, "units": units}
        return frame

    def __iter__(self) -> Iterator[str]:
        """Give the names of the layers."""
        return (name for name in self.metadata["tables"] if (self.folder / f"{name}.parquet").is_file())

    def __len__(self) -> int:
        """Count them."""
        return sum(1 for _ in self)

    def cite(self, layer: str, key: object, column: str) -> str:
        """Say one number as a paper cites it: with unit, interval, meaning, basis, sources and edition.

        Parameters
        ----------
        layer : str
            Name of the layer.
        key : object
            Of the row: its key, its lasting id, or the id or code of its place, where one row has it.
        column : str
            The figure.

        Raises
        ------
        KeyError
            If there is no such layer, row or column.
        """
        frame, schema = self[layer], self.metadata["tables"][layer]["schema"]
        if column not in frame:
            raise KeyError(f"{layer} has no column {column}: {', '.join(map(str, frame.columns))}")
        ends = ("_id", "_uid", "code", "_key")
        ids = [name for name in frame.columns if name in schema["primaryKey"][:1] or str(name).endswith(ends)]
        hits = frame[np.logical_or.reduce([frame[name].astype(str) == str(key) for name in ids])]
        if len(hits) != 1:
            raise KeyError(f"{layer} has {len(hits)} rows with {key} in {' or '.join(ids)}: give the key of one row")
        return cited(f"{layer} {key}", hits.iloc[0], column, schema, self.metadata)


# One study as many: a municipality that asks more memory than a worker has goes as parts, each of neighbouring wijken.

#: A worker carries so many homes for each GiB: 100,000 in 4 GiB, where 0.45 GiB for the program and 22 KiB a home (measured in
#: the town, docs/reliability.md) are 2.6 GiB; a third is left for what was never seen [1].
HOMES_PER_GIB = 25_000


def divide_study(place: Workplace, most: int) -> list[str]:
    """Divide the place of a study where CBS counts more homes than a worker carries; only its buurten are asked for it.

    Each part holds whole wijken that border on each other, and is called ``2-van-6`` after the code of the municipality. Same
    buurten, same parts. What they are stands in ``parts.json`` beside the tables of the whole place.

    Parameters
    ----------
    place : Workplace
        The study, with its whole place.
    most : int
        Homes that one part holds at most [1]; a wijk of more is a part by itself.

    Returns
    -------
    list of str
        Names of the parts; none where the place goes in one piece: it is small enough, has one wijk, or nobody says how many
        homes it has.

    Raises
    ------
    ConfigError
        If the study would be divided and has own data: a budget is of the whole, and what is withdrawn must be gone everywhere.
    """
    roles = tuple(one for one in place.study.source if one.role in ("buurt", "statistics"))
    path, parts = place.store.root / PARTS, dict[str, Any]()
    with locked(place.store.root):
        only = place.study.model_copy(update={"source": roles})
        for step in acquire.steps(only, place.folders, http=place.http, turn=place.turn):
            run(place.store, step)
        if place.store.has("buurt"):
            parts = _grouped(gpd.GeoDataFrame(place.store.read("buurt")), most)
        if not parts:
            path.unlink(missing_ok=True)
            return []
        if own := sorted({one.role for one in place.study.source} & set(own_data.ROLES)):
            raise ConfigError(
                f"no own data where a municipality of more than {most} homes is divided",
                found=", ".join(own),
                where=f"study {place.study.name}",
                remedy="run it apart in one piece, with more memory for its worker: docs/how-to/schedule.md",
            )
        with atomic(path) as draft:
            draft.write_text(json.dumps(parts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return list(parts)


def parts_of(place: Workplace) -> list[str]:
    """Return the names of the parts in which a place was divided last; none where it goes in one piece.

    Parameters
    ----------
    place : Workplace
        The study, with its whole place.
    """
    path = place.store.root / PARTS
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []


def is_of(place: Workplace) -> bool:
    """Tell whether what a part has published is of its wijken: after a new division its last edition may be of others.

    Parameters
    ----------
    place : Workplace
        Of a part, or of a whole place, which always is.
    """
    path, wijken = place.target / "data" / "buurt_score.parquet", {one[2:] for one in place.study.place.wijken}
    if not wijken or not path.is_file():
        return True
    codes = pq.read_table(path, columns=["buurtcode"])["buurtcode"].to_pylist()
    return {str(one)[2:8] for one in codes} <= wijken


def _grouped(buurt: gpd.GeoDataFrame, most: int) -> dict[str, Any]:
    """Return per part its wijken, the homes that CBS counts there [1], and the buurten by which people know it."""
    counted = buurt["homes_stock"].astype(float).fillna(buurt["households"].astype(float))
    buurt = buurt.assign(counted=counted.fillna(0.0), wijkcode=cbs_areas.wijk_of(buurt))
    homes = buurt.groupby("wijkcode")["counted"].sum().round().astype("int64")
    if homes.sum() <= most or len(homes) < 2:
        return {}
    shapes = buurt.dissolve(by="wijkcode").geometry.reindex(homes.index).to_numpy()
    group = fewest(homes.to_numpy(), _borders_of(shapes), most=most)
    count, out = int(group.max()) + 1, {}
    for one in range(count if count > 1 else 0):
        wijken = homes.index[group == one]
        here = buurt[buurt["wijkcode"].isin(wijken)].sort_values(["counted", "buurtcode"], ascending=[False, True])
        out[f"{one + 1}-van-{count}"] = {
            "title": listed(here["buurtnaam"].head(3).tolist()),
            "wijken": wijken.tolist(),
            "homes": int(homes[wijken].sum()),
        }
    return out


def _borders_of(shapes: Any) -> tuple[Ints, Ints, Floats]:
    """Return which wijken border on each other and for how long [m]; one that lies apart borders on the nearest of the others."""
    tree = shapely.STRtree(shapes)
    i, j = tree.query(shapes, predicate="intersects")
    i, j = i[i < j], j[i < j]
    while len(np.unique(piece := joined(len(shapes), i, j))) > 1:
        inside, beyond = np.flatnonzero(piece == 0), np.flatnonzero(piece != 0)
        apart = shapely.distance(shapes[inside][:, None], shapes[beyond][None, :])
        one, other = np.unravel_index(int(apart.argmin()), apart.shape)
        i, j = np.r_[i, inside[one]], np.r_[j, beyond[other]]
    return i, j, shapely.length(shapely.intersection(shapes[i], shapes[j]))


# Many studies as one: the layers of each lie in a folder of their own below the layer, so nothing is read to join them.

#: What says so much of a place that it is told of each.
_KINDS = ("home", "roof_face", "dsm", "sewer_pipe", "terrain")


def join_studies(folders: Mapping[str, Path], target: Path, *, title: str, failed: Mapping[str, str]) -> dict[str, Any]:
    """Join the published layers of many municipalities: one folder a layer with a part each, one catalogue, one page.

    Parameters
    ----------
    folders : mapping of str to Path
        Published folder of each part, by the code of its municipality; one that was never published is named on the page.
    target : Path
        Folder for all together under ``maps``; its ``data`` takes its place whole.
    title : str
        Of the page.
    failed : mapping of str to str
        Why a part failed this time; what it published before stays in.

    Returns
    -------
    dict
        The catalogue, as in ``data/metadata.json``: per layer its columns, rows [1], and rows and hash of each part.
    """
    stand = {key: Release(folder / "data") for key, folder in folders.items() if (folder / "data").is_dir()}
    with locked(target):
        draft = Path(tempfile.mkdtemp(prefix=".", suffix=".part", dir=target))
        about = _catalogue(stand, draft / "data", title)
        with atomic(draft / "data" / "metadata.json") as part:
            part.write_text(json.dumps(about, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        shutil.rmtree(target / "data", ignore_errors=True)
        (draft / "data").replace(target / "data")
        draft.rmdir()
        with atomic(target / "index.html") as part:
            part.write_text(_page_of_all(folders, stand, about, failed), encoding="utf-8")
    return about


def _catalogue(stand: Mapping[str, Release], data: Path, title: str) -> dict[str, Any]:
    """Put every layer of every part in its place and say what lies there."""
    data.mkdir(parents=True)
    tables: dict[str, Any] = {}
    for key, one in stand.items():
        for name, about in one.metadata["tables"].items():
            path = data / name / f"gemeente={key}" / f"{name}.parquet"
            path.parent.mkdir(parents=True)
            _linked(one.folder / f"{name}.parquet", path)
            entry = tables.setdefault(name, {word: about[word] for word in ("title_nl", "title_en", "schema")})
            entry.setdefault("parts", {})[key] = {"rows": about["rows"], "sha256": sha256_of(path)}
    for entry in tables.values():
        entry["rows"] = sum(one["rows"] for one in entry["parts"].values())
    rows = {json.dumps(row, sort_keys=True): row for one in stand.values() for row in one.metadata["sources"]}
    return {
        "title": title,
        "partitioned_by": "gemeente",
        "crs": "EPSG:28992",
        "tables": tables,
        "sources": [rows[key] for key in sorted(rows)],
        "licences": sorted({str(row["licence"]) for row in rows.values()}),
        "software": sorted({one.metadata["software"] for one in stand.values()}),
    }


def _linked(path: Path, target: Path) -> None:
    try:
        target.hardlink_to(path)
    except OSError:  # another disk, or one without links
        shutil.copyfile(path, target)


def _page_of_all(
    folders: Mapping[str, Path], stand: Mapping[str, Release], about: Mapping[str, Any], failed: Mapping[str, str]
) -> str:
    rows = [_row_of(key, folder, stand.get(key), failed.get(key)) for key, folder in sorted(folders.items())]
    roles = {key: {row["role"] for row in one.metadata["sources"]} for key, one in stand.items()}
    known = []
    for role in _KINDS:
        without = [key for key in sorted(folders) if role not in roles.get(key, ())]
        known.append((say("role", role), len(folders) - len(without), listed(without) if without else ""))
    said = dict.fromkeys(
        f"{row['credit']}, {row['edition']}, {say('licence', row['licence'])}" for row in about["sources"]
    )
    homes, areas = (sum(row[word] or 0 for row in rows) for word in ("homes", "areas"))
    intern = any(one.metadata.get("edition") == "intern" for one in stand.values())
    words = {"title": about["title"], "parts": rows, "known": known, "sources": list(said), "intern": intern}
    return page_of("land.html.jinja", homes=homes, areas=areas, **words)


def _row_of(key: str, folder: Path, one: Release | None, why: str | None) -> dict[str, Any]:
    if one is None:
        state = f"niet gemaakt: {why}" if why else "niet gemaakt"
        return {"title": key, "homes": None, "areas": None, "as_of": UNKNOWN, "state": state, "page": ""}
    tables, path = one.metadata["tables"], one.folder / "buurt_score.parquet"
    homes = pq.read_table(path, columns=["homes"])["homes"].to_pandas().sum() if path.is_file() else None
    return {
        "title": f"{one.metadata['title']} ({key})",
        "homes": None if homes is None else int(homes),
        "areas": int(tables["gebied"]["rows"]) if "gebied" in tables else None,
        "as_of": one.metadata["as_of"],
        "state": f"vorige uitgave; nu mislukt: {why}" if why else "bijgewerkt",
        "page": f"../{folder.name}/index.html",
    }
