// The ranking of the proposed areas: weights, the target and how sure it is; all follow at once.

/** Scores [0..1] of areas under the weights of now, from one row of values per area; an unknown value counts as the worst. */
function scoresOf(values) {
  const { criteria } = spec.tool, total = state.weights.reduce((p, q) => p + q, 0) || 1;
  const ends = criteria.map((_, c) => {
    const known = values.map((row) => row[c]).filter(Number.isFinite);
    return [Math.min(...known), Math.max(...known)];
  });
  return values.map((row) => row.reduce((sum, value, c) => {
    const [low, high] = ends[c], share = high > low ? (value - low) / (high - low) : 0.5;
    return sum + (Number.isFinite(value) ? (state.weights[c] / total) * (criteria[c].up ? share : 1 - share) : 0);
  }, 0));
}

const orderOf = (scores) => scores.map((_, k) => k).sort((p, q) => scores[q] - scores[p] || p - q);

const sameWeights = () => state.weights.join(".") === startWeights().join(".");

/** How sure a place in the ranking is: that was counted for the first weights only. */
function sureness(places) {
  return places.map((place) => (sameWeights() ? spec.tool.areas[place].sure : null));
}

const areaUnits = (area) => (area.indices ||= area.units.map((key) => indexOf(units(), key)));

/** The homes of a proposed area: as it was made, for a public page leaves small blocks out; else the sum over its blocks. */
function areaHomes(area) {
  if (area.homes !== null) return area.homes;
  const column = units().column(spec.tool.homes);
  return areaUnits(area).reduce((sum, i) => sum + (column.value(i) || 0), 0);
}

const fitsTarget = (homes) => Math.abs(homes - state.target) <= spec.tool.bandFrac * state.target;

function drawRanking() {
  const { tool } = spec;
  if (!tool.areas.length) return;
  const homes = tool.areas.map(areaHomes), all = tool.areas.map((_, k) => k);
  const fitting = all.filter((k) => fitsTarget(homes[k])), others = all.filter((k) => !fitsTarget(homes[k]));
  const open = document.querySelector("#rangorde details[open]") !== null;
  fill(byId("rangorde"), h("h3", {}, "Voorgestelde gebieden"), tool.note ? h("p", {}, said(tool.note)) : "",
    tool.criteria.length > 1 ? h("details", { open }, h("summary", {}, "Wat telt mee?"), tool.criteria.map(weightSlider)) : "",
    fitting.length ? rankTable(fitting, homes) : h("p", {}, "Geen voorgesteld gebied past bij dit doel."),
    others.length ? h("p", { class: "hint", id: "buitendoel" }, counted(others.length, "gebied past", "gebieden passen") + " niet bij " + nl(state.target) + " woningen en " + (others.length === 1 ? "doet" : "doen") + " niet mee.") : "");
}

function weightSlider(one, c) {
  const move = (event) => {
    state.weights[c] = Number(event.target.value);
    drawRanking();
    byId("weging" + c).focus();
    writeLinkSoon();
  };
  return h("div", {}, h("label", { for: "weging" + c, title: one.definition }, said(begun(one.label))), " ", h("output", { for: "weging" + c }, nl(state.weights[c]) + "%"),
    h("input", { type: "range", id: "weging" + c, min: 0, max: 100, step: 5, value: state.weights[c], oninput: move }));
}

/** A ground of a place, as roughly as the first screen says it of that place; what stands not there by two digits that count. */
function criterionText(area, one, value) {
  const place = one.name === "stays_eur_per_year" && spec.start?.places.find((other) => area.key.endsWith("-" + other.feature));
  const step = place ? stepOf(place.high - place.low) : digitStep(value);
  return step ? nl(rounded(value, step)) : figure(one, value);
}

const MOST_RANKED = 10;
let allRanked = false;

/** The ranking itself: place, area, homes, its figures, and how sure. */
function rankTable(places, homes) {
  const { tool } = spec, scores = scoresOf(places.map((place) => tool.areas[place].values)), sure = sureness(places);
  const order = orderOf(scores), part = allRanked ? order : order.slice(0, MOST_RANKED);
  const head = ["", "Gebied", "Woningen", ...tool.criteria.map((one) => begun(one.label) + (unitText(one.unit) ? " (" + unitText(one.unit) + ")" : "")), "Zekerheid"];
  const rows = part.map((k, place) => {
    const area = tool.areas[places[k]];
    return h("tr", {}, h("td", { class: "getal" }, nl(place + 1)),
      h("th", { scope: "row" }, h("button", { type: "button", class: "gebied", onclick: () => showArea(area) }, said(area.name)),
        area.link ? fileLink("factsheet", area.link) : "", area.note ? h("small", {}, said(area.note)) : ""),
      h("td", { class: "getal" }, nl(homes[places[k]])),
      tool.criteria.map((one, c) => h("td", { class: "getal" }, criterionText(area, one, area.values[c] ?? NaN))),
      h("td", { class: "getal" }, sure[k] === null || sure[k] === undefined ? "onbekend" : nl(100 * sure[k]) + "%"));
  });
  const more = () => { allRanked = true; drawRanking(); };
  return [h("div", { class: "schuif", tabindex: "0", role: "region", "aria-label": "Rangorde van gebieden" },
    h("table", {}, h("caption", {}, "Rangorde bij deze weging"), h("thead", {}, h("tr", {}, head.map((text, c) => (c ? h("th", { scope: "col" }, said(text)) : h("td", {}, h("span", { class: "verborgen" }, "plaats")))))), h("tbody", {}, rows))),
  h("p", { class: "hint" }, "Zekerheid: in hoeveel van de berekeningen het gebied bij de beste " + nl(tool.top) + " hoort als de aannames binnen hun grenzen schuiven."),
  part.length < order.length ? h("button", { type: "button", id: "allegebieden", onclick: more }, "Toon alle " + nl(order.length) + " gebieden") : ""];
}

/** Choose the blocks of a proposed area and bring it into view. */
function showArea(area) {
  const inside = areaUnits(area);
  setUnits(inside);
  moveMap(() => map.fitBounds(boundsOf(units(), inside).pad(0.1), { ...roomAround(), animate: !noMotion }));
}
