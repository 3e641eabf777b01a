"""The map page before any browser: what its script is given, its packed layers, and every way in which it can be wrong."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.errors import ConfigError, SchemaError, StoreError
from kansenkaart.present import render, style
from kansenkaart.present.editionpages import plotted
from kansenkaart.present.layercodec import EncodedLayer, encode_frame, encode_layer, zigzag_varints
from kansenkaart.present.mapspec import Answer, Column, Credit, Fixed, LinkColumn, MapSpec, Page, Start, StartPlace
from kansenkaart.present.style import (
    LegendClass,
    diverging_classes,
    ink_on,
    ramp_classes,
    read_house_style,
    style_faults,
)
from tests.pinned import same_as_pinned
from tests.present.pictures import blocks, picture


def whole() -> MapSpec:
    """Return the picture with links, arrows, a start, pages, words and a fixed amount."""
    spec = picture()
    units, lines = spec.layers
    frame = units.frame.assign(sheet=["factsheets/b0.html", *[None] * 8])
    columns = (*units.columns, Column("sheet", "factsheet", "voorbeeld", kind="text"))
    units = replace(units, frame=frame, columns=columns, links=(LinkColumn("sheet", "Factsheet"),))
    assert spec.tool is not None
    areas = (spec.tool.areas[0], replace(spec.tool.areas[1], values=(math.nan, math.inf), homes=250.0))
    start = Start(
        "Waar beginnen?",
        (Answer("Waar?", "Zuid", "gebied", folded=True),),
        ("b0",),
        "factsheets/b0.html",
        "blokken",
        "b0",
        (StartPlace("b0", "Zuid", 14.0, 6.0, 16.0, 0.3, "woorden"),),
        (("riool", "vraag"),),
    )
    return replace(
        spec,
        layers=(units, replace(lines, arrows=True)),
        tool=replace(spec.tool, areas=areas, fixed=Fixed("vast", "sun", -5.0, (1.0, 2.0, 3.0))),
        start=start,
        pages=(Page("Overzicht", "overzicht.html"),),
        words={"name": {"Blok 0": "nul"}},
        questions={"q": "Wat?"},
        context=("straten",),
        contact="Meld <het>.",
    )


def _without_place(header: dict) -> dict:
    """Return the header of a layer without what differs by a tenth of a metre with the grids that PROJ has."""
    return {name: one for name, one in header.items() if name not in ("origin", "streams")}


def test_what_the_script_of_the_map_is_given_is_as_it_was_read():
    spec = whole()
    headers, payloads = render._packed(spec)
    headers = [_without_place(one) for one in headers]
    made = {name: json.dumps(one, ensure_ascii=False) for name, one in render._content(spec, headers).items()}
    assert len(headers) == len(payloads) == 3
    assert render._tool(replace(spec.tool, fixed=None))["fixed"] is None
    bare = render._content(replace(spec, tool=None, search=None, start=None), [])
    assert (bare["tool"], bare["start"]) == (None, None)
    assert len(render._packed(replace(spec, search=None))[0]) == 2
    same_as_pinned("pins/kinds_map.txt", made)


def test_the_page_around_the_map_is_as_it_was_read():
    pages = {
        "whole": render.render_page(whole()),
        "public": render.render_page(replace(picture(title="Łódź 漢"), public=True, example=False)),
    }
    made = {}
    for name, page in pages.items():
        assert max(page) <= "\xff"
        text = re.sub(r"<style>.*?</style>", "<style>", page, flags=re.DOTALL)
        text = re.sub(r"(<script\b[^>]*>).*?</script>", r"\1", text, flags=re.DOTALL)
        text = re.sub(r"sha256-[\w+/=]+", "sha256-", text)
        made[name] = "\n".join(one.strip() for one in text.replace("><", ">\n<").splitlines() if one.strip())
    script = re.findall(r"<script>(.*?)</script>", pages["whole"], flags=re.DOTALL)
    made["script of the map"] = next(one for one in script if "L.map(" in one and len(one) < 5000).strip()
    made["script of the map"] = re.sub(r"(\d+\.\d{3})\d+", r"\1", made["script of the map"])
    same_as_pinned("pins/kinds_map_page.txt", made)
    assert not re.search(r"(?m)^\s*(//|/\*\*.*\*/$|$)|^ ", render._own_script())
    assert "url(" not in render._inline_css("a{}\nb{url(x)}\nc{}")
    assert render._inline_css("a{}\nb{url(x)}\nc{}") == "a{}\nc{}"


def test_signs_beyond_latin_1_are_written_otherwise_and_the_others_kept():
    assert render._narrow("é\xff\u0100", render._in_script) == "é\xff\\u0100"
    assert render._narrow("\u0100", render._in_style) == "\\000100"
    assert render.script_json({"a<b": ["&\u2028", None, 1.5, "é"]}) == ('{"a\\u003cb":["\\u0026\\u2028",null,1.5,"é"]}')
    with pytest.raises(ValueError, match="Out of range"):
        render.script_json(math.inf)


def test_an_asset_of_other_bytes_is_refused(monkeypatch):
    class Other:
        """A hash that is nobody's."""

        def __init__(self, _):
            pass

        def hexdigest(self):
            return "0"

    assert {"leaflet.js", "fflate.js", "Roboto-Bold.ttf"} <= set(render.vendored())
    monkeypatch.setattr(render.hashlib, "sha256", Other)
    with pytest.raises(StoreError, match=r"leaflet\.js of leaflet 1\."):
        render.vendored.__wrapped__()


