"""The whole neighbourhood put together once; every copy is this one, moved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from kansenkaart.sources.example import buildings, sewer, terrain


@dataclass(frozen=True)
class Model:
    """Everything that stands, lies or flows in one neighbourhood, in its own frame [m]."""

    panden: list[buildings.Pand]
    homes: list[buildings.Home]
    parts: list[terrain.Part]
    trees: list[terrain.Tree]
    network: sewer.Network


@lru_cache(maxsize=1)
def build() -> Model:
    """Build the neighbourhood; the same on every machine."""
    panden = buildings.panden()
    homes = buildings.homes(panden)
    return Model(panden, homes, terrain.parts(panden), terrain.trees(panden), sewer.network(homes))


def is_home(home: buildings.Home) -> bool:
    """Whether an address is a home in use.

    Parameters
    ----------
    home : buildings.Home
        An address.
    """
    return home.use == "woonfunctie" and home.status == "Verblijfsobject in gebruik"
