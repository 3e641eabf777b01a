"""Descriptions of a release in the standards by which others find, cite and check it; each from the same frozen facts.

Data Package (v2), DCAT-AP-NL (3.0, as JSON-LD), STAC (1.1), the citation file format (1.2), the deposit of Zenodo, and a data
dictionary and a README for people. Addresses are relative: a release says the same wherever it is put.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from pyproj import Transformer

from kansenkaart.crs import RD, WGS84
from kansenkaart.present.editionpages import page_of
from kansenkaart.present.release import OpenField, OpenLayer, cited

_PARQUET = ("application/vnd.apache.parquet", "PARQUET")
_KINDS = {
    ".parquet": _PARQUET,
    ".gpkg": ("application/geopackage+sqlite3", "GPKG"),
    ".qml": ("text/xml", "XML"),
    ".json": ("application/json", "JSON"),
    ".html": ("text/html", "HTML"),
}
#: Licences under which a release may be given on: how sources call them, their name, address, and in the EU's list.
_LICENCES = (
    ("CC BY 4.0", "CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/", "CC_BY_4_0"),
    ("EUPL-1.2", "EUPL-1.2", "https://joinup.ec.europa.eu/collection/eupl/eupl-text-eupl-12", "EUPL_1_2"),
)
#: What asks for no more than the licences above do.
_FREE = ("open government data", "cited figures")
_EU = "http://publications.europa.eu/resource/authority/"
_LANGUAGES = [{"@id": f"{_EU}language/{one}", "@type": "dct:LinguisticSystem"} for one in ("NLD", "ENG")]
_THEMES = {"ENVI": "Milieu", "ENER": "Energie", "REGI": "Regio's en steden"}
_FORMS = {"PARQUET": "https://geoparquet.org/releases/v1.1.0/", "GPKG": "http://www.geopackage.org/spec131/"}
_STAC = ("table/v1.2.0", "file/v2.1.0", "projection/v2.0.0")
_UNKNOWN = ("other", "", "")
_TO_DEGREES = Transformer.from_crs(RD, WGS84, always_xy=True)
_CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "prov": "http://www.w3.org/ns/prov#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
}


@dataclass(frozen=True)
class ReleaseFile:
    """One file of a release: its path in the folder, its size [byte] and its hash."""

    path: str
    size: int
    sha256: str

    @property
    def kind(self) -> tuple[str, str]:
        """The media type, and the name of the type in the list of the EU."""
        return _KINDS.get(self.path[self.path.rfind(".") :], ("text/plain", "TXT"))


@dataclass(frozen=True)
class Release:
    """What every description is made from: name, facts of the whole, layers, files, who publishes it and how to reach them."""

    name: str
    about: Mapping[str, Any]
    layers: Sequence[OpenLayer]
    files: Sequence[ReleaseFile]
    publisher: str
    contact: str = ""

    @property
    def title(self) -> str:
        """What it is called in Dutch."""
        return f"Kansenkaart {self.about['title']}, editie {self.about['version']}"

    @property
    def licence(self) -> tuple[str, str, str]:
        """Name, address and place in the EU's list of the licence; ``other`` where a source does not say which it has."""
        texts = [str(one) for one in self.about["licences"]]
        for sign, *rest in _LICENCES:
            if any(text.startswith(sign) for text in texts) and all(text.startswith((sign, *_FREE)) for text in texts):
                return rest[0], rest[1], f"{_EU}licence/{rest[2]}"
        free = texts and all(text.startswith(_FREE) for text in texts)
        return (
            ("CC0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/", f"{_EU}licence/CC0") if free else _UNKNOWN
        )

    @property
    def credits(self) -> list[str]:
        """Who must be credited, with editions."""
        return sorted({_credit(one) for one in self.about["sources"]})

    @property
    def box(self) -> list[float]:
        """West, south, east and north [deg]."""
        return _degrees(self.about["extent"])

    @property
    def description(self) -> str:
        """What it is, in English, in a few sentences."""
        gone = " Rows of fewer than ten homes are left out." * (self.about.get("edition") == "openbaar")
        places = "; ".join(one.title_en for one in self.layers if "_" not in one.name or one.name.endswith("_score"))
        return (
            "What neighbourhoods could earn and save together: sun on roofs, grey water and sewers per street, areas of about "
            f"330 homes and what a neighbourhood enterprise would earn there. Layers: {places}, and more. Calculated from open "
            f"data; amounts are expected values with 80 % intervals (_low and _high); what is unknown is empty, never 0.{gone}"
        )


