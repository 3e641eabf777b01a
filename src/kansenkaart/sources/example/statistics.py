"""Statistics of an invented place as CBS OData v3 gives them, two editions of Kerncijfers, and lists as people type them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kansenkaart.sources.example.model import (
    MUNICIPALITY,
    MUNICIPALITY_NAME,
    Buurt,
    Model,
    Value,
    World,
    numbered,
    pand_id,
)

OWNED = ("corporatie Voorbeeldwonen",)
RENTED = (*OWNED, "vereniging van eigenaren")
CODE_WIDTH = 10
#: Below so many homes CBS gives counts only; the map service writes a number of its own for what is secret.
SECRET_BELOW_HOMES, SECRET = 20, -99995
# (key without number, number in 2024, number in 2025, title, unit, decimals, group)
COLUMNS: tuple[tuple[str, int, int, str, str, int, str], ...] = (
    ("AantalInwoners", 5, 5, "Aantal inwoners", "aantal", 0, "Bevolking"),
    ("k_65JaarOfOuder", 12, 12, "65 jaar of ouder", "aantal", 0, "Bevolking"),
    ("HuishoudensTotaal", 29, 29, "Huishoudens totaal", "aantal", 0, "Bevolking"),
    ("GemiddeldeHuishoudensgrootte", 33, 33, "Gemiddelde huishoudensgrootte", "aantal", 1, "Bevolking"),
    ("Woningvoorraad", 35, 35, "Woningvoorraad", "aantal", 0, "Wonen en vastgoed"),
    (
        "GemiddeldeWOZWaardeVanWoningen",
        39,
        39,
        "Gemiddelde WOZ-waarde van woningen",
        "x 1 000 euro",
        0,
        "Wonen en vastgoed",
    ),
    ("PercentageEengezinswoning", 40, 40, "Percentage eengezinswoning", "%", 0, "Wonen en vastgoed"),
    ("PercentageMeergezinswoning", 45, 45, "Percentage meergezinswoning", "%", 0, "Wonen en vastgoed"),
    ("Koopwoningen", 47, 47, "Koopwoningen", "%", 0, "Wonen en vastgoed"),
    ("HuurwoningenTotaal", 48, 48, "Huurwoningen totaal", "%", 0, "Wonen en vastgoed"),
    ("InBezitWoningcorporatie", 49, 49, "In bezit woningcorporatie", "%", 0, "Wonen en vastgoed"),
    ("BouwjaarMeerDanTienJaarGeleden", 51, 51, "Bouwjaar meer dan tien jaar geleden", "%", 0, "Wonen en vastgoed"),
    ("GemiddeldeElektriciteitsleveringTotaal", 53, 53, "Gemiddelde elektriciteitslevering totaal", "kWh", 0, "Energie"),
    ("GemiddeldAardgasverbruikTotaal", 55, 55, "Gemiddeld aardgasverbruik totaal", "m³", 0, "Energie"),
    ("PercentageWoningenMetStadsverwarming", 56, 56, "Percentage woningen met stadsverwarming", "%", 1, "Energie"),
    ("WoningenMetZonnestroom", 59, 59, "Woningen met zonnestroom", "%", 0, "Energie"),
    ("GemiddeldInkomenPerInwoner", 77, 78, "Gemiddeld inkomen per inwoner", "x 1 000 euro", 1, "Inkomen"),
    ("OppervlakteTotaal", 113, 115, "Oppervlakte totaal", "ha", 0, "Oppervlakte"),
)
TABLES = {"85984NED": 2024, "86165NED": 2025}
LATE_GROUPS = ("Energie", "Inkomen")


@dataclass(frozen=True)
class Figures:
    """Counts of one quarter [1] or [%]."""

    homes: int
    inhabitants: int
    multi_pct: int
    rented_pct: int
    corporation_pct: int


def count(model: Model, q: Buurt) -> Figures:
    """Count what the register holds of one quarter.

    Parameters
    ----------
    model : Model
        All of one neighbourhood.
    q : Buurt
        The buurt.
    """
    mine = [h for h in model.homes if h.quarter == q.key and h.in_use]
    stacked = {p.number for p in model.panden if p.floors > 1}
    share = [
        round(100 * sum(pick) / len(mine))
        for pick in (
            [h.panden[0] in stacked for h in mine],
            [h.owner in RENTED for h in mine],
            [h.owner in OWNED for h in mine],
        )
    ]
    return Figures(len(mine), round(len(mine) * q.household_size_persons), *share)


def row(model: Model, q: Buurt, year: int) -> dict[str, Value]:
    """All figures of one quarter by column, without the late groups in the newest edition.

    Parameters
    ----------
    model : Model
        All of one neighbourhood.
    q : Buurt
        The buurt.
    year : int
        Of the edition [year].
    """
    n = count(model, q)
    woz, older, power, gas, heat, solar, income, aged, area = (*q.figures, 9)[:9]
    values: list[Value] = [
        n.inhabitants,
        round(n.inhabitants * float(aged or 0)),
        n.homes,
        q.household_size_persons,
        n.homes,
        woz,
        100 - n.multi_pct,
        n.multi_pct,
        100 - n.rented_pct,
        n.rented_pct,
        n.corporation_pct,
        older,
        power,
        gas,
        heat,
        solar,
        income,
        area,
    ]
    if n.homes < SECRET_BELOW_HOMES:
        values[3], values[5:17] = None, [None] * 12
    late = year == max(TABLES.values())
    pairs = zip(COLUMNS, values, strict=True)
    return {_key(c, year): None if late and c[6] in LATE_GROUPS else v for c, v in pairs}


def _key(column: tuple[str, int, int, str, str, int, str], year: int) -> str:
    return f"{column[0]}_{column[1] if year == min(TABLES.values()) else column[2]}"


def map_figures(model: Model, q: Buurt) -> dict[str, Value]:
    """Figures that the map service of 2025 carries; unknown as its own number.

    Parameters
    ----------
    model : Model
        All of one neighbourhood.
    q : Buurt
        The buurt.
    """
    n = count(model, q)
    secret = n.homes < SECRET_BELOW_HOMES
    return {
        "aantal_inwoners": n.inhabitants,
        "aantal_huishoudens": n.homes,
        "woningvoorraad": n.homes,
        "gemiddelde_huishoudsgrootte": SECRET if secret else q.household_size_persons,
        "percentage_huurwoningen": SECRET if secret else n.rented_pct,
        "perc_huurwoningen_in_bezit_woningcorporaties": SECRET if secret else n.corporation_pct,
        "gemiddeld_gasverbruik_totaal": -99997,
        "gemiddeld_elektriciteitsverbruik_totaal": -99997,
    }


def _whole(rows: list[dict[str, Value]]) -> dict[str, Value]:
    """Add what can be added; averages of the whole are left unknown."""
    sums = ("AantalInwoners", "k_65", "HuishoudensTotaal", "Woningvoorraad", "OppervlakteTotaal")
    return {key: sum(int(r[key] or 0) for r in rows) if key.startswith(sums) else None for key in rows[0]}


def _regions(world: World, year: int) -> Iterator[tuple[str, str, str, dict[str, Value]]]:
    """Give code, kind, name and figures of the municipality, then of each wijk and its buurten."""
    rows = [{q.key: row(model, q, year) for q in model.buurten} for model in world.models]
    wijken = [
        (copy, n, name, [rows[copy][q.key] for q in model.buurten if q.wijk == n])
        for copy, model in enumerate(world.models)
        for n, name in enumerate(model.wijken)
    ]
    yield MUNICIPALITY, "Gemeente", MUNICIPALITY_NAME, _whole([_whole(values) for _, _, _, values in wijken])
    for copy, n, name, values in wijken:
        yield world.wijkcode(copy, n), "Wijk", numbered(name, copy), _whole(values)
        for q in (q for q in world.models[copy].buurten if q.wijk == n):
            code = world.buurtcode(copy, q.key)
            if year == min(TABLES.values()):
                code = code[:-2] + world.models[copy].recoded.get(q.key, q.key)
            yield code, "Buurt", numbered(q.name, copy), rows[copy][q.key]


def data_set(world: World, year: int) -> list[dict[str, Value]]:
    """Rows of the table: municipality, then each wijk and its buurten; codes padded to ten characters.

    Parameters
    ----------
    world : World
        The place or places.
    year : int
        Of the edition [year].
    """
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


def _names(world: World, year: int) -> list[dict[str, Value]]:
    return [
        {"Key": code.ljust(CODE_WIDTH), "Title": name, "Description": "", "Municipality": MUNICIPALITY}
        for code, _, name, _ in _regions(world, year)
    ]


def _properties(year: int) -> list[dict[str, Any]]:
    head = [
        ("Dimension", "WijkenEnBuurten", "Wijken en buurten", None, None),
        ("Topic", "Gemeentenaam_1", "Gemeentenaam", "String", ""),
        ("Topic", "SoortRegio_2", "Soort regio", "String", ""),
        ("Topic", "Codering_3", "Codering", "String", ""),
    ]
    out: list[dict[str, Any]] = []
    for kind, key, title, datatype, unit in head:
        out.append(
            _property(len(out), None, kind, key, title)
            | ({"Datatype": datatype, "Unit": unit} if unit is not None else {})
        )
    groups: dict[str, int] = {}
    for column in COLUMNS:
        if column[6] not in groups:
            groups[column[6]] = len(out)
            out.append(_property(len(out), None, "TopicGroup", "", column[6]))
        kind = "Float" if column[5] else "Long"
        entry = _property(len(out), groups[column[6]], "Topic", _key(column, year), column[3])
        out.append(entry | {"Datatype": kind, "Unit": column[4], "Decimals": column[5], "Default": "None"})
    return out


def _property(number: int, parent: int | None, kind: str, key: str, title: str) -> dict[str, Any]:
    return {
        "odata.type": f"Cbs.OData.{'GeoDimension' if kind == 'Dimension' else kind}",
        "ID": number,
        "Position": number,
        "ParentID": parent,
        "Type": kind,
        "Key": key,
        "Title": title,
        "Description": "Voorbeeld",
    }


def _info(table: str, year: int) -> list[dict[str, Any]]:
    return [
        {
            "ID": 0,
            "Identifier": table,
            "Title": f"Kerncijfers wijken en buurten {year} (voorbeeld)",
            "ShortTitle": f"Kerncijfers wijken en buurten {year}",
            "Modified": f"{year}-09-30T02:00:00",
            "ReasonDelivery": "Actualisering",
            "Catalog": "CBS",
            "Frequency": "Perjaar",
            "Period": str(year),
            "Language": "nl",
            "OutputStatus": "Regulier",
            "Summary": "Voorbeeld: alle cijfers zijn verzonnen.",
        }
    ]


def write_all(folder: Path, world: World) -> None:
    """Write both editions as OData JSON.

    Parameters
    ----------
    folder : Path
        Where to write; made where it is absent.
    world : World
        The place or places.
    """
    for table, year in TABLES.items():
        parts: dict[str, list[dict[str, Any]]] = {
            "TableInfos": _info(table, year),
            "DataProperties": _properties(year),
            "TypedDataSet": data_set(world, year),
            "WijkenEnBuurten": _names(world, year),
        }
        (folder / table).mkdir(parents=True, exist_ok=True)
        for name, value in parts.items():
            address = f"https://opendata.cbs.nl/ODataApi/OData/{table}/$metadata#Cbs.OData.WebAPI.{name}"
            text = json.dumps(
                {"odata.metadata": address, "value": value}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
            )
            (folder / table / f"{name}.json").write_text(text + "\n", encoding="utf-8", newline="\n")


# What a corporation and a municipality send.

#: The wijk whose ownership is told, and the first year of maintenance in the list.
OWN_WIJK, OWN_FIRST_YEAR = 1, 2028
OWN_HEAD = (
    "Woningstichting Voorbeeldwonen;;\nBezit en groot onderhoud, stand 1 januari;;\n;;\nPand;Eigenaar;Onderhoudsjaar\n"
)
OWN_BUDGETS = """Begroting openbare ruimte
dienst;betaler;budget_eur_per_year
green_maintenance;municipality;"1.029.000,50"
afvalinzameling;municipality;96000
"""


def write_own(folder: Path, world: World) -> None:
    """Write what a corporation (of one wijk only) and a municipality would send: lists as people type them.

    Parameters
    ----------
    folder : Path
        Where to write; made where it is absent.
    world : World
        The place or places; the first one is theirs.
    """
    model = world.models[0]
    where = {one.key for one in model.buurten if one.wijk == OWN_WIJK}
    mine = [pand for pand in model.panden if pand.owner in OWNED and pand.quarter in where]
    rows = []
    for n, pand in enumerate(mine):
        key, year = pand_id(0, pand.number), OWN_FIRST_YEAR + (pand.number * 7) % 9
        spelled = f"NL.IMBAG.Pand.{key}" if n % 7 == 3 else key
        due = (
            "2027"
            if "cluster" in pand.marks
            else "volgend jaar"
            if n % 97 == 5
            else f"31-12-{year}"
            if n % 11 == 0
            else year
        )
        rows.append(f"{spelled};{pand.owner};{due}")
    rows += [*rows[:2], f"{pand_id(0, 999999)};{mine[0].owner};2030"]
    folder.mkdir(parents=True, exist_ok=True)
    text = OWN_HEAD + "\n".join(rows) + "\n"
    (folder / "corporatie.csv").write_text(text, encoding="utf-8-sig", newline="\r\n")
    (folder / "begroting.csv").write_text(OWN_BUDGETS, encoding="cp1252", newline="\r\n")
