// The first minute: where to start, how many homes, what it brings, how sure, and from what.

/** The place to start, as long as the page still says so and nothing else is chosen; or -1. */
function startPlace() {
  const open = spec.start && spec.start.layer && !state.units.size && !byId("begin").hidden && byId("begin").querySelector("details[open]");
  return open ? indexOf(layerOf(spec.start.layer), spec.start.feature) : -1;
}

const showStart = () => chooseFeature(spec.start.feature);

/** Show a proposed place: its own theme, with the place chosen. */
async function chooseFeature(feature) {
  const { start } = spec, own = spec.themes.find((one) => one.layer === start.layer);
  if (own && own.key !== state.theme) await openTheme(own.key);
  if (own) choose(indexOf(layerOf(start.layer), feature), { move: true });
}

/** The proposed places on one axis: what stays in the wijk each year, with its interval, left of 0 where money must be added. */
function drawAxis(places) {
  const least = Math.min(0, ...places.map((one) => one.low)), most = Math.max(0, ...places.map((one) => one.high));
  const at = (value) => (100 * (value - least)) / (most - least || 1) + "%";
  const band = (from, to, kind) => {
    const bar = h("span", { class: "band " + kind });
    bar.style.left = at(from);
    bar.style.width = `calc(${at(to)} - ${at(from)})`;
    return to > from ? bar : "";
  };
  const row = (one, k) => {
    const dot = h("span", { class: "stip" }), zero = h("span", { class: "nul" });
    dot.style.left = at(one.middle);
    zero.style.left = at(0);
    const show = () => chooseFeature(one.feature);
    return h("li", {}, h("button", { type: "button", onclick: show, "aria-label": one.name + ": " + one.words },
      h("span", { class: "rang" }, nl(k + 1)), h("span", { class: "naam" }, said(one.name)),
      h("span", { class: "as" }, band(Math.min(one.low, 0), Math.min(one.high, 0), "min"), band(Math.max(one.low, 0), Math.max(one.high, 0), "plus"), zero, dot),
      h("span", { class: "kans" }, Math.round(10 * one.chance) + " van 10")));
  };
  return [h("h3", {}, "Blijft in de wijk, per jaar"), h("ol", { class: "assen" }, places.map(row)),
    h("p", { class: "hint" }, "Van " + nl(Math.round(least / 1000) * 1000) + " tot " + nl(Math.round(most / 1000) * 1000)
      + " euro. Band: 8 van de 10 berekeningen; rechts: in hoeveel van de 10 het wijkbedrijf uitkomt.")];
}

/** The first minute stands with the first question; where a page asks none, with every theme. */
function drawStart() {
  const box = byId("begin"), { start } = spec, open = box.querySelector("details:not([open])") === null;
  box.hidden = !start || state.chosen >= 0 || (Boolean(theme().question) && theme().question !== "begin");
  if (box.hidden) return;
  const [where, ...rest] = start.answers, isSource = (one) => one.question === "Waaruit?";
  const fact = (one) => h("div", {}, h("dt", {}, said(one.question)), h("dd", {}, said(one.answer), one.origin ? h("small", {}, said(one.origin)) : ""));
  fill(box, h("details", { open, ontoggle: refresh }, h("summary", {}, h("h2", {}, said(start.title))),
    where ? h("p", { class: "waar" }, h("strong", {}, said(where.answer)), where.origin ? h("small", {}, said(where.origin)) : "") : "",
    h("dl", {}, rest.filter((one) => !isSource(one)).map(fact)),
    h("p", { class: "knoppen" }, start.feature ? h("button", { type: "button", id: "toonbegin", class: "eerst", onclick: showStart }, "Toon dit gebied") : "",
      start.link ? fileLink("Factsheet van dit gebied", start.link) : ""),
    start.places.length > 1 ? drawAxis(start.places) : "",
    start.unknown.length ? [h("h3", {}, "Wat we niet weten, en wie wel"),
      h("ul", { class: "onbekenden" }, start.unknown.map(([what, who]) => h("li", {}, h("strong", {}, what), " ", who)))] : "",
    rest.filter(isSource).map((one) => h("p", { class: "herkomst" }, said(one.answer), " ", said(begun(one.origin))))));
}

/** Files and pages beside this one. */
function drawPages() {
  fill(byId("paginas"), spec.pages.map((one) => h("li", {}, fileLink(one.label, one.path))));
  byId("paginas").hidden = !spec.pages.length;
}

/** Light or dark: as the screen asks, until the reader chooses. */
function isDark() {
  const chosen = document.documentElement.dataset.licht;
  return chosen ? chosen === "donker" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function toggleDark() {
  document.documentElement.dataset.licht = isDark() ? "licht" : "donker";
  redrawColors();
}

/** Everything that has colours, after the screen went dark or light. */
function redrawColors() {
  byId("donker").setAttribute("aria-pressed", String(isDark()));
  drawLegend();
  drawDetail();
  refresh();
}
