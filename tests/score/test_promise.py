"""The printed amount of every place is the mean of the draws and the sum of its blocks; the printed best is the best there is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kansenkaart.config import DATA_VARIABLE, Areas
from kansenkaart.core.area.best import worth_of_area
from kansenkaart.core.area.question import Area, AreaQuestion, Effort, prepare
from kansenkaart.core.area.window_search import quick_area
from kansenkaart.core.enterprise.linear import OUTCOMES, yearly_equivalent
from kansenkaart.core.enterprise.setting import CRITERIA, as_inputs
from kansenkaart.publish.feasibility.sums import survey_of
from kansenkaart.publish.figures import headline_cases, with_case
from kansenkaart.runs import study
from kansenkaart.score import best_areas, enterprise
from kansenkaart.tables.assumptions import default
from kansenkaart.tables.store import Store
from kansenkaart.wording.enterprise import owners_nl
from tests.runs.places import project
from tests.runs.test_studies_realdata import DATA
from tests.score.area_store import MADE, scored, town_store

TRIES = 400
#: The invented place at each change, two real ones at night.
PLACES = ("voorburg", "zwolle")


@pytest.fixture(
    scope="module",
    params=[
        "proefveld",
        *(pytest.param(one, marks=[pytest.mark.slow, pytest.mark.realdata, pytest.mark.nightly]) for one in PLACES),
    ],
)
def store(request, tmp_path_factory):
    """Scored tables of one study: the invented one of the session, or a real place scored for these tests."""
    if request.param == "proefveld":
        return Store(request.getfixturevalue("finished") / "data" / "processed" / "proefveld")
    if not (DATA / request.param).is_dir():
        pytest.skip(f"real data not there: {DATA / request.param}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATA_VARIABLE, str(DATA))
        root = project(tmp_path_factory.mktemp(request.param) / "project", request.param)
        place = study.open_study(request.param, root=root)
        study.run_acquire(place)
        study.run_score(place)
    return place.store


def _drawn(store, track):
    """Return what stays and what the enterprise keeps in every draw of every place, from the stored facts."""
    setting, facts = survey_of(store, default()).settings[track], store.read("enterprise_facts")
    drawn = setting.drawn(as_inputs(facts), facts["roof_range_frac"].to_numpy(float))
    stays = drawn[[OUTCOMES.index(one) for one in CRITERIA["stays"]]].sum(axis=0)
    places = pd.MultiIndex.from_frame(facts[["place_kind", "place_id"]])
    return pd.DataFrame(stays, index=places), pd.DataFrame(drawn[OUTCOMES.index("enterprise")], index=places)


@pytest.mark.parametrize("track", ["short", "long"])
def test_amount_interval_and_chance_of_every_place_are_of_the_same_draws(store, track):
    cases = store.read("enterprise_case")
    rows = cases[cases["track"] == track].set_index(["place_kind", "place_id"])
    stays, firm = (one.loc[rows.index] for one in _drawn(store, track))
    assert rows["stays_eur_per_year"].to_numpy() == pytest.approx(stays.mean(axis=1).to_numpy(), abs=0.005)
    for end, part in (("low", 0.1), ("median", 0.5), ("high", 0.9)):
        at = stays.quantile(part, axis=1).to_numpy()
        assert rows[f"stays_eur_per_year_{end}"].to_numpy() == pytest.approx(at, abs=0.005), end
    assert rows["earns_keep_frac"].to_numpy() == pytest.approx((firm >= 0).mean(axis=1).to_numpy())


def test_the_contribution_of_those_who_take_part_is_of_the_same_draws(store):
    cases = headline_cases(store.read("enterprise_case")).set_index(["place_kind", "place_id"])
    _, firm = _drawn(store, "long")
    terms = survey_of(store, default()).settings["long"].terms["terms.participation_frac"]
    joined = np.outer(cases["homes"], np.concatenate([terms, terms]))  # the second half mirrors facts, not terms
    each = -firm.loc[cases.index].to_numpy() / joined
    name = "contribution_eur_per_participant"
    assert cases[name].to_numpy() == pytest.approx(each.mean(axis=1), abs=0.005)
    for end, part in (("low", 0.1), ("median", 0.5), ("high", 0.9)):
        assert cases[f"{name}_{end}"].to_numpy() == pytest.approx(np.quantile(each, part, axis=1), abs=0.005), end
    pays = (each <= 0).mean(axis=1)
    assert cases["earns_keep_frac"].to_numpy() == pytest.approx(pays)


def test_the_bounds_of_every_area_are_the_sums_of_its_blocks_and_hold_its_figure(store):
    block, best = store.read("block").set_index("block_id"), store.read("best_area").set_index("best_id")
    places = {("gebied", key): rows.index for key, rows in block.dropna(subset="gebied_id").groupby("gebied_id")}
    places |= {("best", key): [int(one) for one in ids.split(",")] for key, ids in best["block_ids"].items()}
    tables = {"gebied": store.read("gebied").set_index("gebied_id"), "best": best}
    for (kind, key), blocks in places.items():
        for name in ("yield_fit_kwh_per_year", "water_eur_per_year"):
            ends = [tables[kind].loc[key, f"{name}{end}"] for end in ("_low", "", "_high")]
            sums = [block.loc[blocks, f"{name}{end}"].sum(min_count=1) for end in ("_low", "", "_high")]
            assert ends == pytest.approx(sums, nan_ok=True)
            assert pd.isna(ends).all() or ends == sorted(ends), (kind, key, name)


def test_the_amount_of_every_area_is_the_sum_of_its_blocks_and_a_constant(store):
    cases = headline_cases(store.read("enterprise_case")).set_index(["place_kind", "place_id"])["stays_eur_per_year"]
    facts, block, best = store.read("block_facts").set_index("block_id"), store.read("block"), store.read("best_area")
    parts, fixed = facts["stays_part_eur_per_year"], facts["stays_fixed_eur_per_year"].iloc[0]
    inside = block.dropna(subset="gebied_id")
    members = {("gebied", str(int(key))): rows.tolist() for key, rows in inside.groupby("gebied_id")["block_id"]}
    members |= {
        ("best", str(key)): [int(one) for one in ids.split(",")]
        for key, ids in best.set_index("best_id")["block_ids"].items()
    }
    assert len(members) == cases.drop(index="buurt", level=0).shape[0]
    for place, blocks in members.items():
        assert cases[place] == pytest.approx(parts.loc[blocks].sum() + fixed, abs=0.01), place
    assert best["stays_eur_per_year"].to_numpy() == pytest.approx(
        cases.loc["best"].loc[best["best_id"].astype(str)].to_numpy(), abs=0.005
    )


def test_the_payments_of_each_year_give_the_same_amount(store):
    survey, cases = survey_of(store, default()), headline_cases(store.read("enterprise_case"))
    step = max(len(cases) // 25, 1)  # year by year takes a tenth of a second a place
    for row in cases.sort_values("stays_eur_per_year").iloc[::step].itertuples():
        flow = survey.sums_of((row.place_kind, row.place_id)).sums["long"].flow()
        whole = (yearly_equivalent(flow, "household") + yearly_equivalent(flow, "enterprise")).mean()
        assert row.stays_eur_per_year == pytest.approx(whole, abs=0.01)


def test_the_printed_best_is_the_best_of_all_candidates_and_proven(store):
    best = store.read("best_area")
    first = best[best["criterion"] == "stays"].set_index("rank")
    assert first["stays_eur_per_year"].sort_index().is_monotonic_decreasing
    assert (first["bound_gap_frac"] == 0).all()
    assert best.groupby("criterion")["rank"].max().max() <= 5
    other = with_case(store, store.read("gebied"), "gebied", "gebied_id")
    other = other[other["homes"].between(Areas().low_homes, Areas().high_homes)]
    printed = first.loc[1, "stays_eur_per_year"]
    assert printed >= other["stays_eur_per_year"].max() - 0.005
    # What the border costs is proven too: no area of this size, whatever its border, brings more.
    assert first.loc[1, "border_cost_eur_per_year"] >= 0
    assert (first["stays_eur_per_year"] + first["border_cost_eur_per_year"]).to_numpy() == pytest.approx(
        printed + first.loc[1, "border_cost_eur_per_year"], abs=0.05
    )


@pytest.mark.parametrize("priced", [True, False])
def test_blind_search_finds_no_better_area(store, priced):
    """Random centres and starts, annealed, with the price of the border and without it."""
    blocks = best_areas.read_blocks(store)
    value, mean = best_areas.value_and_scale(blocks, "stays")
    question = best_areas.question_of(Areas(), default(), mean)
    if not priced:
        question = best_areas.without_border(question)
    graph, best = blocks.graph(value), store.read("best_area")
    rows = best[best["criterion"] == "stays"]
    number = {one: at for at, one in enumerate(blocks.frame["block_id"])}
    stored = [np.array([number[int(one)] for one in ids.split(",")]) for ids in rows["block_ids"]]
    bound = max(worth_of_area(graph, question, one) for one in stored)
    if not priced:
        bound = max(value[one].sum() + most for one, most in zip(stored, rows["border_cost_eur_per_year"], strict=True))
    rng, searches, band = np.random.default_rng(1), prepare(graph, question), question.band
    for turn in range(TRIES):
        search = searches[rng.integers(len(searches))]
        centres = np.flatnonzero(search.centres)
        window = search.window(int(rng.choice(centres))) if len(centres) else None
        if window is not None:
            wanted = rng.random(len(window.members)) < rng.random()
            _, worth = quick_area(window, band=band, wanted=wanted, effort=(1, 20_000), seed=turn)
            assert worth <= bound + 0.01 + 1e-6 * abs(bound)


def test_a_second_proof_with_more_effort_says_the_same(store):
    blocks = best_areas.read_blocks(store)
    value, mean = best_areas.value_and_scale(blocks, "stays")
    question, graph = best_areas.question_of(Areas(), default(), mean), blocks.graph(value)
    again = best_areas.best_areas(graph, count=1, question=question, effort=Effort(restarts=1, steps=2_000, seed=7))[0]
    rows = store.read("best_area")
    assert ",".join(blocks.frame["block_id"].iloc[again.blocks].astype(str)) in set(rows["block_ids"])
    assert again.gap == 0


def test_the_first_by_its_amount_is_held_to_the_bound_of_all():
    """Sought second (worth 95, border 40) but first by its amount: what none of all exceeds is 100, so 5 of 135 is open."""
    draws = best_areas.Draws(0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 500, 12)

    def one(value, border, best_id):
        area = Area(np.array([best_id]), best_id, 330, value, border, 0, value - border, value - border, 0.0)
        brings = draws._replace(stays_eur_per_year=value)
        return best_areas.Found(best_id, "stays", best_id + 1, area, None, AreaQuestion(), brings)

    ranked, never = best_areas._ranked([one(110.0, 10.0, 0), one(135.0, 40.0, 1)])
    assert [(found.rank, found.area.value) for found in ranked] == [(1, 135.0), (2, 110.0)]
    assert ranked[0].gap == pytest.approx(5 / 135)
    assert (ranked[1].gap, never) == (0.0, 0)


def test_roofs_without_owner_and_a_municipality_without_figures_are_unknown_and_each_track_says_what_it_would_bring(
    tmp_path,
):
    """A town of which CBS tells no owner: panels are in no sum; with an owner they bring more, a corporation most."""
    store = scored(town_store(tmp_path, corporation=None))
    cases = next(one.content for one in enterprise.score_cases(store, default()) if one.name == "enterprise_case")
    facts = store.read("block_facts")
    assert facts[["pv_own_kwp", "pv_association_kwp", "pv_corporation_kwp"]].isna().all(axis=None)
    areas = cases[cases["place_kind"] == "gebied"].set_index("track")
    short, long = (areas.loc[[track]] for track in ("short", "long"))
    assert (short["stays_if_owned_eur_per_year"] > short["stays_eur_per_year"]).all()
    assert (long["stays_if_owned_eur_per_year"] >= long["stays_eur_per_year"]).all()
    # no map of green and paving: what the municipality gains or pays is unknown, and so is what all gain together
    for name in ("municipality", "local"):
        assert areas[[f"{name}_eur_per_year{end}" for end in ("", "_low", "_median", "_high")]].isna().all(axis=None)
    first = {track: areas.loc[[track]].iloc[0] for track in ("short", "long")}
    words = owners_nl(first)
    assert "Op daken waarvan de eigenaar onbekend is tellen panelen niet mee" in words
    for name in (
        "stays_eur_per_year",
        None,
    ):  # roofs that change nothing are not said to, nor where all owners are given
        alike = {
            track: one.to_dict() | {"stays_if_owned_eur_per_year": one[name] if name else np.nan}
            for track, one in first.items()
        }
        assert owners_nl(alike) == ""
    # where every roof has an owner no track has another amount, though other places of the study have open roofs
    block = store.read("block")
    mine = facts["block_id"].isin(block.loc[block["gebied_id"] == 0, "block_id"])
    store.write("block_facts", facts.assign(pv_open_kwp=facts["pv_open_kwp"].where(mine, 0.0)), MADE)
    cases = next(one.content for one in enterprise.score_cases(store, default()) if one.name == "enterprise_case")
    open_roofs = cases[cases["place_kind"] == "gebied"].set_index("place_id")["stays_if_owned_eur_per_year"].notna()
    assert set(open_roofs) == {True, False}
    assert (open_roofs == (open_roofs.index == "0")).all()
