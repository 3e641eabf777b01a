"""Statistics of an invented place as CBS OData v3 gives them, two editions of Kerncijfers, and lists as people type them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from kansenkaart.sources.example.model import MUNICIPALITY_NAME, Buurt, Model, Value, World, identifier, numbered

OWNED = ("corporatie Voorbeeldwonen",)
RENTED = (*OWNED, "vereniging van eigenaren")
CODE_WIDTH = 10
#: Below so many homes CBS gives counts only; the map service writes numbers of its own for what is secret and what is not there.
SECRET_BELOW_HOMES, SECRET, ABSENT = 20, -99995, -99997
FIGURES = ("woz", "older", "power", "gas", "heat", "solar", "income", "aged", "area")
OPEN = ("inhabitants", "aged", "homes", "area")
TABLES = {"85984NED": 2024, "86165NED": 2025}
LATE_GROUPS = ("Energie", "Inkomen")


@lru_cache(maxsize=1)
def _columns() -> list[dict[str, str]]:
    """Read the columns of Kerncijfers, as CBS numbers and names them."""
    text = (files("kansenkaart") / "data" / "example_columns.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@lru_cache(maxsize=1)
def constants() -> dict[str, Any]:
    """Read what the registers say of all their rows alike."""
    read: dict[str, Any] = json.loads((files("kansenkaart") / "data" / "example_constants.json").read_text("utf-8"))
    return read


def _counted(model: Model, q: Buurt) -> dict[str, Value]:
    """Count what the register holds of one buurt, and add what the designer says of it; little is published of few homes."""
    mine = [home for home in model.homes if home.quarter == q.key and home.in_use]
    stacked = {pand.number for pand in model.panden if pand.floors > 1}
    inhabitants = round(len(mine) * q.household_size_persons)

    def pct(picked: list[bool]) -> int:
        return round(100 * sum(picked) / len(mine))

    multi = pct([home.panden[0] in stacked for home in mine])
    rented = pct([home.owner in RENTED for home in mine])
    values: dict[str, Value] = dict(zip(FIGURES, (*q.figures, 9), strict=False))  # the field says nothing of its area
    values |= {
        "inhabitants": inhabitants,
        "aged": round(inhabitants * float(values["aged"] or 0)),
        "homes": len(mine),
        "size": q.household_size_persons,
        "single_pct": 100 - multi,
        "multi_pct": multi,
        "owned_pct": 100 - rented,
        "rented_pct": rented,
        "corporation_pct": pct([home.owner in OWNED for home in mine]),
    }
    few = len(mine) < SECRET_BELOW_HOMES
    return {name: value if name in OPEN or not few else None for name, value in values.items()}


def _row(model: Model, q: Buurt, year: int) -> dict[str, Value]:
    """Give all figures of one buurt by column, without the late groups in the newest edition."""
    values, late = _counted(model, q), year == max(TABLES.values())
    return {
        _key(column, year): None if late and column["group"] in LATE_GROUPS else values[column["value"]]
        for column in _columns()
    }


def _key(column: dict[str, str], year: int) -> str:
    return f"{column['key']}_{column[f'number_{year}']}"


def map_figures(model: Model, q: Buurt) -> dict[str, Value]:
    """Figures of one buurt that the map service of 2025 carries; unknown is a number of its own."""
    values = {name: SECRET if value is None else value for name, value in _counted(model, q).items()}
    return {key: values[name] if name else ABSENT for key, name in constants()["map"].items()}


def _whole(rows: list[dict[str, Value]]) -> dict[str, Value]:
    """Add what can be added; averages of the whole are left unknown."""
    sums = ("AantalInwoners", "k_65", "HuishoudensTotaal", "Woningvoorraad", "OppervlakteTotaal")
    return {key: sum(int(r[key] or 0) for r in rows) if key.startswith(sums) else None for key in rows[0]}


def _regions(world: World, year: int) -> Iterator[tuple[str, str, str, dict[str, Value]]]:
    """Give code, kind, name and figures of the municipality, then of each wijk and its buurten."""
    rows = [{q.key: _row(model, q, year) for q in model.buurten} for model in world.models]
    every = [(copy, n, name) for copy, model in enumerate(world.models) for n, name in enumerate(model.wijken)]
    mine = {(copy, n): [q for q in world.models[copy].buurten if q.wijk == n] for copy, n, _ in every}
    wijken = [(copy, n, name, [rows[copy][q.key] for q in mine[copy, n]]) for copy, n, name in every]
    whole = _whole([_whole(values) for _, _, _, values in wijken])
    yield constants()["area"]["gemeentecode"], "Gemeente", MUNICIPALITY_NAME, whole
    for copy, n, name, values in wijken:
        yield world.wijkcode(copy, n), "Wijk", numbered(name, copy), _whole(values)
        for q in mine[copy, n]:
            code = world.buurtcode(copy, q.key)
            if year == min(TABLES.values()):
                code = code[:-2] + world.models[copy].recoded.get(q.key, q.key)
            yield code, "Buurt", numbered(q.name, copy), rows[copy][q.key]


def data_set(world: World, year: int) -> list[dict[str, Value]]:
    """Rows of the table of a year: municipality, then each wijk and its buurten; codes padded to ten characters."""
    return [
        {
            "ID": n,
            "WijkenEnBuurten": code.ljust(CODE_WIDTH),
            "Gemeentenaam_1": MUNICIPALITY_NAME.ljust(40),
            "SoortRegio_2": kind.ljust(CODE_WIDTH),
            "Codering_3": code.ljust(CODE_WIDTH),
            **values,
        }
        for n, (code, kind, _, values) in enumerate(_regions(world, year))
    ]


def _properties(year: int) -> list[dict[str, Any]]:
    meta = constants()
    out = [meta["property"] | one | {"ID": n, "Position": n} for n, one in enumerate(meta["head"])]
    groups: dict[str, int] = {}
    for column in _columns():
        rows = [{"Type": "Topic", "Key": _key(column, year), "Title": column["title"], **_kind(column)}]
        if column["group"] not in groups:
            groups[column["group"]] = len(out)
            rows.insert(0, {"Type": "TopicGroup", "Title": column["group"]})
        for one in rows:
            place = {"ID": len(out), "Position": len(out), "odata.type": f"Cbs.OData.{one['Type']}"}
            parent = {"ParentID": groups[column["group"]]} if one["Type"] == "Topic" else {}
            out.append(meta["property"] | one | place | parent)
    return out


def _kind(column: dict[str, str]) -> dict[str, Any]:
    kind = {"Datatype": "Float" if int(column["decimals"]) else "Long", "Decimals": int(column["decimals"])}
    return {**kind, "Unit": column["unit"], "Default": "None"}


def write_all(folder: Path, world: World) -> None:
    """Write both editions of all places as OData JSON below a folder."""
    whole = constants()["area"]["gemeentecode"]
    for table, year in TABLES.items():
        about = json.dumps(constants()["info"]).replace("{table}", table).replace("{year}", str(year))
        parts: dict[str, list[dict[str, Any]]] = {
            "TableInfos": [json.loads(about)],
            "DataProperties": _properties(year),
            "TypedDataSet": data_set(world, year),
            "WijkenEnBuurten": [
                {"Key": code.ljust(CODE_WIDTH), "Title": name, "Description": "", "Municipality": whole}
                for code, _, name, _ in _regions(world, year)
            ],
        }
        (folder / table).mkdir(parents=True, exist_ok=True)
        for name, value in parts.items():
            address = f"https://opendata.cbs.nl/ODataApi/OData/{table}/$metadata#Cbs.OData.WebAPI.{name}"
            said = {"odata.metadata": address, "value": value}
            text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            (folder / table / f"{name}.json").write_text(text + "\n", encoding="utf-8", newline="\n")


# What a corporation and a municipality send.

#: The wijk whose ownership is told, and the first year of maintenance in the list.
OWN_WIJK, OWN_FIRST_YEAR = 1, 2028


def write_own(folder: Path, world: World) -> None:
    """Write what a corporation (of one wijk only) and a municipality would send, as people type it, for the first place."""
    model = world.models[0]
    where = {one.key for one in model.buurten if one.wijk == OWN_WIJK}
    mine = [pand for pand in model.panden if pand.owner in OWNED and pand.quarter in where]
    rows = []
    for n, pand in enumerate(mine):
        key, year = identifier("pand", 0, pand.number), OWN_FIRST_YEAR + (pand.number * 7) % 9
        spelled = f"NL.IMBAG.Pand.{key}" if n % 7 == 3 else key
        due = "volgend jaar" if n % 97 == 5 else f"31-12-{year}" if n % 11 == 0 else year
        rows.append(f"{spelled};{pand.owner};{2027 if 'cluster' in pand.marks else due}")
    rows += [*rows[:2], f"{identifier('pand', 0, 999999)};{mine[0].owner};2030"]
    folder.mkdir(parents=True, exist_ok=True)
    typed = constants()["typed"].items()
    for (name, head), body, encoding in zip(typed, (rows, []), ("utf-8-sig", "cp1252"), strict=True):
        (folder / name).write_text("\n".join([*head, *body, ""]), encoding=encoding, newline="\r\n")
