"""What readers may see: the opt-out list, and a public edition of which nothing is finer than ten homes."""

from __future__ import annotations

import base64
import gzip
import re

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from kansenkaart.config import OptOut
from kansenkaart.errors import ConfigError
from kansenkaart.publish import disclosure
from kansenkaart.publish.disclosure import ReaderStore, at_least, merged_blocks, merged_borders
from kansenkaart.publish.steps import publish, readable_of
from kansenkaart.runs import study as pipeline
from kansenkaart.tables.store import Store


def squares(homes, area, **more):
    """Draw squares of 10 m in a row."""
    shapes = [box(10 * k, 0, 10 * k + 10, 10) for k in range(len(homes))]
    return gpd.GeoDataFrame(
        {"block_id": range(len(homes)), "gebied_id": area, "homes": homes, **more}, geometry=shapes, crs=28992
    )


def test_small_blocks_join_their_nearest_neighbour_of_the_same_area():
    # Row: 4 | 12 | 3 | 20, all of area 0. The smallest (3, at 25 m) lies 10 m from 12 and from 20: the first wins, 15.
    # Then 4 joins that group: 19. So two groups: {0, 1, 2} with 19 homes and {3} with 20.
    joined, member = merged_blocks(squares([4, 12, 3, 20], [0, 0, 0, 0], people=[8.0, 24.0, 6.0, 40.0]), 10)
    assert member == {"0": "0", "1": "0", "2": "0", "3": "3"}
    assert joined["homes"].tolist() == [19, 20]
    assert joined["people"].tolist() == [38.0, 40.0]
    assert joined.area.tolist() == [300.0, 100.0]


def test_blocks_do_not_join_over_the_border_of_an_area_and_small_areas_are_left_out():
    joined, member = merged_blocks(squares([4, 12, 3, 2], [0, 0, 1, 1]), 10)
    assert joined["homes"].tolist() == [16]
    assert set(member) == {"0", "1"}


def test_unknown_stays_unknown_in_a_sum():
    joined, _ = merged_blocks(squares([6, 6], [0, 0], sun_kwh_per_year=[5.0, None]), 10)
    assert joined["sun_kwh_per_year"].isna().all()


def test_joined_blocks_lie_in_the_middle_of_their_homes_and_name_every_street_once():
    # 4 homes at x 5 and 16 at x 15: (4 x 5 + 16 x 15) / 20 = 13, never their sum of 20.
    frame = squares(
        [4, 16], [0, 0], point_x_m=[5.0, 15.0], point_y_m=[5.0, 5.0], streets=["Kerkstraat; Brink", "Brink; Laan"]
    )
    joined, _ = merged_blocks(frame, 10)
    assert joined[["point_x_m", "point_y_m"]].to_numpy().tolist() == [[13.0, 5.0]]
    assert joined["streets"].tolist() == ["Kerkstraat; Brink; Laan"]


def test_unknown_homes_are_not_enough():
    frame = squares([9, 10, None], [0, 0, 0])
    assert at_least(frame, 10)["homes"].tolist() == [10]


def test_borders_inside_a_group_are_gone():
    borders = pd.DataFrame({"block_a": [0, 1, 2], "block_b": [1, 2, 3], "length_m": [5.0, 6.0, 7.0]})
    left = merged_borders(borders, {"0": "0", "1": "0", "2": "2"})
    assert left[["block_a", "block_b", "length_m"]].to_numpy().tolist() == [[0, 2, 6.0]]


