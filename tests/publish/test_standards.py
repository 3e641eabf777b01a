"""The folder of a release holds to the standards that it names; each is asked of its own validator."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import frictionless
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pyshacl
import pytest
import rdflib
import yaml
from click.testing import CliRunner
from pystac.validation import validate_dict

from kansenkaart import api
from kansenkaart.cli import cli
from kansenkaart.present import catalog
from tests.pinned import same_as_pinned
from tests.publish.test_pinned import steady, without_days

#: What DCAT-AP and DCAT-AP-NL 3.0 ask at least, in shapes of our own; theirs are run too where a folder of them is named.
LEAST = """
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix spdx: <http://spdx.org/rdf/terms#> . @prefix x: <urn:x:> .
x:d a sh:NodeShape ; sh:targetClass dcat:Dataset ;
  sh:property [sh:path dct:title ; sh:minCount 1], [sh:path dct:description ; sh:minCount 1],
    [sh:path dct:identifier ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:Literal],
    [sh:path dct:publisher ; sh:minCount 1 ; sh:maxCount 1], [sh:path dct:creator ; sh:minCount 1],
    [sh:path dcat:contactPoint ; sh:minCount 1 ; sh:class vcard:Kind], [sh:path dct:accessRights ; sh:minCount 1],
    [sh:path (dcat:theme skos:prefLabel) ; sh:minCount 3], [sh:path foaf:page ; sh:minCount 1],
    [sh:path dcat:theme ; sh:minCount 1 ; sh:nodeKind sh:IRI], [sh:path dcat:distribution ; sh:minCount 2],
    [sh:path dct:temporal ; sh:minCount 1], [sh:path dct:spatial ; sh:minCount 1] .
x:f a sh:NodeShape ; sh:targetClass dcat:Distribution ;
  sh:property [sh:path dct:license ; sh:minCount 1 ; sh:nodeKind sh:IRI],
    [sh:path dcat:accessURL ; sh:minCount 1 ; sh:maxCount 1 ; sh:nodeKind sh:IRI], [sh:path spdx:checksum ; sh:minCount 1] .
