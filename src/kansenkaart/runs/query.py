"""One question about one place: the best area around a point or an address, with its proof, its sums and its border."""

from __future__ import annotations

import difflib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from kansenkaart.core.area.best import best_around, block_at
from kansenkaart.core.area.question import Area, AreaQuestion, Effort
from kansenkaart.core.area.sureness import forcing_prices
from kansenkaart.crs import rd_point
from kansenkaart.errors import ConfigError, InfeasibleError, StoreError
from kansenkaart.runs.study import Workplace
from kansenkaart.score import best_areas
from kansenkaart.score.best_areas import Found, border_lines, whole_frame
from kansenkaart.tables.store import Store, atomic

_POSTCODE = re.compile(r"(?P<postcode>\d{4}\s?[A-Za-z]{2})[\s,]+(?P<number>\d+)(?!\d).*")
_STREET = re.compile(r"(?P<street>.*?[^\s\d,])[\s,]+(?P<number>\d+)(?!\d).*")
_CRITERIA = {"bedrag": "stays", "grens": "border"}
_OF_DRAWS = (
    "stays_eur_per_year_low",
    "stays_eur_per_year_median",
    "stays_eur_per_year_high",
    "earns_keep_frac",
    "sure_frac",
    "sure_draws",
    "candidates",
    "border_cost_eur_per_year",
)
_SPREAD_M = 100.0  # homes at one address that lie farther apart than this are two addresses [m]


@dataclass(frozen=True)
class Asked:
    """What is asked; what is None is as the study says.

    Attributes
    ----------
    point : tuple of float, optional
        Place in RD New [m].
    address : str, optional
        Street and number, or postcode and number.
    low_homes, high_homes : int, optional
        Band of homes [1].
    radius_m : float, optional
        Walking radius [m].
    owner_low, owner_high : float
        Bounds on the corporation's share of the homes [1].
    pins_in, pins_out : tuple of int
        Block numbers that must be in or out.
    criterion : str, optional
        ``stays``, ``kwh`` or ``border``.
    seconds : float
        Time for the proof [s]; the answer comes anyway.
    prices : bool
        Whether to price each block along the border: what it costs to have it in or out.
    """

    point: tuple[float, float] | None = None
    address: str | None = None
    low_homes: int | None = None
    high_homes: int | None = None
    radius_m: float | None = None
    owner_low: float = 0.0
    owner_high: float = 1.0
    pins_in: tuple[int, ...] = ()
    pins_out: tuple[int, ...] = ()
    criterion: str | None = None
    seconds: float = 10.0
    prices: bool = False


@dataclass(frozen=True, eq=False)
class Answer:
    """The area as one row, its border as rows, and the prices of the blocks along it where they were asked for."""

    area: gpd.GeoDataFrame
    border: gpd.GeoDataFrame
    prices: pd.DataFrame | None


def ask(place: Workplace, asked: Asked) -> Answer:
    """Find the best area around a place.

    Parameters
    ----------
    place : Workplace
        The study, after a run.
    asked : Asked
        The question.

    Returns
    -------
    Answer
        The area, its border, and the prices of blocks where they were asked for.

    Raises
    ------
    StoreError
        The study has no blocks yet.
    ConfigError
        No such address, a point outside the study, blocks that do not exist.
    InfeasibleError
        Nothing around the place fits the bounds.
    """
    if not best_areas.ready(place.store):
        raise StoreError(
            "building blocks of the study",
            found="none",
            where=place.study.name,
            remedy=f"make them: kansenkaart run {place.study.name}",
        )
    blocks = best_areas.read_blocks(place.store)
    criterion = _criterion(blocks, asked)
    value, mean = best_areas.value_and_scale(blocks, criterion)
    graph = blocks.graph(value)
    question = _question(best_areas.question_of(place.study.areas, place.known, mean), asked)
    if (asked.owner_low > 0 or asked.owner_high < 1) and np.isnan(graph.owned).all():
        raise InfeasibleError(
            "ownership of the homes",
            found="unknown in this study",
            where=place.study.name,
            remedy="ask without an owner's share, or add CBS statistics of the buurten",
        )
    centre = block_at(graph, _place(place.store, asked), within_m=question.radius_m)
    end = time.monotonic() + asked.seconds
    effort = Effort(remaining=lambda: end - time.monotonic())
    area = best_around(graph, centre=centre, question=question, effort=effort)
    found = Found(0, criterion, 1, area, graph, question)
    nothing = pd.DataFrame({"variant_kind": [], "best_id": []})
    border = border_lines(found, blocks.frame, blocks.edges)
    row = whole_frame([found], blocks.frame, [border], place.store.read("buurt"), nothing)
    row = row.drop(columns=[*_OF_DRAWS, "runners_up", "best_id", "rank"])
    prices = _prices(found, area, effort) if asked.prices else None
    return Answer(row, border, prices)


