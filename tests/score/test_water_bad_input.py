"""Sewers as they come from a damaged delivery, through reader, store and water stage: named, counted, the rest goes on."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from kansenkaart.errors import CrsError
from kansenkaart.publish.map.themes import drawn
from kansenkaart.score import streets
from kansenkaart.score.facts import score_homes
from kansenkaart.sources import gwsw
from kansenkaart.tables import assumptions, schemas
from kansenkaart.tables.store import Lineage, Store
from tests.core.water.water_world import RD, X0, Y0, frames, sewers
from tests.pinned import require_as_pinned

MADE = Lineage("test")
TYPES = {
    "gemengd": "GemengdRiool",
    "vuilwater": "Vuilwaterriool",
    "hemelwater": "Hemelwaterriool",
    "persleiding": "Persleiding",
}


def placed(*xy: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([(X0 + x, Y0 + y) for x, y in xy])


def delivery(path, pipe: gpd.GeoDataFrame, **columns: object):
    """Write pipes as the GWSW service gives them: every value text."""
    texts = {
        "HoogteLeiding": "diameter_mm",
        "BobBeginpuntLeiding": "bob_from_m_nap",
        "BobEindpuntLeiding": "bob_to_m_nap",
    }
    rows = pd.DataFrame({name: pipe[ours].astype("string").fillna("") for name, ours in texts.items()})
    rows = rows.assign(
        uri=pipe["pipe_id"],
        type=pipe["system"].map(TYPES),
        Begindatum=pipe["laid_year"].astype("string").str.zfill(4) + "-01-01",
    )
    gpd.GeoDataFrame(rows.assign(**columns), geometry=pipe.geometry.to_numpy(), crs=RD).to_file(path)
    return path


def stored(folder, pipe_file=None, **other: object) -> Store:
    """Store the small world with the pipes of a delivery."""
    store, given = Store(folder), frames(**other)
    tables = {"home": given.home, "pand": given.pand, "street_line": given.street_line, "terrain": given.terrain}
    tables["buurt"] = gpd.GeoDataFrame(
        {"buurtcode": ["BU00000000"], "household_size_persons": [2.0]},
        geometry=[shapely.box(X0 - 99, Y0 - 99, X0 + 999, Y0 + 999)],
        crs=RD,
    )
    for name, frame in tables.items():
        full = frame.assign(**{column: None for column in schemas.get(name).columns if column not in frame})
        filled = {"status": "in gebruik", "length_m": 200.0, "area_m2": 1.0, "buurtnaam": "Proef"}
        full = full.assign(**{column: value for column, value in filled.items() if column in schemas.get(name).columns})
        store.write(name, full[list(schemas.get(name).columns)], MADE)
    days = pd.date_range("2023-01-01", "2023-12-31", tz="UTC")
    weather = {"day": days, "station": "278", "global_radiation_kwh_per_m2": 3.0, "rain_mm": 1.0, "evaporation_mm": 2.0}
    store.write("weather_daily", pd.DataFrame(weather), MADE)
    if pipe_file is not None:
        frame, tally = gwsw.read_sewer_pipe(pipe_file)
        store.write("sewer_pipe", frame, Lineage("test", rows=tally.to_dict()))
    return store


def scored(store: Store) -> Store:
    for product in (one for step in (score_homes, streets.score_streets) for one in step(store, assumptions.default())):
        store.write(product.name, product.content, Lineage("test", rows=product.tally.to_dict()))
    return store


def tally(store: Store, table: str) -> dict[str, dict[str, int]]:
    return store.describe(table)["tally"]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """Score the small world with each fault once or twice."""
    pipe = sewers()[0].set_index("pipe_id", drop=False)
    pipe["laid_year"] = pipe["laid_year"].astype("Int64")
    first = pipe.index[:8]
    pipe.loc[first[0], "diameter_mm"] = 0.3
    pipe.loc[first[1], "laid_year"] = 0
    pipe.loc[first[2], "laid_year"] = 2099
    pipe.loc[first[3], ["bob_from_m_nap", "bob_to_m_nap"]] = [-1.0, -99.0]
    pipe.loc[first[4], ["bob_from_m_nap", "bob_to_m_nap"]] = [-1.0, -40.0]
    extra = pipe.iloc[9:16].copy()
    extra["pipe_id"] = ["no length", "short", "in degrees", "in UTM", "main 1", "main 2", "twice"]
    extra["system"] = ["vuilwater"] * 4 + ["persleiding"] * 2 + ["vuilwater"]
    # Each pump sends its water into the sewer of the other.
    extra["geometry"] = [
        placed((90, 90), (90, 90)),
        placed((90, 90), (90.001, 90)),
        shapely.LineString([(4.9, 52.3), (4.9, 52.4)]),
        shapely.LineString([(650_000, 5_800_000), (650_050, 5_800_000)]),
        placed((200, 0), (0, 50)),
        placed((0, 0), (200, 150)),
        pipe.geometry.iloc[5],
    ]
    extra.loc[extra.index[6], "system"] = pipe["system"].iloc[5]
    folder = tmp_path_factory.mktemp("damaged")
    whole = gpd.GeoDataFrame(pd.concat([pipe, extra], ignore_index=True), crs=RD)
    store = stored(folder / "proef", delivery(folder / "leiding.geojson", whole))
    store.write("sewer_node", sewers()[1].assign(kind="gemaal"), MADE)
    return scored(store)


def test_the_reader_names_what_it_left_out_and_what_it_mended(damaged):
    told = tally(damaged, "sewer_pipe")
    assert told["left_out"] == {"no usable geometry": 1, "outside RD New: coordinates of another system": 2}
    assert told["noted"]["diameter_mm written in metres, turned into mm"] == 1
    assert told["noted"]["laid_year is 0, unknown"] == 1
    assert told["noted"]["bob_to_m_nap outside -50 to 400, unknown"] == 1


def test_the_stage_names_what_it_left_out_and_what_it_made_unknown(damaged):
    told = tally(damaged, "pipe_water")
    assert told["left_out"] == {"leiding zonder lengte": 1, "leiding dubbel getekend": 1}
    assert told["noted"] == {
        "jaar van aanleg ongeloofwaardig: onbekend gemaakt": 1,
        "hoogte ongeloofwaardig: onbekend gemaakt": 1,
        "kring van persleidingen: hier doorgeknipt": 1,
    }
    assert told["rows_in"] == len(damaged.read("sewer_pipe"))


def test_the_rest_goes_on(damaged):
    pipe = damaged.read("pipe_water").set_index("pipe_id")
    street = damaged.read("street_water")
    first = sewers()[0]["pipe_id"]
    assert pipe.loc[first[0], "diameter_mm"] == 300
    assert pipe.loc[first[1:2], "laid_year"].isna().all()
    assert street["homes"].sum() == len(damaged.read("home_water")) == 27
    assert damaged.read("home_water")["pipe_id"].notna().all()
    assert set(street["sewer_basis"]) == {"gwsw"}
    # More that takes part never needs a larger pipe.
    for case in ("grey_off", "rain_off", "both"):
        size = pipe[["diameter_as_is_mm", *(f"diameter_{case}_{part}_mm" for part in (25, 50, 75, 100))]]
        assert (size.dropna().diff(axis=1).iloc[:, 1:] <= 0).all(axis=None)
        assert len(size.dropna()) == (pipe["system"] != "persleiding").sum()
    # Every home passes exactly one last pipe: nothing is lost and nothing counted twice.
    assert pipe.loc[["main 1", "main 2"], "homes"].max() <= 27
    assert "riool" in {theme.key for _, theme in drawn(damaged, (), target_homes=330)}


def test_a_delivery_that_is_wholly_of_another_system_is_refused(tmp_path):
    pipe = sewers()[0]
    away = pipe.set_geometry(pipe.geometry.translate(530_000, 5_300_000))
    with pytest.raises(CrsError, match="RD New"):
        gwsw.read_sewer_pipe(delivery(tmp_path / "leiding.geojson", away))


def test_streets_without_homes_and_homes_without_a_street_are_counted(tmp_path):
    home = frames().home
    home.loc[home["street_name"] == "Zijlaan", "geometry"] = shapely.Point(150_000, 500_000)
    store = scored(stored(tmp_path / "proef", delivery(tmp_path / "leiding.geojson", sewers()[0]), home=home))
    street, pipe = store.read("street_water").set_index("street_name"), store.read("pipe_water")
    # Without nodes pipes join where their ends meet; what is one network has one lowest end, and what rises to it says so.
    assert not store.has("sewer_node")
    assert set(pipe["oriented_by"]) == {"levels", "against_levels"}
    assert street.loc["Zijlaan", "homes"] == 0
    assert street.loc["Zijlaan", "class_grey"] == "-"
    assert "geen woningen" in street.loc["Zijlaan", "sentence_grey_nl"]
    assert tally(store, "home_water")["noted"] == {
        "straat door eigen naam": 18,
        "straat door geen straat binnen bereik": 9,
    }
    noted = tally(store, "street_water")["noted"]
    assert noted["woning zonder straat: geen straat binnen bereik"] == 9
    assert noted["woning zonder riool: geen riool binnen bereik"] == 9


def test_a_register_of_drains_only_leaves_the_sewer_unknown_and_draws_none(tmp_path):
    pipe = sewers()[0]
    path = delivery(tmp_path / "leiding.geojson", pipe, type="Drain")
    store = scored(stored(tmp_path / "proef", path))
    assert len(store.read("pipe_water")) == 0
    assert tally(store, "pipe_water")["left_out"] == {"drain": len(pipe)}
    street = store.read("street_water")
    assert set(street["class_grey"]) == set(street["class_rain"]) == {"?"}
    themes = {theme.key: theme for _, theme in drawn(store, (), target_homes=330)}
    assert "riool" not in themes
    assert "Grijswater loont in geen enkele straat van deze studie" in str(themes["grijswater"].story)
    assert "riool onbekend" in str(themes["grijswater"].views)
    assert "Van 3 straten is het riool onbekend; die hebben geen klasse." in str(themes["hemelwater"].story)


def test_every_column_of_the_damaged_world_is_as_it_was(damaged):
    tables = ("home_score", "street_water", "pipe_water", "home_water", "street_water_month")
    said = pd.DataFrame({"said": [str(tally(damaged, name)) for name in tables]})
    require_as_pinned("damaged", {name: damaged.read(name) for name in tables} | {"said": said})


def test_a_street_without_a_name_is_called_by_its_homes_its_postcode_or_its_neighbour():
    """Named; by number, with a postcode and without; without a name, by its homes, by who is near, and by none."""
    number = "0363300000012345"
    street = gpd.GeoDataFrame(
        {"street_id": list("abcdef"), "street_name": ["Dam", number, number, None, None, None]},
        geometry=[placed((x, 0), (x + 10, 0)) for x in (0, 500, 1000, 1500, 59, 61)],
        crs=RD,
    )
    home = pd.DataFrame(
        {"postcode": ["1012JS", "1012JS", "1011AA", None], "street_name": ["Rokin", number, "Spui", "Rokin"]}
    )
    put = pd.DataFrame({"street_id": ["b", "b", "b", "d"]})
    assert [None if pd.isna(one) else one for one in streets._named(street, home, put)["street_name"]] == [
        "Dam",
        "straat bij postcode 1012 JS",
        "naam onbekend, openbare ruimte 12345",
        "weg zonder naam bij Rokin",
        "weg zonder naam bij Dam",  # 49 m away
        None,  # 51 m away
    ]
