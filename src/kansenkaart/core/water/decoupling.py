"""What decoupling grey water, rain water or both saves: per pipe by diameter, per street with the reason where it is nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from kansenkaart.core.water.arrays import Bools, Floats, Objects
from kansenkaart.core.water.costs import CostTable, Prices, pipe_cost, present_value
from kansenkaart.core.water.design import SCENARIOS, DesignRules, design_diameters, design_slope

SAVINGS = ("grey_off", "rain_off", "both")
PARTS = (25, 50, 75)
_FULL = 100


def pipe_savings(
    design: pd.DataFrame, *, length_m: npt.ArrayLike, year: npt.ArrayLike, table: CostTable, prices: Prices
) -> pd.DataFrame:
    """Value the saving on each pipe now [EUR]: what the model would lay as it is, less what it would lay after.

    Model against model: a present pipe that is larger than needed is no merit of grey water. Full participation, and
    for grey water every smaller one that the design holds (`saving_grey_off_25_eur` ...).

    Parameters
    ----------
    design : DataFrame
        From `design_diameters`.
    length_m : array_like
        Length [m].
    year : array_like
        Year of replacement [year].
    table : CostTable
        Cost by diameter.
    prices : Prices
        Index, rate, present year.

    Returns
    -------
    DataFrame
        `saving_grey_off_eur`, `saving_rain_off_eur`, `saving_both_eur`; NaN where a diameter or the year is unknown.
    """
    before = pipe_cost(design["diameter_as_is_mm"], table=table, prices=prices)
    saved = {}
    cases = {f"saving_{scenario}_eur": f"diameter_{scenario}_{_FULL}_mm" for scenario in SAVINGS}
    cases |= {f"saving_grey_off_{part}_eur": f"diameter_grey_off_{part}_mm" for part in PARTS}
    for name, column in cases.items():
        if column in design.columns:
            amount = (before - pipe_cost(design[column], table=table, prices=prices)) * np.asarray(
                length_m, dtype=float
            )
            # A pipe that stays as it is saves nothing, whenever it is due.
            saved[name] = np.where(amount == 0, 0.0, present_value(amount, year=year, prices=prices))
    return pd.DataFrame(saved, index=design.index)


def saving_interval(
    load: pd.DataFrame,
    *,
    slope: npt.ArrayLike,
    start_year: npt.ArrayLike,
    rules: tuple[DesignRules, ...],
    prices: tuple[Prices, ...],
    table: CostTable,
) -> pd.DataFrame:
    """Lowest and highest saving of each pipe [EUR] over variants of the rules, of the life of a sewer and of prices.

    Parameters
    ----------
    load : DataFrame
        `system`, `people`, `paved_m2`, `length_m`.
    slope : array_like
        Measured slope [1]; NaN unknown.
    start_year : array_like
        Laying year [year]; NaN unknown.
    rules : tuple of DesignRules
        Variants, for instance another default slope or rain.
    prices : tuple of Prices
        Variants, each with its lives (low, middle, high).
    table : CostTable
        Cost by diameter.
    """
    low = high = pd.DataFrame()
    for variant in rules:
        design = design_diameters(load, slope=design_slope(slope, rules=variant)[0], rules=variant)
        lives = ((one, life) for one in prices for life in (one.sewer_life_low, one.sewer_life, one.sewer_life_high))
        for one, life in lives:
            year = np.maximum(np.asarray(start_year, dtype=float) + life, one.year_now)
            saved = pipe_savings(design, length_m=load["length_m"], year=year, table=table, prices=one)
            low = saved if low.empty else pd.DataFrame(np.minimum(low, saved))
            high = saved if high.empty else pd.DataFrame(np.maximum(high, saved))
    return low.add_suffix("_low").join(high.add_suffix("_high"))


def interval_rules(
    rules: DesignRules, *, slopes: tuple[float, ...], rains_l_per_s_ha: tuple[float, ...]
) -> tuple[DesignRules, ...]:
    """Variants of the rules for the interval: each default slope [1] with each rain [l/s/ha].

    Parameters
    ----------
    rules : DesignRules
        The middle case.
    slopes : tuple of float
        Default slopes [1].
    rains_l_per_s_ha : tuple of float
        Stationary rains [l/s/ha].
    """
    return tuple(
        replace(rules, slope_default=slope, slope_min=min(slope, rules.slope_min), rain_l_per_s_ha=rain)
        for slope in slopes
        for rain in rains_l_per_s_ha
    )


def pipe_change(pipe: pd.DataFrame) -> Objects:
    """Say what makes each pipe a smaller one: grey, rain, both (only together), same; unknown without a design.

    Parameters
    ----------
    pipe : DataFrame
        `diameter_as_is_mm` and the diameters after, all homes taking part [mm].
    """
    before = pipe["diameter_as_is_mm"].to_numpy(dtype=float)
    less = {name: pipe[f"diameter_{name}_{_FULL}_mm"].to_numpy(dtype=float) < before for name in SAVINGS}
    return _first_that_holds(
        [
            ("unknown", np.isnan(before)),
            ("grey", less["grey_off"]),
            ("rain", less["rain_off"]),
            ("both", less["both"]),
            ("same", np.ones(len(pipe), dtype=bool)),
        ]
    )


def streets_of_pipes(pipe: pd.DataFrame) -> pd.DataFrame:
    """Sum and summarise the pipes of each street.

    Sums of savings, unknown where one pipe's is; length-weighted means of years; main system and diameters by length.

    Parameters
    ----------
    pipe : DataFrame
        Pipes with `street_id`, `layer`, `system`, `length_m`, diameters, flows, savings and `replacement_year`.

    Returns
    -------
    DataFrame
        By `street_id`.
    """
    own = pipe[pipe["street_id"].notna() & (pipe["layer"] != "pressure")].copy()
    foul = own[own["system"].isin(("vuilwater", "gemengd"))]
    # Where a combined sewer lies beside a rain sewer, it is the combined one that rain can be taken off.
    mixed = own["street_id"].isin(own.loc[own["system"] == "gemengd", "street_id"])
    rain = own[(own["system"] == "gemengd") | (~mixed & (own["system"] != "vuilwater"))]
    money = [name for name in own.columns if name.startswith("saving_")]
    unknown = own[money].isna().groupby(own["street_id"]).any()
    table = own.groupby("street_id")[money].sum(min_count=1).mask(unknown)
    table["sewer_m"] = own.groupby("street_id")["length_m"].sum()
    for name, part in (("foul", foul), ("rain", rain)):
        table[f"{name}_system"] = longest(part, "system")
        for scenario in SCENARIOS:
            column = "diameter_as_is_mm" if scenario == "as_is" else f"diameter_{scenario}_{_FULL}_mm"
            table[f"{name}_{column}"] = longest(part, column)
        for share in PARTS:
            table[f"{name}_diameter_grey_off_{share}_mm"] = longest(part, f"diameter_grey_off_{share}_mm")
        table[f"{name}_diameter_storm_08_mm"] = longest(part, "diameter_storm_08_mm")
        table[f"{name}_present_mm"] = longest(part, "diameter_mm")
        table[f"{name}_at_minimum"] = (part["diameter_as_is_mm"] <= part["minimum_mm"]).groupby(part["street_id"]).all()
    table["replacement_year"] = weighted(own, "replacement_year")
    table["cleansing"] = longest(foul, "cleansing")
    return table


def longest(pipe: pd.DataFrame, column: str) -> pd.Series:
    """Value of a column that holds over the greatest length of each street's pipes.

    Parameters
    ----------
    pipe : DataFrame
        `street_id`, `length_m` and the column.
    column : str
        What to summarise.
    """
    length = pipe.groupby(["street_id", column])["length_m"].sum().reset_index().sort_values("length_m", kind="stable")
    return length.drop_duplicates("street_id", keep="last").set_index("street_id")[column]


def weighted(pipe: pd.DataFrame, column: str) -> pd.Series:
    """Length-weighted mean of a column per street; unknown values do not count.

    Parameters
    ----------
    pipe : DataFrame
        `street_id`, `length_m` and the column.
    column : str
        What to average.
    """
    valued = pipe[pipe[column].notna()]
    top = (valued[column] * valued["length_m"]).groupby(valued["street_id"]).sum()
    return top / valued.groupby("street_id")["length_m"].sum()


def grey_reason(street: pd.DataFrame) -> Objects:
    """Why grey water saves pipe or not, one code per street.

    Parameters
    ----------
    street : DataFrame
        `homes`, `foul_system`, `foul_at_minimum`, `saving_grey_off_eur`.
    """
    saving = street["saving_grey_off_eur"].to_numpy(dtype=float)
    return _first_that_holds(
        [
            ("no_homes", _is(street["homes"] == 0)),
            ("no_sewer", _is(street["foul_system"].isna())),
            ("unknown", np.isnan(saving)),
            ("saves", saving > 1),
            ("rain_sizes_it", _is(street["foul_system"] == "gemengd")),
            ("minimum_diameter", _is(street["foul_at_minimum"])),
            ("same_size", np.ones(len(street), dtype=bool)),
        ]
    )


def rain_reason(street: pd.DataFrame) -> Objects:
    """Why taking rain off saves pipe or not, one code per street.

    Parameters
    ----------
    street : DataFrame
        `rain_system`, `rain_at_minimum`, `paved_sewer_m2`, `saving_rain_off_eur`.
    """
    saving = street["saving_rain_off_eur"].to_numpy(dtype=float)
    return _first_that_holds(
        [
            ("no_sewer", _is(street["rain_system"].isna())),
            ("already_separate", _is(street["rain_system"] != "gemengd")),
            ("no_paving", _is(street["paved_sewer_m2"] <= 0)),
            ("unknown", np.isnan(saving)),
            ("saves", saving > 1),
            ("minimum_diameter", _is(street["rain_at_minimum"])),
            ("same_size", np.ones(len(street), dtype=bool)),
        ]
    )


def _is(condition: pd.Series) -> Bools:
    return np.asarray(condition.fillna(False).astype(bool), dtype=bool)


def _first_that_holds(cases: list[tuple[str, Bools]]) -> Objects:
    return np.asarray(
        np.select([hit for _, hit in cases], [code for code, _ in cases], default="unknown"), dtype=object
    )


def discharge_rule(foul_distance_m: Floats, *, rule_m: float) -> Objects:
    """Say per home whether a foul or combined sewer lies within the distance of the old 40 m rule.

    The rule itself (Blah art. 7: no discharge into the soil where a sewer is near) lapsed on 1 January 2024, with the
    Omgevingswet; what holds now is in the municipality's own plan, so the code says what lies there, not what may be done.

    Parameters
    ----------
    foul_distance_m : array
        Distance to the nearest foul or combined sewer [m]; infinite where none lies within reach, NaN unknown.
    rule_m : float
        Distance of the rule [m].

    Returns
    -------
    array of str
        sewer_near, no_sewer_near, unknown.
    """
    word = np.where(foul_distance_m <= rule_m, "sewer_near", "no_sewer_near").astype(object)
    word[np.isnan(foul_distance_m)] = "unknown"
    return np.asarray(word, dtype=object)
