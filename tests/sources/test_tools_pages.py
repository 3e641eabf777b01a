"""Pages of features, packed files and what is kept of them, by hand: each limit at the limit, each refusal in words."""

from __future__ import annotations

import gzip
import json
import math
import os
import time
import zipfile

import pytest

from kansenkaart.errors import ConfigError, CrsError, FormatError, IncompleteError, StoreError
from kansenkaart.sources.tools import archives, ogc, rawfolder
from kansenkaart.sources.tools.archives import content_of, gunzip, json_documents, json_that_fits, parse_json, seen_in
from kansenkaart.sources.tools.ogc import (
    Choice,
    canonical,
    canonical_feature,
    encoded,
    features_of,
    identify,
    next_link,
    paged,
    positions,
    require_box,
    require_names,
    touch,
)
from kansenkaart.sources.tools.rawfolder import clear_left, keep_draft, keep_file, keep_files, plain_name

HERE, AWAY = [100_000.0, 450_000.0], [5.0, 52.0]


def _feature(coordinates, **more):
    return {"id": "a", "geometry": coordinates and {"type": "x", "coordinates": coordinates}, "properties": {}} | more


def _found(call, error=FormatError):
    with pytest.raises(error) as why:
        call()
    return why.value.expected, why.value.found


def test_what_is_kept_of_a_page_is_chosen_and_then_adapted():
    rows = [{"id": number} for number in range(4)]
    assert Choice().of(rows) is rows
    assert Choice(keep=lambda one: one["id"] > 1).of(rows) == rows[2:]
    assert Choice(adapt=lambda one: {**one, "x": 1}).of(rows[:1]) == [{"id": 0, "x": 1}]
    both = Choice(keep=lambda one: "x" not in one and one["id"] == 3, adapt=lambda one: {**one, "x": 1})
    assert both.of(rows) == [{"id": 3, "x": 1}]


def test_a_page_in_rd_is_taken_whatever_the_nesting_and_one_place_elsewhere_refuses_it():
    fine = [HERE, [*HERE, 3.0], [HERE, [100_001, 450_001]], [[HERE, HERE], [HERE]], [[[HERE]]], None, []]
    page = {"features": [_feature(one) for one in fine], "crs": {"name": "urn:ogc:def:crs:EPSG::28992"}}
    assert features_of(page, where="x") == page["features"]
    assert features_of({"features": [{}], "crs": None}, where="x") == [{}]
    bad = [AWAY, [HERE, AWAY], [AWAY, HERE], [[HERE], [HERE, AWAY]], [[[AWAY]]], [HERE, [300_001, 450_000]]]
    bad += [[[100_000, 288_999], HERE], [math.nan, 450_000.0], [HERE, [math.inf, 450_000]]]
    for one in bad:
        expected, found = _found(
            lambda one=one: features_of({"features": [_feature(HERE), _feature(one)]}, where="x"), CrsError
        )
        assert found.startswith("coordinate ")
        assert found.endswith(" of a")
        assert expected.startswith("coordinates in RD New")
    assert _found(lambda: features_of({"features": [], "crs": "EPSG:4326"}, where="x"), CrsError)[1] == '"EPSG:4326"'
    edge = [[-7_000, 289_000], [300_000, 629_000]]
    assert len(features_of({"features": [_feature(edge)]}, where="x")) == 1
    odd = [["a", "b"], [HERE, ["a", 1]], [[1.0]], 5, [HERE, 5]]
    for one in odd:
        with pytest.raises(FormatError):
            features_of({"features": [_feature(one)]}, where="x")
    for one in (5, {"geometry": [1]}, {"properties": "x"}):
        assert _found(lambda one=one: features_of({"features": [one]}, where="x")) == (
            "a feature with geometry and properties",
            str(one),
        )


def test_a_plain_shape_is_seen_at_once_and_an_odd_one_is_looked_at():
    fine = [HERE, [HERE, [0, 300_000]], [[HERE], [HERE, HERE]], [*HERE, 5]]
    assert [ogc._plainly_in_rd(one) for one in fine] == [True] * 4
    odd = [AWAY, [HERE, [299_999, 628_999], AWAY], [[HERE], [AWAY]], [], 5, [["a", 1]], [[0]], [[HERE, 5]]]
    odd += [[[-8_000, 450_000], HERE], [HERE, [100_000, 630_000]]]
    assert [ogc._plainly_in_rd(one) for one in odd] == [False] * len(odd)


