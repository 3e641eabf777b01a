"""Weather and statistics with everything that a row of them can have: the table and its counts whole, limits at the limit."""

from __future__ import annotations

import json
from typing import Any

import openpyxl
import pytest

from kansenkaart.errors import ConfigError, FormatError
from kansenkaart.sources import cbs, epw, knmi, publishers, zwolle
from tests.pinned import same_as_pinned
from tests.sources.whole import saved, square, whole

DAYS = """# KNMI
# 278:  6.259  52.435  3.60  HEINO

# STN,YYYYMMDD,    Q,   RH, EV24
  278,20240101,  360,   12,    3
  278,2024-01-02,  -1,   -1,    4
  278,3-1-2024, 4320,    0,  200
  278,04/01/2024 00:00, 4321, 4000,  201
  278,20240105.0,     ,     ,     ,,
  278,20240230,  100,    5,    4

# remark
  278, 20240106,  100, 4001,   -5
  278,20240101,  999,    9,    9
     ,20240107,  100,    1,    1
  260,20240101,  360,   12,    3
"""


def test_days_of_a_station_with_every_date_and_size(tmp_path):
    path = tmp_path / "etmgeg_278.txt"
    path.write_text(DAYS)
    made = {"of one station": whole(knmi.read_weather_daily, path, station="278")}
    made["of none that is named"] = whole(knmi.read_weather_daily, path)
    made["of another station"] = whole(knmi.read_weather_daily, path, station="344")
    blank = DAYS.replace("  260,", "     ,").replace("  278,2024-01-02", "     ,2024-01-02")
    for name, count in {"most have a station": 0, "half have none": 4}.items():
        rows = blank.replace("  278,2", "     ,2", count) if count else blank
        path.write_text(rows)
        made[name] = whole(knmi.read_weather_daily, path)
    for name, text in {
        "without rows": "# STN,YYYYMMDD,Q,RH\n\n# x\n",
        "empty": "",
        "of hours": "STN,YYYYMMDD,HH,Q,RH\n278,20240101,1,2,3\n",
        "in a spreadsheet": '"STN";"DATE";"Q";"RH";"EV24"\n"278.0";"20240101";"360";"12";"3"\n',
        "half without a day": "STN,YYYYMMDD,Q,RH\n278,x,1,1\n278,20240101,1,1\n",
        "most without a day": "STN,YYYYMMDD,Q,RH\n278,20240101,1,1\n278,y,1,1\n278,x,1,1\n",
    }.items():
        path.write_text(text)
        made[name] = whole(knmi.read_weather_daily, path)
    same_as_pinned("pins/days.txt", made)


@pytest.mark.parametrize(("rows", "known"), [(10, True), (9, False)])
def test_a_tenth_of_a_column_of_knmi_may_have_decimals(rows, known, tmp_path):
    path = tmp_path / "dag.txt"
    body = "".join(f"278,202001{day:02d},{36 * day}{'.5' * (day == 1)},1,1\n" for day in range(1, rows + 1))
    path.write_text("STN,YYYYMMDD,Q,RH,EV24\n" + body + "278,20200201,,1,1\n")
    days, _ = knmi.read_weather_daily(path)
    assert days["global_radiation_kwh_per_m2"].notna().sum() == rows * known


HOURS = """# 278:  6.300  52.400  3.60  HEINO
# 999:  6.259  52.435  3.60  NERGENS
# STN,YYYYMMDD,   HH,   FH,    T,    Q
  278,20240601,    1,    0, -600,    0
  278,20240601,    2,  900,  600,  540
  278,20240601,   24,  901,  601,  541
  278,20240601,   25,   30,  185,  288
  278,20240601,  3.5,   30,  185,  288
  278,20240601,    4,   -1, -601,   -1
  278,20240601,    4,   30,  185,  288
  278,20240601,02:00,   30,  185,  288
  278,20240601,6:00:00, 30,  185,  288
"""