def write_geojson(answer: Answer, target: Path) -> None:
    """Write area and border as GeoJSON (degrees, as RFC 7946 asks).

    Parameters
    ----------
    answer : Answer
        What was found.
    target : Path
        The file to write.
    """
    parts = []
    for kind, frame in (("area", answer.area), ("border", answer.border)):
        content = json.loads(frame.to_crs(4326).to_json(drop_id=True))
        for feature in content["features"]:
            feature["properties"] = {"kind": kind, **feature["properties"]}
            parts.append(feature)
    with atomic(target) as part:
        text = json.dumps({"type": "FeatureCollection", "features": parts}, ensure_ascii=False)
        part.write_text(text + "\n", encoding="utf-8")


def plain(answer: Answer) -> dict[str, Any]:
    """Return the answer as plain values; what is unknown is None.

    Parameters
    ----------
    answer : Answer
        What was found.

    Returns
    -------
    dict of str to Any
        ``area``, ``border`` and, where asked for, ``prices``.
    """
    area = answer.area.drop(columns="geometry")
    border = answer.border.drop(columns="geometry").sort_values("length_m", ascending=False)
    out = {"area": _records(area)[0], "border": _records(border)}
    return out if answer.prices is None else {**out, "prices": _records(answer.prices)}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records"))
    return rows


def _criterion(blocks: best_areas.Blocks, asked: Asked) -> str:
    can = [*best_areas.criteria_of(blocks), best_areas.BORDER_ONLY]
    if asked.criterion is None:
        return can[0]
    if asked.criterion not in can:
        raise ConfigError(
            f"one of the criteria {sorted(set(can))}",
            found=asked.criterion,
            where="--by",
            remedy="choose one of which this study knows values",
        )
    return asked.criterion


def _question(base: AreaQuestion, asked: Asked) -> AreaQuestion:
    low = base.low_homes if asked.low_homes is None else asked.low_homes
    high = base.high_homes if asked.high_homes is None else asked.high_homes
    return replace(
        base,
        low_homes=low,
        high_homes=high,
        radius_m=base.radius_m if asked.radius_m is None else asked.radius_m,
        owner_low=asked.owner_low,
        owner_high=asked.owner_high,
        pins_in=asked.pins_in,
        pins_out=asked.pins_out,
    )


def _place(store: Store, asked: Asked) -> tuple[float, float]:
    if (asked.point is None) == (asked.address is None):
        raise ConfigError(
            "either a point or an address",
            found="both or neither",
            where="--point, --address",
            remedy="give one of the two",
        )
    if asked.point is None:
        return _of_address(store, str(asked.address))
    return rd_point(asked.point, where="--point")