def test_positions_come_from_five_nestings_and_what_is_no_number_lies_nowhere():
    assert list(positions([[[[HERE, AWAY]]]], where="x")) == [tuple(HERE), tuple(AWAY)]
    assert list(positions([[[[[HERE]]]]], where="x")) == [tuple(HERE)]
    with pytest.raises(FormatError, match="as GeoJSON nests them"):
        list(positions([[[[[[HERE]]]]]], where="x"))
    assert list(positions([], where="x")) == []
    assert list(positions([1, 2, 3], where="x")) == [(1.0, 2.0)]
    nowhere = [(math.inf, math.inf)]
    for one in ([math.nan, 1], [1, math.nan], [math.inf, 1], [1, -math.inf]):
        assert list(positions(one, where="x")) == nowhere
    for one in ([1], [None, 1], ["a", "b"], [10**400, 1]):
        with pytest.raises(FormatError, match="a position of two or three numbers"):
            list(positions(one, where="x"))
    with pytest.raises(FormatError) as why:
        list(positions({"a": "b" * 100}, where="x"))
    assert len(why.value.found) == 80


def test_one_of_the_first_twenty_features_must_touch_the_box():
    box = (100.0, 200.0, 110.0, 210.0)
    far, near = _feature([500.0, 500.0]), _feature([105.0, 205.0])
    require_box([*[far] * 19, near], box, where="x")
    require_box([_feature(None), _feature([]), {}], box, where="x")
    assert _found(lambda: require_box([_feature(None), *[far] * 19, near], box, where="x")) == (
        "features in the box 100,200,110,210",
        "19 features elsewhere, such as at 500, 500",
    )
    for x, y in ((99.5, 205.0), (110.5, 205.0), (105.0, 199.5), (105.0, 210.5)):  # a metre around is near enough
        require_box([_feature([x, y])], box, where="x")
    for x, y in ((99.0, 205.0), (111.0, 205.0), (105.0, 199.0), (105.0, 211.0)):
        with pytest.raises(FormatError):
            require_box([_feature([x, y])], box, where="x")


def test_an_edge_in_common_is_no_piece_of_a_box():
    box = (0.0, 0.0, 10.0, 10.0)
    inside = [[(1.0, 1.0)], [(-5.0, 5.0), (15.0, 5.0)], [(9.9, 9.9), (20.0, 20.0)], [(-9.0, -9.0), (0.1, 0.1)]]
    outside = [[(10.0, 5.0), (20.0, 5.0)], [(-5.0, 5.0), (0.0, 5.0)], [(5.0, 10.0)], [(5.0, -1.0), (5.0, 0.0)]]
    assert [touch(one, box) for one in (*inside, *outside)] == [True] * 4 + [False] * 4


