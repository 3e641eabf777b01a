// Two places side by side: the same figures, on the same axes.

const MOST_NAMED = 500;

/** The list to choose a second place from: by mouse and by keyboard. */
function compareList(layer, i) {
  if (layer.n > MOST_NAMED) return "";
  const names = Array.from({ length: layer.n }, (_, k) => k).filter((k) => k !== i && visible(k)).map((k) => ({ k, name: layer.titleOf(k) }));
  names.sort((a, b) => a.name.localeCompare(b.name, "nl", { numeric: true }));
  return h("label", { class: "keuze" }, "Vergelijk met ", h("select", { id: "naast", onchange: (event) => compareWith(Number(event.target.value)) },
    h("option", { value: -1 }, "kies een plek"), names.map(({ k, name }) => h("option", { value: k }, name.slice(0, 60)))));
}

/** Put a second place beside the chosen one; -1 takes it away. */
function compareWith(k) {
  if (k >= 0 && state.beside < 0) {
    writeLink();
    history.pushState(null, "", location.href);
  }
  state.beside = k;
  drawDetail();
  refresh();
  map.invalidateSize({ animate: false });
  if (k >= 0) moveMap(() => map.fitBounds(boundsOf(themeLayer(), [state.chosen, k]).pad(0.2), { ...roomAround(), maxZoom: 18, animate: !noMotion }));
  byId("paneel").scrollTo(0, 0);
  byId("detail").querySelector("button")?.focus();
  announce(k >= 0 ? themeLayer().titleOf(state.chosen) + " naast " + themeLayer().titleOf(k) : "Vergelijking gesloten", true);
}

/** What differs, said once: only where the intervals do not overlap. */
function compareWords(layer, name, both) {
  const of = both.map((i) => numberOf(layer, i)), about = layer.about.get(name), value = of.map((one) => one(name));
  if (about.kind !== "number" || name === "rank" || !value.every(Number.isFinite)) return "";
  const low = of.map((one) => one(name + "_low")), high = of.map((one) => one(name + "_high")), first = value[0] >= value[1] ? 0 : 1;
  if ([...low, ...high].every(Number.isFinite) && low[first] <= high[1 - first]) return "Bij deze twee overlappen de marges: welke meer oplevert, is niet te zeggen.";
  return begun(about.label) + " is het hoogst in " + layer.titleOf(both[first]) + ".";
}

function drawCompare(box, layer) {
  const both = [state.chosen, state.beside], of = both.map((i) => numberOf(layer, i)), name = leadColumn(), about = layer.about.get(name);
  const extent = extentOf(of.flatMap((one) => [one(name), one(name + "_low"), one(name + "_high")])), parties = theme().parties;
  const cells = (label, make) => h("tr", {}, h("th", { scope: "row" }, said(begun(label))), both.map((i, c) => h("td", {}, make(i, c))));
  const amounts = (one) => [one(name + "_low"), one(name), one(name + "_high")];
  const partyExtent = extentOf(of.flatMap((one) => parties.map(one)));
  const rows = [about.kind === "number" && name !== "rank" ? cells(about.label, (i, c) => {
    const [low, middle, high] = amounts(of[c]), sure = Number.isFinite(low) && Number.isFinite(high), say = spanWords(layer, about, i);
    return [h("strong", {}, sure ? "ongeveer " + withUnit(say(middle), about.unit) : aboutAs(layer, about, i)),
      sure ? [h("small", {}, "tussen " + say(low) + " en " + say(high)), h("div", { "aria-hidden": "true" }, intervalOn(extent, low, middle, high, about.unit.startsWith("euro")), scaleOf(extent).marks)] : ""];
  }) : "",
  layer.about.get("earns_keep_frac") ? cells("komt het uit?", (i, c) => (Number.isNaN(of[c]("earns_keep_frac")) ? "onbekend" : chanceDots(of[c]("earns_keep_frac")))) : "",
  ...theme().lead.filter((one) => one !== name && one !== "earns_keep_frac").map((one) => cells(layer.about.get(one).label, (i) => aboutAs(layer, layer.about.get(one), i))),
  parties.length && of.some((one) => parties.some((party) => Number.isFinite(one(party)))) ? cells("wie wint, wie betaalt", (i, c) => signedBars(parties.map((party) => ({ label: layer.about.get(party).label, value: of[c](party), width: of[c](party + "_high") - of[c](party + "_low") })), partyExtent)) : ""];
  return fill(box, h("div", { class: "kop" }, h("button", { type: "button", class: "sluit", "aria-label": "Sluit de vergelijking", onclick: () => compareWith(-1) }, "\u2039 Terug"), h("small", {}, said(layer.label))),
    h("h2", {}, "Twee plekken naast elkaar"), h("p", {}, said(compareWords(layer, name, both))),
    h("table", { class: "naast" }, h("thead", {}, h("tr", {}, h("td", {}), both.map((i) => h("th", { scope: "col" }, said(begun(layer.titleOf(i))))))), h("tbody", {}, rows.filter(Boolean))));
}