def _said(make) -> str:
    """Return what a picture that cannot be made says."""
    with pytest.raises(SchemaError) as caught:
        make()
    return str(caught.value).replace("; ", "\n")


def test_every_fault_of_a_picture_is_said_as_was_read():
    spec = whole()
    units, lines = spec.layers
    tool, theme, start = spec.tool, spec.themes[0], spec.start
    view = theme.views[0]

    def layer(**changes):
        return lambda: replace(spec, layers=(replace(units, **changes), lines))

    def subject(**changes):
        return lambda: replace(spec, themes=(replace(theme, **changes), spec.themes[1]))

    def choosing(**changes):
        return lambda: replace(spec, tool=replace(tool, **changes))

    shapes = [None, shapely.Polygon(), shapely.Point(0, 0), *units.frame.geometry[3:]]
    half = (LegendClass("A", "a", "#000000", None, 1.0), LegendClass("A", "b", "#111111", 1.0, None))
    gap = (LegendClass("A", "a", "#000000", None, None), LegendClass("B", "b", "#111111", None, None))
    mixed = (LegendClass("A", "a", "#000000", None, 1.0), LegendClass("B", "b", "#111111", values=("x",)))
    edges = tool.edges.assign(a="b9", kind="wild")
    ways = {
        "bare": lambda: replace(spec, sources=(), themes=(), context=("elders",)),
        "edition": lambda: replace(spec, sources=(replace(spec.sources[0], edition=""),) * 2),
        "search": lambda: replace(spec, search=spec.search.drop(columns=["text", "kind"])),
        "doubles": lambda: replace(spec, layers=(units, lines, lines), themes=(theme, theme, spec.themes[1])),
        "style": lambda: replace(spec, style={"--x": "1"}, dark={"--y": "1"}),
        "paths": lambda: replace(spec, pages=(Page("a", "../a"),), start=replace(start, link="a b", layer="elders")),
        "link": layer(links=(LinkColumn("homes", "x"), LinkColumn("none", "y"))),
        "link values": layer(frame=units.frame.assign(sheet=["/a", "b", *[None] * 7])),
        "link of an area": choosing(areas=(replace(tool.areas[0], link="a//b"),)),
        "no tool": lambda: replace(spec, tool=None),
        "crs": layer(frame=units.frame.set_crs(None, allow_override=True)),
        "shapes": layer(frame=units.frame.set_geometry(gpd.GeoSeries(shapes, crs=28992))),
        "columns": layer(
            columns=(*units.columns, units.columns[0], Column("x", "x", "y", year_column="z", basis_column="q"))
        ),
        "key": layer(frame=units.frame.assign(block="b0")),
        "roles": layer(key="nowhere", title_column="no title"),
        "arrows": layer(arrows=True),
        "theme": subject(layer="elders"),
        "theme empty": subject(views=(), outlines=("elders",), question="z"),
        "theme columns": subject(
            popup=("p",), table=("t",), lead=("l",), parties=("r",), months=("m",), headline="h", filter_column="f"
        ),
        "parts": subject(parts=("straten", "nowhere")),
        "parts of nothing": subject(parts=("elders", "street")),
        "classes none": subject(views=(replace(view, classes=()),)),
        "classes double": subject(views=(replace(view, classes=half),)),
        "classes gap": subject(views=(replace(view, classes=gap),)),
        "tool layer": choosing(layer="elders"),
        "tool sums": choosing(homes="name", totals=("x",), fixed=Fixed("v", "y", 0.0)),
        "tool areas": choosing(areas=(replace(tool.areas[0], units=("b9", "b0", "b99"), values=(1.0,)),)),
        "tool edges": choosing(edges=edges),
    }
    same_as_pinned("pins/kinds_map_faults.txt", {name: _said(make) for name, make in ways.items()})
    subject(views=(replace(view, classes=mixed),))()  # kinds beside bounds need not meet
    subject(parts=("straten", "street"), question="q", headline="homes", filter_column="name")()
    assert spec.layer("straten") is lines


