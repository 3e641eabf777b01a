// The first minute: where to start, how many homes, what it brings, how sure, and from what.

/** The place to start, as long as the page still says so and nothing else is chosen; or -1. */
function startPlace() {
  const open = spec.start && spec.start.layer && !state.units.size && !byId("begin").hidden && byId("begin").querySelector("details[open]");
  return open ? indexOf(layerOf(spec.start.layer), spec.start.feature) : -1;
}

/** Show the place to start: its own theme, with the place chosen. */
async function showStart() {
  const { start } = spec, own = spec.themes.find((one) => one.layer === start.layer);
  if (own && own.key !== state.theme) await openTheme(own.key);
  if (own) choose(indexOf(layerOf(start.layer), start.feature), { move: true });
}

/** The first minute stands with the first question; where a page asks none, with every theme. */
function drawStart() {
  const box = byId("begin"), { start } = spec, open = box.querySelector("details:not([open])") === null;
  box.hidden = !start || state.chosen >= 0 || (Boolean(theme().question) && theme().question !== "begin");
  if (box.hidden) return;
  const [where, ...facts] = start.answers;
  fill(box, h("details", { open, ontoggle: refresh }, h("summary", {}, h("h2", {}, said(start.title))),
    where ? h("p", { class: "waar" }, h("strong", {}, said(where.answer)), where.origin ? h("small", {}, said(where.origin)) : "") : "",
    h("dl", {}, facts.map((one) => h("div", {}, h("dt", {}, said(one.question)),
      h("dd", {}, said(one.answer), one.origin ? h("small", {}, said(one.origin)) : "")))),
    h("p", { class: "knoppen" }, start.feature ? h("button", { type: "button", id: "toonbegin", class: "eerst", onclick: showStart }, "Toon dit gebied") : "",
      start.link ? fileLink("Factsheet van dit gebied", start.link) : "")));
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