def _credit(source: Mapping[str, Any]) -> str:
    return f"{source['credit']} {source['edition']} ({source['licence']})"


def documents(release: Release) -> dict[str, str]:
    """Return the text of each description by the path that it gets in the folder.

    Parameters
    ----------
    release : Release
        What they are made from.
    """
    out = {
        "datapackage.json": _json(_datapackage(release)),
        "dcat.jsonld": _json(_dcat(release)),
        ".zenodo.json": _json(_zenodo(release)),
        "CITATION.cff": _citation(release),
        "README.md": _readme(release),
        "woordenboek.html": _dictionary_page(release),
        "stac/collection.json": _json(_stac_collection(release)),
    }
    return out | {f"stac/{one.name}.json": _json(_stac_item(release, one)) for one in _shaped(release)}


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _shaped(release: Release) -> list[OpenLayer]:
    return [one for one in release.layers if "geometry" in one.frame and len(one.frame)]


def _file(release: Release, layer: OpenLayer) -> ReleaseFile:
    return next(one for one in release.files if one.path.endswith(f"/{layer.name}.parquet"))


def _datapackage(release: Release) -> dict[str, Any]:
    """Describe the release as a Data Package: each layer with its Table Schema, hash and size."""
    licence, address, _ = release.licence
    resources = [
        {
            "name": one.name,
            "path": _file(release, one).path,
            "title": one.title_en,
            "description": f"One row is {one.row_en}.",
            "title_nl": one.title_nl,
            "description_nl": f"Een rij is {one.row_nl}.",
            "type": "table",
            "format": "parquet",
            "mediatype": _PARQUET[0],
            "bytes": _file(release, one).size,
            "hash": f"sha256:{_file(release, one).sha256}",
            "rows": len(one.frame),
            "schema": one.schema(),
        }
        for one in release.layers
    ]
    about = release.about
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": release.name,
        "id": _urn(release),
        "title": release.title,
        "description": release.description,
        "version": str(about["version"]),
        "created": str(about["moment"]),
        "keywords": ["wijkbedrijf", "neighbourhood", "rooftop solar", "grey water", "sewer", "districting"],
        "contributors": [{"title": release.publisher, "roles": ["publisher"]}],
        **({"licenses": [{"name": licence, "path": address}]} if address else {}),
        "sources": [
            {"title": f"{one['credit']} ({one['role']})", "version": str(one["edition"])} for one in about["sources"]
        ],
        **{name: about[name] for name in ("crs", "extent", "schema_version", "software", "code", "commit")},
        "resources": resources,
    }


def _urn(release: Release) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"kansenkaart {release.name} {release.about['content']}").urn