@pytest.mark.parametrize("size", range(1, 10))
def test_a_number_takes_one_byte_more_for_each_seven_bits(size):
    # Zig-zag doubles: the largest that fits in `size` groups of seven bits is 2^(7 size - 1) - 1.
    most = 2 ** (7 * size - 1) - 1
    one = zigzag_varints(np.array([most]))
    assert one == bytes([0xFE, *[0xFF] * (size - 2), 0x7F] if size > 1 else [0x7E])
    assert zigzag_varints(np.array([-most - 1])) == bytes([*[0xFF] * (size - 1), 0x7F])
    assert zigzag_varints(np.array([most + 1])) == bytes([*[0x80] * size, 0x01])


def _packed(one: EncodedLayer) -> str:
    columns = gzip.decompress(one.payload)[sum(one.header["streams"]) :]
    return f"{json.dumps(_without_place(one.header), ensure_ascii=False)}\n{hashlib.sha256(columns).hexdigest()}"


def test_packed_layers_are_as_they_were_read():
    spec = whole()
    made = {one.name: _packed(encode_layer(one)) for one in spec.layers}
    three = shapely.wkt.loads("POLYGON Z ((190000 560000 1, 190000 560010 2, 190010 560010 3, 190000 560000 1))")
    frame = gpd.GeoDataFrame(
        {
            "id": ["0199600000000001", "0199600000000002"],
            "nine": ["123456789", "000000001"],
            "eight": ["12345678", "00000001"],
            "long": ["12345678901234567", "00000000000000001"],
            "odd": ["123456789", "1234567890"],
            "gone": ["123456789", None],
            "same": ["a\u00e9", "a\u00e9"],
            "none": [None, None],
            "size": pd.array([None, 3], "Int64"),
        },
        geometry=[three, shapely.affinity.translate(three, 50, 50)],
        crs=28992,
    )
    columns = tuple(Column(name, name, "s", kind="number" if name == "size" else "text") for name in frame.columns[:-1])
    made["kinds of text"] = _packed(EncodedLayer(*encode_frame(frame, "polygon", columns)))
    lines = gpd.GeoDataFrame(
        geometry=[shapely.MultiLineString([[(0, 0), (9, 9)], [(20, 0), (30, 5), (40, 9)]])], crs=28992
    )
    made["lines"] = _packed(EncodedLayer(*encode_frame(lines, "line", ())))
    same_as_pinned("pins/kinds_packed.txt", made)