def _of_address(store: Store, address: str) -> tuple[float, float]:
    home = store.read("home")
    if by_code := _POSTCODE.fullmatch(address.strip()):
        wanted = by_code["postcode"].replace(" ", "").upper()
        mine = home[
            (home["postcode"].str.replace(" ", "") == wanted) & (home["house_number"] == int(by_code["number"]))
        ]
        near: list[str] = []
    elif by_street := _STREET.fullmatch(address.strip()):
        names = home["street_name"].str.casefold()
        street = by_street["street"].casefold()
        mine = home[(names == street) & (home["house_number"] == int(by_street["number"]))]
        streets = home["street_name"].dropna().unique().tolist()
        near = [one for one in streets if one.casefold() == street] or difflib.get_close_matches(
            by_street["street"], streets
        )
    else:
        raise ConfigError(
            "a street or postcode and a house number",
            found=address,
            where="--address",
            remedy="such as 'Passerlaan 12' or '9901VB 12'",
        )
    if mine.empty:
        raise ConfigError(
            "an address of the study", found=f"no home at {address}", where="--address", remedy=_hint(home, near)
        )
    x, y = mine.geometry.x.to_numpy(), mine.geometry.y.to_numpy()
    if np.hypot(x - x[0], y - y[0]).max() > _SPREAD_M:
        ways = mine["street_name" if by_code else "postcode"].dropna().unique()
        raise ConfigError(
            "one address",
            found=f"{address} in several places",
            where="--address",
            remedy=f"give the number with one of {sorted(ways)}, or use --point",
        )
    return float(x.mean()), float(y.mean())


def _hint(home: pd.DataFrame, near: list[str]) -> str:
    if home["street_name"].isna().all():
        return "this study knows no street names: use a postcode and number, or --point"
    if not near:
        return "use --point, or look the street up on the map of the study"
    numbers = home.loc[home["street_name"] == near[0], "house_number"]
    return f"streets like it: {', '.join(near)}; {near[0]} has numbers {numbers.min()} to {numbers.max()}"


def _prices(found: Found, area: Area, effort: Effort) -> pd.DataFrame:
    """Price every block along the border: in that is out, or out that is in."""
    inside, graph = found.inside, found.graph
    cut = inside[graph.a] != inside[graph.b]
    along = np.unique(np.r_[graph.a[cut], graph.b[cut]])
    near = np.hypot(*(graph.xy[along] - graph.xy[area.centre]).T) <= found.question.radius_m
    table = forcing_prices(graph, area, question=found.question, blocks=along[near].tolist(), effort=effort)
    return table.sort_values("price_eur_per_year", ignore_index=True).rename(columns={"block": "block_id"})


def asked(point: str | None, bounds: Mapping[str, Any]) -> Asked:
    """Return the question that the words of the command line ask.

    Parameters
    ----------
    point : str or None
        x and y in RD New [m], with a comma between them.
    bounds : mapping
        The options by name; ``pins_in`` and ``pins_out`` as numbers with commas between them.

    Raises
    ------
    ConfigError
        If a text holds something else than such numbers.
    """

    def numbers(text: str, kind: Any, where: str) -> tuple[Any, ...]:
        try:
            return tuple(kind(part) for part in text.split(",") if part.strip())
        except ValueError as why:
            raise ConfigError(
                "numbers with commas between them",
                found=text,
                where=where,
                remedy="such as 84500,454000 (x and y in RD, in metres)" if kind is float else "such as 12,13",
            ) from why

    spot = numbers(point, float, "--punt") if point else None
    if spot is not None and len(spot) != 2:
        raise ConfigError("x and y", found=str(point), where="--punt", remedy="such as 84500,454000")
    return Asked(
        point=spot,
        address=bounds["address"],
        low_homes=bounds["low"],
        high_homes=bounds["high"],
        radius_m=bounds["radius"],
        owner_low=bounds["owner_at_least"],
        owner_high=bounds["owner_at_most"],
        criterion=_CRITERIA.get(str(bounds["criterion"]), bounds["criterion"]),
        pins_in=numbers(bounds["pins_in"], int, "--met"),
        pins_out=numbers(bounds["pins_out"], int, "--zonder"),
        seconds=bounds["seconds"],
        prices=bounds["prices"],
    )
