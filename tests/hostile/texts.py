"""A study in which every text is hostile: of its publishers, its own files and its own study file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kansenkaart.config import DATA_VARIABLE, STEERING
from kansenkaart.runs import study as pipeline
from kansenkaart.runs.studies import run_release
from kansenkaart.sources.example import write_example
from tests.runs.places import STUDIES

#: Set by any script that runs.
FLAG = "window.hacked"
#: One set for all forms: pages, attributes, addresses, spreadsheets, XML, templates, paper, Markdown, YAML, SQL, terminals.
PAYLOADS = (
    f"</script><script>{FLAG}=1</script>",
    f'"><img src=x onerror="{FLAG}=2">',
    f"' onmouseover='{FLAG}=3' autofocus onfocus='{FLAG}=3",
    f"</style></title></textarea></svg><svg onload={FLAG}=4>",
    f"javascript:{FLAG}=5",
    '=HYPERLINK("http://127.0.0.1:9/x";"a")',
    "\t+1+cmd|' /C calc'!A0",
    "\N{FULLWIDTH EQUALS SIGN}1;@SUM(1)|-2",
    "]]></Placemark><!ENTITY e SYSTEM 'file:///etc/passwd'>&e;<!--",
    "{{ 7*7 }}{% for a in b %}${7*7}#{7*7}",
    '#read("/etc/passwd") #link("http://127.0.0.1:9/y")[a] $x$ @a <b> \\u{0} /*',
    f"[a](javascript:{FLAG}=6) ![b](http://127.0.0.1:9/z.png) | c\n## d\n- e: &f *f !!python/object",
    "'); DROP TABLE block; -- \x1b]0;x\x07\x1b[2J",
    "[/][link=http://127.0.0.1:9/w]a[/link] \u2028\u2029\u202e\ufeff\x85",
    "../../../etc/x\\..\\y",
)
#: In every hostile text; a form in which none of it arrives proves nothing.
MARK = "Kwaad"
_SIGN = re.compile(rf"{MARK}(\d+)Z")


class Writer:
    """Gives the hostile texts: each value of a field another one of the set, the same value always the same one."""

    def __init__(self) -> None:
        self.fields: dict[str, int] = {}
        self.given: dict[tuple[str, str], str] = {}

    def line(self, field: str, value: str = "", *, most: int = 10_000) -> str:
        """Return a hostile text of one line, as a study file may hold."""
        return STEERING.sub(" ", self.text(field, value, most=most))

    def text(self, field: str, value: str = "", *, most: int = 10_000) -> str:
        """Return a hostile text for a value of a field, with its mark; all of the set in one where there is no other value."""
        number = self.fields.setdefault(field, len(self.fields))
        key = (field, value)
        if key not in self.given:
            count = sum(one == field for one, _ in self.given)
            body = PAYLOADS[(number + count) % len(PAYLOADS)] if value else "".join(("=1+1", *PAYLOADS))
            sign = f" {MARK}{number}Z "
            self.given[key] = body[: most - len(sign) - len(value)] + sign + value
        return self.given[key]

    def arrived(self, text: str) -> set[str]:
        """Return the fields of which a mark stands in a text."""
        numbers = {int(one) for one in _SIGN.findall(text)}
        return {name for name, number in self.fields.items() if number in numbers}


#: Texts of publishers that name things; not the codes and identifications by which tables are joined.
_NAMES = {
    "buurten": ("buurtnaam", "wijknaam", "gemeentenaam"),
    "wijken": ("wijknaam", "gemeentenaam"),
    "gemeenten": ("gemeentenaam",),
    "verblijfsobject": ("openbare_ruimte_naam", "huisletter", "toevoeging", "woonplaats_naam", "postcode"),
    "pand": ("gebruiksdoel", "rdf_seealso"),
    "wegdeel": ("bronhouder", "functie", "plus_fysiek_voorkomen"),
    "begroeidterreindeel": ("bronhouder", "plus_fysiek_voorkomen"),
    "onbegroeidterreindeel": ("bronhouder", "plus_fysiek_voorkomen"),
    "ondersteunendwegdeel": ("bronhouder", "plus_fysiek_voorkomen"),
    "waterdeel": ("bronhouder", "plus_fysiek_voorkomen"),
    "beheerleiding": ("naam", "beginpunt", "eindpunt", "dataset", "stelsel", "materiaal_leiding", "vorm_leiding"),
    "beheerput": ("naam", "dataset", "stelsel", "vorm_put"),
}
#: Of pipes and nodes the identification itself is free text: changed everywhere alike.
_IDS = {"beheerleiding": ("uri", "uri_b", "uri_e"), "beheerput": ("uri",)}
#: Every so many rows an own, unheard-of value in a column that is read by its codes.
_CODES = {"pand": "status", "verblijfsobject": "status", "wegdeel": "fysiek_voorkomen", "beheerleiding": "type"}
_ODD_EVERY = 37


def _features(path: Path, writer: Writer) -> None:
    content = json.loads(path.read_text("utf-8"))
    for number, one in enumerate(content["features"]):
        about = one["properties"]
        for name in (one for one in _NAMES.get(path.stem, ()) if one in about):
            about[name] = writer.text("node" if name in ("beginpunt", "eindpunt") else name, about[name] or "x")
        for name in _IDS.get(path.stem, ()):
            head, sign, tail = about[name].partition("#")
            about[name] = head + sign + writer.text("id of pipes", tail).replace("#", "").replace("/", "")
        if (name := _CODES.get(path.stem)) and number % _ODD_EVERY == 5:
            about[name] = writer.text(f"{path.stem} {name}", f"x{number % 3}")
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")


def _statistics(path: Path, writer: Writer) -> None:
    content = json.loads(path.read_text("utf-8"))
    for one in content["value"]:
        for name in {"Gemeentenaam_1", "Description", "Summary", "ShortTitle", "Catalog"} & set(one):
            one[name] = writer.text(f"cbs {name}", one[name] or "x")
        if path.stem == "WijkenEnBuurten":
            one["Title"] = writer.text("cbs Title", one["Title"])
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")


def publish(folder: Path, writer: Writer) -> None:
    """Write the deliveries of the test field with hostile names in them, and own files beside them."""
    write_example(folder)
    for path in sorted(folder.glob("ogc/*.geojson")):
        _features(path, writer)
    for path in sorted(folder.glob("odata/*/*.json")):
        _statistics(path, writer)
    epw, days = folder / "epw" / "proefveld.epw", folder / "knmi" / "etmgeg_999.txt"
    epw.write_text(
        epw.read_text().replace("Voorbeeldstad", writer.text("epw", "x").replace(",", "").replace("\n", "")), "utf-8"
    )
    days.write_text(days.read_text().replace("VOORBEELD", writer.text("knmi", "x").replace("\n", "")), "utf-8")
    models = folder / "3dbag" / "proefveld.city.jsonl"
    lines = [json.loads(line) for line in models.read_text("utf-8").splitlines()]
    lines[0]["metadata"]["title"] = writer.text("3dbag title", "x")
    for line in lines[1:]:
        for one in (one["attributes"] for one in line["CityObjects"].values() if "attributes" in one):
            one |= {
                name: writer.text(f"3dbag {name}", str(one.get(name)))
                for name in ("b3_dak_type", "b3_pw_bron", "status")
            }
    models.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n", "utf-8")


def own_files(folder: Path, writer: Writer, panden: list[str], places: list[str]) -> dict[str, str]:
    """Write own data with hostile owners, payers and names of files; return the path of each role below the folder."""
    (folder / "eigen").mkdir(exist_ok=True)
    owners = [f"{one};{_cell(writer.text('owner', str(n)))};2031" for n, one in enumerate(panden)]
    actual = [f"{one};2024;{_cell(writer.text('actual_item', str(n)))};12" for n, one in enumerate(places)]
    budget = [
        f"{_cell(writer.text('service', 'x'))};{_cell(writer.text('payer', 'x'))};100",
        f"groen;{_cell(writer.text('payer', 'y'))};9000",
    ]
    tables = {
        "own_pand": ("pand_id;owner;maintenance_year", owners),
        "own_actual": ("place_id;actual_year;actual_item;actual_value", actual),
        "own_budget": ("service;payer;budget_eur_per_year", budget),
    }
    out = {}
    for role, (head, rows) in tables.items():
        name = f"{role} {writer.text(f'file of {role}', 'x', most=100)}".translate(
            dict.fromkeys(map(ord, "/\\\n\t\0\x1b\x07"), "_")
        )
        out[role] = f"eigen/{name}.csv"
        (folder / out[role]).write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return out


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def study(writer: Writer, own: dict[str, str], *, turn: str = "") -> str:
    """Return the study of the test field with hostile texts wherever a study file has text."""
    text = (STUDIES / "proefveld.toml").read_text("utf-8").replace("Proefveld (verzonnen)", "TITLE")
    text = text.replace(
        '"TITLE"',
        f"{json.dumps(writer.line('title') + turn)}\ncontact = {json.dumps(writer.line('contact', 'x', most=190))}",
    )
    text = text.replace("invented = true", "invented = false").replace('origin = "example"', 'origin = "file"')
    # Of the others the edition stays, and so does what is made of them.
    before, role, pipes = text.partition('role = "sewer_pipe"')
    pipes = pipes.replace('edition = "1"', f"edition = {json.dumps(writer.line('edition', '1' + turn))}", 1)
    text = (before + role + pipes).replace('edition = "1"', f"edition = {json.dumps(writer.line('edition', '1'))}")
    for role, path in own.items():
        rows = {"role": role, "publisher": "gemeente", "origin": "file", "form": "own", "path": path}
        rows["edition"] = writer.line("own edition", turn or "x")
        text += "\n[[source]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in rows.items())
    source = json.dumps(writer.line("source of an assumption", "x", most=280))
    return text + f"\n[assumptions.enterprise_overhead]\nvalue = {6500 + len(turn)}\nsource = {source}\n"


def make(folder: Path) -> None:
    """Run a study in which every text is hostile, again after a change, in both editions, and put both releases ready."""
    writer, published, file = Writer(), folder / "published", folder / "studies" / "proefveld.toml"
    file.parent.mkdir(parents=True)
    publish(published, writer)
    panden = [one["id"] for one in json.loads((published / "ogc" / "pand.geojson").read_text("utf-8"))["features"][:20]]
    own = own_files(published, writer, panden, ["buurt:BU99990001", "buurt:BU99990002"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATA_VARIABLE, str(published))
        file.write_text(study(writer, own), "utf-8")
        pipeline.run_all(_open(folder))
        pipes = published / "ogc" / "beheerleiding.geojson"
        content = json.loads(pipes.read_text("utf-8"))
        pipes.write_text(json.dumps({**content, "features": content["features"][len(PAYLOADS) :]}), "utf-8")
        file.write_text(study(writer, own, turn="2"), "utf-8")
        pipeline.run_all(_open(folder))
        pipeline.run_publish(_open(folder, public=False))
        for public in (True, False):
            run_release(_open(folder, public=public), (writer.line("uitgever", "x"), "wie@voorbeeld.nl"))
    (folder / "fields.json").write_text(json.dumps(writer.fields), "utf-8")


def _open(folder: Path, *, public: bool | None = None) -> pipeline.Workplace:
    return pipeline.open_study("proefveld", root=folder, public=public)