@pytest.mark.parametrize(
    ("most", "width"), [(253, 1), (254, 1), (255, 2), (65_534, 2), (65_535, 4), (2**32 - 2, 4), (2**32 - 1, 0)]
)
def test_a_column_takes_the_bytes_that_its_range_needs(most, width):
    # Of a range of n steps the codes run from 1 to n + 1: 0 is for what is unknown.
    frame = gpd.GeoDataFrame({"v": [0, most]}, geometry=gpd.points_from_xy([0, 0], [0, 0]), crs=28992)
    if not width:
        with pytest.raises(SchemaError, match=r"4294967296 steps of 1e-0"):
            encode_frame(frame, "point", (Column("v", "v", "s"),))
        return
    header, _ = encode_frame(frame, "point", (Column("v", "v", "s"),))
    assert (header["columns"][0]["width"], header["columns"][0]["bytes"]) == (width, 2 * width)


def test_layers_lie_in_the_order_of_their_places_and_blocks_hold_the_middle_of_the_map():
    frame = blocks()
    header, payload = encode_frame(frame, "polygon", (Column("block", "b", "s", kind="text"),))
    names = json.loads(gzip.decompress(payload)[-header["textBytes"] :])["block"]
    assert names == list(frame["block"].iloc[np.argsort(frame.hilbert_distance(), kind="stable")])
    # The middle of 3 by 3 blocks from (190 000, 560 000): RD (190 150, 560 150).
    east, north = gpd.GeoSeries.from_xy([190_150], [560_150], crs=28992).to_crs(4326).get_coordinates().to_numpy()[0]
    assert render._middle(picture()) == [round(north, 6), round(east, 6)]


@pytest.mark.parametrize(
    ("bounds", "labels", "colors"),
    [
        ([0.0], "ab", "#f3c9a6 #a6ceda"),
        ([-2.0, -1.0, 0.0], "abcd", "#9a3b08 #d8742e #f3c9a6 #a6ceda"),
        ([0.0, 1.0, 2.0], "abcd", "#f3c9a6 #a6ceda #2a7892 #0b4a61"),
        ([-1.0, 0.0, 1.0, 2.0], "abcde", "#d8742e #f3c9a6 #a6ceda #2a7892 #0b4a61"),
        ([-3.0, -2.0, -1.0, 0.0], "abcde", None),
        ([0.0, 1.0, 2.0, 3.0], "abcde", None),
        ([1.0, 2.0], "abc", None),
        ([-2.0, -1.0, 0.0, 1.0, 2.0], "abcdef", None),
        ([0.0], "abc", None),
    ],
)
def test_amounts_around_nought_have_a_hue_on_either_side(bounds, labels, colors):
    if colors is None:
        with pytest.raises(ConfigError):
            diverging_classes(bounds, labels)
        return
    made = diverging_classes(bounds, labels)
    assert " ".join(one.color for one in made) == colors
    assert [(one.letter, one.label, one.low, one.high) for one in made] == [
        (str(k + 1), labels[k], ([None, *bounds])[k], ([*bounds, None])[k]) for k in range(len(labels))
    ]


@pytest.mark.parametrize(
    ("bounds", "labels"), [([1, 2, 3, 4, 5], "abcdef"), ([1, 1], "abc"), ([2, 1], "abc"), ([1], "abc"), ([1, 2], "ab")]
)
def test_classes_that_do_not_rise_or_match_are_refused(bounds, labels):
    assert len(ramp_classes([1, 2, 3, 4], "abcde")) == 5
    with pytest.raises(ConfigError, match="rising bounds"):
        ramp_classes(bounds, labels)


def test_ink_turns_white_on_what_is_darker_than_130_of_255():
    # 0.299 red + 0.587 green + 0.114 blue: a grey of 129 is dark, one of 130 is not; then each colour by itself.
    assert [ink_on(f"#{level:02x}{level:02x}{level:02x}") for level in (129, 130)] == ["#ffffff", "#1a2230"]
    assert [ink_on(one) for one in ("#ff5a00", "#ff5d00", "#00dc00", "#00de00", "#00baba", "#00b6ba")] == [
        "#ffffff",
        "#1a2230",
        "#ffffff",
        "#1a2230",
        "#1a2230",
        "#ffffff",
    ]