def _dcat(release: Release) -> dict[str, Any]:
    """Describe the release as a dataset by DCAT-AP-NL 3.0, in JSON-LD with addresses relative to the folder."""
    about, agent = release.about, {"@type": "foaf:Agent", "foaf:name": release.publisher}
    contact: dict[str, Any] = {"@type": ["vcard:Organization", "vcard:Kind"], "vcard:fn": release.publisher}
    if release.contact:
        mail = not release.contact.startswith("http")
        where = f"mailto:{release.contact}" if mail else release.contact
        contact["vcard:hasEmail" if mail else "vcard:hasURL"] = {"@id": where}
    public = "NON_PUBLIC" if about.get("edition") == "intern" else "PUBLIC"
    return {
        "@context": _CONTEXT,
        "@id": _urn(release),
        "@type": "dcat:Dataset",
        "dct:title": [_nl(release.title)],
        "dct:description": [{"@value": release.description, "@language": "en"}],
        "dct:identifier": _urn(release),
        "dct:conformsTo": {"@id": "https://docs.geostandaarden.nl/dcat/dcat-ap-nl30/", "@type": "dct:Standard"},
        "dct:publisher": agent,
        "dct:creator": agent,
        "dcat:contactPoint": contact,
        "dct:accessRights": {"@id": f"{_EU}access-right/{public}", "@type": "dct:RightsStatement"},
        "dcat:theme": [
            {"@id": f"{_EU}data-theme/{code}", "@type": "skos:Concept", "skos:prefLabel": _nl(name)}
            for code, name in _THEMES.items()
        ],
        "foaf:page": {"@id": "woordenboek.html", "@type": "foaf:Document"},
        "dcat:landingPage": {"@id": "README.md", "@type": "foaf:Document"},
        "dcat:keyword": [_nl(one) for one in ("wijkbedrijf", "zonnepanelen", "grijswater")],
        "dct:language": _LANGUAGES,
        "dct:issued": {"@value": str(about["moment"])[:10], "@type": "xsd:date"},
        "dct:modified": {"@value": str(about["moment"])[:10], "@type": "xsd:date"},
        "dcat:version": str(about["version"]),
        **_where_and_when(release),
        "dct:provenance": {"@type": "dct:ProvenanceStatement", "dct:description": "; ".join(release.credits)},
        "dcat:distribution": [
            _distribution(release, one) for one in release.files if one.kind[1] in ("PARQUET", "GPKG")
        ],
    }


def _degrees(extent: Sequence[float]) -> list[float]:
    """Return west, south, east and north [deg] of bounds in RD New [m]."""
    west, south, east, north = extent
    return [round(float(one), 6) for one in _TO_DEGREES.transform_bounds(west, south, east, north)]


def _ring(box: Sequence[float]) -> list[list[float]]:
    west, south, east, north = box
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def _nl(text: str) -> dict[str, str]:
    return {"@value": text, "@language": "nl"}


def _where_and_when(release: Release) -> dict[str, Any]:
    ring = ", ".join(f"{x} {y}" for x, y in _ring(release.box))
    years = [str(one["year"]) for one in release.about["sources"] if one["year"]] + [
        str(release.about[name])[:4] for name in ("as_of", "moment")
    ]
    return {
        "dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": {"@value": f"{min(years)}-01-01", "@type": "xsd:date"},
            "dcat:endDate": {"@value": f"{max(years)}-12-31", "@type": "xsd:date"},
        },
        "dct:spatial": {
            "@type": "dct:Location",
            "dcat:bbox": {"@value": f"POLYGON (({ring}))", "@type": "geo:wktLiteral"},
        },
    }


def _distribution(release: Release, file: ReleaseFile) -> dict[str, Any]:
    media, kind = file.kind
    found = {
        "@type": "dcat:Distribution",
        "dct:title": [_nl(file.path.rpartition("/")[2])],
        "dct:language": _LANGUAGES,
        "dct:conformsTo": {"@id": _FORMS[kind], "@type": "dct:Standard"},
        "dcat:accessURL": {"@id": file.path},
        "dcat:downloadURL": {"@id": file.path},
        "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{media}", "@type": "dct:MediaType"},
        "dct:format": {"@id": f"{_EU}file-type/{kind}", "@type": "dct:MediaTypeOrExtent"},
        "dcat:byteSize": {"@value": str(file.size), "@type": "xsd:nonNegativeInteger"},
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256", "@type": "spdx:ChecksumAlgorithm"},
            "spdx:checksumValue": {"@value": file.sha256, "@type": "xsd:hexBinary"},
        },
    }
    licence = release.licence[2] or "http://standaarden.overheid.nl/owms/terms/licentieonbekend"
    return {**found, "dct:license": {"@id": licence, "@type": "dct:LicenseDocument"}}


def _stac_collection(release: Release) -> dict[str, Any]:
    """Describe the release as a collection of STAC; each layer with shapes is an item beside it."""
    moment = str(release.about["moment"])
    items = [{"rel": "item", "href": f"./{one.name}.json", "type": "application/geo+json"} for one in _shaped(release)]
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": release.name,
        "title": release.title,
        "description": release.description,
        "license": release.licence[0],
        "providers": [{"name": release.publisher, "roles": ["producer", "processor", "host"]}],
        "extent": {"spatial": {"bbox": [release.box]}, "temporal": {"interval": [[moment, moment]]}},
        "links": [{"rel": "root", "href": "./collection.json", "type": "application/json"}, *items],
    }


