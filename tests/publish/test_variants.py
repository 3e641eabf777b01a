"""What readers get of a study that lacks a table, or of which the figures are otherwise, whole: map, overview and sheets."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from kansenkaart.config import read_study
from kansenkaart.publish import factsheets, steps
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.map.spec import picture
from kansenkaart.tables import assumptions
from kansenkaart.tables.store import Store
from tests.pinned import same_as_pinned

_MONEY = ("stays", "enterprise", "homes_gain", "contribution")


class Other(Store):
    """The tables of the small example without some of them, or with others in their place."""

    def __init__(self, root, gone=(), change=None):
        super().__init__(root)
        self.gone, self.change = gone, change or (lambda name, frame: frame)

    def has(self, name):
        """Tell of a table that is not left out."""
        return not name.startswith(self.gone) and super().has(name)

    def read(self, name):
        """Read it as it is here."""
        return self.change(name, super().read(name))


def _moved(by):
    """Move every amount of money of every case by so much [EUR/year], and the chance with it."""

    def change(name, frame):
        if name == "enterprise_case":
            money = [one for one in frame.columns if one.startswith(_MONEY) and frame[one].dtype.kind == "f"]
            return frame.assign(earns_keep_frac=0.9 if by > 0 else 0.0, **{one: frame[one] + by for one in money})
        return frame

    return change


def _alike(name, frame):
    """Make all places equal in what stays, and surer the later they come."""
    if name != "enterprise_case":
        return frame
    money = {one: frame[one].mean() for one in frame.columns if one.startswith("stays_eur_per_year")}
    return frame.assign(**money, earns_keep_frac=np.linspace(0.1, 0.9, len(frame)))


def _half_unknown(name, frame):
    """Take out every second figure that may be unknown, of what was scored."""
    if not name.endswith(("_score", "_water", "_facts")) and name != "block":
        return frame
    for one in frame.columns:
        if frame[one].dtype.kind == "f" and one != "homes":
            frame[one] = frame[one].where(np.arange(len(frame)) % 2 == 0)
    return frame


VARIANTS = {
    "no best areas": {"gone": ("best_",)},
    "no cases": {"gone": ("enterprise_",)},
    "neither": {"gone": ("enterprise_", "best_", "gebied")},
    "no roofs": {"gone": ("roof_face", "pand_score", "dsm")},
    "no sewers": {"gone": ("sewer_", "street_water", "pipe_water", "terrain")},
    "buurten only": {"gone": ("best_", "gebied", "block", "enterprise_", "pand_score", "roof_face", "street_", "home")},
    "it earns": {"change": _moved(60_000.0)},
    "it loses": {"change": _moved(-60_000.0)},
    "all alike": {"change": _alike},
    "half unknown": {"change": _half_unknown},
}


def _plain(content: Any) -> Any:
    """Return some content as plain values, numbers in six digits and shapes by their middle and size."""
    if dataclasses.is_dataclass(content):
        return {one.name: _plain(getattr(content, one.name)) for one in dataclasses.fields(content)}
    if isinstance(content, pd.DataFrame | gpd.GeoSeries):
        frame = pd.DataFrame(content)
        for name in frame.columns:
            if isinstance(frame[name].dtype, gpd.array.GeometryDtype):
                frame[name] = gpd.GeoSeries(frame[name]).map(_plain)
        return {str(name): [_plain(one) for one in frame[name]] for name in frame.columns}
    if isinstance(content, dict):
        return {str(key): _plain(one) for key, one in content.items()}
    if isinstance(content, list | tuple | set | frozenset):
        return [_plain(one) for one in content]
    if hasattr(content, "geom_type"):
        spot = [0.0, 0.0] if content.is_empty else [content.centroid.x, content.centroid.y]
        return [content.geom_type, *(f"{one:.6g}" for one in (*spot, content.area, content.length))]
    if isinstance(content, float | np.floating):
        return f"{content:.6g}"
    return str(content)


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(_plain(content)).encode()).hexdigest()[:12]


def _said(spec) -> str:
    """Return what a map says first and of each theme, and hashes of all that it holds."""
    start = [] if spec.start is None else [spec.start.title, spec.start.mark, *map(str, spec.start.unknown)]
    start += [] if spec.start is None else [f"{one.question} {one.answer} | {one.origin}" for one in spec.start.answers]
    themes = [f"{one.key}: {one.story.finding} {_hash(one)}" for one in spec.themes]
    layers = [f"{one.name}: {len(one.frame)} {_hash(one)}" for one in spec.layers]
    rest = [
        f"{name}: {_hash(getattr(spec, name))}" for name in ("tool", "start", "sources", "credits", "search", "words")
    ]
    return "\n".join([*start, *themes, *layers, *rest])


@pytest.mark.parametrize("name", VARIANTS)
def test_a_map_of_other_figures_says_what_was_read(finished, name):
    study = read_study(finished / "studies" / "proefveld.toml")
    store = Other(finished / "data" / "processed" / "proefveld", **VARIANTS[name])
    made = {"map": _said(picture(store, study))}
    sheets = list(factsheets.sheets(store, study, assumptions.default()))
    made["sheets"] = "\n".join(f"{one.key} {_hash(one)}" for one in sheets)
    same_as_pinned(f"pins/variants/{name}.txt", made)


@pytest.mark.parametrize("public", [True, False])
def test_an_overview_says_of_either_edition_what_was_read(finished, public):
    study = read_study(finished / "studies" / "proefveld.toml")
    store = ReaderStore(Store(finished / "data" / "processed" / "proefveld"), public=public)
    spec = picture(store, study)
    sheets = list(factsheets.sheets(store, study, assumptions.default(), public=public))
    page = steps.overview(
        store, study, sheets, start=spec.start, layers={}, reports=["best-0.html"], folder="proefveld"
    )
    made = {"map": _said(spec), "sheets": "\n".join(f"{one.key} {_hash(one)}" for one in sheets)}
    made["overview"] = "\n".join(f"{name}: {one}" for name, one in _plain(page).items())
    same_as_pinned(f"pins/variants/{'public' if public else 'whole'}.txt", made)