def test_hours_of_a_station_with_every_clock_and_size(tmp_path):
    path = tmp_path / "uurgeg_278.txt"
    made = {}
    for name, text in {
        "counted from 1": HOURS,
        "counted from 0": HOURS.replace("   24,  9", "    0,  9"),
        "without a position": HOURS.replace("# 278", "# 277"),
        "of an unknown station": HOURS.replace("  278,", "  998,"),
        "in columns by other names": HOURS.replace("   HH,   FH", "   H,   FF"),
        "without hours": HOURS.replace("   HH,", "   UU,"),
    }.items():
        path.write_text(text)
        made[name] = whole(knmi.read_weather_hourly, path)
    same_as_pinned("pins/hours.txt", made)


def _epw(path: Any, rows: list[tuple[Any, ...]], place: str = "52.43,6.26,1.0,4.0", head: int = 8) -> Any:
    lines = [f"LOCATION, Proefdorp ,-,NLD,x,62780,{place}", *["x"] * (head - 1)]
    for month, day, hour, temperature, ghi, dni, dhi, wind in rows:
        cells = ["2020", month, day, hour, "60", "x", temperature, *["0"] * 6, ghi, dni, dhi, *["0"] * 5, wind, "0"]
        lines.append(",".join(map(str, cells)))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_year_of_epw_with_every_filler_and_hour(tmp_path):
    rows = [
        (1, 1, 1, 10.5, 100, 10, 50, 3.5),
        (12, 31, 24, 99.8, 1500, 1501, 9998.9, 90),
        (2, 28, 2, 99.9, 9999, 9999, 9999, 999),
        (2, 29, 2, 1, 1, 1, 1, 1),
        (2, 30, 2, 1, 1, 1, 1, 1),
        (13, 1, 2, 1, 1, 1, 1, 1),
        (6, 32, 2, 1, 1, 1, 1, 1),
        (6, 3, 25, 1, 1, 1, 1, 1),
        (6, 3, 24, -60.1, -1, "", 0, 90.1),
        (6, 4, 24, 60.1, 10000, 5, 5, 998.9),
        *[(7, 1, hour, 20, 3, 2, 1, 0) for hour in range(2, 6)],
    ]
    path = tmp_path / "a.epw"
    made = {"counted from 1": whole(knmi.read_weather_hourly, _epw(path, rows), form="epw")}
    from_0 = [(*row[:2], row[2] - 1, *row[3:]) for row in rows]
    made["counted from 0, in the west"] = whole(
        knmi.read_weather_hourly, _epw(path, from_0[:2], "52.43,-6.26,-1.0,4.0", head=3), form="epw"
    )
    made["in words"] = whole(knmi.read_weather_hourly, _epw(path, rows, "52.43,6.26,GMT,4.0"), form="epw")
    made["half without a day"] = whole(knmi.read_weather_hourly, _epw(path, [rows[0], rows[4]]), form="epw")
    made["most without a day"] = whole(knmi.read_weather_hourly, _epw(path, [rows[0], *rows[4:6]]), form="epw")
    same_as_pinned("pins/epw.txt", made)


@pytest.mark.parametrize(
    ("begin", "form"),
    [
        ("\ufeff location,x", "epw"),
        ("LOCATION", "epw"),
        ("# LOCATION", "knmi"),
        ("", "knmi"),
        (" " * 200 + "LOCATION", "knmi"),
    ],
)
def test_an_epw_begins_with_its_location(begin, form, tmp_path):
    (tmp_path / "x").write_text(begin, "utf-8")
    assert epw.form_of(tmp_path / "x") == form


def test_the_station_nearest_to_a_place_and_the_year_that_is_built_in():
    assert knmi.stations()[260] == pytest.approx((52.1, 5.18), abs=0.01)
    assert (knmi.nearest_station(203_000, 503_000), knmi.nearest_station(137_000, 456_000)) == (278, 260)
    hours, tally, told = knmi.typical_year()
    assert (len(hours), tally.kept, told.edition, told.role) == (8760, 8760, "De Bilt 2011-2024", "weather_hourly")
    assert hours["timestamp"].iloc[[0, -1]].astype(str).tolist() == [
        "2019-01-01 00:00:00+00:00",
        "2019-12-31 23:00:00+00:00",
    ]
    # De Bilt has some 1,060 kWh/m2 of sun a year, 10.9 degC and 3.3 m/s.
    assert hours["ghi_w_per_m2"].sum() / 1000 == pytest.approx(1060, rel=0.03)
    assert hours["air_temperature_degc"].mean() == pytest.approx(10.9, abs=0.4)
    assert hours["wind_speed_m_per_s"].mean() == pytest.approx(3.3, abs=0.3)
    assert hours[["dni_w_per_m2", "dhi_w_per_m2"]].isna().all().all()
    assert set(hours["station"]) == {"260"}
    assert (hours["latitude_deg"].iloc[0], hours["longitude_deg"].iloc[0]) == knmi.stations()[260]


