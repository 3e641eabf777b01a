"""The figures of each place, once: map, tool, factsheet, overview, report, workbook and release print from these.

What an enterprise brings is that of one named track, the same for all places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kansenkaart.config import Study
from kansenkaart.core.enterprise.tracks import HEADLINE
from kansenkaart.tables import fields
from kansenkaart.tables.store import Store
from kansenkaart.wording.nl import UNKNOWN, amount, number, share, step_of, to_step, two_digits, with_unit

#: How the columns of an amount end: expected, 10th, 50th and 90th percentile of the same draws; forms print them in this order.
ENDS = ("", "_low", "_median", "_high")
#: What places show of their case, beside their own figures.
_OF_CASE = (
    *(
        f"{one}_eur_per_year{end}"
        for one in ("stays", "household", "enterprise", "roof_owner", "municipality")
        for end in ENDS
    ),
    "earns_keep_frac",
)
MOST_EQUAL = 5
#: What would stay if the roofs of unknown owner had the owner with whom the track begins.
OWNED = "stays_if_owned_eur_per_year"
#: Column that tells whether most of a place's solar yield lies on buildings with homes, and what the homes can use by themselves.
ROOFS_OF_HOMES, _AT_HOME = "roofs_of_homes", ("yield_pay_kwh_per_year", "sun_eur_per_year")
_HALF = 0.5
#: How many signs of a buurtcode are that of its wijk, and of its gemeente [1].
WIJK, GEMEENTE = 8, 6
#: Of each column the mean of a group [its unit, or that per home], and what to say where it is not there.
Means = dict[str, tuple[float | None, str]]


def headline_cases(cases: pd.DataFrame) -> pd.DataFrame:
    """Keep of every place the case on the track on which places are compared; it takes no large owner for granted.

    Parameters
    ----------
    cases : DataFrame
        Rows of ``enterprise_case``.
    """
    return cases[cases["track"].astype(str) == HEADLINE]


def case_of(store: Store, kind: str, key: str, track: str = HEADLINE) -> pd.Series[Any] | None:
    """Return the enterprise's case of a place; None where there is none.

    Parameters
    ----------
    store : Store
        Scored tables.
    kind, key : str
        ``buurt``, ``gebied`` or ``best``, and its id.
    track : str
        ``long``, on which places are compared, or ``short``.
    """
    if not store.has("enterprise_case"):
        return None
    frame = store.read("enterprise_case")
    mine = frame[
        (frame["place_kind"] == kind) & (frame["place_id"].astype(str) == key) & (frame["track"].astype(str) == track)
    ]
    return None if mine.empty else mine.iloc[0]


def cases_of(store: Store) -> dict[tuple[str, str], pd.Series[Any]]:
    """Return the case of each place on the track on which places are compared, by its kind and id.

    Parameters
    ----------
    store : Store
        Scored tables.
    """
    if not store.has("enterprise_case"):
        return {}
    cases = headline_cases(store.read("enterprise_case"))
    return {(str(one["place_kind"]), str(one["place_id"])): one for _, one in cases.iterrows()}


def with_case(store: Store, frame: gpd.GeoDataFrame, kind: str, key: str) -> gpd.GeoDataFrame:
    """Return places with what is expected to stay there, and whether their roofs are mostly of homes.

    Parameters
    ----------
    store : Store
        Scored tables.
    frame : GeoDataFrame
        Rows of ``buurt_score``, ``gebied`` or ``best_area``.
    kind, key : str
        Kind of place, and the column of its id.
    """
    ids, out = frame[key].astype(str), frame.assign(**{ROOFS_OF_HOMES: _roofs_of_homes(store, frame)})
    if store.has("enterprise_case"):
        cases = headline_cases(store.read("enterprise_case"))
        mine = cases[cases["place_kind"] == kind].set_index("place_id")
        for name in _OF_CASE:
            out[name] = ids.map(mine[name]).astype(float)
        if store.has("block_facts"):  # the same quantity as of blocks, to compare with them
            out["stays_part_eur_per_year"] = out["stays_eur_per_year"] - fixed_of(store)
    return out


def _roofs_of_homes(store: Store, frame: gpd.GeoDataFrame) -> Any:
    """Tell whether at least half of what fits on the roofs of each place lies on buildings with homes; true where unknown."""
    whole = getattr(store, "behind", store)  # the public edition's panden are merged; it is a yes or no of the place
    if not whole.has("pand_score"):
        return np.ones(len(frame), dtype=bool)
    points, kwh, homes = _on_roofs(whole, whole.describe("pand_score")["sha256"])
    one, place = frame.sindex.query(points, predicate="intersects")
    total, own = (np.bincount(place, weights=part[one], minlength=len(frame)) for part in (kwh, kwh * (homes > 0)))
    return own >= _HALF * total


@lru_cache(maxsize=1)
def _on_roofs(store: Store, _digest: str) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64]]:
    """Return a point on each pand, what fits on its roofs [kWh/year] and its homes [1]: each kind of place asks for the same."""
    pand = store.read("pand_score")
    kwh, homes = (pand[name].fillna(0).to_numpy(float) for name in ("yield_fit_kwh_per_year", "homes"))
    return shapely.point_on_surface(pand.geometry.to_numpy()), kwh, homes


def each_home(row: Mapping[str, Any] | pd.Series[Any], name: str) -> float:
    """Return the sum of a place per home; NaN where unknown, or where it is of roofs that are mostly not of homes.

    Parameters
    ----------
    row : mapping or Series
        The place, with `homes` [1].
    name : str
        Of the column, a sum.
    """
    if not divides(name) and not row.get(ROOFS_OF_HOMES, True):
        return math.nan
    return float(row[name]) / max(float(row["homes"]), 1.0)


def divides(name: str) -> bool:
    """Tell whether a sum of a place is of its homes, whatever else stands there; one of roofs is not.

    Parameters
    ----------
    name : str
        Of the column.
    """
    return name in _AT_HOME or not fields.get(name).of_roof


def fixed_of(store: Store) -> float:
    """Return the constant that comes to the sum of the blocks of any area [EUR/year].

    Parameters
    ----------
    store : Store
        With ``block_facts``.
    """
    return float(store.read("block_facts")["stays_fixed_eur_per_year"].iloc[0])


def with_parts(store: Store, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return blocks with their part in what stays, before the fixed costs.

    Parameters
    ----------
    store : Store
        Scored tables.
    frame : GeoDataFrame
        Rows of ``block``.
    """
    if not store.has("block_facts"):
        return frame
    facts = store.read("block_facts").set_index("block_id")
    name = "stays_part_eur_per_year"
    return gpd.GeoDataFrame(frame.assign(**{name: frame["block_id"].map(facts[name]).astype(float)}))


