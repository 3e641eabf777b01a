"""A picture whose parts do not fit cannot be made; all faults are said at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kansenkaart.errors import ConfigError, SchemaError
from kansenkaart.present.style import AMOUNT, LegendClass, contrast, css_variables, ramp_classes, read_house_style
from tests.present.pictures import picture


def test_no_map_without_sources():
    with pytest.raises(SchemaError, match="names no sources"):
        replace(picture(), sources=())


def test_no_source_without_edition():
    spec = picture()
    with pytest.raises(SchemaError, match="'voorbeeld' has no edition"):
        replace(spec, sources=(replace(spec.sources[0], edition=""),))


def test_all_faults_are_named_at_once():
    spec = picture()
    theme = replace(spec.themes[0], popup=("nowhere",), outlines=("lost",))
    with pytest.raises(SchemaError) as caught:
        replace(spec, themes=(theme, theme))
    for word in ("'nowhere'", "'lost'", "theme 'zon' occurs more than once"):
        assert word in str(caught.value)


def test_other_reference_system_is_refused():
    spec = picture()
    moved = replace(spec.layers[0], frame=spec.layers[0].frame.to_crs(4326))
    with pytest.raises(SchemaError, match="not in EPSG:28992"):
        replace(spec, layers=(moved, spec.layers[1]))
    assert spec.search is not None
    for search in (spec.search.to_crs(4326), spec.search.set_crs(None, allow_override=True)):
        with pytest.raises(SchemaError, match=r"the search index is in .*, not in EPSG:28992"):
            replace(spec, search=search)


def test_classes_must_tile_the_range():
    spec = picture()
    gap = (LegendClass("A", "laag", "#000000", None, 1), LegendClass("B", "hoog", "#ffffff", 2, None))
    view = replace(spec.themes[0].views[0], classes=gap)
    with pytest.raises(SchemaError, match="A and B do not meet"):
        replace(spec, themes=(replace(spec.themes[0], views=(view,)),))


def test_tool_units_and_kinds_must_exist():
    spec = picture()
    assert spec.tool is not None
    area = replace(spec.tool.areas[0], units=("b0", "b99"))
    with pytest.raises(SchemaError, match="1 unknown units, such as 'b99'"):
        replace(spec, tool=replace(spec.tool, areas=(area,)))


def test_ramp_classes_tile_and_use_the_ends_of_the_ramp():
    classes = ramp_classes([1.0, 2.0], ["laag", "midden", "hoog"])
    assert [(c.low, c.high) for c in classes] == [(None, 1.0), (1.0, 2.0), (2.0, None)]
    assert [c.color for c in classes] == [AMOUNT[k] for k in (0, 2, 4)]
    with pytest.raises(ConfigError):
        ramp_classes([2.0, 1.0], ["a", "b", "c"])


def test_house_style_file(tmp_path):
    path = tmp_path / "stijl.toml"
    path.write_text('[variabelen]\n"--merk" = "#004a2f"\n[donker]\n"--merk" = "#aaffcc"\n', encoding="utf-8")
    rules = css_variables(*read_house_style(path))
    assert rules.index("--merk:#004a2f;") < rules.index("prefers-color-scheme:dark") < rules.index("--merk:#aaffcc;")


@pytest.mark.parametrize("value", ["url(x)", "red;}</style>", "#fff}"])
def test_house_style_takes_plain_values_only(tmp_path, value):
    path = tmp_path / "stijl.toml"
    path.write_text(f'[variabelen]\n"--merk" = "{value}"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="--merk"):
        read_house_style(path)


def test_a_house_style_that_cannot_be_read_is_refused_with_the_contrast(tmp_path):
    # Yellow on white: (1.05) / (0.2126 + 0.7152 + 0.05) = 1.07; the text on it stays readable.
    assert contrast("#ffff00", "#ffffff") == pytest.approx(1.07, abs=0.005)
    assert contrast("#000", "#fff") == pytest.approx(21)
    path = tmp_path / "stijl.toml"
    path.write_text('[variabelen]\n"--merk" = "#ffff00"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"--merk op --vlak: contrast 1,1 : 1, gevraagd 4,5 : 1"):
        read_house_style(path)
    path.write_text('[donker]\n"--merk" = "#0b5674"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="--merk op --vlak"):
        read_house_style(path)


#: What WCAG 2.2 asks of text (4.5) and of a border or a sign (3.0), by what stands on what.
READ_ON = [
    *(("--tekst", ground, 4.5) for ground in ("--vlak", "--kaart", "--gekozen")),
    *(("--tekst-2", ground, 4.5) for ground in ("--vlak", "--vlak-2")),
    ("--merk", "--vlak", 4.5),
    ("--merk-tekst", "--merk", 4.5),
    ("--accent", "--vlak", 3.0),
]


@pytest.mark.parametrize(("ink", "ground", "least"), READ_ON)
def test_each_pair_of_colours_is_held_to_the_contrast_that_it_needs(ink, ground, least, tmp_path):
    """Greys on white: the darkest that is too light is refused, the next is taken; every other pair reads well."""
    path = tmp_path / "stijl.toml"
    greys = [f"#{level:02x}{level:02x}{level:02x}" for level in range(256)]
    enough = max((one for one in greys if contrast(one, "#ffffff") >= least), key=lambda one: int(one[1:3], 16))
    for grey, taken in ((enough, True), (greys[int(enough[1:3], 16) + 1], False)):
        own = dict.fromkeys(("--tekst", "--tekst-2", "--merk", "--accent"), "#000000")
        own |= dict.fromkeys(("--vlak", "--vlak-2", "--kaart", "--gekozen", "--merk-tekst"), "#ffffff")
        ours, other = ("--merk", "--merk-tekst") if ink == "--merk-tekst" else (ink, ground)
        own |= {ours: grey, other: "#ffffff"}
        path.write_text("[variabelen]\n" + "".join(f'"{name}" = "{value}"\n' for name, value in own.items()), "utf-8")
        if taken:
            assert read_house_style(path)[0] == own
        else:
            with pytest.raises(ConfigError, match=f"{ink} op {ground}: contrast"):
                read_house_style(path)
