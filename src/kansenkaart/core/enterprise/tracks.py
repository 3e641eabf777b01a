"""Two ways to start: *short* (one large owner, a consortium, quick services) and *long* (a cooperative, many owners).

A track fits by conditions that can be seen in the data; an unknown condition counts as neither met nor missed and
lowers the basis. After the two Dutch examples: Bilgaard (a large owner with a renovation due, four firms, twenty
years) and Dieze-Oost (a cooperative, many owners, sewer replacement ahead).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from kansenkaart.core.enterprise.case import AreaFacts

#: The track on which places are compared: it takes no large owner for granted.
HEADLINE = "long"


@dataclass(frozen=True)
class TrackBounds:
    """From which values a condition is met; each a documented guess.

    Parameters
    ----------
    large_owner_frac : float
        Share of homes of one corporation from which it can decide alone [1].
    gallery_frac : float
        Share of gallery flats from which shared cleaning and heat make sense [1].
    renovation_within_years, sewer_within_years : float
        How near maintenance (short) and sewer replacement (long) should be [year].
    members_per_home_frac : float
        Members per home that carry a cooperative; Dieze-Oost has 122 of 2,125 = 0.057 [1].
    """

    large_owner_frac: float = 0.6
    gallery_frac: float = 0.3
    renovation_within_years: float = 5.0
    sewer_within_years: float = 15.0
    members_per_home_frac: float = 0.05


@dataclass(frozen=True)
class Condition:
    """One condition of a track: met, missed, or unknown (None)."""

    name: str
    met: bool | None


@dataclass(frozen=True)
class Track:
    """A track: its conditions, fit (share met of the known, NaN if none is known) [1]."""

    name: str
    conditions: tuple[Condition, ...]

    @property
    def fit_frac(self) -> float:
        """Share of the known conditions that are met [1]."""
        known = [one.met for one in self.conditions if one.met is not None]
        return sum(known) / len(known) if known else math.nan

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the conditions that are missed."""
        return tuple(one.name for one in self.conditions if one.met is False)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the conditions that are unknown."""
        return tuple(one.name for one in self.conditions if one.met is None)


@dataclass(frozen=True)
class Comparison:
    """Both tracks, and the one that fits better: ``short``, ``long``, ``equal`` or ``unknown``."""

    short: Track
    long: Track
    better: str


def compare_tracks(
    facts: AreaFacts, *, renovation_year: float, members: float, bounds: TrackBounds | None = None
) -> Comparison:
    """Return how well each track fits an area.

    Parameters
    ----------
    facts : AreaFacts
        What is known of the area.
    renovation_year : float
        Years from now to the owner's planned maintenance; NaN where unknown [year].
    members : float
        Members of a cooperative, or people ready to be; NaN where unknown [1].
    bounds : TrackBounds, optional
        From which values a condition is met.
    """
    at = bounds or TrackBounds()
    owned_by_corporation = facts.corporation_homes / facts.homes
    gallery = facts.gallery_flats / facts.homes
    short = Track(
        "short",
        (
            Condition("large_owner", _at_least(owned_by_corporation, at.large_owner_frac)),
            Condition("renovation_due", _at_least(at.renovation_within_years, renovation_year)),
            Condition("shared_galleries", _at_least(gallery, at.gallery_frac)),
        ),
    )
    long = Track(
        "long",
        (
            Condition("many_owners", _not(_at_least(owned_by_corporation, at.large_owner_frac))),
            Condition("sewer_replacement_ahead", _at_least(at.sewer_within_years, facts.sewer_saving_year)),
            Condition("members", _at_least(members / facts.homes, at.members_per_home_frac)),
            Condition("roofs_for_panels", _at_least(_panels(facts), math.ulp(0.0))),
        ),
    )
    return Comparison(short, long, _better(short.fit_frac, long.fit_frac))


def _panels(facts: AreaFacts) -> float:
    """Return the panels that the homes can use, on roofs of residents and of associations at least [kWp]."""
    rented = (facts.pv_corporation_kwp, facts.pv_corporation_house_kwp)
    return facts.pv_own_kwp + facts.pv_association_kwp + sum(0.0 if math.isnan(kwp) else kwp for kwp in rented)


def _at_least(value: float, bound: float) -> bool | None:
    return None if math.isnan(value) or math.isnan(bound) else value >= bound


def _not(met: bool | None) -> bool | None:
    return None if met is None else not met


def _better(short: float, long: float) -> str:
    if math.isnan(short) or math.isnan(long):
        return "unknown"
    if short == long:
        return "equal"
    return "short" if short > long else "long"
