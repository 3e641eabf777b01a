"""CBS's client and reader against a server on this machine."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
import requests

from kansenkaart.errors import ConfigError, FetchError, FormatError, IncompleteError
from kansenkaart.sources import cbs, publishers
from kansenkaart.sources.cbs import fetch_kwb, fetch_v4, read_kwb, tables_until
from kansenkaart.sources.tools import http
from kansenkaart.sources.tools.http import Http
from tests.loopback import faults
from tests.loopback.server import serve, serving
from tests.loopback.unkind import Unkind

HTTP = Http(
    connect_timeout_s=2, read_timeout_s=0.3, attempts=3, wait_first_s=0.001, wait_most_s=2, max_bytes=1 << 22, pause_s=0
)
TABLES = ("85984NED", "86165NED")
CODES = ("BU01930101", "BU01930102", "BU01930103")


def _table(folder, table, *, year, number, gas):
    keys = {
        "Aantal inwoners": ("AantalInwoners_5", "aantal"),
        "Huishoudens totaal": (f"HuishoudensTotaal_{number}", "aantal"),
        "65 jaar of ouder": ("k_65JaarOfOuder_12", "aantal"),
        "In bezit woningcorporatie": (f"InBezitWoningcorporatie_{number + 9}", "%"),
        "Gemiddeld aardgasverbruik totaal": (f"Gas_{number + 20}", "m³"),
    }
    properties = [{"Key": "Codering_3", "Title": "Codering", "Unit": ""}]
    properties += [{"Key": key, "Title": title, "Unit": unit} for title, (key, unit) in keys.items()]
    values = [(1000, 500, 200, 40, gas[0]), (800, 400, 80, 0, gas[1]), (0, 0, None, None, gas[2])]
    rows = [{"WijkenEnBuurten": "GM0193    ", "Codering_3": "GM0193    "}]
    rows += [
        {
            "WijkenEnBuurten": f"{code:10}",
            "Codering_3": f"{code:10}",
            **dict(zip([k for k, _ in keys.values()], own, strict=True)),
        }
        for code, own in zip(CODES, values, strict=True)
    ]
    regions = [{"Key": row["WijkenEnBuurten"], "Title": "x"} for row in rows]
    infos = [
        {"Title": f"Kerncijfers wijken en buurten {year}", "Period": str(year), "Modified": f"{year}-10-01T02:00:00"}
    ]
    target = folder / "odata" / table
    target.mkdir(parents=True)
    for name, content in {
        "TableInfos": infos,
        "DataProperties": properties,
        "WijkenEnBuurten": regions,
        "TypedDataSet": rows,
    }.items():
        (target / f"{name}.json").write_text(json.dumps({"value": content}))


@pytest.fixture
def server(tmp_path):
    _table(tmp_path, TABLES[0], year=2024, number=29, gas=(900, 1100, None))
    _table(tmp_path, TABLES[1], year=2025, number=28, gas=(None, None, None))
    with serve(tmp_path, odata_page=2) as running:
        yield running


def ask(server, raw):
    return fetch_kwb(raw, base_url=f"{server.url}/ODataFeed/odata/", codes=["GM0193"], tables=TABLES, http=HTTP)


def test_codes_kept_columns_by_title_and_gas_from_the_year_before(server, tmp_path):
    path, provenance = ask(server, tmp_path / "raw")
    frame, tally = read_kwb(path)
    assert provenance.edition == "2025-10-01T020000"
    assert provenance.year == 2025
    assert list(frame["buurtcode"]) == list(CODES)
    assert list(frame["inhabitants_year"]) == [2025, 2025, 2025]
    assert list(frame["gas_use_m3_per_home"][:2]) == [900, 1100]
    assert list(frame["gas_use_m3_per_home_year"][:2]) == [2024, 2024]
    assert frame["gas_use_m3_per_home"].isna()[2]
    assert frame["gas_use_m3_per_home_year"].isna()[2]
    assert frame["age_65_plus_pct"][0] == 20  # 200 of 1000
    assert frame["corporation_pct"][1] == 0  # a stated nought is no unknown
    assert frame["inhabitants"][2] == 0
    assert tally.noted["gas_use_m3_per_home of the year 2024"] == 2


def test_metadata_is_asked_once(server, tmp_path):
    ask(server, tmp_path / "raw")
    server.asked.clear()
    ask(server, tmp_path / "raw")
    assert not [one for one in server.asked if "DataProperties" in one or "/WijkenEnBuurten" in one.split("?")[0]]


RECOVERED = {
    "time-out": faults.on({4}, faults.sleep(0.6)),
    "reset": faults.on({1, 2}, faults.reset),
    "reset mid-body": faults.on({5}, faults.reset_mid_body),
    "429 with Retry-After": faults.on({3}, faults.status(429, **{"Retry-After": "1"})),
    "500": faults.on({1, 6}, faults.status(500)),
    "truncated JSON": faults.on({3}, faults.truncated),
    "HTML instead of JSON": faults.on({4}, faults.html),
}


@pytest.mark.parametrize("name", RECOVERED)
def test_a_passing_fault_is_recovered_with_the_same_bytes(server, tmp_path, name):
    expected = ask(server, tmp_path / "undisturbed")[1].sha256
    quiet = len(server.asked)
    server.asked.clear()
    server.fault = RECOVERED[name]
    assert ask(server, tmp_path / "raw")[1].sha256 == expected
    assert len(server.asked) > quiet


def _newer(server):
    """Let CBS say that its newest table has changed."""
    info = server.folder / "odata" / TABLES[1] / "TableInfos.json"
    info.write_text(info.read_text().replace("2025-10-01", "2025-11-02"))


def test_what_cbs_has_not_modified_is_not_asked_again_and_what_it_has_is(server, tmp_path):
    first = ask(server, tmp_path / "raw")
    server.asked.clear()
    assert ask(server, tmp_path / "raw") == first
    assert [one.split("/")[-1].split("?")[0] for one in server.asked] == ["TableInfos"] * len(TABLES)
    _newer(server)
    path, told = ask(server, tmp_path / "raw")
    assert told.edition == "2025-11-02T020000"
    assert path != first[0]
    assert any("TypedDataSet" in one for one in server.asked)


def drop(content):
    content["value"] = content["value"][1:]


def no_next(content):
    content.pop("odata.nextLink", None)


REFUSED = {
    "reset": (faults.reset, FetchError),
    "500": (faults.status(500), FetchError),
    "HTML instead of JSON": (faults.html, FetchError),
    "an endless answer": (faults.huge, FetchError),
    "schema changed": (faults.text(b'"value"', b'"values"'), FormatError),
    "rows gone": (lambda n, p, r: faults.body(drop)(n, p, r) if "TypedDataSet" in p else r, IncompleteError),
    "no next link": (lambda n, p, r: faults.body(no_next)(n, p, r) if "TypedDataSet" in p else r, IncompleteError),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_lasting_fault_is_refused_and_the_last_good_data_stay(server, tmp_path, name):
    path, _ = ask(server, tmp_path / "raw")
    before = {one: one.read_bytes() for one in path.rglob("*.json")}
    change, error = REFUSED[name]
    _newer(server)
    server.fault = faults.on(None, change)
    with pytest.raises(error):
        ask(server, tmp_path / "raw")
    assert {one: one.read_bytes() for one in path.rglob("*.json")} == before


def test_a_column_whose_title_is_gone_is_refused_by_name(server, tmp_path):
    path, _ = ask(server, tmp_path / "raw")
    target = path / TABLES[1] / "DataProperties.json"
    target.write_text(target.read_text("utf-8").replace("Aantal inwoners", "Bewoners"), "utf-8")
    with pytest.raises(FormatError, match="Aantal inwoners"):
        read_kwb(path)


def test_a_page_that_leads_back_to_one_that_was_asked_is_not_asked_again(monkeypatch):
    asked, base = [], "http://127.0.0.1/odata/"
    monkeypatch.setattr(
        cbs, "get_json", lambda url, http: asked.append(url) or ({}, SimpleNamespace(status=200, content=b"{}"))
    )
    session = cbs._OurSession(HTTP, [base])
    ways = [requests.Request("GET", base + one).prepare() for one in ("a", "b", "")]
    for one in ways:
        assert session.send(one).status_code == 200  # where the service lives is no page
    for one in ways:
        with pytest.raises(IncompleteError, match="earlier page"):
            session.send(one)
    assert asked == [base + "a", base + "b", base]


def test_a_service_that_was_moved_has_the_second_way_that_was_named_with_it_and_no_other(monkeypatch):
    monkeypatch.delenv("KANSENKAART_URL_CBS_ODATA", raising=False)
    monkeypatch.delenv("KANSENKAART_MIRROR_CBS_ODATA", raising=False)
    assert publishers.second_url("cbs-odata") == publishers.publisher("cbs-odata").mirror
    assert publishers.second_url("knmi-uur") == ""  # has none
    monkeypatch.setenv("KANSENKAART_URL_CBS_ODATA", "http://127.0.0.1/moved/")
    assert publishers.second_url("cbs-odata") == ""
    monkeypatch.setenv("KANSENKAART_MIRROR_CBS_ODATA", "http://127.0.0.1/second/")
    assert publishers.second_url("cbs-odata") == "http://127.0.0.1/second/"
    monkeypatch.setenv("KANSENKAART_MIRROR_CBS_ODATA", "")
    for moved in ("http://127.0.0.1/moved/", ""):
        monkeypatch.setenv("KANSENKAART_URL_CBS_ODATA", moved)
        assert publishers.second_url("cbs-odata") == ""  # named empty: none is wanted


def test_a_pause_is_asked_for_in_seconds_or_until_a_moment():
    soon, past = (datetime.now(UTC) + timedelta(seconds=one) for one in (90, -90))
    assert http.retry_after_s("90") == 90
    assert http.retry_after_s("\xb2") == 0  # a digit that is no number
    assert http.retry_after_s(format_datetime(soon, usegmt=True)) == pytest.approx(90, abs=5)
    assert http.retry_after_s(format_datetime(soon.replace(tzinfo=None))) == pytest.approx(90, abs=5)  # of no zone
    assert http.retry_after_s(format_datetime(past, usegmt=True)) == 0


def test_an_older_table_that_cbs_has_modified_is_asked_again_though_the_newest_has_not(server, tmp_path):
    ask(server, tmp_path / "raw")
    folder = server.folder / "odata" / TABLES[0]
    for name, before, now in (("TableInfos", "2024-10-01", "2025-01-01"), ("TypedDataSet", "900", "950")):
        path = folder / f"{name}.json"
        path.write_text(path.read_text().replace(before, now))
    frame, _ = read_kwb(ask(server, tmp_path / "raw")[0])
    assert frame["gas_use_m3_per_home"][0] == 950


@pytest.fixture
def second(server):
    """Play OData v4 over the same tables."""
    twin = Unkind(server.folder, variants=("v3 down",))
    twin.odata_page = 7
    with serving(twin) as running:
        yield running


def ask_v4(second, raw):
    return fetch_v4(raw, f"{second.url}/odata4", ["GM0193"], TABLES, HTTP)


def test_v4_gives_the_table_that_v3_gives(server, second, tmp_path):
    by_v3, by_v4 = (read_kwb(path)[0] for path, _ in (ask(server, tmp_path / "3"), ask_v4(second, tmp_path / "4")))
    assert list(by_v3["buurtcode"]) == list(CODES)
    assert by_v4.equals(by_v3[by_v4.columns])


def _of(ending, change):
    """Spoil the answers whose address, without the question, ends so."""
    return lambda n, p, r: change(n, p, r) if p.split("?")[0].endswith(ending) else r


def without(name, value):
    return faults.body(lambda content: content.update(value=[one for one in content["value"] if one[name] != value]))


def last_lost(content):
    if "@odata.nextLink" not in content:
        content["value"].pop()


def first_twice(content):
    content["value"].append(content["value"][0])


UNCOUNTED = _of("/$count", faults.status(404))
LOST = {
    "a buurt": (("/Observations", without("WijkenEnBuurten", f"{CODES[1]:10}")), f"missing \\['{CODES[1]}'\\]"),
    "the later pages": (("/Observations", faults.body(lambda one: one.pop("@odata.nextLink", None))), "missing"),
    "a figure twice": (("/Observations", faults.body(first_twice)), "twice"),
    "a buurt of the list": (("Codes", without("Identifier", CODES[2])), "the 2 buurten"),
}


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("name", LOST)
def test_what_v4_loses_on_the_way_is_refused_by_name_whether_it_counts_or_not(second, tmp_path, name, counts):
    where, words = LOST[name]
    spoil = _of(*where)
    second.fault = spoil if counts else lambda n, p, r: UNCOUNTED(n, p, spoil(n, p, r))
    with pytest.raises(IncompleteError, match=words if not counts or "list" in name else None):
        ask_v4(second, tmp_path / "raw")
    second.fault = None
    frame, _ = read_kwb(ask_v4(second, tmp_path / "raw")[0])  # what was not whole is not kept
    assert list(frame["buurtcode"]) == list(CODES)


def test_a_figure_that_v4_loses_is_seen_by_its_own_count(second, tmp_path):
    second.fault = _of("/Observations", faults.body(last_lost))
    with pytest.raises(IncompleteError, match="expected 18 figures of GM0193; found 17"):
        ask_v4(second, tmp_path / "raw")


def test_v4_without_a_count_is_taken_by_its_list_of_buurten(second, tmp_path):
    second.fault = UNCOUNTED
    assert list(read_kwb(ask_v4(second, tmp_path / "raw")[0])[0]["buurtcode"]) == list(CODES)


def test_a_list_of_buurten_that_was_not_whole_is_asked_anew(server, tmp_path):
    server.fault = _of("/WijkenEnBuurten", without("Key", f"{CODES[0]:10}"))
    with pytest.raises(IncompleteError):
        ask(server, tmp_path / "raw")
    server.fault = None
    assert list(read_kwb(ask(server, tmp_path / "raw")[0])[0]["buurtcode"]) == list(CODES)


@pytest.mark.parametrize(
    ("year", "tables"),
    [(None, ("c", "d")), (1999, ("a",)), (2020, ("a",)), (2021, ("a", "b")), (2022, ("b", "c")), (2035, ("c", "d"))],
)
def test_the_tables_of_a_year_and_of_the_one_before_are_asked(year, tables):
    assert tables_until(("a", "b", "c", "d"), year) == tables  # of 2020, the first year of the list, and on


@pytest.mark.parametrize(
    ("pause", "seconds"), [("0", 0.0), ("0.5", 0.5), ("60", 60.0), ("60.1", None), ("-1", None), ("", None)]
)
def test_a_pause_of_nothing_to_a_minute_may_be_asked(monkeypatch, pause, seconds):
    monkeypatch.setenv(http.PAUSE_VARIABLE, pause)
    if seconds is None:
        with pytest.raises(ConfigError, match="a pause of 0 to 60 s"):
            Http.of_environment()
    else:
        assert Http.of_environment().pause_s == seconds