def _stac_item(release: Release, layer: OpenLayer) -> dict[str, Any]:
    """Describe a layer as an item of STAC, with its columns, file, size and hash."""
    bounds = [float(one) for one in layer.frame.total_bounds]
    box = _degrees(bounds)
    file = _file(release, layer)
    columns = [{"name": one.name, "description": one.definition_en, "type": one.type} for one in layer.fields]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [f"https://stac-extensions.github.io/{one}/schema.json" for one in _STAC],
        "id": f"{release.name}-{layer.name}",
        "collection": release.name,
        "geometry": {"type": "Polygon", "coordinates": [_ring(box)]},
        "bbox": box,
        "properties": {
            "datetime": str(release.about["moment"]),
            "title": layer.title_en,
            "description": f"One row is {layer.row_en}.",
            "proj:code": RD,
            "proj:bbox": bounds,
            "table:columns": columns,
            "table:primary_geometry": "geometry",
            "table:row_count": len(layer.frame),
        },
        "assets": {
            "data": {
                "href": f"../{file.path}",
                "type": _PARQUET[0],
                "roles": ["data"],
                "file:size": file.size,
                "file:checksum": f"1220{file.sha256}",
            }
        },
        "links": [
            {"rel": word, "href": "./collection.json", "type": "application/json"}
            for word in ("root", "parent", "collection")
        ],
    }


def _zenodo(release: Release) -> dict[str, Any]:
    """Describe the release as Zenodo asks of a deposit."""
    licence, address, _ = release.licence
    return {
        "title": release.title,
        "upload_type": "dataset",
        "description": f"<p>{escape(release.description)}</p><p>{escape('; '.join(release.credits))}</p>",
        "creators": [{"name": release.publisher}],
        "publication_date": str(release.about["moment"])[:10],
        "version": str(release.about["version"]),
        "language": "nld",
        "access_right": "restricted" if release.about.get("edition") == "intern" else "open",
        **(
            {"license": licence.lower()}
            if address
            else {"notes": escape("Licences: " + "; ".join(release.about["licences"]))}
        ),
        "keywords": ["wijkbedrijf", "neighbourhood enterprise", "rooftop solar", "grey water", "sewer", "open data"],
    }


def _citation(release: Release) -> str:
    """Say how to cite the release, in the citation file format."""
    licence, address, _ = release.licence
    lines = [
        "cff-version: 1.2.0",
        'message: "Please cite this edition, and credit the publishers that README.md names."',
        "type: dataset",
        f"title: {json.dumps(release.title, ensure_ascii=False)}",
        f"version: {json.dumps(str(release.about['version']))}",
        f"date-released: {str(release.about['moment'])[:10]}",
        *([f"license: {licence}"] if address else []),
        "authors:",
        f"  - name: {json.dumps(release.publisher, ensure_ascii=False)}",
        "identifiers:",
        "  - type: other",
        f"    value: {json.dumps(_urn(release))}",
    ]
    return "\n".join(lines) + "\n"


#: What means something in Markdown: anywhere, at the start of a line, or around a word.
_MEANS = re.compile(r"[\\`*\[\]<>&|!~#$]|^[-+=]|(?<!\w)_|_(?!\w)")


def _literal(text: str) -> str:
    """Return a text of others so that Markdown shows it as it is."""
    return _MEANS.sub(lambda hit: f"\\{hit[0]}", text)


_INCOMPLETE = """**Incomplete on purpose.** Rows of fewer than ten homes, or that would give such away, are left out, and small
blocks are joined: a layer tells of the homes in its row above, no more. An id may name a row that is left out.\n
"""


def _row(one: OpenLayer) -> str:
    whole = "homes" in one.frame and one.row_en.endswith(("do not overlap", "counts in one row"))
    homes = str(int(one.frame["homes"].sum())) if whole else ""
    return f"| `{one.name}` | {len(one.frame)} | {homes} | {one.title_en} | {one.row_en} |"


