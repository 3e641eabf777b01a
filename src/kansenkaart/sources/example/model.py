"""The whole neighbourhood put together once; every copy is this one, moved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from kansenkaart.sources.example import buildings, sewer, surface, terrain


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


@lru_cache(maxsize=1)
def grids() -> tuple[surface.Grid, surface.Grid]:
    """DSM and DTM of the neighbourhood."""
    model = build()
    return surface.surfaces(model.panden, model.trees, model.parts)


def is_home(home: buildings.Home) -> bool:
    """Whether an address is a home in use."""
    return home.use == "woonfunctie" and home.status == "Verblijfsobject in gebruik"
