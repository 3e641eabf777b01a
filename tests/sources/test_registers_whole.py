"""Files of each register with everything that one row of them can have, good and bad: the table and its counts whole."""

from __future__ import annotations

from typing import Any

import pandas as pd
import shapely
from shapely.geometry import LineString, MultiPoint, Point

from kansenkaart.sources import bag, bgt, cbs_areas, nwb
from tests.pinned import same_as_pinned
from tests.sources.whole import X, Y, layers, saved, square, whole


def test_panden_of_the_bag_with_every_status_year_and_shape(tmp_path):
    crossed = shapely.Polygon([(X, Y), (X + 10, Y + 10), (X + 10, Y), (X, Y + 10)])
    rows = [
        {"identificatie": f"{193100000000000 + number}", "bouwjaar": year, "status": status, "shape": square(number)}
        for number, (year, status) in enumerate(
            [
                ("1965-01-01", "PAND IN GEBRUIK"),
                ("1005", "Pand in gebruik (niet ingemeten)"),
                ("9999", "Verbouwing pand"),
                ("1900.5", " Pand in gebruik"),
                ("1199", "Pand in gebruik"),
                ("1200", "Pand in gebruik"),
                ("2100", "Pand in gebruik"),
                ("2101", "Pand in gebruik"),
                (None, "Pand in gebruik"),
                ("onbekend", "Pand in gebruik"),
                ("1930", "Bouw gestart"),
                ("1931", None),
                ("1932", "Pand gesloopt"),
                ("2020-1-31T00:00:00", "Pand in gebruik"),
            ],
            start=1,
        )
    ]
    first = rows[0]
    rows += [
        {**first, "identificatie": "0193100000000050", "voorkomenidentificatie": 10, "bouwjaar": "1950"},
        {**first, "identificatie": "0193100000000050", "voorkomenidentificatie": 9, "bouwjaar": "1951"},
        {**first, "identificatie": "0193100000000051", "voorkomenidentificatie": 1, "bouwjaar": "1952"},
        {**first, "identificatie": "0193100000000051", "voorkomenidentificatie": 1, "bouwjaar": "1953"},
        {**first, "identificatie": "0193100000000052", "eind_geldigheid": "2020-01-01"},
        {**first, "identificatie": "0193100000000053", "tijdstip_inactief": "2020-01-01"},
        {**first, "identificatie": "0193100000000054", "eind_geldigheid": "9999-12-31"},
        {**first, "identificatie": "geen"},
        {**first, "identificatie": "0193100000000055", "shape": None},
        {**first, "identificatie": "0193100000000056", "shape": LineString([(X, Y), (X + 1, Y)])},
        {**first, "identificatie": "0193100000000057", "shape": crossed},
    ]
    path = saved(tmp_path / "pand.geojson", rows)
    made = {"pdok-geojson": whole(bag.read_pand, path)}
    made["another form"] = whole(bag.read_pand, path, form="nlextract-gpkg")
    made["no form"] = whole(bag.read_pand, path, form="bag")
    shapes = [
        {"naam": "a", "shape": square(1)},
        {"naam": "b", "shape": square(1)},
        {"naam": "c", "shape": square(2, 3)},
    ]
    shapes.append({"naam": "d", "shape": None})
    made["footprints"] = whole(bag.read_pand, saved(tmp_path / "vlakken.geojson", shapes), form="footprint-shp")
    same_as_pinned("pins/panden.txt", made)


def _home(number: int, **more: Any) -> dict[str, Any]:
    row = {
        "identificatie": f"019301000000{number:04d}",
        "voorkomenidentificatie": 1,
        "eind_geldigheid": None,
        "status": "Verblijfsobject in gebruik",
        "gebruiksdoel": "woonfunctie",
        "oppervlakte": "80",
        "pandref": "0193100000000001",
        "hoofdadresnummeraanduidingref": f"019320000000{number:04d}",
        "shape": Point(X + number, Y),
    }
    return {**row, **more}


