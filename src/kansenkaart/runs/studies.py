"""The studies of a project: begin one, list them, try what its services answer, put a release of it ready, open one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.acquire import trial
from kansenkaart.config import read_study, shipped_studies, study_path
from kansenkaart.errors import ConfigError, FormatError, StoreError
from kansenkaart.present.release import cited
from kansenkaart.publish import steps as publish
from kansenkaart.publish.editions.editions import editions
from kansenkaart.runs.study import Workplace, open_study
from kansenkaart.sources import cbs_areas
from kansenkaart.tables.store import atomic, locked
from kansenkaart.wording.nl import number

__all__ = ["Release", "list_studies", "new_study", "open_study", "run_release", "run_trial"]


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
        If the name is not that of a study or is taken, or there is no such template.
    """
    shipped = shipped_studies()
    code, title = cbs_areas.municipality(name) or ("", "")
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
    text = shipped[template].read_text(encoding="utf-8").replace(f'name = "{template}"', f'name = "{name}"', 1)
    if title:
        text = re.sub(r'(?m)^title = ".*"$', f'title = "{title}"', text, count=1)
        text = re.sub(r'(?m)^gemeentecode = ".*"$', f'gemeentecode = "{code}"', text, count=1)
    with atomic(target) as part:
        part.write_text(text, encoding="utf-8")
    return target


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
    """
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
            raise KeyError(name)
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
            Of the row: its key, or its lasting id (a column that ends in ``_uid``).
        column : str
            The figure.

        Raises
        ------
        KeyError
            If there is no such layer, row or column.
        """
        frame, table = self[layer], self.metadata["tables"][layer]
        ids = [*table["schema"]["primaryKey"][:1], *(name for name in frame.columns if str(name).endswith("_uid"))]
        hits = frame[np.logical_or.reduce([frame[name].astype(str) == str(key) for name in ids])]
        if len(hits) != 1 or column not in hits:
            raise KeyError(f"{layer}: {key}, {column}")
        column_of = {one["name"]: one for one in table["schema"]["fields"]}
        return cited(f"{layer} {key}", hits.iloc[0], column_of[column], self.metadata)
