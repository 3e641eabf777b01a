"""Which services an enterprise takes on: those that carry themselves, apart from those that only others gain by.

The outcome is the sum of the services, each with its own loan, less what running the enterprise costs. So a service can be
judged alone. The choice is made on the middle values and then held while all figures vary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kansenkaart.core.enterprise.case import ROOFS, Case
from kansenkaart.core.enterprise.linear import (
    OUTCOMES,
    PARTY_COUNT,
    Units,
    names_of,
    organisation_outcomes,
    service_outcomes,
)
from kansenkaart.core.enterprise.solar_rent import needs_of, solar_name

Array = NDArray[np.float64]
_ENTERPRISE = OUTCOMES.index("enterprise")


@dataclass(frozen=True)
class ServiceResult:
    """What one service leaves alone, as equal yearly amounts in money of now, one value per place [EUR/year].

    Parameters
    ----------
    name : str
        The service.
    known : array of bool
        Whether the facts that drive it are known.
    parties : array
        What household, enterprise, owner of the roof and municipality gain, its own loan paid; shape (4, places).
    drivers : tuple of str
        The facts without which it cannot be summed.
    """

    name: str
    known: NDArray[np.bool_]
    parties: Array
    drivers: tuple[str, ...] = ()

    @property
    def enterprise(self) -> Array:
        """What it leaves the enterprise [EUR/year]."""
        return np.asarray(self.parties[_ENTERPRISE])

    @property
    def local(self) -> Array:
        """What all parties of the place gain together [EUR/year]."""
        return np.asarray(self.parties.sum(axis=0))

    @property
    def earns(self) -> NDArray[np.bool_]:
        """Whether it leaves the enterprise more than nothing."""
        return self.known & (self.enterprise > 0)

    @property
    def social(self) -> NDArray[np.bool_]:
        """Whether the enterprise loses by it while the place as a whole gains."""
        return self.known & ~self.earns & (self.local > 0)


def drivers_of(case: Case, name: str) -> tuple[str, ...]:
    """Return the facts without which a service cannot be summed."""
    roofs = next((one for one in ROOFS if solar_name(one) == name), None)
    if roofs is not None:
        return needs_of(roofs)
    return (next(one.driver for one in case.services if one.name == name),)


def with_package(case: Case, names: Sequence[str]) -> Case:
    """Return the case with these services chosen and the others switched off.

    Parameters
    ----------
    case : Case
        With all services.
    names : sequence of str
        Of the services to keep.
    """
    services = tuple(replace(one, chosen=float(one.name in names)) for one in case.services)
    solar = {f"terms.solar_{roofs}_chosen": float(solar_name(roofs) in names) for roofs in ROOFS}
    return replace(case, services=services).with_inputs(solar)


def service_results(units: Units, facts: Mapping[str, Array]) -> tuple[ServiceResult, ...]:
    """Return what each service leaves alone in each of many places, at the middle values.

    Parameters
    ----------
    units : Units
        Of the middle values: one draw.
    facts : mapping of str to array
        Facts by name, one value per place.
    """
    found = []
    for name in names_of(units.case):
        drivers = drivers_of(units.case, name)
        known = np.all([~np.isnan(facts[one]) for one in drivers], axis=0)
        parties = service_outcomes(units, name, facts)[:PARTY_COUNT, :, 0]
        found.append(ServiceResult(name, known, parties, drivers))
    return tuple(found)


def package_outcomes(units: Units, facts: Mapping[str, Array], chosen: Mapping[str, NDArray[np.bool_]]) -> Array:
    """Return the outcome of each place with its own package, shape (outcomes, places, draws).

    Parameters
    ----------
    units : Units
        What one unit brings.
    facts : mapping of str to array
        Facts by name; one value per place, or per place and draw.
    chosen : mapping of str to array of bool
        Per service the places that take it on.
    """
    total = organisation_outcomes(units, facts["homes"])
    for name, where in chosen.items():
        if where.any():
            total = total + service_outcomes(units, name, facts) * where[None, :, None]
    return np.asarray(total)


def participation_needed(half: Array, full: Array) -> Array:
    """Return from which participation the enterprise earns its keep in each place [1]; NaN where it never does.

    The value is a straight line in participation, but for what starts as soon as anyone takes part (the fixed overhead,
    contracts of municipality and owners): two points give it exactly.

    Parameters
    ----------
    half, full : array
        What the enterprise keeps when half of the homes and when all take part, one value per place [EUR/year].
    """
    slope = (full - half) * 2
    with np.errstate(divide="ignore", invalid="ignore"):
        share = 1 - full / slope
    rising = np.where((slope > 0) & (share <= 1), np.maximum(share, 0.0), np.nan)
    # Where more participants cost more than they bring, it earns from the first one on or never.
    return np.where((slope <= 0) & (full - slope >= 0), 0.0, rising)
