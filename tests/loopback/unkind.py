"""The publishers as they really answer, by recorded answers and their own server code: each surprise is a switch.

``VARIANTS`` names them. All of them together still tell the truth of the example, but for those in ``OTHER_TRUTH``, which
change what is true (codes with letters, names without figures, a municipality without sewers) and stand by themselves.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import uuid
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import geopandas as gpd
import pandas as pd
import rasterio
import shapely

from tests.loopback.server import RD_HEADER, Loopback, Reply, _touches, serving

BGT = (
    "wegdeel",
    "ondersteunendwegdeel",
    "begroeidterreindeel",
    "onbegroeidterreindeel",
    "waterdeel",
    "overbruggingsdeel",
)
SEWER = ("beheerleiding", "beheerput")
VARIANTS = {
    "no count": "no numberMatched, opaque cursors in next",
    "strict": "400 with detail on a parameter that the collection does not name",
    "uuid": "UUIDs as feature ids and at the end of pand.href",
    "history": "the BGT gives ended objects too, unless asked for a moment",
    "gwsw 1.6": "MultiLineString of one line, numbers as numbers, null for unknown",
    "took too long": "500 after two pages on a box with too many features",
    "exact pages": "a last page of exactly limit features, without next",
    "v3 down": "CBS OData v3 gives 503",
    "moved": "the light BAG and AHN no longer at their old address",
    "no date": "files without Last-Modified; their day stands in the ATOM feed",
}
OTHER_TRUTH = {
    "letters": "buurt codes with letters (BU9999AF01)",
    "names of 2026": "bu_code, gm_code, and no figures",
    "no sewers": "the sewer collections are empty",
    "no ranges": "a server that does not know range requests",
}
_BASE = {"f", "limit", "crs", "bbox", "bbox-crs", "cursor"}
_NAMED = {"buurten": {"gemeentecode", "buurtcode"}, "pand": {"identificatie"}, "verblijfsobject": {"identificatie"}}
_HREF = "https://api.pdok.nl/kadaster/bag/ogc/v2/collections/pand/items/"
_NUMBERS = re.compile(r"-?\d+(?:\.\d+)?")
_LETTERS = {"BU9999000": "BU9999AF0", "WK999900": "WK9999AF"}


def key(collection: str, name: str) -> str:
    """Return the UUID under which a feature is known."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{collection}/{name}"))