@dataclass(frozen=True)
class Verdict:
    """What may be said of the best place of a study: whether it earns its keep, and which places are equal to it.

    Parameters
    ----------
    earns : bool
        Whether the expected amount is above nothing and the enterprise pays in at least half of the draws.
    gains : bool
        Whether the expected amount is above nothing.
    around_zero : bool
        Whether the interval of 80 % holds 0.
    equal : tuple of str
        Names of the places, the best first, that are equal to it by :func:`alike`.
    """

    earns: bool
    gains: bool
    around_zero: bool
    equal: tuple[str, ...]


def verdict_of(rows: pd.DataFrame, name: str) -> Verdict:
    """Judge places that are in order, the best first.

    Parameters
    ----------
    rows : DataFrame
        With ``stays_eur_per_year``, its interval [EUR/year] and ``earns_keep_frac`` [1].
    name : str
        Column with their names.
    """
    first = rows.iloc[0]
    low, high = float(first["stays_eur_per_year_low"]), float(first["stays_eur_per_year_high"])
    near = rows.head(MOST_EQUAL)
    equal = near[alike(near, first)]
    gains = float(first["stays_eur_per_year"]) > 0
    earns = gains and float(first["earns_keep_frac"]) >= _HALF
    return Verdict(earns, gains, low <= 0 <= high, tuple(equal[name].astype(str)))


def alike(rows: pd.DataFrame, first: pd.Series[Any]) -> NDArray[np.bool_]:
    """Flag the places that cannot be told from one: intervals that overlap, and the same chance as it is said, in tenths.

    Parameters
    ----------
    rows : DataFrame
        Places, with ``stays_eur_per_year``, its interval [EUR/year] and ``earns_keep_frac`` [1].
    first : Series
        The place that they are compared with.
    """
    low, high, chance = (
        rows[name].astype(float) for name in ("stays_eur_per_year_low", "stays_eur_per_year_high", "earns_keep_frac")
    )
    ends = float(first["stays_eur_per_year_low"]), float(first["stays_eur_per_year_high"])
    same = np.floor(10 * chance + 0.5) == np.floor(10 * float(first["earns_keep_frac"]) + 0.5)  # as the page rounds
    return np.asarray((low <= ends[1]) & (high >= ends[0]) & same, bool)