def _readme(release: Release) -> str:
    """Tell a reader with ten minutes what is in the folder, and how to cite one number of it."""
    about, rows = release.about, "\n".join(map(_row, release.layers))
    edition = about.get("edition")
    empty = f"Empty here, so left out: {', '.join(about['empty'])}.\n" if about["empty"] else ""
    commit = f", commit {about['commit']}" if about["commit"] else ""
    credited = "\n".join(f"- {_literal(one)}" for one in release.credits)
    named = " ".join(filter(None, release.licence[:2]))
    licence = named if release.licence[1] else _literal("; ".join(about["licences"]))
    intern = "\n**For internal use: this edition tells of single homes and roofs.**\n" * (edition == "intern")
    title, publisher = _literal(release.title), _literal(release.publisher)
    return f"""# {title}
{intern}
{release.description}

| layer | rows | homes | what | one row is |
|---|---|---|---|---|
{rows}

{_INCOMPLETE * (edition == "openbaar")}{empty}
All shapes are in {about["crs"]} (RD New, metres). `data/*.parquet` is GeoParquet 1.1; `data/*.gpkg` holds the same layers
with the styles of the map. What each column means, its unit, source, interval and basis: `woordenboek.html`,
`datapackage.json`, and in the files themselves.

## Cite a number

Say the value with its unit and interval (columns `x`, `x_low`, `x_high`: one in ten draws lies below, one in ten above),
what it was made from (its `basis` column), its sources, and this edition. Of one number in this folder:

> {_literal(_example(release)[1])}
>
> {publisher} ({str(about["moment"])[:4]}). {title}. {_urn(release)}.

An edition is named after its oldest source ({about["as_of"]}; see below) and counted. The sentence of any other number:

    import kansenkaart.api as kk
    print(kk.open_release(".").cite({_example(release)[0]}))

Without this package: DuckDB's `parquet_kv_metadata('data/block.parquet')` holds all of it under `kansenkaart`.

## What it was made from

{credited}

Licence: {licence}. Made with {about["software"]}{commit}, code {about["code"][:12]},
schema {about["schema_version"]}. Check the files with `sha256sum -c SHA256SUMS`.
"""


def _example(release: Release) -> tuple[str, str]:
    """Return what to cite as an example, and how it reads: a figure with an interval where there is one."""
    for layer in sorted(
        _shaped(release), key=lambda one: (not any(column.interval for column in one.fields), len(one.key))
    ):
        figures = sorted((one for one in layer.fields if one.type == "float"), key=lambda one: not one.interval)
        for column in (one for one in figures if layer.frame[one.name].notna().any()):
            row = layer.frame[layer.frame[column.name].notna()].iloc[0]
            key = str(row[layer.key[0]])
            words = cited(f"{layer.name} {key}", row, column.name, layer.schema(), release.about)
            return f"{layer.name!r}, {key!r}, {column.name!r}", words
    return "", ""


def _dictionary_page(release: Release) -> str:
    """Write the data dictionary as a page: every layer with its columns, Dutch and English."""
    codes = {one.name: one.codes for layer in release.layers for one in layer.fields if one.codes}
    numbers = {name: at for at, name in enumerate(release.credits, start=1)}
    behind = {
        _credit(one).removeprefix("(c) ").rpartition(f" ({one['licence']})")[0]: _credit(one)
        for one in release.about["sources"]
    }

    def sources(one: OpenField) -> str:
        found = sorted({numbers[behind[name]] for name in one.sources if name in behind})
        return " ".join(["berekend"] * (one.origin == "calculated") + [f"[{at}]" for at in found])

    return page_of(
        "woordenboek.html.jinja", release=release, codes=codes, limits=_limits, sources=sources, numbers=numbers
    )


def _limits(one: OpenField) -> str:
    low, high = (f"{end:g}" if end is not None else "" for end in (one.minimum, one.maximum))
    return f"{low} – {high}" if low and high else f"≥ {low}" if low else f"≤ {high}" if high else ""
