// Search by street, buurt or address in the page's own data; nothing leaves the page.

const MOST_FOUND = 12, LEAST_SIGNS = 4;

function findPlaces(text) {
  const layer = layerOf("__zoek"), wanted = plain(text).split(/\s+/).filter(Boolean), found = [];
  if (!layer || !wanted.length) return found;
  const words = layer.column("text");
  for (let i = 0; i < layer.n; i++) {
    const own = plain(words.value(i) || "");
    if (wanted.every((word) => own.includes(word))) found.push({ i, first: own.startsWith(wanted[0]) ? 0 : 1, size: own.length });
  }
  return found.sort((a, b) => a.first - b.first || a.size - b.size || a.i - b.i).slice(0, MOST_FOUND).map((one) => one.i);
}

/** Places of the maps themselves whose name holds the words, where the list of names has none: a street that is called by its postcode. */
async function findTitles(text) {
  const wanted = plain(text).split(/\s+/).filter(Boolean), found = [];
  if (!wanted.length || plain(text).trim().length < LEAST_SIGNS) return found;
  for (const one of spec.themes) {
    if (found.some((other) => other.layer === one.layer)) continue;
    await needed(one);
    const layer = layerOf(one.layer);
    for (let i = 0; i < layer.n && found.length < MOST_FOUND; i++) {
      const own = plain(String(layer.titleOf(i) ?? ""));
      if (wanted.every((word) => own.includes(word))) found.push({ theme: one, layer: one.layer, i });
    }
  }
  return found;
}

/** Show what was found on the maps themselves; one alone at once. @param {{theme: ThemeSpec, layer: string, i: number}[]} found */
function listTitles(found) {
  const go = async (one) => {
    fill(byId("gevonden"));
    await openTheme(one.theme.key);
    choose(one.i, { move: true });
  };
  fill(byId("gevonden"), found.map((one) => h("li", {}, h("button", { type: "button", onclick: () => go(one) }, said(begun(layerOf(one.layer).titleOf(one.i))), h("small", {}, said(one.theme.title))))));
  announce(found.length ? nl(found.length) + " gevonden" : "Niets gevonden. Zoek op een straat, een buurt of, waar die bekend zijn, een adres of postcode.");
  if (found.length === 1) go(found[0]);
}

async function search(event) {
  event.preventDefault();
  if (spec.layers.some((one) => one.name === "__zoek")) await need("__zoek");
  const layer = layerOf("__zoek"), found = findPlaces(byId("zoektekst").value);
  if (!found.length) return listTitles(await findTitles(byId("zoektekst").value));
  const go = async (i) => {
    const place = toLatLng(layer, layer.x[i], layer.y[i]), words = layer.column("text").value(i), kind = layer.column("kind").value(i);
    fill(byId("gevonden"));
    const asked = { adres: ["panden", "sun"], straat: ["", "water"], buurt: ["wijkbedrijf_buurt", "-"] }[kind], isOwn = asked && (theme().question === asked[1] || (kind === "buurt" && theme().layer === "buurten"));
    const fits = (one) => (kind === "buurt" ? ["wijkbedrijf_buurt", "buurten"].includes(one.layer) : asked[0] ? one.layer === asked[0] : one.question === asked[1]);
    const target = asked && !isOwn && spec.themes.find(fits);
    if (target) await openTheme(target.key);
    map.setView(place, 18, { animate: false });
    const here = nearestIn(themeLayer(), place, kind === "straat" || kind === "buurt" ? words : "");
    if (here >= 0 && visible(here)) choose(here, { move: true });
    announce("Kaart bij: " + words, true);
  };
  fill(byId("gevonden"), found.map((i) => h("li", {}, h("button", { type: "button", onclick: () => go(i) },
    said(layer.column("text").value(i)), h("small", {}, said(layer.column("kind").value(i) || ""))))));
  announce(nl(found.length) + " gevonden");
  const exact = found.find((i) => plain(layer.column("text").value(i)) === plain(byId("zoektekst").value.trim()));
  if (found.length === 1 || exact !== undefined) go(exact ?? found[0]);
}