def test_opt_out_file_takes_ids_and_remarks_and_refuses_the_rest(tmp_path):
    (tmp_path / "lijst.txt").write_text(
        "0518100000000001  # op verzoek\n\n# einde\n0518100000000002\n", encoding="utf-8"
    )
    ids = OptOut(panden=("0518100000000003",), bestand="lijst.txt").ids(tmp_path)
    assert sorted(ids) == ["0518100000000001", "0518100000000002", "0518100000000003"]
    (tmp_path / "lijst.txt").write_text("Dorpsstraat 1, bij de kerk\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"lijst\.txt, line 1"):
        OptOut(bestand="lijst.txt").ids(tmp_path)
    with pytest.raises(ConfigError, match="readable list"):
        OptOut(bestand="weg.txt").ids(tmp_path)


@pytest.fixture(scope="module")
def public(finished, tmp_path_factory):
    """Publish the public edition once."""
    place, target = (
        pipeline.open_study("proefveld", root=finished),
        tmp_path_factory.mktemp("public") / "proefveld-openbaar",
    )
    shown = readable_of(place.store, place.study, studies=place.studies, public=True)
    list(publish(shown, place.study, target, studies=place.studies))
    return target


def test_public_edition_holds_nothing_finer_than_ten_homes(finished, public):
    place = pipeline.open_study("proefveld", root=finished)
    layers = sorted((public / "data").glob("*.parquet"))
    assert {one.stem for one in layers} >= {"block", "buurt_score", "gebied", "street_water"}
    assert not {one.stem for one in layers} & {"pand_score", "roof_face_score", "home", "pand"}
    for path in layers:
        frame = (
            gpd.read_parquet(path) if path.stem not in ("block_border", "enterprise_case") else pd.read_parquet(path)
        )
        if "homes" in frame and path.stem != "pipe_water":
            assert frame["homes"].min() >= 10, path.stem
    pipes = gpd.read_parquet(public / "data" / "pipe_water.parquet")
    assert ((pipes["homes"] == 0) | (pipes["homes"] >= 10)).all()
    page = (public / "index.html").read_text("utf-8")
    pand_ids = place.store.read("pand")["pand_id"].astype(str)
    assert not any(one in page for one in pand_ids.head(20))
    assert '"name":"dakvlakken"' not in page
    assert "Openbare uitgave" in page
    for sheet in (public / "factsheets").glob("*.html"):
        assert "Openbare uitgave" in sheet.read_text("utf-8")
    # The sums of the joined blocks are those of all blocks: nothing was lost with the merging.
    told = gpd.read_parquet(public / "data" / "block.parquet")
    whole = place.store.read("block")
    assert int(told["homes"].sum()) == int(whole.loc[whole["gebied_id"].isin(told["gebied_id"]), "homes"].sum())


def test_an_id_on_the_list_that_no_pand_has_is_named_and_nothing_is_published(finished, tmp_path):
    place = pipeline.open_study("proefveld", root=finished)
    study = place.study.model_copy(update={"weglaten": OptOut(panden=("0000000000000042",))})
    with pytest.raises(ConfigError, match="0000000000000042"):
        list(
            publish(
                readable_of(place.store, study, studies=place.studies, public=False),
                study,
                tmp_path / "uit",
                studies=place.studies,
            )
        )
    assert not (tmp_path / "uit").exists()


def small_numbers_of_homes(folder):
    """Yield every file of an edition in which a row stands for one to nine homes, or names a pand, home or roof face."""
    private = {"pand_id", "home_id", "face_id", "house_number", "postcode", "pand_ids"}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            frames = {path.name: pd.read_parquet(path)}
        elif path.suffix == ".gpkg":
            frames = {f"{path.name}:{name}": gpd.read_file(path, layer=name) for name in gpd.list_layers(path)["name"]}
        else:
            continue
        for name, frame in frames.items():
            if private & set(frame.columns) or ("homes" in frame and frame["homes"].between(1, 9).any()):
                yield name


def test_no_file_of_the_public_edition_is_finer_than_ten_homes(finished, public):
    place = pipeline.open_study("proefveld", root=finished)
    assert next(small_numbers_of_homes(finished / "maps" / "proefveld"))  # the check sees what the whole edition has
    assert list(small_numbers_of_homes(public)) == []
    pages = [
        *public.glob("*.html"),
        *public.rglob("factsheets/*.html"),
    ]
    assert [link for page in pages for link in links_of(page) if not (page.parent / link).is_file()] == []
    ids = set(place.store.read("pand")["pand_id"].astype(str)) | set(place.store.read("home")["home_id"].astype(str))
    for path in public.rglob("*"):
        if path.suffix in (".html", ".json", ".csv"):
            words = set(re.findall(r"[A-Za-z0-9.-]+", path.read_text("utf-8")))
            assert not words & ids, path.name
        if path.parent.name == "factsheets" and path.suffix == ".html":
            stated = r", ([\d.]+) woningen: wat" if path.stem.endswith("-gesprek") else r"<dt>Woningen</dt><dd>([\d.]+)"
            homes = re.search(stated, path.read_text("utf-8"))
            assert int(homes[1].replace(".", "")) >= 10


def links_of(page):
    """Give all paths that a page names: in its markup, in what its script holds, and packed in the layers of a map."""
    text = page.read_text("utf-8")
    found = set(re.findall(r'href="([^"#][^"]*)"', re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)))
    packed = [
        gzip.decompress(base64.b64decode(one)).decode("utf-8", "ignore")
        for one in re.findall(r'<script type="text/plain" id="laag\d+">([^<]+)', text)
    ]
    for part in (text, *packed):
        found |= set(re.findall(r'"((?:factsheets|haalbaarheid|data)/[^"]+|overzicht\.html)"', part))
    return found


def test_every_link_of_map_overview_sheets_and_reports_is_to_a_file_that_is_there(finished):
    folder = finished / "maps" / "proefveld"
    pages = [
        folder / "index.html",
        folder / "overzicht.html",
        *(folder / "factsheets").glob("*.html"),
        *(folder / "haalbaarheid").glob("*.html"),
    ]
    found = {page: links_of(page) for page in pages}
    assert [
        (page.name, link) for page, links in found.items() for link in links if not (page.parent / link).is_file()
    ] == []
    # The map leads to each factsheet and each report of a place that it shows, by the ranking or by the panel of the place.
    places = {f"{part}/{one.name}" for part in ("factsheets", "haalbaarheid") for one in (folder / part).glob("*.html")}
    assert places - found[folder / "index.html"] == set()


def test_a_block_that_is_left_out_takes_its_borders_along(monkeypatch, tmp_path):
    """Of three blocks the audit leaves one out: the map must not name it in a border."""
    blocks = pd.DataFrame({"block_id": [0, 1]})
    monkeypatch.setattr(ReaderStore, "has", lambda self, name: True)
    monkeypatch.setattr(ReaderStore, "read", lambda self, name: blocks)
    monkeypatch.setattr(ReaderStore, "member", {"0": "0", "1": "1", "2": "2"})
    border = pd.DataFrame({"block_a": [0, 1, 0], "block_b": [1, 2, 2]})
    shown = disclosure._borders(ReaderStore(Store(tmp_path), public=True), border)
    assert shown[["block_a", "block_b"]].to_numpy().tolist() == [[0, 1]]