@pytest.mark.parametrize(
    ("first", "last"), [("2020010", "20200101"), ("20200101", "202001011"), ("20200102", "20200101")]
)
def test_days_that_are_asked_are_written_whole_and_in_order(first, last):
    knmi._require_days("20200101", "20200101")
    with pytest.raises(ConfigError, match=f"found {first}, {last}"):
        knmi._require_days(first, last)


def test_an_answer_of_knmi_has_a_head_rows_of_the_station_and_a_last_line_that_ends():
    whole_table = b"# STN,YYYYMMDD,    Q\n# x\n  278,20200101,  1\n"
    knmi._require_table(whole_table, 278, "x")
    knmi._require_table(b"STN, YYYYMMDD,Q\n278, 20200101,1\n", 278, "x")
    for content, station, found in (
        (whole_table, 260, "no rows of station 260"),
        (whole_table[:-1], 278, "# STN"),
        (whole_table[2:].replace(b"STN", b"STA"), 278, "STA"),
        (b"# STN,YYYYMMDD,Q\n# 278,20200101,1\n", 278, "no rows of station 278"),
    ):
        with pytest.raises(FormatError, match=found):
            knmi._require_table(content, station, "x")


# --- Zwolle -----------------------------------------------------------------------------------------------------------

KLIMAAT = [
    ["Thema's - 2022 - Buurten", "", "", "", "", ""],
    [
        "Buurten",
        "Aardgasverbruik woningen [miljoen m3]",
        "Elektriciteitsverbruik woningen [GWh (miljoen kWh)]",
        "Percentage woningen met geregistreerde zonnepanelen [%]",
        "Huishoudens [aantal]",
        "Gemiddeld inkomen per inwoner [€]",
    ],
    ["Noord", 0.5, 0.4, 0.25, 400, 30100],
    ["Tippe bij de IJssel", 1.2, 2.5, 1.5, 1000, "?"],
    ["ZUID-oost", 0.6, 0.5, 0.1, 0, 20000],
    ["Dubbel", 1, 1, 0.1, 100, 20000],
    ["dub bel", 1, 1, 0.1, 100, 20000],
    ["Elders", 1, 1, 0.1, 100, 20000],
    ["", 7, 7, 0.7, 7, 7],
    ["", "", "", "", "", ""],
    ["Bron: x", "", "", "", "", ""],
]
CIJFERS = [
    ["Thema's - 2024 - Buurten", "", "", ""],
    [
        "Buurten",
        "woningen [woonruimten]",
        "inwoners op 1 januari [personen] (1)",
        "inwoners in de leeftijd van 65 jaar en ouder [personen]",
    ],
    ["noord", 200, 500, 125],
    ["De Tippe", 500, 0, 0],
    ["Zuidoost", 0, 10, 11],
]


def _workbook(path: Any, rows: list[list[Any]]) -> Any:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([None if one == "" else one for one in row])
    book.save(path)
    return path


def test_buurten_of_zwolle_with_the_figures_of_both_workbooks(tmp_path):
    rows = [
        {"BRTNR": number, "OMSCHR": name, "shape": square(place) if place else None}
        for place, (number, name) in enumerate(
            [
                ("0", "geen"),
                ("110", "Noord"),
                ("1", " De Tippe "),
                ("999", "Zuid Oost"),
                ("120", "Dubbel"),
                ("110", "x"),
            ]
        )
    ]
    rows += [{"BRTNR": one, "OMSCHR": "x", "shape": square(7)} for one in ("1000", "0", "1.5", None)]
    path = saved(tmp_path / "buurten.geojson", rows)
    klimaat, cijfers = _workbook(tmp_path / "k.xlsx", KLIMAAT), _workbook(tmp_path / "c.xlsx", CIJFERS)
    made = {"both": whole(zwolle.read_buurt, path, klimaat=klimaat, cijfers=cijfers)}
    made["energy only"] = whole(zwolle.read_buurt, path, klimaat=klimaat)
    other = _workbook(tmp_path / "o.xlsx", [["Thema's - 2022 - Wijken", ""], *KLIMAAT[1:3]])
    made["of wijken"] = whole(zwolle.read_buurt, path, klimaat=other)
    same_as_pinned("pins/zwolle.txt", made)


