"""The gate between scores and readers: what fails it is not published, unless somebody accepts it by name."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from kansenkaart.core.editions import Failure, Gate, failures, summarise
from kansenkaart.errors import ConfigError, GateError
from kansenkaart.sources.tools.geofiles import open_raster
from kansenkaart.tables.store import Store

_SAID = re.compile(r"\s*([^:\s][^:]{0,59}?)\s*:\s*(\S.{2,499})", re.DOTALL)
_SHOWN = 8
KINDS = {"rows", "known", "drift", "size", "moved", "invalid", "outside", "infinite", "gone", "covered", "same", "mean"}


@dataclass(frozen=True)
class Accepted:
    """Who lets a failed gate pass, and why; kept with the edition and with what is published."""

    who: str
    why: str


def accepted(said: str | None) -> Accepted | None:
    """Read ``--accepteer "who: why"``.

    Parameters
    ----------
    said : str, optional
        As given on the command line; None where nobody accepts anything.

    Raises
    ------
    ConfigError
        If it does not name who and why.
    """
    if said is None:
        return None
    hit = _SAID.fullmatch(said)
    if hit is None:
        raise ConfigError(
            'who accepts the new figures and why, as "who: why"',
            found=repr(said[:80]),
            where="--accepteer",
            remedy='say it like --accepteer "J. Jansen: new buurten of 2026"',
        )
    return Accepted(hit[1], " ".join(hit[2].split()))


@lru_cache(maxsize=1)
def table() -> tuple[Gate, ...]:
    """Return the rules of ``data/gates.csv``.

    Raises
    ------
    ConfigError
        If a row names a gate that does not exist, or a limit that is no number.
    """
    with (files("kansenkaart") / "data" / "gates.csv").open(encoding="utf-8") as handle:
        return tuple(_gate(row, number) for number, row in enumerate(csv.DictReader(handle), start=2))


def _gate(row: Mapping[str, str], number: int) -> Gate:
    try:
        low, high = float(row["low"] or "-inf"), float(row["high"] or "inf")
        one = Gate(
            row["gate"],
            row["table"],
            row["column"],
            low,
            high,
            float(row["slack"]),
            row["unit"],
            row["needs"],
            row["why"],
        )
    except ValueError as why:
        raise _wrong(number, str(why)) from why
    if one.gate not in KINDS or low > high:
        raise _wrong(number, str(row))
    return one


def _wrong(number: int, found: str) -> ConfigError:
    return ConfigError(
        f"one of the gates {sorted(KINDS)} with low <= high",
        found=found,
        where=f"data/gates.csv, line {number}",
        remedy="correct the line",
    )


#: So many roofs are held against the height model: enough to see another unit or another place [1].
MOST_ROOFS = 2000


def height_model(store: Store) -> dict[str, Any]:
    """Return how the height model and the roofs of LoD2.2 agree, as the summary of a table ``height_model``.

    Parameters
    ----------
    store : Store
        Of the study.

    Returns
    -------
    dict
        Empty without both, or where no roof lies inside the model (then each is scored by itself, and the run says so);
        else ``height_m_nap``, known inside the model [m NAP], and ``median_above_roof_m``, what the model lies above the
        middle of the roofs, in the median [m].
    """
    if not (store.has("dsm") and store.has("roof_face")):
        return {}
    faces = store.read("roof_face").sort_values("face_id")
    faces = faces.iloc[:: max(len(faces) // MOST_ROOFS, 1)]
    inside = faces.geometry.representative_point()
    with open_raster(store.path("dsm")) as sheet:
        read = [one[0] for one in sheet.sample(zip(inside.x, inside.y, strict=True), masked=True)]
    heights = np.array([np.nan if np.ma.is_masked(one) else float(one) for one in read])
    if not np.isfinite(heights).any():
        return {}
    middle = (faces["ridge_height_m_nap"] + faces["eave_height_m_nap"]).to_numpy(float) / 2
    off = heights - middle
    median = np.where(np.isfinite(off), np.nanmedian(off), np.nan)
    return {"height_model": summarise(pd.DataFrame({"height_m_nap": heights, "median_above_roof_m": median}))}


def judge(
    now: Mapping[str, Any], before: Mapping[str, Any], *, study: str, last: int | None, said: Accepted | None
) -> list[dict[str, Any]]:
    """Refuse new tables that fail a gate and that nobody accepts.

    Parameters
    ----------
    now, before : mapping
        Summaries of the tables, new and of the last edition.
    study : str
        Its name, for the message.
    last : int, optional
        Number of the last edition [1].
    said : Accepted, optional
        Who accepts failures, and why.

    Returns
    -------
    list of dict
        The failures that were accepted, as plain values.

    Raises
    ------
    GateError
        If gates fail and nobody accepts it; names them, with what was found and what may be.
    """
    failed = failures(now, before, table())
    if failed and said is None:
        raise _refused(failed, study, last)
    return [
        {**asdict(one), "gate": one.gate.gate, "low": _plain(one.gate.low), "high": _plain(one.gate.high)}
        for one in failed
    ]


def _plain(limit: float) -> float | None:
    return limit if abs(limit) < float("inf") else None


def _refused(failed: Sequence[Failure], study: str, last: int | None) -> GateError:
    more = f"; and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    against = "a first edition" if last is None else f"an edition like edition {last}, which stays published"
    return GateError(
        against,
        found="; ".join(map(str, failed[:_SHOWN])) + more,
        where=f"study {study}",
        remedy="look at the tables and columns named (kansenkaart status shows what readers left out); if the "
        f'figures are right: kansenkaart run {study} --accepteer "who: why"',
    )