HOMES = [
    _home(1, oppervlakte="1", gebruiksdoel="WOONFUNCTIE"),
    _home(2, oppervlakte="2", gebruiksdoel="{winkelfunctie,woonfunctie}"),
    _home(3, oppervlakte="999998", gebruiksdoel='["woonfunctie" ; "kantoorfunctie"]'),
    _home(4, oppervlakte="999999", gebruiksdoel="kantoorfunctie|woonfunctie"),
    _home(5, oppervlakte=None, gebruiksdoel="sportfunctie/woonfunctie"),
    _home(6, gebruiksdoel="winkelfunctie,Kantoorfunctie"),
    _home(7, gebruiksdoel=None),
    _home(8, status="verblijfsobject in gebruik (niet ingemeten)", pandref="0193100000000003,0193100000000002"),
    _home(9, status="Verbouwing verblijfsobject", pandref=None),
    _home(10, status="Verblijfsobject gevormd"),
    _home(11, status="Verblijfsobject buiten gebruik"),
    _home(12, eind_geldigheid="2021-01-01"),
    _home(13, voorkomenidentificatie=2, oppervlakte="90"),
    _home(13, voorkomenidentificatie=1, oppervlakte="91"),
    _home(14, identificatie="x"),
    _home(15, shape=None),
    _home(16, shape=MultiPoint([(X + 16, Y)])),
    _home(17, hoofdadresnummeraanduidingref="0193200000009999"),
    _home(18),
]
ADDRESSES = [
    {
        "identificatie": f"019320000000{number:04d}",
        "voorkomenidentificatie": 1,
        "eind_geldigheid": None,
        "openbareruimteref": f"019330000000{number:04d}",
        "postcode": f"8000A{chr(64 + number)}",
        "huisnummer": nr,
        "huisletter": letter,
        "huisnummertoevoeging": addition,
    }
    for number, (nr, letter, addition) in enumerate(
        [
            ("1", "A", "2"),
            ("0", None, "bis"),
            ("-1", "B", None),
            ("1.5", None, None),
            ("12.0", "", ""),
            *[("7", None, None)] * 13,
        ],
        start=1,
    )
]


def test_homes_of_the_bag_with_every_use_size_address_and_pand(tmp_path):
    addresses = [{**row, "shape": Point(X, Y)} for row in ADDRESSES]
    addresses[17]["openbareruimteref"] = "straat"
    addresses.append({**addresses[0], "voorkomenidentificatie": 2, "postcode": "8000ZZ"})
    addresses.append({**addresses[1], "eind_geldigheid": "2020-01-01", "voorkomenidentificatie": 3})
    path = layers(
        tmp_path / "bag.gpkg",
        ligplaats=[{"status": one, "shape": square(number)} for number, one in enumerate(["A", "A", None])],
        Verblijfsobject=HOMES,
        Nummeraanduiding=addresses,
    )
    made = {"with addresses": whole(bag.read_home, path, form="lvbag-gpkg")}
    made["berths"] = whole(bag.read_home, path, form=bag.BERTHS)
    made["another layer"] = whole(bag.read_home, path, form="lvbag-gpkg", layer="Ligplaats")
    bare = saved(tmp_path / "vbo.geojson", HOMES)
    made["without addresses"] = whole(bag.read_home, bare, form="lvbag-gpkg")
    own = [
        {**row, "pandidentificatie": row["pandref"], "huisnummer": number, "openbare_ruimte_naam": " Dorpsstraat "}
        for number, row in enumerate(HOMES[:2])
    ]
    made["addresses of its own"] = whole(bag.read_home, saved(tmp_path / "own.geojson", own))
    points = [{"shape": Point(X, Y)}, {"shape": Point(X, Y)}, {"shape": Point(X + 1, Y)}, {"shape": None}]
    made["points"] = whole(bag.read_home, saved(tmp_path / "punten.geojson", points), form="points-shp")
    berths = saved(tmp_path / "ligplaats.geojson", [{"naam": "x", "shape": square(1)}])
    made["berths without a status"] = whole(bag.read_home, berths, form=bag.BERTHS)
    same_as_pinned("pins/homes.txt", made)


