// Pass the map on: a link, a frame for another page, a picture.

function toggleShare() {
  const box = byId("deelvak"), open = box.hidden;
  box.hidden = !open;
  byId("deel").setAttribute("aria-expanded", String(open));
  if (!open) return;
  writeLink();
  const local = location.protocol === "file:", address = local ? location.pathname.split("/").pop() + location.hash : location.href;
  const frame = '<iframe src="' + address.replaceAll("&", "&amp;") + '" title="' + spec.title.replace(/["<>&]/g, "") + '" width="100%" height="640" loading="lazy"></iframe>';
  const field = (id, label, value) => h("label", { for: id }, label, h("input", { type: "text", id, readonly: true, value, onfocus: (event) => event.target.select() }));
  fill(box, field("link", "Link naar deze kaart", address), field("frame", "Voor op een webpagina", frame),
    h("p", { class: "knoppen" }, h("button", { type: "button", id: "bewaar-png", onclick: savePng }, "Bewaar als plaatje (PNG)"), h("button", { type: "button", id: "bewaar-svg", onclick: saveSvg }, "Bewaar als tekening (SVG)")));
  byId("link").focus();
  byId("link").select();
  announce(local ? "Dit is geen internetadres. Stuur het bestand mee; wie de link opent, zet er de map voor waar het bestand staat." : "De link staat klaar om te kopi\u00ebren.");
}

const PICTURE_FOOT = 34, PICTURE_ROW = 20;

/** What leaves the page says whose data it holds. @param {string} text */
const marked = (text) => ({ voorbeeld: "Voorbeeld, verzonnen: ", intern: "Intern, niet verspreiden: " }[edition()] || "") + text;

/** What stands under a picture of the map: name, view, classes and sources. */
function pictureWords() {
  const counts = new Set(shownClasses()), classes = palette().filter((_, code) => counts.has(code) && !state.hidden.has(code));
  const about = themeLayer().about.get(view().column), unit = unitText(about.unit);
  if (toolOpen()) return { title: marked(spec.title), legend: "Zelf samengesteld gebied, " + homesText(totalOf(spec.tool.homes).sum), classes: CHOICE.map(onScreen), source: "Kansenkaart; " + spec.edition };
  return { title: marked(spec.title + " \u2013 " + theme().title), legend: begun(view().label) + (unit ? " (" + unit + ")" : ""), classes, source: "Kansenkaart; " + spec.edition };
}

/** The map as it is on the screen, with its legend and sources, as a picture. */
function savePng() {
  tiles.flush();
  const size = map.getSize(), ratio = tiles.ratio, words = pictureWords(), foot = PICTURE_FOOT + PICTURE_ROW * (words.classes.length + 2);
  const canvas = h("canvas", { width: size.x * ratio, height: (size.y + foot) * ratio }), pen = canvas.getContext("2d"), origin = map.getContainer().getBoundingClientRect();
  pen.scale(ratio, ratio);
  pen.fillStyle = cssColor("--kaart");
  pen.fillRect(0, 0, size.x, size.y);
  for (const tile of map.getContainer().querySelectorAll("canvas.leaflet-tile")) {
    const box = tile.getBoundingClientRect();
    pen.drawImage(tile, box.left - origin.left, box.top - origin.top, box.width, box.height);
  }
  pen.fillStyle = cssColor("--vlak");
  pen.fillRect(0, size.y, size.x, foot);
  const write = (text, x, y, font) => { Object.assign(pen, { font, fillStyle: cssColor("--tekst"), textBaseline: "middle" }); pen.fillText(text, x, y); };
  write(words.title, 14, size.y + 20, "700 16px sans-serif");
  write(words.legend, 14, size.y + 20 + PICTURE_ROW, "600 13px sans-serif");
  words.classes.forEach((item, k) => {
    const y = size.y + 20 + PICTURE_ROW * (k + 2);
    pen.fillStyle = item.color;
    pen.fillRect(14, y - 7, 28, 14);
    if (item.hatch) { pen.fillStyle = hatching(pen); pen.fillRect(14, y - 7, 28, 14); }
    write(item.label, 52, y, "13px sans-serif");
  });
  write(words.source, 14, size.y + foot - 16, "12px sans-serif");
  const bar = scaleBar(size);
  pen.fillRect(size.x - 14 - bar.px, size.y + 30, bar.px, 3);
  pen.textAlign = "right";
  write(bar.words, size.x - 14, size.y + 18, "12px sans-serif");
  canvas.toBlob((blob) => saveBlob(fileName(theme().title, "png"), blob));
  announce("Het plaatje is bewaard.");
}

/** A round length on the map as it is shown, in pixels and in words. */
function scaleBar(size) {
  const per = map.distance(map.containerPointToLatLng([0, size.y / 2]), map.containerPointToLatLng([100, size.y / 2])) / 100, most = 120 * per;
  const power = 10 ** Math.floor(Math.log10(most)), metres = [5, 2, 1].map((k) => k * power).find((one) => one <= most) || power;
  return { px: metres / per, words: metres >= 1000 ? nl(metres / 1000) + " km" : nl(metres) + " m" };
}

const xml = (text) => String(text).replace(/[&<>"]/g, (sign) => "&#" + sign.charCodeAt(0) + ";").replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "");

/** The outline of a feature as the path of a drawing, in pixels of the map. */
function svgPath(layer, i, at) {
  const out = [];
  for (let r = layer.ringStart[layer.partStart[i]]; r < layer.ringStart[layer.partStart[i + 1]]; r++) {
    const points = [];
    for (let p = layer.pointStart[r]; p < layer.pointStart[r + 1]; p++) points.push(((layer.x[p] - at.x0) * at.k).toFixed(1) + " " + ((at.y1 - layer.y[p]) * at.k).toFixed(1));
    out.push("M" + points.join("L") + (layer.kind === "polygon" ? "Z" : ""));
  }
  return out.join("");
}

/** What is painted now as a drawing of shapes: the context, the classes, the borders, what is marked. */
function saveSvg() {
  const size = map.getSize(), bounds = map.getBounds(), words = pictureWords(), foot = PICTURE_FOOT + PICTURE_ROW * (words.classes.length + 2), shapes = [];
  for (const pass of passes()) {
    const { layer } = pass, [x0, y0] = toGrid(layer, bounds.getSouthWest()), [x1, y1] = toGrid(layer, bounds.getNorthEast()), at = { x0, y1, k: size.x / (x1 - x0) };
    const inside = within(layer, x0, y0, x1, y1), path = (list) => list.map((i) => svgPath(layer, i, at)).join("");
    const draw = (list, style) => list.length && shapes.push('<path d="' + path(list) + '" ' + style + "/>");
    if (pass.kind === "context") {
      const ground = layer.about.get("ground") ? layer.column("ground") : null, kinds = ground ? Object.keys(GROUND) : [""];
      for (const kind of kinds) draw(inside.filter((i) => !ground || ground.value(i) === kind), 'fill="' + (ground ? cssColor(GROUND[kind]) : pass.color) + '"');
    } else if (pass.kind === "classes") {
      (pass.palette || []).forEach((item, code) => draw(inside.filter((i) => pass.classOf[i] === code && layer.kind !== "point"),
        layer.kind === "line" ? 'fill="none" stroke-width="' + 3 * (item.stroke?.[0] || 1) + '" stroke-dasharray="' + (item.stroke || []).slice(1).map((one) => 3 * one).join(" ") + '" stroke="' + item.color + '"' : 'fill="' + (item.hatch ? "url(#onbekend)" : item.color) + '" stroke="#16202a" stroke-width=".4"'));
    } else if (pass.kind === "outline") draw(inside, 'fill="none" stroke-dasharray="6 4" stroke-width="1.5" stroke="#465260"');
    else if (pass.kind === "marks") draw(inside.filter((i) => pass.marked && pass.marked(i)), 'fill="none" stroke-width="3" stroke="' + pass.color + '"');
  }
  const halo = (x, y, text, color, halo_) => '<text x="' + x.toFixed(1) + '" y="' + y.toFixed(1) + '" font-size="13" font-weight="600" text-anchor="middle" dominant-baseline="central" paint-order="stroke" stroke="' + halo_ + '" stroke-width="4" stroke-linejoin="round" fill="' + color + '">' + xml(text) + "</text>";
  taken = [];
  const all = passes(), origin = map.getPixelBounds().min;
  for (const pass of all.filter((one) => one.kind === "discs")) {
    for (const { text, x, y } of discSpots(/** @type {any} */ (pass), map.getZoom())) {
      free(x - origin.x, y - origin.y, DISC_PX, DISC_PX);
      shapes.push('<circle cx="' + (x - origin.x).toFixed(1) + '" cy="' + (y - origin.y).toFixed(1) + '" r="' + DISC_PX + '" fill="' + pass.color + '"/>' + halo(x - origin.x, y - origin.y, text, pass.halo, pass.color));
    }
  }
  for (const pass of all.filter((one) => one.kind === "names")) {
    for (let i = 0; i < pass.layer.n; i++) {
      const { x, y } = map.latLngToContainerPoint(toLatLng(pass.layer, ...roomiest(pass.layer, i))), text = String(pass.label ? pass.label(i) : pass.layer.titleOf(i)).slice(0, 40);
      if (text && free(x, y, 3.6 * text.length, 9)) shapes.push(halo(x, y, text, pass.color, pass.halo));
    }
  }
  const bar = scaleBar(size);
  const text = (y, size, weight, words_, x = 14) => '<text x="' + x + '" y="' + y + '" font-size="' + size + '" font-weight="' + weight + '" fill="' + cssColor("--tekst") + '">' + xml(words_) + "</text>";
  const legend = words.classes.map((item, k) => '<rect x="14" y="' + (size.y + 13 + PICTURE_ROW * (k + 2)) + '" width="28" height="14" fill="' + (item.hatch ? "url(#onbekend)" : item.color) + '"/>' + text(size.y + 25 + PICTURE_ROW * (k + 2), 13, 400, item.label, 52));
  const whole = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ' + size.x + " " + (size.y + foot) + '" font-family="sans-serif" role="img"><title>' + xml(words.title) + "</title>"
    + '<pattern id="onbekend" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="' + spec.unknownColor + '"/><path d="M0 0V6" stroke="' + UNSURE + '" stroke-width="3"/></pattern><clipPath id="rand"><rect width="' + size.x + '" height="' + size.y + '"/></clipPath><rect width="' + size.x + '" height="' + (size.y + foot) + '" fill="' + cssColor("--vlak") + '"/><rect width="' + size.x + '" height="' + size.y + '" fill="' + cssColor("--kaart") + '"/><g clip-path="url(#rand)">'
    + shapes.join("") + "</g>" + text(size.y + 25, 16, 700, words.title) + text(size.y + 25 + PICTURE_ROW, 13, 600, words.legend) + legend.join("") + text(size.y + foot - 12, 12, 400, words.source)
    + '<rect x="' + (size.x - 14 - bar.px) + '" y="' + (size.y + 30) + '" width="' + bar.px + '" height="3" fill="' + cssColor("--tekst") + '"/>' + text(size.y + 22, 12, 400, bar.words, size.x - 14 - bar.px) + "</svg>";
  download(fileName(theme().title, "svg"), "image/svg+xml", whole);
  announce("De tekening is bewaard.");
}