def test_the_same_features_are_the_same_bytes():
    rows = [{"b": 1, "a": "é", "id": 7}, {"id": "x"}, {"id": 1.5}]
    made = canonical(rows)
    assert made == ogc.OPENING + '{"a":"é","b":1,"id":"7"},{"id":"x"},{"id":"1.5"}'.encode() + ogc.CLOSING
    assert json.loads(made)["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::28992"
    assert rows[0]["id"] == 7
    with pytest.raises(ValueError, match="JSON"):
        canonical_feature({"a": math.nan})
    assert _found(lambda: encoded("a" * 50 + "\ud800", where="x"))[1] == f"half a character after {'a' * 40!r}"
    assert _found(lambda: encoded("ab\ud800", where="x"))[1] == "half a character after 'ab'"


def test_pages_are_walked_from_link_to_link_within_the_host():
    base = "https://x.nl/items"
    pages = {
        base: {"features": [1], "links": [{"rel": "self", "href": base}, {"rel": "next", "href": "?p=2"}]},
        f"{base}?p=2": {"value": [2], "@odata.nextLink": f"{base}?p=3"},
        f"{base}?p=3": {"features": []},
    }
    assert list(paged(base, pages.__getitem__)) == list(pages.items())
    pages[f"{base}?p=3"] = {"features": [3], "links": [{"rel": "next", "href": "?p=2"}]}
    assert _found(lambda: list(paged(base, pages.__getitem__)), IncompleteError)[1] == "a next link to an earlier page"
    for empty in ({"features": []}, {"value": []}, {}):
        pages[f"{base}?p=3"] = {**empty, "@odata.nextLink": "?p=4"}
        walk = paged(base, pages.__getitem__)
        assert len([next(walk) for _ in range(3)]) == 3
        assert _found(lambda walk=walk: next(walk), IncompleteError)[1] == "an empty page with a next link"
    pages[f"{base}?p=3"] = {"features": [3], "@odata.nextLink": "https://y.nl/"}
    with pytest.raises(FormatError, match="a link to"):
        list(paged(base, pages.__getitem__))
    assert list(paged("", pages.__getitem__)) == []


def test_a_link_is_an_address_in_a_list_of_links():
    assert next_link({}, where="x") is None
    assert next_link({"links": None, "@odata.nextLink": "b"}, where="x") == "b"
    assert next_link({"links": [{"rel": "prev", "href": "a"}, {"href": "c"}]}, where="x") is None
    assert next_link({"links": [{"rel": "next", "href": "a"}, {"rel": "next", "href": "c"}]}, where="x") == "a"
    for links in ({"rel": "next"}, ["a"], [{"rel": "self"}, "a"]):
        assert _found(lambda links=links: next_link({"links": links}, where="x"))[0] == "a list of links"
    for href in (5, ["a"]):
        assert _found(lambda href=href: next_link({"links": [{"rel": "next", "href": href}]}, where="x"))[1] == str(
            href
        )


def test_a_feature_has_its_own_id_else_that_of_its_register():
    assert identify({"id": 0, "properties": {"lokaal_id": "b"}}, where="x") == "0"
    assert identify({"id": "", "properties": {"lokaal_id": "b", "identificatie": ""}}, where="x") == "b"
    assert identify({"properties": {"gemeentecode": "c", "buurtcode": "b"}}, where="x") == "b"
    names = [f"p{number}" for number in range(9)]
    assert _found(lambda: identify({"properties": dict.fromkeys(names)}, where="x"))[1] == f"a feature with {names[:8]}"
    assert _found(lambda: identify({"properties": None}, where="x"))[1] == "a feature with []"


def test_of_names_that_are_a_choice_one_must_be_there():
    require_names({"a", "c"}, ["a", "b|c"], where="x")
    names = [f"n{number:02d}" for number in range(13)]
    assert _found(lambda: require_names(names, ["n01", "a|b", "c"], where="x")) == (
        "the properties ['a|b', 'c']",
        str(names[:12]),
    )


def test_what_a_file_is_by_its_first_bytes():
    given = {
        b"": "an empty file",
        b"\xff\xfea": "text in UTF-16",
        b"\xfe\xffa": "text in UTF-16",
        b"PK\x03\x04": "a zip",
        b"\x1f\x8b\x08": "a file packed with gzip",
        b"SQLite format 3\x00": "a database of SQLite",
        b"\xef\xbb\xbf\n <!DocType HTML>": "a web page",
        b"<html>": "a web page",
        b"\n<?xml": "XML of another kind",
        b"\xef\xbb\xbf [1": "JSON",
        b"{": "JSON",
        b"\nPK\x03\x04" + b"a" * 30: f"one that starts with {b'%cPK%c%c' % (10, 3, 4) + b'a' * 19!r}",
    }
    assert {one: seen_in(one) for one in given} == given


def test_a_file_is_unpacked_as_far_as_its_size_and_the_limit_allow(tmp_path, monkeypatch):
    packed = tmp_path / "a.gz"
    packed.write_bytes(gzip.compress(bytes(range(200)), mtime=0))
    monkeypatch.setattr(archives, "_CHUNK_BYTES", 7)
    assert gunzip(packed, tmp_path / "a", most_bytes=200).read_bytes() == bytes(range(200))
    assert _found(lambda: gunzip(packed, tmp_path / "b", most_bytes=199)) == ("at most 199 bytes, unpacked", "more")
    monkeypatch.setattr(archives, "MOST_RATIO", 1)
    packed.write_bytes(gzip.compress(bytes(900), mtime=0))
    assert _found(lambda: gunzip(packed, tmp_path / "b", most_bytes=1 << 20)) == (
        "at most 1 times the size of the file",
        "more",
    )
    assert not (tmp_path / "b").exists()
    archives._require_bounds(5, 5, 5, packed)
    for read, swollen, most in ((6, 6, 5), (6, 5, 6)):
        with pytest.raises(FormatError):
            archives._require_bounds(read, swollen, most, packed)
    with pytest.raises(StoreError, match="room and permission to unpack"):
        gunzip(packed, tmp_path / "a" / "b", most_bytes=9)  # below a file
    assert (archives.MOST_JSON_BYTES, archives.MOST_SEQUENCE_BYTES) == (600 * 2**20, 8 * 2**30)


def _written(folder, name, content, how):
    path = folder / name
    if how == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
            out.writestr("README.txt", "x")
            out.writestr("Map/A.JSON", content)
    else:
        path.write_bytes(gzip.compress(content, mtime=0) if how == "gz" else content)
    return path


@pytest.mark.parametrize("how", ["bare", "gz", "zip"])
def test_documents_come_one_a_line_or_one_a_file_whatever_it_is_packed_in(tmp_path, how):
    def documents(content):
        return list(json_documents(_written(tmp_path, "a", content, how), (".json",)))

    assert documents(b'{"a": 1}\n\n  \n{"b": 2}\r\n{"c": 3}') == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert documents(b'{\n"a":\n1}\n') == [{"a": 1}]
    assert documents('{"a": 1}\n{"b": 2}'.encode("utf-16")) == [{"a": 1}, {"b": 2}]
    assert documents(b"") == [{}]
    for content in (b"[1]", b"[\n1]", b"5\n"):
        with pytest.raises(ValueError, match="no JSON object"):
            documents(content)
    line = b'{"b": "' + b"y" * 40 + b"z" * 40 + b"\n"
    with pytest.raises(FormatError) as why:
        documents(b'{"a": 1}\n{}\n' + line + b"{}\n")
    begin = '{"b": "' + "y" * 23
    assert why.value.found == f"one that begins with {begin!r} and ends with {'z' * 30!r}"
    assert why.value.where == "a, line 3"
    assert content_of(_written(tmp_path, "a", b"xyz", how), (".json",)) == b"xyz"


def test_a_zip_holds_one_file_that_is_meant(tmp_path):
    path = tmp_path / "a.zip"
    for names, found in (([], "none"), ([f"{n}.json" for n in range(6)], "0.json, 1.json, 2.json, 3.json, 4.json")):
        with zipfile.ZipFile(path, "w") as out:
            for name in names:
                out.writestr(name, "{}")
        assert _found(lambda: content_of(path, (".json", ".x"))) == (
            "one file in the zip that ends in .json, .x",
            found,
        )


def test_json_takes_as_much_memory_as_its_signs_may_cost(monkeypatch, tmp_path):
    text = b'{"a":[1,2]}'  # 2 * 11 + 240 + 88 + 32 + 2 * 30
    monkeypatch.setattr(archives, "MOST_JSON_BYTES", 442)
    assert json_that_fits(text, where="x") == text
    monkeypatch.setattr(archives, "MOST_JSON_BYTES", 441)
    with pytest.raises(FormatError, match="JSON whose values take at most 0 MiB"):
        json_that_fits(text, where="x")
    (tmp_path / "a").write_bytes(b"x" * 441)
    assert len(content_of(tmp_path / "a", ())) == 441
    with gzip.open(tmp_path / "b", "wb") as out:
        out.write(b"x" * 442)
    assert _found(lambda: content_of(tmp_path / "b", ())) == ("at most 441 bytes, unpacked", "more")
    (tmp_path / "c").write_bytes(b"{}\n" * 200)
    monkeypatch.setattr(archives, "MOST_SEQUENCE_BYTES", 600)
    assert len(list(json_documents(tmp_path / "c", ()))) == 200  # line by line, more than one document may be
    monkeypatch.setattr(archives, "MOST_SEQUENCE_BYTES", 599)
    assert _found(lambda: list(json_documents(tmp_path / "c", ()))) == ("at most 599 bytes, unpacked", "more")


def test_what_comes_instead_of_json_is_named():
    assert parse_json(b' {"a": [1.5, null]}', where="x") == {"a": [1.5, None]}
    given = {b"\x1f\x8b": "something packed twice (gzip)", b"\n <": "a page (HTML or XML) instead of JSON"}
    given[b" \n"] = "nothing: an empty answer"
    given[b"[NaN]"] = "text that is no JSON: NaN is not a JSON number"
    for content, found in given.items():
        assert _found(lambda content=content: parse_json(content, where="x")) == ("sound JSON", found)
    assert _found(lambda: parse_json(b"[1", where="x"))[1].startswith("text that is no JSON: Expecting")
    with pytest.raises(FormatError, match="text that is no JSON"):
        parse_json(b"[" * 100_000, where="x")


def test_a_name_of_a_folder_is_safe_and_of_a_hundred_and_twenty_signs():
    given = {" 2024/11 é ": "2024-11", "..a..": "a", "--a_b+c": "a_b+c", 5: "5", "a" * 130: "a" * 120}
    assert {one: plain_name(one) for one in given} == given
    for one in ("", "..", "é", "_a"):
        assert _found(lambda one=one: plain_name(one), ConfigError) == ("a name with letters or digits", repr(one))
    assert rawfolder.edition_named("0123456789abcdef99") == "sha256-0123456789abcdef"
    assert rawfolder.digest_of({"b": b"2", "a": b"1"}) == rawfolder.digest_of({"x": b"12"})


def test_what_killed_runs_left_goes_after_a_day(tmp_path):
    now = time.time()
    old = [tmp_path / "x" / ".a.part", tmp_path / "x" / ".b.part"]
    old[0].parent.mkdir()
    old[0].write_text("")
    (tmp_path / "x" / ".a.part.tag").write_text("")
    old[1].mkdir()
    (old[1] / "f").write_text("")
    new = tmp_path / "x" / ".c.part"
    new.write_text("")
    link = tmp_path / "x" / ".d.part"
    link.symlink_to(tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    for path, ago in ((old[0], 86_401), (old[1], 86_401), (new, 86_340)):
        os.utime(path, (now - ago, now - ago))
    os.utime(link, (now - 90_000, now - 90_000), follow_symlinks=False)
    clear_left(tmp_path)
    assert sorted(one.name for one in (tmp_path / "x").iterdir()) == [".c.part"]
    assert (tmp_path / "kept").is_dir()
    clear_left(tmp_path / "none")


def test_an_edition_keeps_its_bytes_and_others_go_beside_it(tmp_path):
    asked = (tmp_path, "bag", "2024 11", "a.json")
    path, edition = keep_file(*asked, b"1")
    assert (path, edition, path.read_bytes()) == (tmp_path / "bag" / "2024-11" / "a.json", "2024-11", b"1")
    assert keep_file(*asked, b"1") == (path, edition)
    other, named = keep_file(*asked, b"2")
    assert named == f"2024-11-{rawfolder.digest_of({'': b'2'})[:8]}"
    assert (other.read_bytes(), path.read_bytes()) == (b"2", b"1")
    assert keep_file(*asked, b"2") == (other, named)
    other.write_bytes(b"3")
    assert _found(lambda: keep_file(*asked, b"2"), StoreError)[0] == "an edition that keeps its bytes"
    parts = {"p/q.txt": b"1", "r.txt": b"2"}
    folder, first = keep_files(tmp_path, "bag", "x", "set", parts)
    assert {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*.txt")} == parts
    assert keep_files(tmp_path, "bag", "x", "set", parts) == (folder, first) == (tmp_path / "bag" / "x" / "set", "x")
    for changed in ({**parts, "s": b""}, {"r.txt": b"2"}, {**parts, "r.txt": b"3"}, {"": b"1"}):
        assert keep_files(tmp_path, "bag", "x", "set", changed)[1] != "x"
    assert keep_files(tmp_path, "bag", "2024-11", "a.json", parts)[1] != "2024-11"
    assert not list(tmp_path.rglob(".*.part"))


def test_a_draft_is_moved_to_its_place_or_taken_away(tmp_path):
    def kept(content):
        draft = tmp_path / "draft"
        draft.write_bytes(content)
        digest = rawfolder.digest_of({"": content})
        made = keep_draft(tmp_path, "bag", "x", "a.json", draft, digest)
        assert not draft.exists()
        return made, digest

    (path, edition), _ = kept(b"1")
    assert (path, edition, path.read_bytes()) == (tmp_path / "bag" / "x" / "a.json", "x", b"1")
    assert kept(b"1")[0] == (path, edition)
    (other, named), digest = kept(b"2")
    assert (named, other.read_bytes(), path.read_bytes()) == (f"x-{digest[:8]}", b"2", b"1")
    assert kept(b"2")[0] == (other, named)
    other.write_bytes(b"3")
    with pytest.raises(StoreError, match="other bytes than when it was kept"):
        kept(b"2")
    assert not (tmp_path / "draft").exists()
    (tmp_path / "file").write_text("")
    (tmp_path / "draft").write_text("")
    with pytest.raises(StoreError, match="room and permission to write"):
        keep_draft(tmp_path / "file", "bag", "x", "a.json", tmp_path / "draft", "0")
    assert not (tmp_path / "draft").exists()


def test_what_cannot_be_written_is_said_and_nothing_half_stays(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for parts in ({"": b"1"}, {"a": b"1", "b": b"2"}):
        with pytest.raises(StoreError, match="room and permission to write"):
            keep_files(tmp_path / "file", "bag", "x", "a", parts)
    assert rawfolder.unwritable(tmp_path, OSError("odd")).found == "odd"
    parts, plain = {"a": b"1"}, rawfolder.write_atomic

    def meanwhile(path, content):
        plain(path, content)
        plain(tmp_path / "bag" / "x" / "set" / "a", content)  # another run keeps the same

    monkeypatch.setattr(rawfolder, "write_atomic", meanwhile)
    assert keep_files(tmp_path, "bag", "x", "set", parts) == (tmp_path / "bag" / "x" / "set", "x")
    assert not list(tmp_path.rglob(".*.part"))