class Unkind(Loopback):
    """The server of the publishers; ``variants`` are those switched on."""

    def __init__(self, folder: Path, *, variants, most_in_box: int = 400) -> None:
        super().__init__(folder, matched="no count" not in variants)
        self.variants, self.most_in_box = frozenset(variants), most_in_box
        self.ranges = "no ranges" not in variants
        self._rows: dict[str, list] = {}
        self._cursors: dict[str, int] = {}

    def reply(self, path: str, headers) -> Reply:
        """Return the answer to a path."""
        parts = urlsplit(path)
        query = {name: value[0] for name, value in parse_qs(parts.query).items()}
        if hit := re.fullmatch(r".*/ogc/collections/(\w+)/queryables", parts.path):
            named = {name: {"type": "string"} for name in sorted(self._named(hit[1]))}
            return Reply(kind="application/schema+json", content=json.dumps({"properties": named}).encode())
        if re.fullmatch(r".*/ogc/collections", parts.path):
            names = sorted(one.stem for one in (self.folder / "ogc").glob("*.geojson"))
            return Reply(content=json.dumps({"collections": [{"id": one} for one in names]}).encode())
        if hit := re.fullmatch(r".*/odata4/(\w+)/(\w+(?:/\$count)?)", parts.path):
            return self._odata4(hit[1], hit[2], query, parts.path)
        if hit := re.fullmatch(r".*/klimatologie/(daggegevens|uurgegevens)", parts.path):
            return self._weather(hit[1], query)
        if "ODataFeed" in path and "v3 down" in self.variants:
            return _problem(503, "Service Unavailable", "storing bij CBS")
        if "/old/" in path and "moved" in self.variants:
            return _problem(404, "Not Found", "moved")
        reply = super().reply(path.replace("/old/", "/"), headers)
        if "no date" in self.variants:
            reply.headers.pop("Last-Modified", None)
        return reply

    def _named(self, collection: str) -> set[str]:
        return set() if "names of 2026" in self.variants else _NAMED.get(collection, set())

    def _ogc(self, collection, query, path) -> Reply:
        if not (self.folder / "ogc" / f"{collection}.geojson").is_file():
            return _problem(404, "Not Found", f"collection {collection} does not exist")
        named = self._named(collection) | ({"datetime"} if collection in BGT else set())
        if "strict" in self.variants and (odd := sorted(set(query) - _BASE - named)):
            return _problem(400, "Bad Request", f"unknown query parameter(s) found: {', '.join(odd)}")
        rows = self._features(collection)
        if "datetime" in query:
            rows = [row for row in rows if not row["properties"].get("eind_registratie")]
        for name in named & set(query) - {"datetime"}:
            rows = [row for row in rows if row["properties"].get(name) == query[name]]
        if "bbox" in query:
            box = [float(one) for one in query["bbox"].split(",")]
            rows = [row for row in rows if _touches(row["geometry"], box)]
        return self._page(rows, query, path)

    def _page(self, rows, query, path) -> Reply:
        start, limit = self._cursors.get(query.get("cursor", ""), 0), min(int(query.get("limit", 10)), 1000)
        if "took too long" in self.variants and len(rows) > self.most_in_box and start >= 2 * limit:
            return _problem(500, "Internal Server Error", "querying the features took too long (timeout encountered)")
        if "exact pages" in self.variants and rows:
            limit = next((size for size in range(limit, limit // 2, -1) if len(rows) % size == 0), limit)
        page = rows[start : start + limit]
        body = {"type": "FeatureCollection", "timeStamp": "2026-11-28T20:00:00Z", "features": page}
        body |= {"numberReturned": len(page), "links": [{"rel": "self", "href": self.url + path}]}
        if self.matched:
            body["numberMatched"] = len(rows)
        if start + limit < len(rows):
            cursor = hashlib.sha256(f"{path}{sorted(query.items())}{start + limit}".encode()).hexdigest()[:20]
            self._cursors[cursor] = start + limit
            body["links"].append({"rel": "next", "href": f"{self.url}{path}?" + urlencode({**query, "cursor": cursor})})
        headers = {"Content-Crs": RD_HEADER} if "crs" in query else {}
        return Reply(kind="application/geo+json", content=json.dumps(body).encode(), headers=headers)

    def _features(self, collection: str) -> list:
        if collection not in self._rows:
            rows = json.loads((self.folder / "ogc" / f"{collection}.geojson").read_bytes())["features"]
            self._rows[collection] = [one for row in rows for one in self._changed(collection, row)]
        return self._rows[collection]

    def _changed(self, collection: str, row: dict) -> list[dict]:
        if "no sewers" in self.variants and collection in SEWER:
            return []
        told, shape, ident = dict(row["properties"]), row["geometry"], str(row["id"])
        if "uuid" in self.variants:
            ident = key(collection, ident)
            if "pand.href" in told:
                told["pand.href"] = [_HREF + key("pand", one.rsplit("/", 1)[-1]) for one in told["pand.href"]]
        if "gwsw 1.6" in self.variants and collection in SEWER:
            told, shape = _as_of_1_6(told), _multi(shape)
        if "names of 2026" in self.variants and collection == "buurten":
            told = _names_of_2026(told)
        if "letters" in self.variants:
            told = json.loads(_lettered(json.dumps(told)))
        new = {"type": "Feature", "id": ident, "properties": told, "geometry": shape}
        if "history" in self.variants and collection in BGT:
            told |= {"tijdstip_registratie": "2020-01-01T00:00:00Z", "termination_date": None, "version": "v0"}
            past = {
                **told,
                "eind_registratie": "2018-03-01T10:00:00Z",
                "fysiek_voorkomen": "onverhard",
                "version": "v1",
            }
            return [new, {**new, "id": key(collection, f"{ident} past"), "properties": past}]
        return [new]

    def _odata4(self, table, name, query, path) -> Reply:
        source = self.folder / "odata" / table
        if not source.is_dir():
            return Reply(404, content=b"{}")
        parts = {one.stem: json.loads(one.read_bytes())["value"] for one in source.glob("*.json")}
        info, topics = parts["TableInfos"][0], [one for one in parts["DataProperties"] if one.get("Unit") is not None]
        if name == "Properties":
            told = {"Identifier": table, "Title": info["Title"], "Modified": info["Modified"]}
            return Reply(content=json.dumps({**told, "TemporalCoverage": info.get("Period")}).encode())
        if name == "MeasureCodes":
            rows = [{"Identifier": one["Key"], "Title": one["Title"], "Unit": one["Unit"]} for one in topics]
        elif name == "WijkenEnBuurtenCodes":
            rows = [{"Identifier": row["Key"].strip(), "Title": row["Title"]} for row in parts["WijkenEnBuurten"]]
        else:
            start = re.fullmatch(r"startswith\((\w+),'(\w+)'\)", query.get("$filter", ""))
            rows = [
                {"Id": 0, "Measure": one["Key"], "WijkenEnBuurten": row["WijkenEnBuurten"], "Value": row[one["Key"]]}
                for row in parts["TypedDataSet"]
                if row["WijkenEnBuurten"].startswith(start[2])
                for one in topics
                if one["Key"] in row
            ]
        if name.endswith("/$count"):
            return Reply(kind="text/plain", content=f"\ufeff{len(rows)}".encode())
        at = int(query.get("$skip", 0))
        body = {"@odata.context": "x", "value": rows[at : at + self.odata_page]}
        if at + self.odata_page < len(rows):
            following = urlencode({**query, "$skip": at + self.odata_page})
            body["@odata.nextLink"] = f"{self.url}{path}?{following}"
        return Reply(content=json.dumps(body).encode())

    def _weather(self, kind, query) -> Reply:
        station, start, end = query["stns"], query["start"][:8], query["end"][:8]
        path = self.folder / "knmi" / ("etmgeg_999.txt" if kind == "daggegevens" else "uurgeg_999.txt")
        lines = path.read_text("utf-8").splitlines()
        at = next(n for n, line in enumerate(lines) if line.startswith("# STN"))
        every = [line for line in lines[at + 1 :] if line.strip()]
        rows = [line for line in every if start <= line.split(",")[1].strip() <= end]
        if not rows and start[:4] == end[:4]:  # days that the example does not have: as those of its last year
            last, year = every[-1].split(",")[1].strip()[:4], start[:4]
            new = [line.replace(f",{last}", f",{year}", 1) for line in every if f",{last}" in line]
            rows = [line for line in new if start <= line.split(",")[1].strip() <= end]
        rows = [re.sub(r"^\s*\d+,", f"{station:>5},", row) for row in rows]
        place = f"# STN         LON(east)   LAT(north)  ALT(m)  NAME\n# {station}         5.9137      53.0284      0.00  Twin"
        return Reply(kind="text/plain", content=("\n".join([place, *lines[: at + 1], "", *rows]) + "\n").encode())


def _problem(status: int, title: str, detail: str) -> Reply:
    body = {"detail": detail, "status": status, "timeStamp": "2026-11-28T20:00:00Z", "title": title}
    return Reply(status, "application/problem+json", json.dumps(body).encode())


def _as_of_1_6(told: dict) -> dict:
    texts = ("naam", "dataset", "stelsel", "beginpunt", "eindpunt")
    return {
        name: None if value == "" else float(value) if name not in texts and _NUMBERS.fullmatch(str(value)) else value
        for name, value in told.items()
    }


def _multi(shape: dict) -> dict:
    if shape["type"] != "LineString":
        return shape
    return {"type": "MultiLineString", "coordinates": [shape["coordinates"]]}


def _names_of_2026(told: dict) -> dict:
    new = {"bu_code": told["buurtcode"], "bu_naam": told["buurtnaam"], "wk_code": told["wijkcode"], "wk_naam": "x"}
    return {**new, "gm_code": told["gemeentecode"], "gm_naam": told["gemeentenaam"], "jaar": "2026"}


def _lettered(text: str) -> str:
    for plain, lettered in _LETTERS.items():
        text = text.replace(plain, lettered)
    return text


def country(site: Path) -> Path:
    """Add to a site what the publishers keep as files: the light BAG, tiles of roofs, feeds, hours of weather."""
    _bag_light(site)
    _panels(site)
    _tiles(site)
    _feeds(site)
    _hours(site)
    empty = {"type": "FeatureCollection", "features": []}
    (site / "ogc" / "wegvakken.geojson").write_text(json.dumps(empty), encoding="utf-8")
    return site


def _bag_light(site: Path) -> None:
    (site / "bag" / "atom" / "downloads").mkdir(parents=True)
    target = site / "bag" / "atom" / "downloads" / "bag-light.gpkg"
    for layer in ("pand", "verblijfsobject"):
        frame = gpd.read_file(site / "ogc" / f"{layer}.geojson").drop(columns="id", errors="ignore")
        if layer == "verblijfsobject":
            ids = frame.pop("pand.href").map(lambda one: ",".join(re.findall(r"\d{16}", str(one))))
            frame["pand_identificatie"] = ids
        far = frame.iloc[:3].assign(identificatie=[f"99{n:014d}" for n in range(3)])
        far = far.set_geometry(far.translate(30_000, 0))
        both = gpd.GeoDataFrame(pd.concat([frame, far], ignore_index=True), crs=28992)
        both.to_file(target, layer=layer, driver="GPKG")


def _panels(site: Path) -> None:
    """Write 86044NED, solar panels at homes: of every third home a system of 4 kWp, and nothing known of the last buurt."""
    shape, target = site / "odata" / "86165NED", site / "odata" / "86044NED"
    told = {one.stem: json.loads(one.read_bytes())["value"] for one in shape.glob("*.json")}
    new = {"AantalInstallatiesBijWoningen_5": "aantal", "OpgesteldVermogenVanZonnepanelen_6": "kW"}
    titles = ("Aantal installaties bij woningen", "Opgesteld vermogen van zonnepanelen")
    columns = [one for one in told["DataProperties"] if one["Key"] in ("WijkenEnBuurten", "Codering_3")]
    topic = next(one for one in told["DataProperties"] if one["Key"] == "AantalInwoners_5")
    columns += [
        {**topic, "Key": key, "Title": title, "Unit": unit}
        for (key, unit), title in zip(new.items(), titles, strict=True)
    ]
    rows = []
    for row in told["TypedDataSet"]:
        systems = None if row is told["TypedDataSet"][-1] else row["Woningvoorraad_35"] // 3
        values = dict(zip(new, (systems, None if systems is None else 4 * systems), strict=True))
        rows.append({name: row[name] for name in ("ID", "WijkenEnBuurten", "Codering_3")} | values)
    info = told["TableInfos"][0] | {"Identifier": "86044NED", "Modified": "2024-11-15T02:00:00", "Period": "2022"}
    info |= {"Title": "Zonnestroom; vermogen zonnepanelen woningen, wijken en buurten, 2022"}
    told |= {"TableInfos": [info], "DataProperties": columns, "TypedDataSet": rows}
    target.mkdir()
    for name, value in told.items():
        (target / f"{name}.json").write_text(json.dumps({"value": value}), encoding="utf-8")


_BUILDINGS_PER_TILE = 1000


def _tiles(site: Path) -> None:
    """Write tiles of at most a thousand buildings, as 3DBAG has them, and one that lies elsewhere."""
    header, *rows = (site / "3dbag" / "proefveld.city.jsonl").read_text("utf-8").splitlines()
    told: dict[str, list[str]] = {"tile_id": [], "cj_download": [], "cj_sha256": []}
    for number, start in enumerate(range(0, len(rows), _BUILDINGS_PER_TILE)):
        packed = _tile(header, rows[start : start + _BUILDINGS_PER_TILE])
        name = f"9-444-{728 + number}.city.json.gz"
        (site / name).write_bytes(packed)
        told["tile_id"].append(f"9/444/{728 + number}")
        told["cj_download"].append(f"/{name}")
        told["cj_sha256"].append(hashlib.sha256(packed).hexdigest())
    west, south, east, north = gpd.read_file(site / "ogc" / "buurten.geojson").total_bounds
    boxes = [shapely.box(west, south, east, north)] * len(told["tile_id"]) + [shapely.box(0, 400_000, 1000, 401_000)]
    for name, value in (("tile_id", "9/1/1"), ("cj_download", "/none"), ("cj_sha256", "")):
        told[name].append(value)
    gpd.GeoDataFrame(told, geometry=boxes, crs=28992).to_file(site / "tile_index.fgb", driver="FlatGeobuf")


def _tile(header: str, rows: list[str]) -> bytes:
    whole = json.loads(header)
    for row in map(json.loads, rows):
        start = len(whole["vertices"])
        whole["vertices"] += row["vertices"]
        for name, one in row["CityObjects"].items():
            for shape in one.get("geometry", []):
                shape["boundaries"] = _shifted(shape["boundaries"], start)
            whole["CityObjects"][name] = one
    return gzip.compress(json.dumps(whole).encode(), mtime=0)


def _shifted(nested, start):
    return nested + start if isinstance(nested, int) else [_shifted(one, start) for one in nested]


def _feeds(site: Path) -> None:
    """Write AHN's sheets, much larger than the window and tiled as cloud-optimised ones are, and the feeds."""
    for role in ("dsm", "dtm"):
        with rasterio.open(site / "ahn" / f"{role}.tif") as small:
            heights, profile, transform = small.read(1), small.profile, small.transform
        profile |= {"width": 4 * small.width, "height": 4 * small.height}
        sheet = site / "ahn" / "atom" / "downloads" / f"{role}_05m" / "R_99ZZ9.tif"
        sheet.parent.mkdir(parents=True)
        with rasterio.open(sheet, "w", **profile) as large:
            large.write(heights, 1, window=rasterio.windows.Window(0, 0, small.width, small.height))
        west, north = transform.c, transform.f
        east, south = west + 4 * small.width * transform.a, north + 4 * small.height * transform.e
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        one = {
            "type": "Feature",
            "properties": {"kaartbladNr": "R_99ZZ9", "name": sheet.name, "url": sheet.name, "length": "420000000"},
            "geometry": {"type": "Polygon", "coordinates": [[ring]]},
        }
        index = sheet.with_name("kaartbladindex.json")
        index.write_text(json.dumps({"type": "FeatureCollection", "features": [one]}), encoding="utf-8")
    entry = "<entry><title>{}</title><updated>{}T10:00:00Z</updated></entry>"
    feed = '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>{}</title>{}</feed>'
    ahn = feed.format("Actueel Hoogtebestand Nederland (AHN4)", entry.format("AHN4 dsm 0,5 m", "2024-02-01"))
    (site / "ahn" / "atom" / "index.xml").write_text(ahn, encoding="utf-8")
    bag = feed.format("BAG", entry.format("bag-light.gpkg", "2026-11-08"))
    (site / "bag" / "atom" / "index.xml").write_text(bag, encoding="utf-8")


def _hours(site: Path) -> None:
    """Write hours of the invented station over ten years, from the typical year of the example."""
    lines = (site / "epw" / "proefveld.epw").read_text("utf-8").splitlines()[8:]
    rows = [line.split(",") for line in lines]
    text = ["# STN,YYYYMMDD,   HH,   FH,    T,    Q"]
    for year in range(2016, 2026):
        for row in rows:
            day = f"{year}{int(row[1]):02d}{int(row[2]):02d}"
            sun, air, wind = float(row[13]) * 0.36, float(row[6]) * 10, float(row[21]) * 10
            text.append(f"  999,{day},{int(row[3]):5d},{wind:5.0f},{air:5.0f},{sun:5.0f}")
    (site / "knmi" / "uurgeg_999.txt").write_text("\n".join(text) + "\n", encoding="utf-8")


def recorded(folder: Path, target: Path) -> Path:
    """Make a site of what a live trial has recorded (``kansenkaart proef --uit``), so that the twin answers as it did."""
    (target / "ogc").mkdir(parents=True)
    rows: dict[str, dict] = {}
    for path in sorted(folder.glob("*.json")):
        for answer in json.loads(path.read_text("utf-8"))["answers"]:
            if hit := re.search(r"/collections/(\w+)/items", answer["address"]):
                rows.setdefault(hit[1], {}).update((one["id"], one) for one in answer["body"]["features"])
    for name, features in rows.items():
        whole = {"type": "FeatureCollection", "features": list(features.values())}
        (target / "ogc" / f"{name}.geojson").write_text(json.dumps(whole), encoding="utf-8")
    return target


def unkind_addresses(url: str) -> dict[str, str]:
    """Return the environment that leads every client to the unkind server."""
    paths = {
        **{f"URL_{name}": "/ogc" for name in ("CBS_GEBIEDEN", "BAG", "BGT", "GWSW", "NWB")},
        "URL_CBS_ODATA": "/ODataFeed/odata/",
        "MIRROR_CBS_ODATA": "/odata4/",
        "URL_3DBAG": "/3dbag",
        "BULK_3DBAG": "/tile_index.fgb",
        "URL_AHN": "/ahn/atom/downloads/",
        "URL_KNMI": "/klimatologie/daggegevens",
        "URL_KNMI_UUR": "/klimatologie/uurgegevens",
    }
    bulk = f"{url}/old/bag/atom/downloads/bag-light.gpkg {url}/bag/atom/downloads/bag-light.gpkg"
    return {f"KANSENKAART_{name}": url + path for name, path in paths.items()} | {"KANSENKAART_BULK_BAG": bulk}


@contextmanager
def serve_unkind(folder: Path, *variants: str, **settings):
    """Serve a site, made by `country`, with some variants; all of ``VARIANTS`` where none is named."""
    with serving(Unkind(folder, variants=variants or tuple(VARIANTS), **settings)) as server:
        yield server
