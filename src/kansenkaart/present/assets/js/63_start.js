// The first minute: where to start, how many homes, what it brings, how sure, and from what.

/** The place to start, as long as the page still tells of it and nothing else is chosen; or -1. */
function startPlace() {
  const told = spec.start && spec.start.layer && !state.units.size && byId("begin").querySelector("details[open]");
  return told ? indexOf(layerOf(spec.start.layer), spec.start.feature) : -1;
}

function drawStart() {
  const box = byId("begin"), { start } = spec;
  box.hidden = !start;
  if (!start) return;
  const show = () => {
    if (!toolOpen()) byId("toolknop").click();
    showArea({ units: start.units });
    byId("kaartvak").scrollIntoView({ block: "nearest" });
  };
  fill(box, h("details", { open: true, ontoggle: refresh }, h("summary", {}, h("h2", {}, said(start.title))), h("dl", {}, start.answers.map((one) => h("div", {}, h("dt", {}, said(one.question)),
    h("dd", {}, said(one.answer), one.origin ? h("small", {}, said(one.origin)) : "")))),
  h("p", { class: "knoppen" }, start.units.length && spec.tool ? h("button", { type: "button", id: "toonbegin", onclick: show }, "Toon dit gebied") : "",
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
  byId("donker").setAttribute("aria-pressed", String(isDark()));
  refresh();
}
