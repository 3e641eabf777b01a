"""What holds for all places of a study on one track: case, units in joint draws, package, and how facts move.

Score makes it from the tables and the report makes it again from what is stored, so both say the same to the euro.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from kansenkaart.core.enterprise.case import AreaFacts, Case, Figures, ServiceFigures, Span, case_from, spans_of
from kansenkaart.core.enterprise.linear import OUTCOMES, Array, Units, units_of
from kansenkaart.core.enterprise.package import Facts, package_of, package_outcomes, participation_needed
from kansenkaart.core.enterprise.uncertainty import draw, draw_facts

DRAWS, SEED = 500, 20
#: Facts that move together in the draws; what fits on roofs has a range of its own in each place.
FACT_GROUPS: dict[str, tuple[str, ...]] = {
    "roofs": tuple(name for name in AreaFacts().__dict__ if name.startswith("pv_")),
    "people": ("households", "inhabitants", "people_65_plus"),
    "green": ("green_m2",),
    "paved": ("paved_connected_m2",),
    "water": ("reused_m3_per_year", "sewer_saving_eur", "sewer_saving_rain_eur"),
}
#: Figures with the half width of the 80 % interval around each group [1].
RANGES = {
    "roofs": "fact_range_roofs",
    "people": "fact_range_people",
    "green": "fact_range_green",
    "paved": "fact_range_paved",
    "water": "fact_range_water",
}
#: What areas can be chosen by, and whose gains make it up.
CRITERIA: dict[str, tuple[str, ...]] = {
    "stays": ("household", "enterprise"),
    "enterprise": ("enterprise",),
    "local": ("household", "enterprise", "roof_owner", "municipality"),
}
_SHARE = "terms.participation_frac"
_FIRM = OUTCOMES.index("enterprise")


@dataclass(frozen=True)
class Setting:
    """What holds for all places of a study on one track.

    Parameters
    ----------
    case : Case
        Terms and services; no facts.
    terms : mapping of str to array
        By path the draws of terms and figures of services, each in its own unit; half as many as there are draws, since
        the second half repeats them with the facts mirrored.
    moved : mapping of str to array
        By group of facts how far it moves in each draw, in half widths of its range [1].
    ranges : mapping of str to float
        By group of facts its half width [1].
    units : Units
        What one unit of each fact brings, per draw.
    package : tuple of str
        The services taken on.
    """

    case: Case
    terms: Mapping[str, Array]
    moved: Mapping[str, Array]
    ranges: Mapping[str, float]
    units: Units
    package: tuple[str, ...]

    def drawn(self, facts: Facts, roof_range: Array) -> Array:
        """Return the outcomes of each place in each draw, shape (outcomes, places, draws).

        Parameters
        ----------
        facts : mapping of str to array
            Facts by name, one value per place.
        roof_range : array
            Half width of the range of what fits on the roofs of each place; NaN where it has none of its own [1].
        """
        given = dict(facts)
        for group, names in FACT_GROUPS.items():
            half = np.full(len(roof_range), self.ranges[group])
            if group == "roofs":
                half = np.where(np.isnan(roof_range), half, roof_range)
            factor = 1 + half[:, None] * self.moved[group]
            given |= {name: facts[name][:, None] * factor for name in names}
        return package_outcomes(self.units, given, self.package)

    def contribution(self, drawn: Array, homes: Array) -> Array:
        """Return what each home that takes part would have to add for the enterprise to pay, shape (places, draws).

        Parameters
        ----------
        drawn : array
            Outcomes in each draw, of :meth:`drawn` [EUR/year].
        homes : array
            Homes of each place [1].

        Returns
        -------
        array
            What the enterprise lacks over the homes that take part in the same draw [EUR/home/year]; negative where it has
            money left.
        """
        each: Array = -drawn[_FIRM] / (homes[:, None] * np.tile(self.terms[_SHARE], 2))
        return each

    def participation_needed(self, facts: Facts) -> Array:
        """Return from which participation the enterprise is expected to earn its keep in each place [1]; NaN for never.

        Parameters
        ----------
        facts : mapping of str to array
            Facts by name, one value per place.
        """
        ends = []
        for share in (0.5, 1.0):
            units = units_of(self.case, dict(self.terms) | {_SHARE: np.full(DRAWS // 2, share)}).mean()
            ends.append(package_outcomes(units, facts, self.package)[_FIRM, :, 0])
        return participation_needed(*ends)

    def inputs_drawn(self) -> dict[str, Array]:
        """Return all that is drawn and counts, over all draws: terms and figures by path, facts by ``group.name``."""
        used = {"terms", *self.package}  # what a service outside the package costs moves nothing
        drawn = {path: np.tile(one, 2) for path, one in self.terms.items() if path.split(".")[0] in used}
        return drawn | {f"group.{name}": values for name, values in self.moved.items()}


def setting_of(
    track: str,
    *,
    figures: Figures,
    services: Sequence[ServiceFigures],
    totals: Facts | None = None,
    package: Sequence[str] = (),
) -> Setting:
    """Return what holds for all places of a study on one track.

    Parameters
    ----------
    track : str
        ``short`` or ``long``.
    figures : Figures
        Figures of the terms, and ranges of facts.
    services : sequence of ServiceFigures
        Figures of the services.
    totals : mapping of str to array, optional
        Facts of all places that are compared: the package is what carries itself over them together.
    package : sequence of str, optional
        The package, where it was chosen before.
    """
    case = case_from(AreaFacts(), assumptions=figures, services=services, track=track)
    spans = spans_of(case, assumptions=figures, services=services, track=track)
    terms, units = _units_drawn(case, tuple(spans.items()), DRAWS)
    chosen = tuple(package) if totals is None else package_of(units, totals)
    ranges = {group: figures.value(row, "1") for group, row in RANGES.items()}
    return Setting(case, terms, draw_facts(tuple(FACT_GROUPS), draws=DRAWS, seed=SEED), ranges, units, chosen)


@lru_cache(maxsize=4)
def _units_drawn(case: Case, spans: tuple[tuple[str, Span], ...], draws: int) -> tuple[Mapping[str, Array], Units]:
    """Half of the draws of terms and figures, and the units over all; scores and reports of a study ask for the same."""
    terms = {path: one[: draws // 2] for path, one in draw(case, dict(spans), draws=draws, seed=SEED).items()}
    units = {name: np.tile(one, (1, 2)) for name, one in units_of(case, terms).by_name.items()}
    return terms, Units(units, case)


def as_inputs(facts: pd.DataFrame) -> dict[str, Array]:
    """Return the facts of a case by name, one value per place.

    Parameters
    ----------
    facts : DataFrame
        A column per fact; one that is missing is unknown.
    """
    names = AreaFacts().__dict__
    return {name: facts[name].to_numpy(float) if name in facts else np.full(len(facts), np.nan) for name in names}
