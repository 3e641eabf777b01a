"""The whole water score on a neighbourhood whose truth is known, and on damaged input."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from kansenkaart.core.water import assign
from kansenkaart.core.water.design import DesignRules
from kansenkaart.core.water.engine import score_water
from kansenkaart.core.water.inputs import Bound
from kansenkaart.core.water.sewer import rain_preference
from kansenkaart.core.water.table import money_class
from kansenkaart.wording.water import (
    GREY_REASONS,
    GREY_SENTENCES,
    RAIN_REASONS,
    RAIN_SENTENCES,
    four_lines,
    grey_finding,
    grey_sentence,
    participation_line,
    rain_sentence,
)
from tests.core.water.water_world import frames, homes, settings, sewers, untidy
from tests.pinned import require_as_pinned


@pytest.fixture(scope="module")
def result():
    return score_water(frames(), settings=settings())


def test_every_home_is_on_its_right_street_and_pipe(result):
    home = result.home
    assert (home["street_id"] == home["home_id"].str.split().str[0] + " 1").all()
    number = home["home_id"].str.split().str[1].astype(int)
    along = 20 + 20 * number
    system = np.where(home["street_id"] == "Hoofdstraat 1", "gemengd", "vuilwater")
    first = np.minimum(np.floor(along / 50), 3).astype(int)
    right = home["street_id"].str.split().str[0] + " " + system + " " + first.astype(str)
    tie = along % 50 == 0
    assert (home["pipe_id"] == right)[~tie].all()


def test_people_add_up_along_the_foul_sewer(result):
    # 18 homes of 2 people in Dwarsstraat and Zijlaan meet at the pump at the end of Zijlaan
    pipe = result.pipe.set_index("pipe_id")
    assert pipe.loc["Zijlaan vuilwater 3", "people"] == 36
    assert pipe.loc["Hoofdstraat gemengd 0", "people"] == 18
    assert set(pipe["oriented_by"]) == {"levels"}
    assert pipe["own_homes"].sum() == 27


def test_paving_adds_up_to_what_drains_to_the_sewer(result):
    drained = result.surface[(result.surface["drains_to"] == "sewer") & result.surface["street_id"].notna()]
    assert result.pipe["own_paved_m2"].sum() == pytest.approx(drained["paved_m2"].sum())


def test_diameters_are_as_designed(result):
    pipe = result.pipe.set_index("pipe_id")
    assert pipe.loc["Zijlaan vuilwater 3", "diameter_as_is_mm"] == 200
    # 3792 m2 at 60 l/s/ha: 22.8 l/s in DN250 at 1:250, full (38 l/s): the smallest rain-bearing pipe
    assert pipe.loc["Hoofdstraat gemengd 0", "flow_as_is_l_per_s"] == pytest.approx(22.8 + 0.05, abs=0.1)
    assert pipe.loc["Hoofdstraat gemengd 0", "diameter_as_is_mm"] == 250


def test_each_street_says_why(result):
    street = result.street.set_index("street_name")
    assert street["reason_grey"].to_dict() == {
        "Hoofdstraat": "rain_sizes_it",
        "Dwarsstraat": "minimum_diameter",
        "Zijlaan": "minimum_diameter",
    }
    assert street.loc["Zijlaan", "reason_rain"] == "already_separate"
    assert street["class_rain"].to_dict() == {"Hoofdstraat": "C", "Dwarsstraat": "-", "Zijlaan": "-"}
    assert "minimumdiameter" in grey_sentence(dict(street.loc["Dwarsstraat"]), renewal_pct=0.9)
    assert street.loc["Hoofdstraat", "replacement_year"] == 2026
    assert street.loc["Zijlaan", "replacement_year"] == 2055
    assert set(street["discharge_rule"]) == {"sewer_near"}


def test_grey_water_of_a_street_by_hand(result):
    # 9 homes x 2 people x 60.1 l x 365.25 days = 395.1 m3
    street = result.street.set_index("street_name")
    assert street.loc["Zijlaan", "grey_water_m3_per_year"] == pytest.approx(395.1, abs=0.1)
    used = street[[f"used_{name}_m3_per_year" for name in ("toilet", "washing", "garden", "green")]].sum(axis=1)
    assert used.to_numpy() == pytest.approx(street["reused_m3_per_year"].to_numpy())
    assert (street["reused_m3_per_year"] + street["overflow_m3_per_year"]).to_numpy() == pytest.approx(
        street["grey_water_m3_per_year"].to_numpy()
    )


def test_four_lines_for_the_popup(result):
    row = dict(result.street.iloc[0])
    lines = four_lines(row)
    assert len(lines) == 4
    assert lines[0].startswith("Grijswater: ongeveer 400 m³ per jaar uit 9 woningen")
    assert "40 m" in lines[3]


def test_grey_and_rain_water_are_never_mixed_up():
    grey, rain = (
        [*one.values(), *why.values()] for one, why in ((GREY_SENTENCES, GREY_REASONS), (RAIN_SENTENCES, RAIN_REASONS))
    )
    assert not any("hemelwater" in text or "afkoppel" in text for text in grey)
    assert not any("grijswater" in text for text in rain)


@pytest.mark.parametrize("terrain_too", [True, False])
def test_a_sewer_that_nobody_knows_is_not_drawn_nor_dated_nor_ranked(terrain_too):
    bare = {} if terrain_too else {"terrain": None, "street_line": None}
    found = score_water(frames(sewer_pipe=None, sewer_node=None, **bare), settings=settings())
    assert len(found.pipe) == 0
    street = found.street
    assert street["homes"].sum() == 27
    assert set(street["sewer_basis"]) == {"none"}
    assert set(street["class_grey"]) == set(street["class_rain"]) == {"?"}
    assert set(street["discharge_rule"]) == {"unknown"}
    of_sewer = [
        name for name in street if name.startswith(("saving_", "foul_", "rain_", "replacement_", "net_grey_eur"))
    ]
    assert street[[*of_sewer, "net_rain_eur", "water_eur_per_year", "cost_rain_eur"]].isna().all(axis=None)
    # What is known is told: 18 people at 128.1 l a day are 2.3 m3, and the homes' own side of the sum.
    text = grey_sentence(dict(street.iloc[0]), renewal_pct=0.9)
    for part in ("Riool onbekend", "9 woningen", "18 inwoners", "2,3 m³ afvalwater per dag", "waterbeheerder", "0,9%"):
        assert part in text
    assert "20" + "26" not in text
    assert street["net_grey_home_eur"].notna().all()
    assert found.home["water_eur_per_year"].isna().all()


def test_addresses_alone_are_enough():
    found = score_water(frames(terrain=None, street_line=None, sewer_pipe=None, sewer_node=None), settings=settings())
    assert set(found.street["basis"]) == {"addresses"}
    assert set(found.street["area_basis"]) == {"per home"}
    assert found.street["homes"].sum() == 27


def test_a_class_and_its_sentence_agree(result):
    rows = [dict(row) for _, row in result.street.iterrows()]
    # Every class of either water, by hand-made amounts of money in one real row.
    for low, high in ((5e4, 9e4), (-5e4, 9e4), (-9e4, -5e4), (np.nan, np.nan)):
        for name in ("net_grey_eur", "net_rain_eur"):
            rows.append({**rows[0], f"{name}_low": low, f"{name}_high": high, name: (low + high) / 2})
            rows[-1]["class_grey"] = str(
                money_class(*(pd.Series(rows[-1][f"net_grey_eur_{e}"]) for e in ("low", "high")))[0]
            )
            rows[-1]["class_rain"] = str(
                money_class(*(pd.Series(rows[-1][f"net_rain_eur_{e}"]) for e in ("low", "high")))[0]
            )
            rows[-1]["reason_rain"] = "same_size"
    seen = set()
    for row in rows:
        for word, text in (
            (row["class_grey"], grey_sentence(row, renewal_pct=0.9)),
            (row["class_rain"], rain_sentence(row)),
        ):
            seen.add(word)
            none = "geen kans" in text.lower() or "geen besparing" in text.lower()
            assert not none or word in ("C", "-")
            assert text.startswith(("Loont", "Kan lonen", "Geen", "Riool", "Het regenwater", "Hier staan geen"))
    assert seen == {"A", "B", "C", "-", "?"}


def test_grey_water_is_net_of_its_cost_and_takes_nothing_from_other_gains(result):
    street = result.street
    worth = street["yearly_eur"] * settings().prices.annuity_factor
    net = worth + street["saving_grey_off_eur"] - street["cost_grey_eur"]
    assert street["net_grey_eur"].to_numpy() == pytest.approx(net.to_numpy())
    assert (street["net_grey_eur"] < 0).all()
    assert (street["water_eur_per_year"] == 0).all()
    cheap = settings(prices=replace(settings().prices, grey_eur_per_home=100.0, mixed_drains_eur_per_home=0.0))
    paying = score_water(frames(), settings=cheap).street
    assert (paying["net_grey_eur"] > 0).all()
    assert paying["water_eur_per_year"].to_numpy() == pytest.approx(
        (paying["net_grey_eur"] / cheap.prices.annuity_factor).to_numpy()
    )


def test_a_street_without_homes_and_homes_without_a_street_are_listed():
    home = homes()
    home.loc[home["street_name"] == "Zijlaan", "geometry"] = shapely.Point(150_000, 500_000)
    found = score_water(frames(home=home), settings=settings())
    street = found.street.set_index("street_name")
    assert street.loc["Zijlaan", "reason_grey"] == "no_homes"
    assert street.loc["Zijlaan", "class_grey"] == "-"
    # Its sewer lies in it, so the rule on discharge is known there too.
    assert street.loc["Zijlaan", "discharge_rule"] == "sewer_near"
    lost = found.unassigned.groupby("what")["amount"].sum()
    assert lost["home: street"] == 9
    assert lost["home"] == 9
    assert street["homes"].sum() == 18


def test_damaged_sewers_are_named_and_the_rest_goes_on():
    pipe, node = sewers()
    pipe.loc[0, "geometry"] = None
    pipe.loc[1, "diameter_mm"] = 0.3
    pipe.loc[2, "laid_year"] = 2099
    found = score_water(frames(sewer_pipe=pipe, sewer_node=node), settings=settings())
    # Without its last pipe the combined sewer ends elsewhere, above its own levels: that is named too.
    assert set(found.issues["reason"]) == {
        "no geometry",
        "diameter in metres",
        "laying year unbelievable",
        "levels contradict the only way out",
    }
    assert found.pipe["own_homes"].sum() + (found.home["pipe_id"].isna()).sum() == 27
    assert (found.street["class_grey"] != "?").any()


def bound(factor: float, paved: float) -> Bound:
    prices = replace(
        settings().prices,
        price_index=1.4 * factor,
        discount_frac=0.04 / factor,
        treatment_eur_per_m3=0.1 * factor,
        grey_eur_per_home=3500 * factor,
        rain_off_eur_per_m2=42 * factor,
    )
    return Bound(prices=prices, garden_mm=frames().garden_mm * factor, use_factor=factor, yard_paved_frac=paved)


def test_every_amount_lies_in_its_interval_and_the_interval_is_not_a_point():
    bounds = tuple(bound(factor, paved) for factor in (0.8, 1.2) for paved in (0.0, 1.0))
    street = score_water(frames(), settings=settings(bounds=bounds)).street
    amounts = (
        "yearly_eur",
        "drinking_water_eur_per_year",
        "cost_grey_eur",
        "cost_rain_eur",
        "net_grey_eur",
        "saving_grey_off_eur",
        "saving_rain_off_eur",
        "saving_both_eur",
        *(f"saving_grey_off_{part}_eur" for part in (25, 50, 75)),
    )
    for name in amounts:
        assert (street[f"{name}_low"] <= street[name] + 1e-6).all()
        assert (street[name] <= street[f"{name}_high"] + 1e-6).all()
    for name in ("yearly_eur", "cost_grey_eur", "net_grey_eur"):
        assert (street[f"{name}_low"] < street[f"{name}_high"]).all()
    # 9 homes at 3,500 EUR with factors 0.8 and 1.2, and 1,500 EUR each for one drain in the Hoofdstraat of 1960
    cost = street.set_index("street_name")[["cost_grey_eur_low", "cost_grey_eur_high"]]
    assert cost.loc["Zijlaan"].tolist() == pytest.approx([25_200, 37_800])
    assert cost.loc["Hoofdstraat"].tolist() == pytest.approx([38_700, 51_300])
    assert " tot " in four_lines(dict(street.iloc[0]))[2]
    # Rain of the Hoofdstraat, due now: 9 roofs of 64 m2, 1,200 m2 of road and half of its yards of 4,032.9 m2, of which three
    # quarters come off at 42 EUR/m2; at the ends none or all of the yards, at 0.8 and 1.2 times the price.
    rain = street.set_index("street_name").loc[
        "Hoofdstraat", ["cost_rain_eur_low", "cost_rain_eur", "cost_rain_eur_high"]
    ]
    paved = np.array([1776.0, 1776.0 + 4032.915 / 2, 1776.0 + 4032.915])
    assert rain.tolist() == pytest.approx(paved * 0.75 * 42 * [0.8, 1.0, 1.2], rel=1e-6)


def test_shares_of_homes_add_up_to_their_street(result):
    per_street = result.home.groupby("street_id")["water_eur_per_year"].sum()
    street = result.street.set_index("street_id")["water_eur_per_year"]
    assert per_street.to_numpy() == pytest.approx(street[per_street.index].to_numpy())


def test_what_homes_share_is_all_that_streets_bring_also_where_a_pipe_passes_a_street_without_homes():
    # 800 people a home upstream make the pipe of the Zijlaan smaller, where nobody lives: that is no gain of a home there.
    home = homes()
    home.loc[home["street_name"] == "Zijlaan", "geometry"] = shapely.Point(150_000, 500_000)
    world = frames(home=home)
    crowd = {name: world.home[name] * 400 for name in ("people", "grey_water_m3_per_year")}
    prices = replace(settings().prices, grey_eur_per_home=0.0, mixed_drains_eur_per_home=0.0)
    found = score_water(replace(world, home=world.home.assign(**crowd)), settings=settings(prices=prices))
    street = found.street.set_index("street_name")
    assert street.loc["Zijlaan", "saving_grey_off_eur"] > 3_000
    assert street.loc["Zijlaan", "water_eur_per_year"] == 0
    assert street["water_eur_per_year"].sum() == pytest.approx(found.home["water_eur_per_year"].sum())


def test_months_conserve_and_add_up_to_the_year(result):
    month = result.month
    uses = ["toilet_m3", "washing_m3", "garden_m3", "green_m3"]
    year = month.groupby("street_id").sum()
    street = result.street.set_index("street_id")
    assert year[uses].sum(axis=1).to_numpy() == pytest.approx(street["reused_m3_per_year"].to_numpy())
    before = month.groupby("street_id")["stored_m3"].shift(1)
    gap = month["grey_m3"] + before - month[uses].sum(axis=1) - month["overflow_m3"] - month["stored_m3"]
    assert gap.dropna().abs().max() < 1e-9
    assert len(gap.dropna()) == 11 * len(street)


def test_more_participation_never_needs_a_larger_pipe_nor_saves_less(result):
    street = result.street
    size = street[[f"foul_diameter_grey_off_{part}_mm" for part in (25, 50, 75, 100)]].to_numpy()
    saved = street[[f"saving_grey_off_{part}_eur" for part in (25, 50, 75)] + ["saving_grey_off_eur"]].to_numpy()
    assert (np.diff(size, axis=1) <= 0).all()
    assert (np.diff(saved, axis=1) >= 0).all()
    assert participation_line(dict(street.iloc[0])).count("\n") == 3


def test_the_design_storm_has_a_diameter_of_its_own(result):
    pipe = result.pipe[result.pipe["own_paved_m2"] > 0]
    assert (pipe["storm_08_l_per_s"] > 0).all()
    # bui 08 peaks at 3.3 mm in 5 minutes, 110 l/s/ha, above the stationary 60 l/s/ha: never a smaller pipe
    assert (pipe["diameter_storm_08_mm"] >= pipe["diameter_as_is_mm"]).all()


def test_less_participation_saves_less_water(result):
    half = score_water(frames(), settings=settings(participation=0.5)).street["reused_m3_per_year"]
    assert (half < result.street["reused_m3_per_year"]).all()


@pytest.mark.parametrize(
    ("change", "basis", "foul"),
    [
        ({"system": "drain"}, "none", False),
        ({"system": "drukriool", "kind": "pressure"}, "gwsw", False),
        ({"system": "hemelwater"}, "gwsw", False),
        ({"laid_year": pd.NA, "diameter_mm": pd.NA}, "gwsw", True),
    ],
)
def test_thin_sewer_data_still_gives_an_answer(change, basis, foul):
    pipe, node = sewers()
    found = score_water(frames(sewer_pipe=pipe.assign(**change), sewer_node=node), settings=settings())
    assert set(found.street["sewer_basis"]) == {basis}
    assert found.street["foul_system"].notna().all() == foul
    assert len(found.street) == 3
    assert found.home["pipe_id"].notna().sum() == found.pipe["own_homes"].sum()


def row(**other: object) -> dict[str, object]:
    base: dict[str, object] = {
        "reason_grey": "saves",
        "saving_grey_off_eur": 1500.0,
        "saving_grey_off_eur_low": 700.0,
        "foul_present_mm": 250.0,
        "foul_diameter_as_is_mm": 250.0,
        "sewer_basis": "gwsw",
        "foul_diameter_grey_off_100_mm": 200.0,
        "years_to_replacement": 10.0,
        "replacement_year": 2036.0,
        "class_grey": "C",
        "foul_system": "vuilwater",
        "homes": 10,
        "people": 20.0,
        "waste_water_m3_per_day": 2.6,
        **{
            f"net_grey_eur{end}": amount for end, amount in (("", -40_000.0), ("_low", -60_000.0), ("_high", -20_000.0))
        },
        **{
            f"net_grey_home_eur{end}": amount
            for end, amount in (("", -42_000.0), ("_low", -61_000.0), ("_high", -21_000.0))
        },
    }
    return base | other


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {},
            "Zonder grijswater is een kleinere buis genoeg: dat scheelt ongeveer 1.500 euro bij de volgende vervanging.",
        ),
        # The saving lies in a shorter part than the size that holds for most of the street.
        (
            {"foul_diameter_grey_off_100_mm": 250.0},
            "In een deel van de straat is zonder grijswater een kleinere buis genoeg",
        ),
        ({"foul_present_mm": 300.0}, "groter dan nodig (250 mm); dat komt niet door grijswater"),
        ({"foul_present_mm": 200.0}, "(200 mm) is kleiner dan de berekening vraagt (250 mm)"),
        ({"years_to_replacement": 45.0, "replacement_year": 2071.0}, "nog jong en wordt pas rond 2071 vervangen"),
        ({"saving_grey_off_eur_low": 0.0}, "grensgeval: met iets andere aannamen scheelt de buis niets"),
        (
            {"class_grey": "?", "foul_diameter_as_is_mm": np.nan},
            "stroom is te groot voor de grootste gewone buis",
        ),
        ({"class_grey": "?"}, "het jaar van aanleg ontbreekt"),
        ({"class_grey": "?", "foul_system": None}, "hier is geen vuilwaterriool of gemengd riool bekend"),
        (
            {},
            "Geen besparing: grijswater kost hier in twintig jaar per woning ongeveer 4.000 euro meer dan het oplevert "
            "(2.000 tot 6.000).",
        ),
        (
            {"class_grey": "?"},
            "kost grijswater in twintig jaar per woning ongeveer 4.000 euro meer dan het oplevert (2.000 tot 6.000)",
        ),
        ({"reason_grey": "no_homes"}, "het riool van andere straten loopt erdoor"),
    ],
)
def test_a_sentence_for_each_type_of_street(given, told):
    assert told in grey_sentence(row(**given), renewal_pct=0.9)


def rain_row(**other: object) -> dict[str, object]:
    base: dict[str, object] = {
        "class_rain": "C",
        "reason_rain": "saves",
        "net_rain_eur": -40_000.0,
        "net_rain_eur_low": -60_000.0,
        "net_rain_eur_high": -20_000.0,
        "saving_rain_off_eur": 1500.0,
        "rain_diameter_as_is_mm": 300.0,
        "paved_sewer_m2": 1234.0,
        "area_basis": "bgt",
        "years_to_replacement": 10.0,
        "replacement_year": 2036.0,
    }
    return base | other


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {},
            "Geen besparing: afkoppelen kost hier ongeveer 40.000 euro meer dan het riool goedkoper wordt (20.000 tot 60.000).",
        ),
        ({}, "Een kleinere buis scheelt ongeveer 1.500 euro bij de volgende vervanging."),
        ({"net_rain_eur_high": 5_000.0, "class_rain": "B"}, "Kan lonen voor de gemeente"),
        (
            {"net_rain_eur": 4e4, "net_rain_eur_low": 1e4, "net_rain_eur_high": 9e4, "class_rain": "A"},
            "wordt hier ongeveer 40.000 euro goedkoper dan het afkoppelen kost (10.000 tot 90.000)",
        ),
        ({"reason_rain": "minimum_diameter"}, "is al groot genoeg (minimumdiameter)"),
        ({"reason_rain": "same_size"}, "dezelfde standaardmaat"),
        ({"class_rain": "-", "reason_rain": "already_separate"}, "Afkoppelen is al gedaan."),
        ({"class_rain": "-", "reason_rain": "no_paving"}, "Geen kans voor regenwater"),
        ({"class_rain": "?", "reason_rain": "no_sewer"}, "weet de waterbeheerder. Bekend is 1.234 m² verharding."),
        ({"class_rain": "?", "reason_rain": "unknown"}, "het jaar van aanleg ontbreekt"),
        ({"years_to_replacement": 45.0, "replacement_year": 2071.0}, "pas rond 2071 vervangen"),
    ],
)
def test_a_sentence_on_rain_for_each_type_of_street(given, words):
    assert words in rain_sentence(rain_row(**given))


def test_paving_that_is_a_fixed_area_per_home_is_not_told_as_known():
    text = rain_sentence(rain_row(class_rain="?", reason_rain="no_sewer", area_basis="per home"))
    assert "verharding" not in text


def test_one_home_and_a_foul_sewer_in_the_sum(result):
    foul = dict(result.street.set_index("street_name").loc["Zijlaan"], homes=1)
    lines = four_lines(foul)
    assert "uit 1 woning," in lines[0]
    assert "regenwater" not in lines[1]
    combined = dict(result.street.set_index("street_name").loc["Hoofdstraat"])
    assert "zonder regenwater" in four_lines(combined)[1]


def beside(street: str = "Hoofdstraat") -> tuple[object, object]:
    """Lay a rain sewer beside the combined one of a street of 1960."""
    pipe, node = sewers()
    own = pipe[pipe["pipe_id"].str.startswith(street)].copy()
    own["pipe_id"], own["system"] = own["pipe_id"] + " rain", "hemelwater"
    own["geometry"] = own.geometry.translate(1.5, 0)
    return pd.concat([pipe, own], ignore_index=True), node


@pytest.mark.parametrize(("year", "roofs_to"), [(1960, "gemengd"), (1995, "hemelwater")])
def test_beside_a_combined_sewer_roads_go_to_the_rain_sewer_and_roofs_by_the_age_of_the_home(year, roofs_to):
    pipe, node = beside()
    base = frames(sewer_pipe=pipe, sewer_node=node)
    found = score_water(replace(base, pand=base.pand.assign(bouwjaar=year)), settings=settings())
    own = found.pipe[found.pipe["street_id"] == "Hoofdstraat 1"].groupby("system")["own_paved_m2"].sum()
    part = found.surface[(found.surface["street_id"] == "Hoofdstraat 1") & (found.surface["drains_to"] == "sewer")]
    area = part.groupby(part["kind"].isin(("road", "bare")))["paved_m2"].sum()
    assert own.sum() == pytest.approx(area.sum())
    wanted = {"hemelwater": area[True], "gemengd": 0.0}
    wanted[roofs_to] += area[False]
    assert own.to_dict() == pytest.approx(wanted)
    # Only what is on the combined sewer can come off it.
    street = found.street.set_index("street_id").loc["Hoofdstraat 1"]
    assert street["combined_frac"] == pytest.approx(wanted["gemengd"] / area.sum())
    assert street["rain_system"] == "gemengd"


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ("AC", "Grijswater loont in 1 van de 2"),
        ("BBC", "Grijswater loont in geen enkele straat zeker; in 2 van de 3"),
    ],
)
def test_of_a_whole_place_it_is_said_in_how_many_streets_grey_water_pays(classes, words):
    street = pd.DataFrame(
        {"homes": 5, "class_grey": list(classes), "reused_m3_per_year": 100.0, "net_grey_home_eur_high": 10.0}
    )
    assert grey_finding(street).startswith(words)


def test_a_yard_drains_as_the_roofs_of_its_street_else_as_its_homes_were_built():
    part = pd.DataFrame(
        [
            ("old", "S", "roof", 30.0),
            ("new", "S", "roof", 10.0),
            ("a", "S", "yard", 5.0),
            ("b", "T", "yard", 5.0),  # of a street without roofs: two homes, one of after 1992
            ("c", "U", "yard", 5.0),  # of one without either
            ("d", "S", "road", 5.0),
        ],
        columns=["surface_id", "street_id", "kind", "paved_m2"],
    )
    pand = pd.DataFrame({"pand_id": ["old", "new"], "bouwjaar": [1960, 2000]})
    home = pd.DataFrame({"street_id": ["T", "T", "S"], "bouwjaar": [1960, 2000, 1960]})
    assert rain_preference(part, pand, home).tolist() == [0.0, 1.0, 10 / 40, 0.5, 0.0, 1.0]


def test_land_of_a_kind_without_a_use_of_its_own_counts_as_bare():
    kinds = ["wegdeel", "begroeidterreindeel", "waterdeel", "overbruggingsdeel", "begroeidterreindeel"]
    land = gpd.GeoDataFrame({"kind": kinds, "surface": [None, None, None, None, "erf"]}, geometry=[None] * 5)
    assert assign._kinds(land).tolist() == ["road", "green", "water", "bare", "yard"]


def test_with_one_sewer_in_the_street_all_paving_goes_there(result):
    street = result.street.set_index("street_id")["combined_frac"]
    assert street.to_dict() == {"Hoofdstraat 1": 1.0, "Dwarsstraat 1": 0.0, "Zijlaan 1": 0.0}


def test_every_column_of_every_table_is_as_it_was(result):
    """Of the neighbourhood as designed, and as registers have it, with rain enough for combined pipes above the least size."""
    bounds = tuple(bound(factor, paved) for factor in (0.8, 1.2) for paved in (0.0, 1.0))
    storm = settings(bounds=bounds, design=DesignRules(rain_l_per_s_ha=400.0), participation=0.8)
    runs = {"designed": result, "untidy": score_water(untidy(), settings=storm)}
    for name, left in {"roads": ["street_line"], "addresses": ["street_line", "terrain"]}.items():
        runs[name] = score_water(replace(untidy(), **dict.fromkeys(left)), settings=storm)
    parts = ("street", "pipe", "home", "surface", "unassigned", "issues", "month")
    require_as_pinned("water", {f"{name}.{part}": getattr(run, part) for name, run in runs.items() for part in parts})
