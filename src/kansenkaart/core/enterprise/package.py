"""Which services an enterprise takes on, and what many places bring with it: expected values, draws, what is needed.

The outcome is the sum of the services, each with its own loan, less what running the enterprise costs. The package is the
same for all places that are compared: the services that leave the enterprise more than nothing over all of them together,
as the mean over the draws. So what a place brings is a sum over its facts, and that of an area the sum of its blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kansenkaart.core.enterprise.case import PANELS, Case
from kansenkaart.core.enterprise.linear import (
    FIXED,
    OUTCOMES,
    PARTY_COUNT,
    Array,
    Units,
    facts_of_service,
    names_of,
    organisation_outcomes,
    service_outcomes,
)
from kansenkaart.core.enterprise.solar_rent import MODELS
from kansenkaart.errors import ConfigError

Facts = Mapping[str, Array]
_ENTERPRISE = OUTCOMES.index("enterprise")


@dataclass(frozen=True)
class ServiceResult:
    """What one service leaves alone, as the mean over the draws: equal yearly amounts in money of now [EUR/year].

    Parameters
    ----------
    name : str
        The service.
    chosen : bool
        Whether it is part of the package.
    known : array of bool
        Per place, whether the facts that drive it are known.
    parties : array
        What household, enterprise, owner of the roof and municipality gain, its own loan paid; shape (4, places).
    drivers : tuple of str
        The facts without which it cannot be summed.
    """

    name: str
    chosen: bool
    known: NDArray[np.bool_]
    parties: Array
    drivers: tuple[str, ...]

    @property
    def enterprise(self) -> Array:
        """What it leaves the enterprise [EUR/year]."""
        return np.asarray(self.parties[_ENTERPRISE])

    @property
    def local(self) -> Array:
        """What all parties of the place gain together [EUR/year]."""
        return np.asarray(self.parties.sum(axis=0))

    @property
    def social(self) -> NDArray[np.bool_]:
        """Whether it is left out since the enterprise loses by it, while the place as a whole gains."""
        return np.asarray(self.known & (not self.chosen) & (self.enterprise <= 0) & (self.local > 0))


def drivers_of(case: Case, name: str) -> tuple[str, ...]:
    """Return the facts without which a service cannot be summed.

    Parameters
    ----------
    case : Case
        With the service.
    name : str
        The service.
    """
    return MODELS[name].needs if name in MODELS else facts_of_service(case, name)[:1]


def with_package(case: Case, names: Sequence[str]) -> Case:
    """Return the case with these services chosen and the others switched off.

    Parameters
    ----------
    case : Case
        With all services.
    names : sequence of str
        The services of the package.

    Raises
    ------
    ConfigError
        If one of them is no service.
    """
    there = (*PANELS, *(one.name for one in case.services))
    if strange := sorted(set(names) - set(there)):
        raise ConfigError(f"services of {sorted(there)}", found=", ".join(strange), where="package")
    services = tuple(replace(one, chosen=float(one.name in names)) for one in case.services)
    panels = {f"terms.{one}_chosen": float(one in names) for one in PANELS}
    return replace(case, services=services).with_inputs(panels)


def package_of(units: Units, facts: Facts) -> tuple[str, ...]:
    """Return the services that leave the enterprise more than nothing over all places together, as the mean over the draws.

    Parameters
    ----------
    units : Units
        What one unit brings.
    facts : mapping of str to array
        Facts by name, one value per place; where a service cannot be summed the place counts for nothing.
    """
    mean = units.mean()
    return tuple(
        name for name in names_of(units.case) if float(service_outcomes(mean, name, facts)[_ENTERPRISE].sum()) > 0
    )


def service_results(units: Units, facts: Facts, package: Sequence[str]) -> tuple[ServiceResult, ...]:
    """Return what each service leaves alone in each of many places, as the mean over the draws.

    Parameters
    ----------
    units : Units
        What one unit brings.
    facts : mapping of str to array
        Facts by name, one value per place.
    package : sequence of str
        The services taken on.
    """
    found, mean = [], units.mean()
    for name in names_of(units.case):
        drivers = drivers_of(units.case, name)
        known = np.all([~np.isnan(facts[one]) for one in drivers], axis=0)
        parties = service_outcomes(mean, name, facts)[:PARTY_COUNT, :, 0]
        found.append(ServiceResult(name, name in package, known, parties, drivers))
    return tuple(found)


def package_outcomes(units: Units, facts: Facts, package: Sequence[str]) -> Array:
    """Return the outcome of each place with the package, shape (outcomes, places, draws).

    Parameters
    ----------
    units : Units
        What one unit brings.
    facts : mapping of str to array
        Facts by name; one value per place, or per place and draw.
    package : sequence of str
        The services taken on.
    """
    total = organisation_outcomes(units, facts["homes"])
    for name in package:
        total = total + service_outcomes(units, name, facts)
    return np.asarray(total)


def fixed_outcomes(units: Units) -> Array:
    """Return what running the enterprise brings whatever its size, shape (outcomes, draws)."""
    return np.asarray(units.by_name[FIXED])


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
