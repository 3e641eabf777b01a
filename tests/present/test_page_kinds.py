"""Every kind of page: what axe and a strict HTML parser say of it, in light, in dark, narrow, and with hostile text."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

import pytest

from kansenkaart.present.render import render_page
from tests.present.kinds import pages
from tests.present.pages import HOSTILE, axe_faults
from tests.present.test_page_controls import full

KINDS = ("factsheet", "gesprek", "overzicht", "rapport", "verschil", "cijfers")


@pytest.fixture(scope="module")
def plain():
    return pages()


@pytest.fixture(scope="module")
def hostile():
    return pages(HOSTILE)


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_in_light_and_in_dark(opened, plain, kind):
    page = opened(html=plain[kind], width=1200, bypass_csp=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert axe_faults(page) == [], scheme


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_is_only_text_and_fits_a_narrow_screen(opened, hostile, kind):
    page = opened(html=hostile[kind], width=320, bypass_csp=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("window.hacked ?? null") is None
    assert page.locator("img, script").count() == 0
    assert "</script><script>window.hacked=1</script><img src=x onerror" in page.locator("body").inner_text()
    assert axe_faults(page) == []


@pytest.mark.browser
def test_a_long_answer_of_the_overview_is_set_as_text_and_a_short_one_as_a_figure(opened, plain):
    size = "(() => { const one = getComputedStyle(document.querySelector('dd')); return [one.fontSize, one.fontWeight]; })()"
    assert opened(html=plain["overzicht"]).evaluate(size) == ["20px", "700"]
    assert opened(html=pages("een antwoord van meer dan veertig tekens lang")["overzicht"]).evaluate(size) == [
        "16px",
        "400",
    ]


@pytest.mark.browser
def test_paper_of_a_dark_sheet_is_two_pages_at_most(opened, plain):
    page = opened(html=plain["factsheet"], bypass_csp=True, color_scheme="dark")
    assert page.pdf(format="A4").count(b"/Type /Page\n") <= 2


@pytest.mark.browser
def test_a_talk_is_one_side_of_paper_for_each_partner(opened, plain):
    page = opened(html=plain["gesprek"], bypass_csp=True, fragment="")
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 4
    page.evaluate("location.hash = '#wie2'")
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1  # the chosen one only
    # From -600 to 700 euro: 0 stands at 600 / 1,300 = 46.2 hundredths of the axis.
    assert 'x="46.2"' in plain["gesprek"]


class References(HTMLParser):
    """Collect the ids of a page, what refers to them, and attributes that are written twice."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.wanted: list[str] = []
        self.doubled: list[str] = []

    def handle_starttag(self, tag, attrs):
        """Read one opening tag."""
        names = [name for name, _ in attrs]
        self.doubled += [name for name, count in Counter(names).items() if count > 1]
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("for", "aria-labelledby", "aria-describedby", "aria-controls", "list"):
                self.wanted += value.split()
            if name == "href" and value.startswith("#"):
                self.wanted.append(value[1:])


@pytest.mark.parametrize("kind", ["kaart", *KINDS])
def test_html_is_valid(plain, kind):
    html5lib = pytest.importorskip("html5lib", reason="html5lib is not installed: make test installs it")
    html = render_page(full()) if kind == "kaart" else plain[kind]
    html5lib.HTMLParser(strict=True).parse(html)  # raises at the first error of the standard's parser
    found = References()
    found.feed(html)
    assert found.doubled == []
    assert [one for one, count in Counter(found.ids).items() if count > 1] == []
    assert set(found.wanted) <= set(found.ids)
    assert html.upper().startswith("<!DOCTYPE HTML>")


@pytest.mark.parametrize(
    "broken",
    ["<!DOCTYPE html><p><div></p>", "<!DOCTYPE html><b><i></b>", "<title>x</title>", '<!DOCTYPE html><p a="1" a="2">'],
)
def test_the_strict_parser_sees_faults(broken):
    html5lib = pytest.importorskip("html5lib", reason="html5lib is not installed: make test installs it")
    with pytest.raises(html5lib.html5parser.ParseError):
        html5lib.HTMLParser(strict=True).parse(broken)
