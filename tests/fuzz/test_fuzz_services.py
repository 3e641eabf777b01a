"""Clients of live services: whatever JSON an answer holds, a delivery is kept or the service is refused in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kansenkaart.errors import ConfigError, FormatError, KansenkaartError
from kansenkaart.sources import ahn, bag3d_api, cbs, knmi, pdok
from kansenkaart.sources.tools.archives import parse_json
from kansenkaart.sources.tools.http import Answer, Http
from kansenkaart.sources.tools.rawfolder import plain_name
from tests.fuzz.conftest import FUZZ
from tests.fuzz.odd import spoilt, spoilt_bytes, spoilt_json, survives

HTTP = Http(attempts=1, wait_first_s=0.0, wait_most_s=0.0, page_size=100, pause_s=0)
BOX = (190_000.0, 550_000.0, 210_000.0, 570_000.0)
BASE = "http://127.0.0.1/ogc"


def _answers(content):
    def get_json(url, *, http, params=None, known=None):
        return parse_json(content, where=url), Answer(url, 200, {}, content)

    return get_json


def test_half_a_character_in_a_page_is_named_and_no_page_is_kept(published, tmp_path):
    page = json.loads(published["pand"]) | {"links": [{"rel": "self", "href": BASE}], "numberMatched": 4}
    page["features"][0]["properties"]["status"] = "Pand \ud800"
    layer = pdok.Layer("bag", "pand", BASE, "pand", needs=("identificatie",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdok, "get_json", _answers(json.dumps(page).encode()))
        with pytest.raises(FormatError, match="half a character"):
            pdok.fetch_collection(tmp_path, layer=layer, http=HTTP, bbox_m=BOX)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_half_a_character_in_an_answer_of_cbs_is_named(published, tmp_path):
    rows = json.loads(published["DataProperties"])
    rows["value"][0]["\ud800"] = "x"

    def get_json(url, *, http, params=None, known=None):
        name = next(one for one in published if f"/{one}" in url and one[0].isupper())
        return _answers(json.dumps(rows).encode() if name == "DataProperties" else published[name])(url, http=http)

    asked = {"base_url": "http://127.0.0.1/ODataFeed/odata/", "codes": ["GM9999"], "tables": ["86165NED"], "http": HTTP}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cbs, "get_json", get_json)
        with pytest.raises(FormatError, match="half a character"):
            cbs.fetch_kwb(tmp_path, **asked)


def test_an_edition_that_is_no_text_is_named_as_it_is():
    assert plain_name(True) == "True"


def test_an_edition_without_letters_is_named():
    with pytest.raises(ConfigError) as told:
        plain_name(" - ")
    assert told.value.where
    assert told.value.remedy


@pytest.mark.parametrize("name", ["pand", "buurten"])
@FUZZ
@given(data=st.data())
def test_page_of_features(name, published, tmp_path_factory, data):
    page = json.loads(published[name]) | {"links": [{"rel": "self", "href": BASE}], "numberMatched": 4}
    content = data.draw(spoilt_json(json.dumps(page).encode()))
    layer = pdok.Layer("bag", name, BASE, "pand", needs=("identificatie|buurtcode",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdok, "get_json", _answers(content))
        survives(lambda: pdok.fetch_collection(tmp_path_factory.mktemp("raw"), layer=layer, http=HTTP, bbox_m=BOX))


@FUZZ
@given(data=st.data())
def test_page_of_buildings(published, tmp_path_factory, data):
    head, *features = map(json.loads, published["cityjsonseq"].splitlines())
    page = {"features": features, "metadata": head, "links": [], "numberMatched": len(features)}
    content = data.draw(spoilt_json(json.dumps(page).encode()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bag3d_api, "get_json", _answers(content))
        survives(lambda: bag3d_api.fetch_roofs(tmp_path_factory.mktemp("raw"), base_url=BASE, bbox_m=BOX, http=HTTP))


@FUZZ
@given(data=st.data())
def test_answers_of_cbs(published, tmp_path_factory, data):
    chosen = data.draw(st.sampled_from(["TableInfos", "DataProperties", "WijkenEnBuurten", "TypedDataSet"]))
    content = {chosen: data.draw(spoilt(published[chosen]))}

    def get_json(url, *, http, params=None, known=None):
        name = next(one for one in published if f"/{one}" in url and one[0].isupper())
        return _answers(content.get(name, published[name]))(url, http=http)

    asked = {"base_url": "http://127.0.0.1/ODataFeed/odata/", "codes": ["GM9999"], "tables": ["86165NED"], "http": HTTP}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cbs, "get_json", get_json)
        survives(lambda: cbs.fetch_kwb(tmp_path_factory.mktemp("raw"), **asked))


INDEX = {
    "features": [
        {
            "properties": {"kaartbladNr": "V_99ZZ9", "url": "../dsm.tif"},
            "geometry": {"type": "Polygon", "coordinates": [[[2e5, 5e5], [2.1e5, 5e5], [2.1e5, 5.1e5], [2e5, 5e5]]]},
        }
    ]
}


@FUZZ
@given(data=st.data())
def test_index_of_sheets(data):
    content = json.loads(data.draw(spoilt_json(json.dumps(INDEX).encode())))
    survives(lambda: list(ahn._links(content, BOX, "http://127.0.0.1/ahn/index.json")))


@FUZZ
@given(data=st.data())
def test_answer_of_knmi(published, data):
    survives(lambda: knmi._require_table(data.draw(spoilt_bytes(published["etmgeg"])), 999, BASE))


def test_the_seeds_themselves_are_kept(published, tmp_path, monkeypatch):
    page = json.loads(published["pand"]) | {"numberMatched": 4}
    monkeypatch.setattr(pdok, "get_json", _answers(json.dumps(page).encode()))
    layer = pdok.Layer("bag", "pand", BASE, "pand", needs=("identificatie",))
    path, _ = pdok.fetch_collection(tmp_path, layer=layer, http=HTTP, bbox_m=BOX)
    assert not isinstance(path, KansenkaartError)
    assert len(json.loads(path.read_text("utf-8"))["features"]) == 4
