"""Files beside a study that are not what they should be are refused in words, and nothing of them is repeated."""

from __future__ import annotations

import pytest

from kansenkaart.config import OptOut
from kansenkaart.errors import ConfigError
from kansenkaart.present.style import read_house_style


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000,
        "[variabelen]\n" + "a." * 2000 + "b = 1",
        '[variabelen]\n"--merk" = "#zzzzzz"',
        '[variabelen]\n"--merk" = "#12345"',
        '[variabelen]\n"--merk" = "url(//x)"',
        "[variabelen]\n# " + "x" * 70_000,
    ],
    ids=["deep", "dotted", "colour", "digits", "url", "large"],
)
def test_a_house_style_that_is_none_is_refused_in_words(tmp_path, text):
    path = tmp_path / "stijl.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as told:
        read_house_style(path)
    assert len(str(told.value)) < 1500


def test_an_opt_out_list_that_is_a_link_to_another_file_does_not_print_it(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("root:hash:0:0\n", "utf-8")
    (tmp_path / "lijst.txt").symlink_to(secret)
    (tmp_path / "copy.txt").write_text("root:hash:0:0\n", "utf-8")
    for name in ("lijst.txt", "copy.txt"):
        with pytest.raises(ConfigError) as told:
            OptOut(bestand=name).ids(tmp_path)
        assert "root" not in str(told.value)
