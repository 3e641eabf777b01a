// Search by street, buurt or address in the page's own data; nothing leaves the page.

const MOST_FOUND = 12, LEAST_SIGNS = 4, SURE_SIGNS = 3;

/** What a name must hold to be found by a text: all its words, or all its signs in a row, as in 2592VA. */
function asked(text) {
  const wanted = plain(text).split(/\s+/).filter(Boolean), tight = wanted.join("");
  return { first: wanted[0], fits: (own) => wanted.every((word) => own.includes(word)) || (tight.length >= LEAST_SIGNS && own.replace(/\s/g, "").includes(tight)) };
}

function findPlaces(text) {
  const layer = layerOf("__zoek"), { first, fits } = asked(text), found = [];
  if (!layer || !first) return found;
  const words = layer.column("text");
  for (let i = 0; i < layer.n; i++) {
    const own = plain(words.value(i) || "");
    if (fits(own)) found.push({ i, first: own.startsWith(first) ? 0 : 1, size: own.length });
  }
  const kinds = layer.column("kind"), seen = new Set(), once = (i) => { const key = kinds.value(i) + words.value(i); return !seen.has(key) && Boolean(seen.add(key)); };
  return found.sort((a, b) => a.first - b.first || a.size - b.size || a.i - b.i).map((one) => one.i).filter(once).slice(0, MOST_FOUND);
}

/** Places of the maps themselves whose name holds the words, where the list of names has none: a street that is called by its postcode. */
async function findTitles(text) {
  const { fits } = asked(text), found = [];
  if (plain(text).trim().length < LEAST_SIGNS) return found;
  for (const one of spec.themes) {
    if (found.some((other) => other.layer === one.layer)) continue;
    await needed(one);
    const layer = layerOf(one.layer);
    for (let i = 0; i < layer.n && found.length < MOST_FOUND; i++) {
      const own = plain(String(layer.titleOf(i) ?? ""));
      if (fits(own)) found.push({ theme: one, layer: one.layer, i });
    }
  }
  return found;
}

/** Show what was found on the maps themselves; one alone at once. @param {{theme: ThemeSpec, layer: string, i: number}[]} found */
function listTitles(found) {
  const go = (one) => {
    fill(byId("gevonden"));
    return goTo(one.theme.key, one.i);
  };
  fill(byId("gevonden"), found.map((one) => h("li", {}, h("button", { type: "button", onclick: () => go(one) }, said(begun(layerOf(one.layer).titleOf(one.i))), h("small", {}, said(one.theme.title))))));
  announce(found.length ? nl(found.length) + " gevonden" : "Niets gevonden. " + (knows("adres") ? "Zoek op een adres, een straat of een buurt." : knows("straat") ? "Zoek op een straat of een buurt; adressen staan niet in deze kaart." : "In deze kaart staan geen straatnamen: zoek op een buurt, of op een postcode zoals 1234 AB."));
  if (found.length === 1) go(found[0]);
}

/** Whether the page can find things of a kind at all. @param {string} kind */
function knows(kind) {
  const layer = layerOf("__zoek"), kinds = layer && layer.column("kind");
  return Boolean(layer) && Array.from({ length: layer.n }, (_, i) => i).some((i) => kinds.value(i) === kind);
}

/** Walk with the arrow keys from the words to what was found, and back. @param {KeyboardEvent} event */
function walkFound(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], stops = [byId("zoektekst"), ...byId("gevonden").querySelectorAll("button")];
  const next = step && stops[stops.findIndex((one) => one === document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

async function search(event) {
  event.preventDefault();
  if (spec.layers.some((one) => one.name === "__zoek")) await need("__zoek");
  const layer = layerOf("__zoek"), found = findPlaces(byId("zoektekst").value);
  if (!found.length) return listTitles(await findTitles(byId("zoektekst").value));
  const go = async (i) => {
    const place = toLatLng(layer, layer.x[i], layer.y[i]), words = layer.column("text").value(i), kind = layer.column("kind").value(i);
    fill(byId("gevonden"));
    const own = { adres: ["panden", "sun"], straat: ["", "water"], buurt: ["wijkbedrijf_buurt", "-"] }[kind], isOwn = own && (theme().question === own[1] || (kind === "buurt" && theme().layer === "buurten"));
    const fits = (one) => (kind === "buurt" ? ["wijkbedrijf_buurt", "buurten"].includes(one.layer) : own[0] ? one.layer === own[0] : one.question === own[1]);
    const target = own && !isOwn && spec.themes.find(fits);
    remember();
    if (target && !(await openTheme(target.key))) return;
    moveMap(() => map.setView(place, 18, { animate: false }));
    const here = nearestIn(themeLayer(), place, kind === "straat" || kind === "buurt" ? words : "");
    if (here >= 0 && visible(here)) choose(here, { move: true, fresh: false });
    announce("Kaart bij: " + words, true);
  };
  fill(byId("gevonden"), found.map((i) => h("li", {}, h("button", { type: "button", onclick: () => go(i) },
    said(layer.column("text").value(i)), h("small", {}, said(layer.column("kind").value(i) || ""))))));
  announce(nl(found.length) + " gevonden");
  const exact = found.find((i) => plain(layer.column("text").value(i)) === plain(byId("zoektekst").value.trim()));
  if ((found.length === 1 && byId("zoektekst").value.trim().length >= SURE_SIGNS) || exact !== undefined) go(exact ?? found[0]);
}
