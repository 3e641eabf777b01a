"""The embedded examples: an invented town and a small invented field, in the publishers' own formats.

Nothing of them exists: municipality 9999 is called Voorbeeldstad, and every table says so. They go through the same
readers as real data. The town is what `kansenkaart demo` shows, designed anew each time: `town` draws streets and quarters,
`lots` what stands along them, `buildings` roofs and addresses, `terrain` ground and heights, `sewer` the pipes; `registers`
and `statistics` write it as publishers do. The field, the fast fixture of the tests, was drawn once and is kept as rows of
``data/proefveld.json.gz``; only the design of its sewer is worked out here. Their weather was drawn once too, with the sums of
Heino (see the assumptions): 1,030 kWh/m2, 769 mm of rain and 586 mm of evaporation a year.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from shapely.geometry import Polygon

from kansenkaart.errors import ConfigError
from kansenkaart.sources.example import buildings, lots, registers, sewer, statistics, terrain, town
from kansenkaart.sources.example.model import Buurt, Home, Model, Node, Pand, Part, Pipe, Tree, World

#: 480,000 homes are 116 towns or 465 fields; codes of wijken suffice for so many.
MAX_SCALE = 480
FIELD, FIELD_CLUSTER = "proefveld", "01"

__all__ = ["world", "write_example"]


@lru_cache(maxsize=4)
def world(name: str = FIELD, scale: int = 1) -> World:
    """Design an example; the same on every machine.

    Parameters
    ----------
    name : str, optional
        ``voorbeeld``, the town, of which no two are equal; or ``proefveld``, whose copies are.
    scale : int, optional
        How many places side by side [1], from 1 to `MAX_SCALE`.

    Raises
    ------
    ConfigError
        If the scale is out of range.
    """
    if not 1 <= scale <= MAX_SCALE:
        raise ConfigError(
            f"a scale from 1 to {MAX_SCALE}", found=str(scale), where="example", remedy="choose 1, 4 or 16"
        )
    row = json.loads(_stored(f"{FIELD}.json")) if name == FIELD else town.table()
    models = (_field(row),) * scale if name == FIELD else tuple(_town(copy) for copy in range(scale))
    (wide, tall), (x, y) = row["size_m"], row["origin_rd_m"]
    return World(models, wide, tall, (x, y)) if name == FIELD else World(models, wide, tall, (x, y), 2, rough=True)


def _stored(name: str) -> bytes:
    """Read what was drawn once: the field, and ten years and one typical year of weather."""
    return gzip.decompress((files("kansenkaart") / "data" / f"{name}.gz").read_bytes())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _town(copy: int) -> Model:
    plan = town.plan(copy)
    made = lots.build(plan, copy)
    homes = buildings.addresses(made.panden, plan)
    parts, network = terrain.parts(plan, made), sewer.laid(plan, homes)
    in_cluster = {pand.number for pand in made.panden if "cluster" in pand.marks}
    mine = frozenset(home.number for home in homes if home.in_use and home.panden[0] in in_cluster)
    wijken = tuple(town.table()["wijken"])
    base = Model(made.panden, homes, parts, made.trees, network, plan.buurten, wijken, plan.streets, mine)
    missing, wrong, recoded = town.faults(network.pipes)
    return replace(base, unpublished=missing, misread=wrong, recoded=recoded, boats=plan.boats)


def _field(row: dict[str, Any]) -> Model:
    def table(name: str, kind: Callable[..., Any], **turns: Callable[[Any], Any]) -> list[Any]:
        facts = (dict(zip(row[name]["columns"], one, strict=True)) for one in row[name]["rows"])
        return [kind(**{key: turns.get(key, _tuples)(value) for key, value in one.items()}) for one in facts]

    panden = table("panden", Pand, marks=frozenset)
    homes = table("homes", Home)
    parts = table("parts", Part, shape=lambda rings: Polygon(rings[0], rings[1:]))
    buurten = tuple(table("buurten", Buurt, outline=Polygon))
    nodes = {node.key: node for node in table("nodes", Node)}
    persons = {one.key: one.household_size_persons for one in buurten}
    network = sewer.designed(table("pipes", Pipe), nodes, homes, persons)
    mine = frozenset(home.number for home in homes if home.in_use and home.quarter == FIELD_CLUSTER)
    streets = {key: (n, name) for key, (n, name, _) in row["streets"].items()}
    wijken = tuple(row["wijken"])
    return Model(panden, homes, parts, table("trees", Tree), network, buurten, wijken, streets, mine)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def write_example(folder: Path, *, name: str = FIELD, edition: str = "1", scale: int = 1) -> Path:
    """Write an example in the publishers' formats, the same bytes each time; return the folder.

    Parameters
    ----------
    folder : Path
        Where to write; made when absent. Below it: ``odata/<table>``, ``ogc``, ``3dbag``, ``ahn``, ``knmi``, ``epw``.
    name : str
        Which example.
    edition : str
        ``1``, or of the town ``2``: a year later.
    scale : int
        How many places side by side [1], from 1 to `MAX_SCALE`.

    Raises
    ------
    ConfigError
        If the scale is out of range, or there is no such edition.
    """
    editions = ("1",) if name == FIELD else ("1", "2")
    if edition not in editions:
        raise ConfigError(
            f"edition {' or '.join(editions)} of {name}",
            found=edition[:40],
            where="example",
            remedy="correct edition in the study",
        )
    places = world(name, scale)
    if edition == "2":
        places = replace(places, models=tuple(map(lots.a_year_later, places.models)))
    statistics.write_all(folder / "odata", places)
    _write(folder / "knmi" / "etmgeg_999.txt", _stored("example_knmi.txt"))
    registers.write_layers(folder / "ogc", places)
    registers.write_buildings(folder / "3dbag" / f"{name}.city.jsonl", places)
    terrain.write_heights(folder / "ahn", places)
    if name == FIELD:
        _write(folder / "epw" / f"{name}.epw", _stored(f"{FIELD}.epw"))
    else:
        statistics.write_own(folder / "eigen", places)
    return folder
