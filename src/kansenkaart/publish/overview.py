"""What the overview of a study lists: places with factsheets, layers, reports, and what is known and unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kansenkaart.config import Study
from kansenkaart.present.editionpages import DataRow, IndexPage, Known, PlaceRow
from kansenkaart.present.factsheet import Sheet
from kansenkaart.present.mapspec import Start
from kansenkaart.publish.disclosure import ReaderStore
from kansenkaart.publish.manifest import REPORTS
from kansenkaart.publish.map.legend import editions_of
from kansenkaart.tables.store import Store
from kansenkaart.wording.nl import number

_TABLES_NL = {
    "buurt_score": "buurten met hun cijfers",
    "pand_score": "gebouwen met hun daken",
    "roof_face_score": "dakvlakken met zon",
    "street_score": "straten met woningen en grijswater",
    "street_water": "straten met kansen voor grijswater en hemelwater",
    "pipe_water": "riolen met diameters voor en na",
    "sewer_pipe": "riolen zoals opgegeven",
    "block": "bouwblokken",
    "gebied": "verdeling in gebieden",
    "best_area": "beste gebieden",
    "best_border": "randen van de beste gebieden, met de reden",
    "best_variant": "andere maten en grenzen van de beste gebieden",
    "enterprise_case": "uitkomsten voor een wijkbedrijf",
}
_ROLES = (
    ("buurt", "Buurten en hun cijfers (CBS)", "inwoners en huishoudens per buurt", "aantallen per buurt zijn onbekend"),
    ("home", "Woningen (BAG)", "woningen zijn geteld, niet geschat", "er zijn geen gebieden en geen straten gemaakt"),
    ("roof_face", "Dakvlakken in 3D (3DBAG)", "zon is per dakvlak berekend", "zon op daken is onbekend"),
    (
        "dsm",
        "Hoogtemodel (AHN)",
        "schaduw van gebouwen en bomen telt mee",
        "schaduw telt niet mee: de zon is te hoog geschat",
    ),
    (
        "sewer_pipe",
        "Riolen (GWSW)",
        "riolen zoals de gemeente ze opgeeft",
        "riolen zijn geschat naar de bouwjaren van de woningen: veel minder zeker",
    ),
    (
        "terrain",
        "Straten, groen en water (BGT)",
        "straten en verhard oppervlak zijn gemeten",
        "straten komen uit de ligging van adressen",
    ),
)


def overview(
    store: ReaderStore,
    study: Study,
    sheets: Sequence[Sheet],
    *,
    start: Start | None,
    layers: Mapping[str, int],
    reports: Sequence[str],
    folder: str,
) -> IndexPage:
    """Put the overview together.

    Parameters
    ----------
    store : ReaderStore
        What may be shown.
    study : Study
        For its title.
    sheets : sequence of Sheet
        The factsheets that were made.
    start : Start or None
        What the map says first.
    layers : mapping
        Open layers by table, with their rows [1].
    reports : sequence of str
        Files of the feasibility, by name.
    folder : str
        Name of the folder of the map, after which the file with all layers is called.
    """
    sources = store.sources_of([name for name in store.names() if store.has(name)])
    data = [DataRow(f"data/{name}.parquet", _TABLES_NL.get(name, name), number(rows)) for name, rows in layers.items()]
    data += [
        DataRow(f"data/{folder}.gpkg", "alle lagen in één bestand (GeoPackage)", ""),
        DataRow("data/metadata.json", "betekenis, bronnen en edities", ""),
    ]
    return IndexPage(
        title=study.title,
        edition=editions_of(sources),
        answers=tuple((one.question, one.answer) for one in start.answers) if start else (),
        places=tuple(_place(one) for one in sheets),
        data=tuple(data),
        reports=tuple((_named(one, sheets), f"{REPORTS}/{one}") for one in reports),
        known=tuple(_known(store, *one) for one in _ROLES),
        sources=tuple(dict.fromkeys(f"{one.credit}, editie {one.edition}, {one.licence}" for one in sources)),
        example=study.invented,
        public=store.public,
    )


def _place(sheet: Sheet) -> PlaceRow:
    base = f"factsheets/{sheet.key}"
    files = (("lezen", f"{base}.html"), ("PDF A4", f"{base}.pdf"), ("PDF A3", f"{base}-a3.pdf"))
    return PlaceRow(sheet.title, sheet.figures[0].text, files)


def _known(store: Store, table: str, what: str, yes: str, no: str) -> Known:
    known = Store(store.root).has(table)
    return Known(what, known, yes if known else no)


def _named(file: str, sheets: Sequence[Sheet]) -> str:
    """Name a report after its place, where its file is called after the place's key."""
    stem, ending = Path(file).stem, Path(file).suffix.lstrip(".")
    title = next((one.title for one in sheets if stem in (one.key, one.key.split("-", 1)[1])), stem.replace("-", " "))
    return f"{title} ({ending})"