def test_a_home_of_the_web_service_gets_the_names_of_its_panden_where_they_came(tmp_path):
    rows = [{"id": key, "identificatie": f"019310000000000{key}", "shape": square(1)} for key in "12"]
    adapt = bag.pand_names(saved(tmp_path / "pand.geojson", rows)).adapt
    at = "https://x/pand/items"

    def named(**properties: Any) -> Any:
        return (adapt({"id": 7, "properties": properties}).get("properties") or {}).get("pand_identificatie")

    assert named(**{"pand.href": f"{at}/1"}) == "0193100000000001"
    assert named(**{"pand.href": [f"{at}/2/", f"{at}/1", f"{at}/2", f"{at}/9"]}) == "0193100000000001,0193100000000002"
    assert named(**{"pand.href": f"{at}/9"}) is named() is None
    assert named(**{"pand.href": f"{at}/1", "pand_identificatie": "x"}) == "x"
    assert named(**{"pand.href": f"{at}/1", "pandidentificatie": "x"}) is None
    assert adapt({"id": 7, "properties": None}) == {"id": 7, "properties": None}
    assert adapt({"id": 7, "properties": {"pand.href": f"{at}/1", "n": 1}})["properties"]["n"] == 1
    unnamed = bag.pand_names(saved(tmp_path / "bare.geojson", [{"id": "1", "shape": square(1)}])).adapt
    assert unnamed({"properties": {"pand.href": f"{at}/1"}}) == {"properties": {"pand.href": f"{at}/1"}}


def _surface(name: str | None, **more: Any) -> dict[str, Any]:
    return {"lokaal_id": name, "functie": "voetpad", "fysiek_voorkomen": "open verharding", "shape": square(1), **more}


SURFACES = [
    _surface("a", functie="waardeOnbekend", relatieve_hoogteligging="-9"),
    _surface("b", fysiek_voorkomen="geenWaarde", relatieve_hoogteligging="9"),
    _surface("c", functie=" ", relatieve_hoogteligging="10"),
    _surface("d", relatieve_hoogteligging="0.6", bgt_status="Bestaand"),
    _surface("e", relatieve_hoogteligging="x", bgt_status="plan"),
    _surface("f", bgt_status="historie", relatieve_hoogteligging="-10"),
    _surface("g", eind_registratie="2020-01-01"),
    _surface("h", termination_date="2020-01-01"),
    _surface("i", shape=square(2, 3)),
    _surface("i", shape=square(2, 4)),
    _surface(None),
    _surface("k", shape=None),
    _surface("l", relatieve_hoogteligging="-10"),
]