def turned_by_owner(store: Store, kind: str, key: str) -> tuple[pd.Series[Any], pd.Series[Any]] | None:
    """Return the cases of the best place and of this one if one corporation owned the roofs of which the owner is unknown.

    Parameters
    ----------
    store : Store
        Scored tables.
    kind, key : str
        ``gebied`` or ``best`` and its id: the place that stands first as things are.

    Returns
    -------
    tuple of Series, or None
        Both on the short track; None where every owner is given, or where the other brings no more than this one by the
        width of its interval [EUR/year].
    """
    mine = case_of(store, kind, key, "short")
    if mine is None or pd.isna(mine[OWNED]):
        return None
    cases = store.read("enterprise_case")
    others = cases[cases["track"].astype(str).eq("short") & cases["place_kind"].isin(["gebied", "best"])]
    best = others.loc[others[OWNED].astype(float).idxmax()]
    ahead = float(best[OWNED]) - float(mine[OWNED])
    return (best, mine) if ahead > width_of(best, "stays_eur_per_year") and float(best[OWNED]) > 0 else None


def with_more_homes(cases: pd.DataFrame, case: Mapping[Any, Any] | pd.Series[Any]) -> pd.Series[Any] | None:
    """Return the buurt in which each home that takes part adds least to one enterprise: what size does to the same costs.

    Parameters
    ----------
    cases : DataFrame
        Rows of ``enterprise_case``.
    case : mapping
        The case that lacks money, on its track.

    Returns
    -------
    Series or None
        A larger buurt that lacks money as well, where that is less than half as much for each; None where there is none.
    """
    each = "contribution_eur_per_participant"
    if float(case["enterprise_eur_per_year"]) >= 0 or float(case[f"{each}_low"]) < 0:
        return None
    mine = cases["track"].astype(str).eq(str(case["track"])) & cases["place_kind"].eq("buurt")
    larger = cases[mine & (cases["homes"] > case["homes"]) & (cases[f"{each}_low"] >= 0)]
    best = larger.nsmallest(1, each)
    return best.iloc[0] if len(best) and float(best[each].iloc[0]) < _HALF * float(case[each]) else None


#: Units of what is estimated where it is calculated, not counted or measured; as twoDigits of 59_charts.js.
ESTIMATED = ("kWh", "kWp", "EUR", "m3", "person")
#: A figure below the first is rounded only by an interval whose step is larger than the second, or nothing would be left of it.
_LARGE, _FINEST = 100.0, 10.0


def figure_words(name: str, value: Any, width: float = 0.0) -> str:
    """Say a figure of a place with its unit, no more exact than it is known, from the decimals that the map has of it.

    Parameters
    ----------
    name : str
        Of its column.
    value : float or None
        In the unit of the dictionary.
    width : float, optional
        Of its interval of 80 %, by which it is rounded; without one what is calculated is said in two digits that count.
    """
    one = fields.get(name)
    if pd.isna(value) or one.unit == "year" or name.endswith("_frac"):
        return mean_words(name, value)
    value, step = round(float(value), one.decimals), step_of(width)
    if width and (abs(value) >= _LARGE or step > _FINEST):
        text = number(to_step(value, step))
    elif _estimated(one) and abs(value) >= _LARGE:
        text = number(two_digits(value))
    else:
        text = number(value, one.decimals)
    return with_unit(text, one.unit)


def _estimated(one: fields.Field) -> bool:
    return one.origin == "calculated" and one.unit.startswith(ESTIMATED)


def mean_words(name: str, value: float | None) -> str:
    """Say a mean, such as a figure per home, with its unit: it may have digits that the figure itself has not.

    Parameters
    ----------
    name : str
        Of the column of the figure.
    value : float or None
        In the unit of the dictionary; a share of one is said as a percentage.
    """
    one = fields.get(name)
    if name.endswith("_frac"):
        return share(value)
    known = None if value is None or pd.isna(value) else float(value)
    return amount(two_digits(known) if known is not None and _estimated(one) else known, one.unit)


def width_of(row: pd.Series[Any], name: str) -> float:
    """Return how wide the stored interval of a figure is, in its own unit; 0 where it has none.

    Parameters
    ----------
    row : Series
        A place.
    name : str
        Of the column.
    """
    low, high = (row.get(f"{name}{end}") for end in ("_low", "_high"))
    return 0.0 if pd.isna(low) or pd.isna(high) else float(high) - float(low)


