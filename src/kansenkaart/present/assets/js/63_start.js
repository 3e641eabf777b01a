// The first minute: where to start, what it brings and how surely, what it takes, the places on one axis, what is not known.

/** The place to start, as long as the page still says so and nothing else is chosen; or -1. */
function startPlace() {
  const open = spec.start && spec.start.layer && !state.units.size && !byId("begin").hidden;
  return open ? indexOf(layerOf(spec.start.layer), spec.start.feature) : -1;
}

/** The proposed places, as long as the page speaks of them: their number and their place in the layer. */
function startPlaces() {
  if (!spec.start || !spec.start.layer || byId("begin").hidden) return [];
  const layer = layerOf(spec.start.layer);
  return spec.start.places.map((one, k) => ({ i: indexOf(layer, one.feature), text: nl(k + 1), feature: one.feature })).filter((one) => one.i >= 0);
}

const showStart = () => chooseFeature(spec.start.feature);

/** Show a proposed place: its own theme, with the place chosen. */
async function chooseFeature(feature) {
  const { start } = spec, own = spec.themes.find((one) => one.layer === start.layer);
  if (own) await goTo(own.key, indexOf(layerOf(start.layer), feature));
}

/** The proposed places on one axis: what stays in the wijk each year, with its interval, left of 0 where money must be added. */
function drawAxis(places) {
  const extent = extentOf(places.flatMap((one) => [one.low, one.high])), scale = scaleOf(extent);
  const row = (one, k) => h("li", {}, h("button", { type: "button", onclick: () => chooseFeature(one.feature), "aria-label": one.name + ": " + one.words + ". " + chanceWords(one.chance) },
    h("span", { class: "rang" }, nl(k + 1)), h("span", { class: "naam" }, said(one.name)),
    intervalOn(extent, one.low, one.middle, one.high),
    h("span", { class: "kans" }, Math.round(10 * one.chance) + " van 10")));
  return [h("h3", {}, "Blijft in de buurt, per jaar"), h("ol", { class: "assen" }, places.map(row)), h("div", { class: "asvoet" }, scale.marks),
    h("p", { class: "hint" }, (scale.thousands ? "Duizend euro" : "Euro") + " per jaar; rechts: hoe vaak het uitkomt.")];
}

const MOST_UNKNOWN = 3;

/** The first minute stands with the first map of the first question, above the others; where a page asks none, with every theme. */
function drawStart() {
  const box = byId("begin"), { start } = spec;
  const asked = spec.themes.find((one) => one.question === "begin");
  box.hidden = !start || state.chosen >= 0 || toolOpen() || Boolean(asked && asked !== theme());
  byId("verhaal").classList.toggle("tweede", !box.hidden);
  if (box.hidden === (byId("themas").previousElementSibling === box)) box[box.hidden ? "before" : "after"](byId("themas"));
  const tool = byId("toolknop");
  if (box.hidden) return void (box.contains(tool) && byId("filter").after(tool));
  const [where, ...rest] = start.answers, first = start.places[0];
  const fact = (one) => h("div", {}, h("dt", {}, said(one.question)), h("dd", {}, said(one.answer), one.origin ? h("small", {}, said(one.origin)) : ""));
  const unknown = start.unknown.map(([what, who]) => h("li", {}, h("strong", {}, what), " ", who));
  const folded = rest.filter((one) => one.folded), open = box.querySelector("details[open]") !== null;
  fill(box, h("h2", {}, said(start.title)),
    where ? h("p", { class: "waar" }, h("strong", {}, said(where.answer)), where.origin ? h("small", {}, said(where.origin)) : "") : "",
    h("p", { class: "knoppen" }, start.feature ? h("button", { type: "button", id: "toonbegin", class: "eerst", onclick: showStart }, "Toon dit gebied") : "",
      start.link ? fileLink("Factsheet", start.link) : "", tool),
    first && first.amount ? [h("p", { class: "som" }, first.middle < 0 ? "De uitkomst per jaar" + (first.homes ? " met " + first.homes : "") + ": er moet geld bij " : (first.homes ? "Hier, met " + first.homes + "," : "Hier") + " blijft per jaar in de buurt ",
      h("strong", { class: first.middle < 0 ? "tekort" : null }, said(first.amount)), h("small", {}, said(first.span))), chanceDots(first.chance)] : "",
    rest.filter((one) => !one.folded).map((one) => h("p", { class: "nodig" }, h("strong", {}, said(one.question)), " ", said(one.answer), one.origin ? h("small", {}, said(one.origin)) : "")),
    start.places.length > 1 ? drawAxis(start.places) : "",
    unknown.length ? [h("h3", {}, "Wat we niet weten, en wie wel"), h("ul", { class: "onbekenden" }, unknown.slice(0, MOST_UNKNOWN))] : "",
    folded.length ? h("details", { open }, h("summary", {}, "Meer: zekerheid, bijdrage, herkomst"), h("dl", {}, folded.map(fact)),
      unknown.length > MOST_UNKNOWN ? h("ul", { class: "onbekenden" }, unknown.slice(MOST_UNKNOWN)) : "") : "");
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
