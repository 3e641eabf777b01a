// Search by street, buurt or address in the page's own data; nothing leaves the page.

const MOST_FOUND = 12;

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

async function search(event) {
  event.preventDefault();
  if (spec.layers.some((one) => one.name === "__zoek")) await need("__zoek");
  const layer = layerOf("__zoek"), found = findPlaces(byId("zoektekst").value);
  const go = (i) => {
    map.setView(toLatLng(layer, layer.x[i], layer.y[i]), 18, { animate: !noMotion });
    const own = themeLayer(), [x, y] = toGrid(own, toLatLng(layer, layer.x[i], layer.y[i])), here = pick(own, x, y, 0, visible);
    fill(byId("gevonden"));
    if (here >= 0) choose(here);
    announce("Kaart bij: " + layer.column("text").value(i), true);
  };
  fill(byId("gevonden"), found.map((i) => h("li", {}, h("button", { type: "button", onclick: () => go(i) },
    said(layer.column("text").value(i)), h("small", {}, said(layer.column("kind").value(i) || ""))))));
  announce(found.length ? nl(found.length) + " gevonden" : "Niets gevonden in deze kaart.");
  const exact = found.find((i) => plain(layer.column("text").value(i)) === plain(byId("zoektekst").value.trim()));
  if (found.length === 1 || exact !== undefined) go(exact ?? found[0]);
}