def mean_of(group: pd.DataFrame, name: str) -> float | None:
    """Return a sum per home, or a mean weighed by homes, over the rows where both are known; None where none are.

    Sums of roofs leave out the places of which the roofs are mostly not of homes.

    Parameters
    ----------
    group : DataFrame
        Rows with `homes` [1].
    name : str
        Of the column; its row in the dictionary says whether it is a sum per home.
    """
    if name not in group.columns or "homes" not in group.columns:
        return None
    values, homes = (group[one].to_numpy(float, na_value=np.nan) for one in (name, "homes"))
    both = ~np.isnan(values) & (homes > 0)
    if fields.get(name).per_home and not divides(name) and ROOFS_OF_HOMES in group.columns:
        both &= group[ROOFS_OF_HOMES].to_numpy(bool)
    if not both.any():
        return None
    total = values[both].sum() if fields.get(name).per_home else (values[both] * homes[both]).sum()
    return float(total / homes[both].sum())


def absent(group: pd.DataFrame, name: str) -> str:
    """Say why a mean of a group of places is not there: unknown, or of roofs that are mostly not of homes.

    Parameters
    ----------
    group : DataFrame
        The places.
    name : str
        Of the column.
    """
    given = name in group.columns and group[name].notna().any()
    mine = group.get(ROOFS_OF_HOMES, pd.Series([True]))
    return UNKNOWN if divides(name) or not given or mine.any() else "niet per woning: vooral op andere gebouwen"


@dataclass(frozen=True, eq=False)
class Around:
    """What places are compared with: their buurt, wijk and gemeente, of which the figures are made once.

    Attributes
    ----------
    buurten, units : GeoDataFrame and DataFrame, or None
        Buurten with their figures, and blocks with their buurtcode: sums that buurten lack are taken from the blocks.
    """

    buurten: gpd.GeoDataFrame | None
    units: pd.DataFrame | None
    _made: dict[str, Means] = field(default_factory=dict)

    def of(self, codes: str) -> Means:
        """Return the figures of the buurten of which the code begins so: of a gemeente, a wijk or one buurt."""
        if codes not in self._made and self.buurten is not None:
            group, blocks = _beginning(self.buurten, codes), self._blocks(codes)
            whole = group if blocks is None else blocks
            self._made[codes] = _means(group, lambda one: mean_of(group if one in group.columns else whole, one))
        return self._made[codes]

    def own(self, row: pd.Series[Any]) -> Means:
        """Return the figures of a place itself; of a buurt, those that it lacks are of its blocks."""
        buurt = "buurtnaam" in row and self.buurten is not None
        blocks, group = self._blocks(buurt_of(self.buurten, row)) if buurt else None, row.to_frame().T
        return _means(group, lambda one: _mean_here(row, one) if one in row or blocks is None else mean_of(blocks, one))

    def _blocks(self, codes: str) -> pd.DataFrame | None:
        return None if self.units is None else _beginning(self.units, codes)


def _beginning(frame: pd.DataFrame, codes: str) -> pd.DataFrame:
    return frame[frame["buurtcode"].astype("str").str.startswith(codes, na=False)]


def _means(group: pd.DataFrame, mean: Callable[[str], float | None]) -> Means:
    made = {name: mean(name) for name in fields.on_sheet("compare")}
    return {name: (one, absent(group, name) if one is None else "") for name, one in made.items()}


def _mean_here(row: pd.Series[Any], name: str) -> float | None:
    """Return what `mean_of` gives of the one row that a place is."""
    value, homes = row.get(name), row.get("homes")
    if pd.isna(value) or pd.isna(homes) or not homes > 0:
        return None
    mean = each_home(row, name) if fields.get(name).per_home else float(value) * float(homes) / float(homes)
    return None if math.isnan(mean) else mean


def buurt_of(buurten: gpd.GeoDataFrame, row: pd.Series[Any]) -> str:
    """Return the code of the buurt that a place is, or of which it holds the most.

    Parameters
    ----------
    buurten : GeoDataFrame
        Buurten with `buurtcode`.
    row : Series
        The place, with its geometry in RD New.
    """
    if isinstance(row.get("buurtcode"), str):
        return str(row["buurtcode"])
    shape = row["geometry"]
    shared = shapely.area(shapely.intersection(buurten.geometry.to_numpy(), shape))
    return str(buurten["buurtcode"].iloc[int(np.argmax(shared))])


def contact_of(study: Study) -> str:
    """Say whom to tell that something is wrong, and how to keep a roof off the map.

    Parameters
    ----------
    study : Study
        For its contact.
    """
    who = study.contact or "degene van wie u deze kaart kreeg"
    wish = "Wilt u uw dak niet op de kaart? Vraag het daar ook: het verdwijnt uit de volgende uitgave."
    return f"Meld het aan {who}. {'' if study.invented else wish}".strip()