"""


@pytest.fixture(scope="module")
def folder(finished, tmp_path_factory):
    """Make the public edition of the invented neighbourhood, as somebody who deposits it would."""
    root = shutil.copytree(finished, tmp_path_factory.mktemp("uitgave") / "project")
    words = [
        "--map",
        str(root),
        "uitgave",
        "proefveld",
        "--openbaar",
        "--uitgever",
        "Gemeente",
        "--contact",
        "a@b.nl",
        "--json",
    ]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    return Path(json.loads(done.stdout)[-1]).parent


def _json(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text("utf-8"))


def test_the_data_package_describes_every_file_as_it_is(folder):
    package = _json(folder, "datapackage.json")
    assert list(frictionless.Package.metadata_validate(package)) == []
    for one in package["resources"]:
        path = folder / one["path"]
        assert (one["bytes"], one["hash"]) == (
            path.stat().st_size,
            f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
        )
        assert [field["name"] for field in one["schema"]["fields"]] == [
            name for name in pq.read_schema(path).names if name != "bbox"
        ]


def test_every_row_holds_to_its_schema(folder):
    package = _json(folder, "datapackage.json")
    resources = []
    for one in package["resources"]:
        frame = pd.read_parquet(folder / one["path"]).drop(columns=["geometry", "bbox"], errors="ignore")
        lists = {name: frame[name].map(list, na_action="ignore") for name in frame if frame[name].map(_is_list).any()}
        rows = json.loads(frame.assign(**lists).to_json(orient="records"))
        fields = [field for field in one["schema"]["fields"] if field["name"] != "geometry"]
        named = {**one["schema"], "fields": fields}
        resources.append(
            frictionless.Resource(name=one["name"], data=rows, schema=frictionless.Schema.from_descriptor(named))
        )
    report = frictionless.Package(resources=[one for one in resources if one.data]).validate()
    assert report.flatten(["type", "fieldName", "note"])[:5] == []


def _is_list(value: object) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str)


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
def test_the_dataset_holds_to_dcat_ap_nl(folder):
    path = folder / "dcat.jsonld"
    told = rdflib.Graph().parse(path, format="json-ld", publicID=path.as_uri())
    for name, shapes in _shapes():
        holds, _, why = pyshacl.validate(told, shacl_graph=shapes, inference="none")
        assert holds, (name, why[:2000])
    addresses = list(told.objects(None, rdflib.URIRef("http://www.w3.org/ns/dcat#accessURL")))
    assert addresses
    assert all(Path(str(one).removeprefix("file://")).is_file() for one in addresses)


def _shapes():
    yield "what it asks at least", rdflib.Graph().parse(data=LEAST, format="turtle")
    for path in sorted(Path(os.environ.get("KANSENKAART_SHAPES", "nowhere")).glob("dcat-ap-*SHACL*.ttl")):
        if "aanbevolen" not in path.name:
            yield path.name, rdflib.Graph().parse(path)


def test_collection_and_items_hold_to_stac(folder):
    told = [_json(folder, f"stac/{path.name}") for path in sorted((folder / "stac").glob("*.json"))]
    for one in told:
        assert validate_dict(one, extensions=[])
    items = [one for one in told if one["type"] == "Feature"]
    assert items
    for one in items:
        data = one["assets"]["data"]
        path = (folder / "stac" / data["href"]).resolve()
        assert data["file:checksum"] == f"1220{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_every_file_is_in_the_sums_and_every_sum_is_right(folder):
    rows = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines())
    there = {one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()}
    assert set(rows) == there - {"SHA256SUMS"}
    assert [
        name for name, said in rows.items() if hashlib.sha256((folder / name).read_bytes()).hexdigest() != said
    ] == []


def test_the_geopackage_is_sound_and_gdal_reads_its_enumerations(folder):
    path = folder / "data" / "proefveld.gpkg"
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []
        assert file.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
        assert file.execute("PRAGMA user_version").fetchone() == (10300,)
        for table, column in (("gpkg_data_columns", "column_name"), ("gpkg_metadata_reference", "md_file_id")):
            assert file.execute(f"SELECT count(*) FROM {table} WHERE {column} IS NULL").fetchone() == (0,)  # noqa: S608
        orphans = "SELECT count(*) FROM gpkg_data_columns WHERE constraint_name NOT IN (SELECT constraint_name FROM {})"
        assert file.execute(orphans.format("gpkg_data_column_constraints")).fetchone() == (0,)
    layers = {name for name, _ in pyogrio.list_layers(path)}
    assert {"block", "buurt_score", "layer_styles"} <= layers
    assert "bouwblokken" in pyogrio.read_info(path, layer="block")["layer_metadata"]["DESCRIPTION"]


def test_geoparquet_says_what_the_standard_asks(folder):
    for path in (folder / "data").glob("*.parquet"):
        if path.stem == "id_bridge":
            continue
        geo = json.loads(pq.read_schema(path).metadata[b"geo"])
        column = geo["columns"][geo["primary_column"]]
        assert geo["version"] == "1.1.0"
        assert column["encoding"] == "WKB"
        assert column["crs"]["id"] == {"authority": "EPSG", "code": 28992}
        assert set(column["covering"]["bbox"]) == {"xmin", "ymin", "xmax", "ymax"}
        assert column["geometry_types"] == sorted(set(column["geometry_types"]))


def test_geoparquet_holds_to_its_abstract_tests(folder):
    """All but the bridge, which has no shapes."""
    program = Path(sys.executable).with_name("geoparquet-validator")
    if not program.is_file():
        pytest.skip("geoparquet-validator is not installed")
    for path in (one for one in (folder / "data").glob("*.parquet") if one.stem != "id_bridge"):
        done = subprocess.run([program, "check", path], capture_output=True, text=True, check=False)
        assert (done.returncode, re.findall(r"[1-9]\d* fail", done.stdout)) == (0, []), done.stdout
        assert "core: 1" in done.stdout


def test_gdal_finds_the_geopackage_without_fault(folder):
    """GDAL's own validation, where its Python samples are (Debian: python3-gdal); warnings count as faults."""
    words = ["python3", "-m", "osgeo_utils.samples.validate_gpkg"]
    plain = {"PATH": "/usr/bin:/bin"}  # not the Python of an environment, which has no GDAL
    if subprocess.run([*words, "--help"], env=plain, capture_output=True, check=False).returncode == 1:
        pytest.skip("GDAL's Python samples are not on this machine")
    checks = ["-k", "--extra", "--warning-as-error", folder / "data" / "proefveld.gpkg"]
    done = subprocess.run([*words, *checks], env=plain, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_says_how_to_cite_it_and_holds_nothing_internal(folder, monkeypatch):
    cited = yaml.safe_load((folder / "CITATION.cff").read_text("utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["authors"] == [{"name": "Gemeente"}]
    zenodo = _json(folder, ".zenodo.json")
    assert (zenodo["access_right"], zenodo["version"]) == ("open", cited["version"])
    names = {one.stem for one in (folder / "data").glob("*.parquet")}
    assert not names & {"pand_score", "roof_face_score"}
    page = (folder / "woordenboek.html").read_text("utf-8")
    assert "http" not in page.partition("<body>")[2]
    assert "stroom van alles wat past" in page
    warning = "**For internal use: this edition tells of single homes and roofs.**"
    assert warning not in (folder / "README.md").read_text("utf-8")
    about = _json(folder, "data/metadata.json") | {"edition": "intern"}
    monkeypatch.setattr(catalog, "_example", lambda release: ("", ""))
    release = catalog.Release("proefveld-intern", about, [], [], "Gemeente", "a@b.nl")
    assert warning in catalog._readme(release).splitlines()


def test_a_researcher_cites_a_number_with_unit_interval_source_and_edition(folder):
    release = api.open_release(folder)
    key = release["buurt_score"]["buurtcode"].iloc[0]
    said = release.cite("buurt_score", key, "yield_fit_kwh_per_year")
    edition = f"edition {_json(folder, 'datapackage.json')['version']}"
    row = release["buurt_score"].iloc[0]
    name, amount = f"({row['buurtnaam']})", f"{row['yield_fit_kwh_per_year']:,.0f} kWh/year"
    basis = "score_basis lod22+dsm (3D roof faces, with shade from the height model)"
    for word in (name, amount, "80 % interval", basis, "kansenkaart proefveld 1", edition):
        assert word in said, said
    (shown,) = re.findall(r"^> (.* content .*)$", (folder / "README.md").read_text("utf-8"), re.M)
    layer, key, column = re.findall(r"cite\('(.*)', '(.*)', '(.*)'\)", (folder / "README.md").read_text("utf-8"))[0]
    assert shown == release.cite(layer, key, column)
    assert "no interval is given for it" in release.cite("buurt_score", key, "kwp_fit")
    case = release["enterprise_case_buurt_long"].iloc[0]
    by_key, by_place = (
        release.cite("enterprise_case_buurt_long", case[one], "homes") for one in ("case_id", "place_id")
    )
    assert by_key.partition(" (")[2] == by_place.partition(" (")[2]
    with pytest.raises(KeyError, match="give the key of one row"):
        release.cite("buurt_score", "nowhere", "homes")
    with pytest.raises(KeyError, match="no column nothing: buurtcode, buurtnaam"):
        release.cite("buurt_score", key, "nothing")


def test_the_readme_counts_as_its_language_does(folder):
    """A thousand has no point, which would make 5.253 of 5,253."""
    text = (folder / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", text, re.M))
    for name, said in rows.items():
        assert int(said.replace(",", "")) == pq.read_metadata(folder / "data" / f"{name}.parquet").num_rows
    homes = dict(re.findall(r"^\| `(\w+)` \| \S+ \| (\S+) \|", text, re.M))
    for name in ("buurt_score", "street_water", "block", "gebied"):
        held = pd.read_parquet(folder / "data" / f"{name}.parquet", columns=["homes"])["homes"].sum()
        assert homes[name] == str(int(held))
    assert "**Incomplete on purpose.**" in text
    assert "are left out." in _json(folder, "datapackage.json")["description"]
    assert not [said for said in rows.values() if "." in said]


def test_the_dictionary_names_the_sources_of_each_column(folder):
    page = (folder / "woordenboek.html").read_text("utf-8")
    credited = re.findall(r"^- (.*)$", (folder / "README.md").read_text("utf-8"), re.M)
    assert re.findall(r"<li>\[(\d)\] (.*?)</li>", page) == [(str(at), one) for at, one in enumerate(credited, start=1)]
    own = 1 + next(at for at, one in enumerate(credited) if one.startswith("kansenkaart proefveld 1 "))
    row = re.search(r'<th scope="row">yield_fit_kwh_per_year</th>.*', page)[0]
    assert re.search(rf"<td>berekend (\[\d\] )*\[{own}\]", row)
    assert "yield_fit_kwh_per_year_low yield_fit_kwh_per_year_high score_basis" in row
    assert re.search(r'<th scope="row">buurtnaam</th>.*', page)[0].endswith(f"<td>[{own}]</td></tr>")


def test_every_document_is_as_was_read(folder):
    made = {}
    for path in sorted(
        one for one in folder.rglob("*") if one.suffix in (".md", ".cff", ".json", ".jsonld", ".geojson")
    ):
        text, name = path.read_text("utf-8"), path.relative_to(folder).as_posix()
        if path.suffix in (".md", ".cff"):
            made[name] = re.sub(r"(?m)^#", " #", without_days(text)).rstrip()
        elif path.name != "metadata.json":
            made[name] = "\n".join(steady(one, key) for key, one in json.loads(text).items())
    same_as_pinned("pins/release.txt", made)