def test_surfaces_and_panden_of_the_bgt_with_every_status_class_and_level(tmp_path):
    path = saved(tmp_path / "bgt_wegdeel2.geojson", SURFACES)
    made = {"of its file's name": whole(bgt.read_terrain, path)}
    for kind in ("waterdeel", "BGT-Plantcover", "x"):
        made[f"said to be {kind}"] = whole(bgt.read_terrain, path, kind=kind).split("\n", 2)[-1][:60]
    named = saved(tmp_path / "vlakken.geojson", SURFACES[:1])
    made["of no name"] = whole(bgt.read_terrain, named)
    parts = layers(tmp_path / "x.gpkg", trafficarea=SURFACES[:2], Pand=SURFACES[2:4])
    made["one of two layers"] = whole(bgt.read_terrain, parts, kind="wegdeel")
    assert bgt.likely_layers(None) == []
    assert bgt.likely_layers("weg-deel") == ["weg-deel", "trafficarea"]
    assert bgt.likely_layers("waterdeel") == ["waterdeel"]
    panden = [
        {"identificatie_bag_pnd": 193100000000001, "bgt_status": "bestaand", "shape": square(1)},
        {"identificatie_bag_pnd": 193100000000002, "bgt_status": None, "shape": square(3)},
        {"identificatie_bag_pnd": 193100000000001, "bgt_status": "bestaand", "shape": square(2)},
        {"identificatie_bag_pnd": 193100000000004, "bgt_status": "plan", "shape": square(4)},
        {"identificatie_bag_pnd": None, "bgt_status": "bestaand", "shape": square(5)},
        {"identificatie_bag_pnd": 193100000000006, "eind_registratie": "2020-01-01", "shape": square(6)},
        {"identificatie_bag_pnd": 193100000000007, "bgt_status": "bestaand", "shape": None},
    ]
    made["panden"] = whole(bgt.read_pand, saved(tmp_path / "pand.geojson", panden))
    two = layers(tmp_path / "two.gpkg", Pand=panden[:2], overig=panden[2:3])
    made["panden of one of two layers"] = whole(bgt.read_pand, two).split("rows_in")[-1]
    made["panden of the other"] = whole(bgt.read_pand, two, layer="overig").split("rows_in")[-1]
    made["panden of no form"] = whole(bgt.read_pand, two, form="x")
    same_as_pinned("pins/surfaces.txt", made)


def test_roads_of_every_manager(tmp_path):
    def road(number: str | None, name: str | None, manager: str | None, road: str | None, metres: float) -> Any:
        line = LineString([(X, Y), (X + metres, Y)]) if metres else None
        return {"wvk_id": number, "stt_naam": name, "wegbehsrt": manager, "wegnummer": road, "shape": line}

    rows = [
        road("1", "Dorpsstraat", "G", None, 10),
        road("2", " ", "G", "340", 20),
        road("3", "Rijksweg", "r", "1", 30),
        road("4", None, "P", None, 40),
        road("5", "Kanaaldijk", "W", " ", 50),
        road("5", "Kanaaldijk", "W", None, 51),
        road(None, "Nergens", "G", None, 60),
        road("7", "Nergens", "G", None, 0),
        road("8", "Overal", None, "9", 80),
    ]
    path = layers(tmp_path / "nwb.gpkg", wegvakken=rows, hectopunten=[{"n": 1, "shape": Point(X, Y)}])
    made = {"all": whole(nwb.read_street_line, path)}
    made["a layer that is none"] = whole(nwb.read_street_line, path, layer="hectopunten")
    same_as_pinned("pins/roads.txt", made)


def test_sections_of_the_nwb_keep_their_numbers_where_one_has_none(tmp_path):
    line = LineString([(X, Y), (X, Y + 40)])
    rows = [
        {"wvk_id": one, "stt_naam": "Dorpsweg", "wegbehsrt": "G", "wegnummer": road, "shape": line}
        for one, road in ((600123, 34), (None, None), (600124, None))
    ]
    frame, tally = nwb.read_street_line(layers(tmp_path / "nwb.gpkg", wegvakken=rows))
    assert frame["street_line_id"].tolist() == ["600123", "600124"]
    assert tally.left_out["no identification"] == 1


def _buurt(number: int, **more: Any) -> dict[str, Any]:
    row = {
        "buurtcode": f"BU0193{number:04d}",
        "buurtnaam": f"Buurt {number}",
        "wijkcode": "WK019310",
        "gemeentecode": "GM0193",
        "gemeentenaam": "Zwolle",
        "water": "NEE",
        "jaar": 2023,
        "aantal_inwoners": 1200,
        "aantal_huishoudens": 600,
        "gemiddelde_huishoudsgrootte": 2.0,
        "percentage_koopwoningen": 60,
        "percentage_huurwoningen": 40,
        "perc_huurwoningen_in_bezit_woningcorporaties": 30,
        "gemiddeld_inkomen_per_inwoner": 30.1,
        "gemiddelde_woningwaarde": 312,
        "gemiddeld_gasverbruik_totaal": 1100,
        "shape": square(number),
    }
    return {**row, **more}