# --- statistics of CBS ------------------------------------------------------------------------------------------------

_TITLES = {
    "Codering_3": ("Codering", ""),
    "Inw_5": ("Aantal inwoners", "aantal"),
    "Hh_9": ("Huishoudens totaal", "aantal"),
    "Oud_7": ("65 jaar of ouder", "aantal"),
    "Gas_8": ("Gemiddeld aardgasverbruik totaal", "m³"),
    "Woz_4": ("Gemiddelde WOZ-waarde van woningen", "x 1 000 euro"),
    "Koop_1": ("Koopwoningen", "aantal"),  # of another unit than the share that is meant
}


def _table(folder: Any, year: int, rows: list[tuple[Any, ...]], titles: Any = None) -> None:
    """Write the answers of OData v3: codes, and figures in the order of the titles."""
    titles = titles or _TITLES
    properties = [{"Key": key, "Title": title, "Unit": unit} for key, (title, unit) in titles.items()]
    table = [dict(zip(titles, row, strict=False)) for row in rows]
    folder.mkdir(parents=True)
    infos = [{"Title": f"Kerncijfers {year - 1}", "Period": str(year), "Modified": "x"}]
    parts = {"TableInfos": infos, "DataProperties": [*properties, "x"], "TypedDataSet": table}
    for name, content in parts.items():
        (folder / f"{name}.json").write_text(json.dumps({"value": content}))


def test_statistics_of_two_years_each_column_of_the_newest_that_is_half_filled(tmp_path):
    codes = [f"BU0193000{one}" for one in range(5)]
    newest = [("GM0193    ", 9, 9, 9, 9, 9, 9), ("WK019300  ", 9, 9, 9, 9, 9, 9)]
    values = [(100, 50, 25), (0, 1, 0), (1, None, 1), (10, 5, 12), (None, 5, 1)]
    gas, woz = [1000, None, None, None, None], [300, 301, None, None, None]
    newest += [(f"{code} ", *own, g, w, 7) for code, own, g, w in zip(codes, values, gas, woz, strict=True)][::-1]
    newest.append((codes[0], 5, 5, 5, 5, 5, 5))
    _table(tmp_path / "new" / "86NED", 2025, newest)
    older = [(code, 1, 1, 1, 900 + at, 200 + at, 1) for at, code in enumerate(codes[:4])]
    _table(tmp_path / "old" / "85NED", 2024, [*older, ("BU01939999", 1, 1, 1, 1, 1, 1)])
    made = {"two years": whole(cbs.read_kwb, tmp_path / "new", tmp_path / "old")}
    made["one"] = whole(cbs.read_kwb, tmp_path / "new")
    made["nothing"] = whole(cbs.read_kwb, tmp_path / "none")
    _table(tmp_path / "wijken", 2024, [("WK019300  ", 1, 1, 1, 1, 1, 1)])
    made["of wijken"] = whole(cbs.read_kwb, tmp_path / "wijken")
    _table(tmp_path / "short", 2024, [("BU01930000", 1, 1)])
    made["announced, not there"] = whole(cbs.read_kwb, tmp_path / "short")
    _table(
        tmp_path / "bare", 2024, [("BU01930000", 1)], {"Codering_3": ("Codering", ""), "Inw_5": ("Bewoners", "aantal")}
    )
    made["of other titles"] = whole(cbs.read_kwb, tmp_path / "bare")
    twice = {**_TITLES, "Gas_99": _TITLES["Gas_8"]}
    _table(tmp_path / "twice", 2024, [("BU01930000", 1, 1, 1, 1, 1, 1, 1)], twice)
    made["of one title twice"] = whole(cbs.read_kwb, tmp_path / "twice")
    panels = {"C": _TITLES["Codering_3"], "N": ("Aantal installaties bij woningen", "aantal")}
    panels["P"] = ("Opgesteld vermogen van zonnepanelen", "kWp")
    _table(tmp_path / "panels", 2023, [("BU01930000", 3, 1.5), ("BU01930001", ".", -99997)], panels)
    made["solar panels"] = whole(cbs.read_kwb, tmp_path / "panels")
    same_as_pinned("pins/statistics.txt", made)