def test_a_house_style_is_held_to_its_limits(tmp_path):
    path = tmp_path / "stijl.toml"

    def refused(text: str | bytes, said: str) -> None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ConfigError, match=said):
            read_house_style(path)

    full = b'[variabelen]\n"--merk" = "#0b5674"\n#'
    path.write_bytes(full + b"x" * (65_536 - len(full)))
    assert read_house_style(path) == ({"--merk": "#0b5674"}, {})
    refused(full + b"x" * (65_537 - len(full)), "more than 65536 bytes")
    refused('kleur = 1\n[variabelen]\n"--x" = "1"', "unknown table or key 'kleur'")
    refused("variabelen = 1\ndonker = 2", r"\[variabelen\] is no table; \[donker\] is no table")
    refused('[variabelen]\n"--x" = "1"\n[donker]\n"--y" = "2"', r"unknown variable '--x'.*unknown variable '--y'")
    refused('[variabelen]\n"--merk" = ["a"]', "not a plain CSS value: '{}'")
    refused("a = = 1", "a readable TOML file")
    link = tmp_path / "link.toml"
    path.write_bytes(full)
    link.symlink_to(path)
    with pytest.raises(ConfigError, match="a link"):
        read_house_style(link)
    with pytest.raises(ConfigError, match="a link, or more"):
        read_house_style(tmp_path / "none.toml")


def test_values_of_a_style_are_plain_and_colours_have_their_digits():
    fine = {"--merk": "#fff", "--vlak": "#ffff", "--vlak-2": "#ffffff", "--kaart": "#ffffffff", "--tekst": "x" * 200}
    assert list(style_faults(fine)) == []
    odd = {"--merk": "#ff", "--vlak": "#fffff", "--kaart": "URL", "--tekst": "x" * 201, "--vlak-2": ""}
    said = list(style_faults(odd))
    assert [one.rpartition(": ")[2] for one in said] == ["'#ff'", "'#fffff'", "'URL'", repr("x" * 60), "''"]
    assert [("no colour" in one) for one in said] == [True, True, False, False, False]
    assert list(style._unreadable({"--merk": "red"}, {})) == []  # a colour that is no hex is not judged
    assert list(style._unreadable({}, {"--tekst": "#ffffff"})) == []  # nor what the style did not set


@pytest.mark.parametrize(
    ("values", "ends", "points"),
    [
        ((0.0, 10.0), "0 5,5 11", [(90.0, 186.0), (620.0, 31.5)]),
        ((-5.0, 5.0), "-6 0 6", [(90.0, 171.8), (620.0, 30.2)]),
        ((2000.0, None, 2000.0), "1.900 2.000 2.100", [(90.0, 101.0), (620.0, 101.0)]),
        ((0.0,), "0 0,500 1", [(90.0, 186.0)]),
        ((None, None), "0 0,550 1,1", []),
        ((0.5, 0.7, 0.6), "0,480 0,600 0,720", [(90.0, 171.8), (355.0, 30.2), (620.0, 101.0)]),
        ((999.5, 1000.5), "999,4 1.000 1.001", [(90.0, 171.8), (620.0, 30.2)]),
    ],
)
def test_a_plot_has_a_tenth_of_room_and_no_axis_below_nought_without_need(values, ends, points):
    made = plotted(values, ["a", "b", "c"])
    assert " ".join(words for _, words in made.ticks).replace("\u2212", "-") == ends
    assert [one[:2] for one in made.points] == points
    assert [round(y, 1) for y, _ in made.ticks] == [186.0, 101.0, 16.0]


def test_a_line_of_a_plot_breaks_where_a_value_is_unknown():
    made = plotted((1.0, 2.0, None, 2.0, None, 1.0, 1.0), list("abcdefg"))
    assert [len(one.split(" ")) for one in made.lines] == [2, 1, 2]
    assert [one[2] for one in made.points] == ["a: 1", "b: 2", "d: 2", "f: 1", "g: 1"]


def test_a_credit_and_a_picture_need_no_more_than_they_have():
    spec = picture()
    assert replace(spec, credits=(Credit("x", ""),), start=Start("t", ())).start is not None
