"""Design flows and the diameters they need: as it is, grey water off, rain off, both, at rising participation.

Grey water changes the foul flow only, rain water the run-off only; they meet in combined sewers (gemengd).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from kansenkaart.core.water.arrays import Bools, Floats, Objects
from kansenkaart.core.water.hydraulics import (
    STANDARD_DIAMETERS_MM,
    Friction,
    capacity_table,
    filling_at,
    shear_stress,
    smallest_diameter,
    velocity,
    wetted_section,
)
from kansenkaart.errors import ConfigError

SCENARIOS = ("as_is", "grey_off", "rain_off", "both")
PARTICIPATION = (0.25, 0.5, 0.75, 1.0)
_S_PER_H, _S_PER_DAY = 3600.0, 86_400.0
_M2_PER_HA = 10_000.0


@dataclass(frozen=True)
class DesignRules:
    """Dutch design rules for gravity sewers; the defaults are RIONED, "overzicht maatstaven en ontwerpgrondslagen".

    Parameters
    ----------
    dwa_peak_l_per_person_h : float
        Household waste water at the peak [l/person/h].
    grey_frac : float
        Grey share of household waste water [1].
    rain_l_per_s_ha : float
        Stationary rain [l/s/ha]; 60 on flat ground, 90 on slopes.
    rain_off_max_frac : float
        Share of the paved area that can be taken off at full participation [1] (RIONED: to at most 75 %).
    filling_foul, filling_full : float
        Allowed filling of foul sewers and of sewers that carry rain [1].
    min_foul_mm, min_rain_mm : float
        Smallest diameter that is built: foul; combined and rain [mm].
    slope_default : float
        Slope where levels are unknown [1]; between 1:250 and 1:1000 (guess: 1:500).
    slope_min : float
        Flatter, level or adverse measured slopes count as this [1] (1:1000).
    shear_min_n_per_m2 : float
        Shear that keeps a sewer clean [N/m2].
    diameters_mm : tuple of float
        Standard diameters [mm].
    friction : Friction
        The law of friction.
    """

    dwa_peak_l_per_person_h: float = 10.0
    grey_frac: float = 60.1 / 128.1
    rain_l_per_s_ha: float = 60.0
    rain_off_max_frac: float = 0.75
    filling_foul: float = 0.5
    filling_full: float = 1.0
    min_foul_mm: float = 200.0
    min_rain_mm: float = 250.0
    slope_default: float = 1 / 500
    slope_min: float = 1 / 1000
    shear_min_n_per_m2: float = 1.0
    diameters_mm: tuple[float, ...] = STANDARD_DIAMETERS_MM
    friction: Friction = field(default_factory=Friction)

    def __post_init__(self) -> None:
        shares = (self.grey_frac, self.rain_off_max_frac, self.filling_foul, self.filling_full)
        if min(shares) < 0 or max(shares) > 1:
            raise ConfigError("shares and fillings between 0 and 1", found=str(shares), where="DesignRules")
        if not 0 < self.slope_min <= self.slope_default:
            raise ConfigError("0 < slope_min <= slope_default", found=str(self.slope_min), where="DesignRules")


def dry_flow(people: npt.ArrayLike, *, participation: float, rules: DesignRules) -> Floats:
    """Peak household waste water [l/s] when a share of the homes keeps its grey water.

    Parameters
    ----------
    people : array_like
        Inhabitants upstream [person].
    participation : float
        Share of homes that takes part [1].
    rules : DesignRules
        Peak [l/person/h] and grey share [1].
    """
    heads = np.asarray(people, dtype=float)
    return np.asarray(heads * rules.dwa_peak_l_per_person_h / _S_PER_H * (1 - participation * rules.grey_frac))


def harmon_peak(people: npt.ArrayLike, *, total_l_per_person_day: float) -> Floats:
    """Peak household waste water [l/s] by the number of people behind a pipe: few people peak more sharply than many.

    Peak factor over the mean of the day: 1 + 14 / (4 + sqrt(people / 1000)) (Harmon 1918; Recommended Standards for
    Wastewater Facilities, "Ten States Standards", 11.24): 4.5 for a few, 3.8 for a thousand, 2.9 for ten thousand.

    Parameters
    ----------
    people : array_like
        Inhabitants upstream [person].
    total_l_per_person_day : float
        All household water [l/person/day].
    """
    heads = np.asarray(people, dtype=float)
    factor = 1 + 14 / (4 + np.sqrt(heads / 1000))
    return np.asarray(heads * total_l_per_person_day / _S_PER_DAY * factor)


def rain_flow(paved_m2: npt.ArrayLike, *, participation: float, rules: DesignRules) -> Floats:
    """Stationary run-off [l/s] when a share of the paved area is taken off.

    Parameters
    ----------
    paved_m2 : array_like
        Connected paved area upstream [m2].
    participation : float
        Share of owners that takes part [1].
    rules : DesignRules
        Rain [l/s/ha] and the largest share that can come off [1].
    """
    area = np.asarray(paved_m2, dtype=float)
    left = 1 - participation * rules.rain_off_max_frac
    return np.asarray(area / _M2_PER_HA * rules.rain_l_per_s_ha * left)


def design_slope(slope: npt.ArrayLike, *, rules: DesignRules) -> tuple[Floats, Objects]:
    """Slope to design with [1] and its basis: levels, flat (counted as the smallest slope), assumed.

    Parameters
    ----------
    slope : array_like
        Drop per length along the flow [1]; NaN unknown.
    rules : DesignRules
        Default and smallest slope [1].
    """
    measured = np.asarray(slope, dtype=float)
    unknown = np.isnan(measured)
    flat = ~unknown & (measured < rules.slope_min)
    basis = np.where(unknown, "assumed", np.where(flat, "flat", "levels")).astype(object)
    return np.where(unknown, rules.slope_default, np.maximum(measured, rules.slope_min)), basis


def scenario_shares(scenario: str, *, participation: float) -> tuple[float, float]:
    """Participation in grey water and in rain water [1] of a scenario.

    Parameters
    ----------
    scenario : str
        One of `SCENARIOS`.
    participation : float
        Share that takes part [1].

    Raises
    ------
    ConfigError
        If the scenario is another.
    """
    if scenario not in SCENARIOS or not 0 <= participation <= 1:
        raise ConfigError(f"one of {SCENARIOS} at 0-1", found=f"{scenario}, {participation}", where="scenario_shares")
    grey = participation if scenario in ("grey_off", "both") else 0.0
    rain = participation if scenario in ("rain_off", "both") else 0.0
    return grey, rain


def design_diameters(
    load: pd.DataFrame,
    *,
    slope: npt.ArrayLike,
    rules: DesignRules,
    participation: tuple[float, ...] = PARTICIPATION,
) -> pd.DataFrame:
    """Design flow [l/s] and smallest standard diameter [mm] of each pipe for every scenario and participation.

    Parameters
    ----------
    load : DataFrame
        `system`, `people` and `paved_m2` that pass each pipe.
    slope : array_like
        Design slope of each pipe [1], from `design_slope`.
    rules : DesignRules
        The rules of design.
    participation : tuple of float
        Shares that take part [1].

    Returns
    -------
    DataFrame
        Columns `flow_<scenario>_<percent>_l_per_s` and `diameter_<scenario>_<percent>_mm`; as_is has no percent.
    """
    system = load["system"].to_numpy()
    foul_only = np.asarray(system == "vuilwater", dtype=bool)
    floor = np.where(foul_only, rules.min_foul_mm, rules.min_rain_mm)
    allowed = np.where(foul_only, rules.filling_foul, rules.filling_full)
    capacity = capacity_table(slope, filling=allowed, diameters_mm=rules.diameters_mm, friction=rules.friction)
    out: dict[str, Floats] = {}
    for scenario, share, label in _cases(participation):
        grey, rain = scenario_shares(scenario, participation=share)
        wanted = pipe_flow(load, grey=grey, rain=rain, rules=rules)
        out[f"flow_{label}_l_per_s"] = wanted
        out[f"diameter_{label}_mm"] = smallest_diameter(
            wanted, capacity_l_per_s=capacity, minimum_mm=floor, diameters_mm=rules.diameters_mm
        )
    return pd.DataFrame(out, index=load.index)


def _cases(participation: tuple[float, ...]) -> list[tuple[str, float, str]]:
    later = [(name, share, f"{name}_{round(share * 100)}") for name in SCENARIOS[1:] for share in participation]
    return [("as_is", 0.0, "as_is"), *later]


def pipe_flow(load: pd.DataFrame, *, grey: float, rain: float, rules: DesignRules) -> Floats:
    """Design flow of each pipe [l/s]: household peak plus run-off, as far as its system carries them.

    Parameters
    ----------
    load : DataFrame
        `system`, `people` and `paved_m2` that pass each pipe.
    grey, rain : float
        Share that takes part in grey water and in rain water [1].
    rules : DesignRules
        The rules of design.
    """
    system = load["system"].to_numpy()
    foul = dry_flow(load["people"], participation=grey, rules=rules)
    storm = rain_flow(load["paved_m2"], participation=rain, rules=rules)
    return np.asarray(np.where(system == "vuilwater", foul, foul + storm), dtype=float)


def self_cleansing(
    load: pd.DataFrame, *, slope: npt.ArrayLike, before_mm: Floats, after_mm: Floats, rules: DesignRules
) -> pd.DataFrame:
    """Say what less foul water does to a pipe's cleaning: velocity [m/s] and shear [N/m2] at the dry peak, before and after.

    Parameters
    ----------
    load : DataFrame
        `system` and `people` that pass each pipe.
    slope : array_like
        Design slope [1].
    before_mm, after_mm : array
        Diameter now, and after all grey water is off [mm].
    rules : DesignRules
        The rules of design.

    Returns
    -------
    DataFrame
        `velocity_before_m_per_s`, `velocity_after_m_per_s`, `shear_before_n_per_m2`, `shear_after_n_per_m2`, `cleansing`:
        clean, shrinks, keeps_size_may_silt, silts_already, not_foul, unknown.
    """
    speed, shear = zip(
        *[
            _at_peak(dry_flow(load["people"], participation=share, rules=rules), size, slope, rules)
            for share, size in ((0.0, before_mm), (1.0, after_mm))
        ],
        strict=True,
    )
    carries = load["system"].isin(("vuilwater", "gemengd")).to_numpy()
    word = _verdict(shear[0], shear[1], np.asarray(after_mm < before_mm, dtype=bool), rules.shear_min_n_per_m2)
    word[~carries] = "not_foul"
    return pd.DataFrame(
        {
            "velocity_before_m_per_s": speed[0],
            "velocity_after_m_per_s": speed[1],
            "shear_before_n_per_m2": shear[0],
            "shear_after_n_per_m2": shear[1],
            "cleansing": word,
        },
        index=load.index,
    )


def _at_peak(flow: Floats, size: Floats, slope: npt.ArrayLike, rules: DesignRules) -> tuple[Floats, Floats]:
    level = filling_at(flow, diameter_mm=size, slope=slope, friction=rules.friction)
    _, radius = wetted_section(level, diameter_m=size / 1000)
    return velocity(radius, slope=slope, friction=rules.friction), shear_stress(level, diameter_mm=size, slope=slope)


def _verdict(before: Floats, after: Floats, shrinks: Bools, limit: float) -> Objects:
    kept = np.where(after >= limit, "clean", np.where(before < limit, "silts_already", "keeps_size_may_silt"))
    word = np.where(shrinks, "shrinks", kept).astype(object)
    word[np.isnan(before) | np.isnan(after)] = "unknown"
    return np.asarray(word, dtype=object)