SAVED = (
    "Kerncijfers 2023 en nog wat;;;;\nCodering_3;AantalInwoners_5;a_hh;65 jaar of ouder;GemiddeldeWOZWaardeVanWoningen_39\n"
    "BU01930000;1000;500;250;312,5\n\nBU01930001;.;1\n"
)


def test_statistics_as_people_save_them_with_the_year_where_it_is_said(tmp_path):
    path = tmp_path / "kwb.csv"
    made = {}
    periods = "Perioden;regiocode;a_inw;a_hh\n2024JJ00;BU01930000;1;2\n2023JJ00;BU01930001;3;4\n2023;BU01930000;5;6\nx;y;1;1\n"
    for name, (text, year) in {
        "in the title": (SAVED, None),
        "in the study": (SAVED, 2021),
        "nowhere": (SAVED.replace("2023", "12023"), None),
        "in its rows": (periods, None),
        "in its rows and in the study": (periods, 2023),
        "in its rows, not that of the study": (periods, 2022),
        "in no row": (periods.replace("20", "x"), None),
        "of two readings": (SAVED.replace("312,5", "1.312"), None),
        "by another code": ("gwb_code_10;gwb_code;a_inw;a_hh\nBU01930000;x;1;2\n".replace("code_10", "code_11"), 2020),
    }.items():
        path.write_text(text)
        made[name] = whole(cbs.read_kwb, path, year=year)
    same_as_pinned("pins/saved_statistics.txt", made)


@pytest.mark.parametrize(
    ("info", "year"),
    [
        ({"Period": "2024", "Title": "2023"}, 2024),
        ({"Period": "2019 - 2020"}, 2020),
        ({"Period": "", "Title": "Kerncijfers 1999"}, 1999),
        ({"Period": None, "Title": "van 2119"}, None),
        ({}, None),
    ],
)
def test_the_year_of_a_table_is_the_last_of_its_period_else_of_its_title(info, year):
    if year:
        assert publishers.year_stated(info, where="x") == year
    else:
        with pytest.raises(FormatError, match="a year in Period or Title"):
            publishers.year_stated(info, where="x")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://x.nl/a", None),
        ("http://127.0.0.1:9/", None),
        ("http://[::1]/", None),
        ("http://localhost/", None),
        ("http://x.nl/", "https, or http to this machine only"),
        ("http://10.0.0.1/", "https, or http to this machine only"),
        ("ftp://x.nl/", "an http"),
        ("https://", "an http"),
        ("https://me@x.nl/", "an http"),
        ("https://x.nl/?a=1", "an http"),
        ("https://x.nl/#a", "an http"),
    ],
)
def test_an_address_is_plain_and_over_https_but_to_this_machine(address, said, monkeypatch):
    monkeypatch.setenv("KANSENKAART_URL_CBS_ODATA", address)
    monkeypatch.setenv("KANSENKAART_BULK_CBS_ODATA", f"https://a.nl/ {address}")
    monkeypatch.setenv("KANSENKAART_MIRROR_CBS_ODATA", "https://b.nl/")
    if said is None:
        assert publishers.base_urls("cbs-odata") == (address, "https://b.nl/")
        assert publishers.bulk_urls("cbs-odata") == ("https://a.nl/", address)
    else:
        for ask in (publishers.base_url, publishers.bulk_urls):
            with pytest.raises(ConfigError, match=said):
                ask("cbs-odata")


def test_a_publisher_without_a_bulk_file_or_of_no_row_is_refused(monkeypatch):
    monkeypatch.delenv("KANSENKAART_BULK_KNMI", raising=False)
    with pytest.raises(ConfigError, match="found ''"):
        publishers.bulk_urls("knmi")
    with pytest.raises(ConfigError, match="one of the publishers"):
        publishers.base_url("niemand")
    told = publishers.delivery("bag", role="pand", edition="x", address="y", sha256="z", year=2020)
    assert (told.publisher, told.credit, told.year, told.role) == ("bag", "Kadaster (BAG)", 2020, "pand")