BUURTEN = [
    _buurt(1),
    _buurt(2, buurtcode="1930002", water="JA", buurtnaam=" "),
    _buurt(3, buurtcode="bu01930003", water="true", percentage_koopwoningen=9, percentage_huurwoningen=40.9),
    _buurt(4, buurtcode="01930004.0", water="x", percentage_koopwoningen=10, percentage_huurwoningen=40),
    _buurt(5, buurtcode="BU0193A00Z", percentage_koopwoningen=60, percentage_huurwoningen=42),
    _buurt(6, percentage_koopwoningen=60, percentage_huurwoningen=42.1),
    _buurt(7, buurtcode="BU019310000"),
    _buurt(8, buurtcode=None),
    _buurt(1, aantal_inwoners=3),
    _buurt(9, shape=None),
    _buurt(10, aantal_inwoners=-99997, wijkcode=None, gemiddeld_gasverbruik_totaal=20000),
    _buurt(11, aantal_inwoners=-1, gemiddeld_gasverbruik_totaal=20001, gemiddelde_huishoudsgrootte=0.4),
]


def test_buurten_of_cbs_with_every_code_figure_and_year(tmp_path):
    path = saved(tmp_path / "buurten.geojson", BUURTEN)
    made = {"all": whole(cbs_areas.read_buurt, path)}
    date = [{**BUURTEN[0], "jaar": "2021-01-01"}, {**BUURTEN[1], "jaar": None}]
    made["one without a year"] = whole(cbs_areas.read_buurt, saved(tmp_path / "b.geojson", date))
    odd = [_buurt(number, percentage_koopwoningen=1, percentage_huurwoningen=2) for number in (21, 22)]
    for name, rows in {"half is odd": [*odd, date[0], BUURTEN[4]], "most is odd": [*odd, BUURTEN[4]]}.items():
        made[name] = whole(cbs_areas.read_buurt, saved(tmp_path / "d.geojson", rows))
    areas = [{"bu_code": "BU01930001", "bu_naam": "A", "gm_code": "GM0193", "jaar": 2026, "shape": square(1)}]
    path_2026 = saved(tmp_path / "e.geojson", areas)
    made["areas only"] = whole(cbs_areas.read_buurt, path_2026, form="pdok-2026", year=1999)
    made["no form"] = whole(cbs_areas.read_buurt, path, form="x")
    made["not that of 2021"] = whole(cbs_areas.read_buurt, path, form="wfs-2021-shp")
    same_as_pinned("pins/buurten.txt", made)
    frame = cbs_areas.read_buurt(path)[0]
    assert cbs_areas.wijk_of(frame)[frame["wijkcode"].isna()].tolist() == ["WK019300"]


def test_the_order_of_2021_is_that_of_207_columns_in_any_case(tmp_path):
    names = [f"veld{number}" for number in range(cbs_areas.COLUMNS_2021 + 1)]
    for name, place in cbs_areas.ORDER_2021.items():
        names[place] = name.upper()
    frame = pd.DataFrame(columns=names)
    assert cbs_areas._require_order(frame, tmp_path) is None
    moved = names[:12] + names[13:] + names[12:13]
    for wrong in (names[:-1], [*names, "meer"], moved):
        text = whole(lambda asked: cbs_areas._require_order(pd.DataFrame(columns=asked), tmp_path / "b.shp"), wrong)
        assert text.startswith("FormatError: expected 207 columns in the order of the 2021 service")
        assert f"found {len(wrong) - 1} columns" in text
        assert ("aantalInwo" in text) == (wrong is moved)
