// One roof: its faces, the panels that fit drawn on them, and what they bring. The panels are laid here, only to be looked at.

const MODULE = { long: 1.72, wide: 1.13, gap: 0.02 }, FLAT_DEG = 10, RACK_DEG = 12;

/** The faces of a roof, the one that gives most per panel first. @param {LayerData} layer @param {number} i */
function facesOf(layer, i) {
  const [name, owner] = theme().parts, faces = layerOf(name), { box } = layer, scale = faces && faces.grid3857 / layer.grid3857;
  if (!faces) return [];
  const to = (value, axis) => (value + layer.origin[axis]) * scale - faces.origin[axis];
  const near = within(faces, to(box[4 * i], 0) - 4, to(box[4 * i + 1], 1) - 4, to(box[4 * i + 2], 0) + 4, to(box[4 * i + 3], 1) + 4);
  const key = String(layer.keyOf(i)), each = (face) => faces.column("yield_fit_kwh_per_year").value(face) / faces.column("modules_fit").value(face) || 0;
  return near.filter((face) => String(faces.column(owner).value(face)) === key).sort((a, b) => each(b) - each(a));
}

/** A place in metres on the ground around the first corner of a face, and back to its grid. */
function groundOf(faces, face) {
  const corner = faces.pointStart[faces.ringStart[faces.partStart[face]]], x0 = faces.x[corner], y0 = faces.y[corner];
  const metre = faces.grid3857 / Math.cos((toLatLng(faces, x0, y0).lat * Math.PI) / 180);
  return { of: (x, y) => [(x - x0) / metre, (y - y0) / metre], grid: (x, y) => [x * metre + x0, y * metre + y0] };
}

/** Lay panels on a face in rows along its eave: the corners of at most `count` of them in grid units; fewer where they would not fit. */
function layPanels(faces, face, count) {
  const about = numberOf(faces, face), tilt = about("tilt_deg") || 0, flat = tilt < FLAT_DEG, ground = groundOf(faces, face), ring = faces.ringStart[faces.partStart[face]];
  const from = faces.pointStart[ring], to = faces.pointStart[ring + 1], corners = [];
  for (let p = from; p < to; p++) corners.push(ground.of(faces.x[p], faces.y[p]));
  const down = flat || Number.isNaN(about("azimuth_deg")) ? longSide(corners) : (about("azimuth_deg") * Math.PI) / 180, lean = Math.cos(((flat ? RACK_DEG : tilt) * Math.PI) / 180);
  const turned = corners.map(([x, y]) => [x * Math.cos(down) - y * Math.sin(down), x * Math.sin(down) + y * Math.cos(down)]);
  const back = ([u, v]) => ground.grid(u * Math.cos(down) + v * Math.sin(down), -u * Math.sin(down) + v * Math.cos(down));
  let best = [];
  for (const off of flat ? [1.2, 0.6, 0.2, 0] : [0.4, 0.2, 0]) {
    for (const [across, along] of [[MODULE.wide, MODULE.long], [MODULE.long, MODULE.wide]]) {
      const laid = rowsOf(turned, across, along * lean, off, count);
      if (laid.length > best.length) best = laid;
      if (best.length >= count) return best.map((one) => one.map(back));
    }
  }
  return best.map((one) => one.map(back));
}

/** The direction across the longest side [rad]: along it lie the rows of a flat roof. */
function longSide(corners) {
  let longest = 0, turn = 0;
  corners.forEach(([x, y], k) => {
    const [nx, ny] = corners[(k + 1) % corners.length], size = Math.hypot(nx - x, ny - y);
    if (size > longest) [longest, turn] = [size, Math.atan2(nx - x, ny - y) + Math.PI / 2];
  });
  return turn;
}

/** The stretches of a level line that lie inside a polygon. */
function stretches(polygon, v) {
  const cuts = [];
  polygon.forEach(([x, y], k) => {
    const [nx, ny] = polygon[(k + 1) % polygon.length];
    if (y > v !== ny > v) cuts.push(x + ((v - y) * (nx - x)) / (ny - y));
  });
  return cuts.sort((a, b) => a - b);
}

/** Panels in rows, each row as far as both its edges lie inside. */
function rowsOf(polygon, wide, high, off, count) {
  const low = Math.min(...polygon.map((one) => one[1])), top = Math.max(...polygon.map((one) => one[1])), out = [];
  for (let v = low + off; v + high <= top - off + 1e-6 && out.length < count; v += high + MODULE.gap) {
    const levels = [v + 1e-3, v + high / 2, v + high - 1e-3].map((one) => stretches(polygon, one));
    for (let k = 0; k + 1 < levels[1].length; k += 2) {
      const around = levels.map((cuts) => { for (let c = 0; c + 1 < cuts.length; c += 2) if (cuts[c] < levels[1][k + 1] && cuts[c + 1] > levels[1][k]) return [cuts[c], cuts[c + 1]]; return [0, 0]; });
      const from = Math.max(...around.map((one) => one[0])) + off, to = Math.min(...around.map((one) => one[1])) - off;
      for (let u = from; u + wide <= to + 1e-6 && out.length < count; u += wide + MODULE.gap) out.push([[u, v], [u + wide, v], [u + wide, v + high], [u, v + high]]);
    }
  }
  return out;
}

/** All panels of a roof, those that pay first, worked out once for each roof. @type {{at: string, faces: number[], panels: {corners: number[][], pays: boolean}[]}} */
let laidRoof = { at: "", faces: [], panels: [] };

function roofPanels(layer, i) {
  if (laidRoof.at === layer.keyOf(i)) return laidRoof;
  const faces = layerOf(theme().parts[0]), own = facesOf(layer, i), pay = numberOf(layer, i)("modules_pay") || 0;
  const panels = own.flatMap((face) => layPanels(faces, face, faces.column("modules_fit").value(face) || 0)).map((corners, k) => ({ corners, pays: k < pay }));
  laidRoof = { at: layer.keyOf(i), faces: own, panels };
  return laidRoof;
}

const ROOF_ZOOM = 17;

/** The steps that draw the faces of the chosen roof in the colours of their class, and the panels on them. */
function* roofSteps(ctx, { layer, at: i }, coords) {
  if (coords.z < ROOF_ZOOM) return;
  const faces = layerOf(theme().parts[0]), { faces: own, panels } = roofPanels(layer, i), at = placing(faces, coords);
  const sun = spec.themes.find((one) => one.layer === faces.name), best = sun && sun.views.find((one) => one.column === "sun_class");
  for (const face of own) {
    const code = best ? faces.column("sun_class").value(face) : null, item = best && best.classes.find((one) => one.letter === code);
    traceAll(ctx, faces, [face], at);
    Object.assign(ctx, { fillStyle: onScreen(item || { color: spec.unknownColor }).color, strokeStyle: cssColor("--vlak"), lineWidth: 1.5 });
    ctx.fill("nonzero");
    ctx.stroke();
  }
  yield;
  for (const pays of [false, true]) {
    ctx.beginPath();
    for (const { corners } of panels.filter((one) => one.pays === pays)) {
      corners.forEach(([x, y], k) => (k ? ctx.lineTo(x * at.k - at.ox, at.oy - y * at.k) : ctx.moveTo(x * at.k - at.ox, at.oy - y * at.k)));
      ctx.closePath();
    }
    Object.assign(ctx, { lineWidth: pays ? 1.5 : 1, strokeStyle: pays ? "#16202a" : "#fff", fillStyle: "#fff", lineJoin: "miter" });
    if (pays) ctx.fill();
    ctx.stroke();
  }
  yield;
}

/** What a roof brings, in words; what is not known is said. @param {LayerData} layer @param {number} i */
function roofOf(layer, i) {
  const of = numberOf(layer, i), fit = of("modules_fit"), pay = of("modules_pay"), homes = of("homes"), year = of("yield_fit_kwh_per_year");
  const low = of("yield_fit_kwh_per_year_low"), high = of("yield_fit_kwh_per_year_high"), basis = layer.about.get("score_basis") ? layer.column("score_basis").value(i) : null;
  if (Number.isNaN(fit)) return [h("p", { class: "klassezin" }, h("strong", {}, "Dit dak is onbekend")), h("p", {}, "Er zijn geen dakvlakken en geen hoogten van dit gebouw. Dat is iets anders dan een slecht dak.")];
  const plural = (count) => counted(count, "paneel", "panelen"), roughly = (value) => nl(rounded(value, value >= 10000 ? 1000 : value >= 1000 ? 100 : 10));
  const fits = fit === 1 ? "past" : "passen", title = !fit ? "Op dit dak past geen heel paneel" : pay > 0 ? "Begin met " + plural(pay) + "; er " + fits + " er " + nl(fit) : "Er " + fits + " " + plural(fit);
  const bring = of("yield_pay_kwh_per_year"), used = of("own_use_pay_frac"), euro = of("sun_eur_per_year"), who = homes > 1 ? "de " + nl(homes) + " woningen eronder" : "de woning eronder";
  const story = !fit ? "" : Number.isNaN(homes) ? "Of er woningen onder dit dak zijn, weten we niet; dus ook niet hoeveel panelen lonen." : homes === 0 ? "Onder dit dak is geen woning geteld: wie de stroom kan gebruiken, weten we niet."
    : pay > 0 ? ["Met " + plural(pay) + " wekt dit dak ", h("strong", {}, "ongeveer " + roughly(bring) + " kWh per jaar"), " op. Daarvan " + (homes > 1 ? "gebruiken " : "gebruikt ") + who + " zelf ongeveer " + nl(100 * used) + "%. Zonder salderen laat dat ",
      h("strong", {}, "ongeveer " + nl(rounded(euro, homes > 10 ? 100 : 10)) + " euro per jaar"), " over."] : "Zonder salderen verdienen panelen zich hier niet terug met wat " + who + " zelf " + (homes > 1 ? "gebruiken" : "gebruikt") + ".";
  const months = theme().months.map((name) => of(name) * year), extent = extentOf([low, high]);
  return [h("p", { class: "klassezin" }, h("strong", {}, title)), story ? h("p", {}, story) : "",
    homes > 1 ? h("p", { class: "hint" }, "Dit is het hele gebouw: de vereniging van eigenaars of de corporatie beslist samen over het dak. Wie de eigenaar is, staat niet in het register.") : "",
    faceTable(layer, i),
    fit && Number.isFinite(low) ? [h("h3", {}, "Als het hele dak vol ligt"), h("div", { class: "asblok", "aria-hidden": "true" }, intervalOn(extent, low, year, high, false), scaleOf(extent).marks),
      h("p", { class: "hint" }, "Ongeveer " + roughly(year) + " kWh per jaar, tussen " + roughly(low) + " en " + roughly(high) + ", in 8 van de 10 berekeningen.")] : "",
    fit && months.length && months.every(Number.isFinite) ? [h("h3", {}, "Per maand, kWh"), monthBars(months, "kWh")] : "",
    h("h3", {}, "Wat we niet weten"), h("ul", { class: "onbekenden" }, h("li", {}, "Of er al panelen liggen: kijk op het dak"), h("li", {}, "Of het dak ze kan dragen: vraag een constructeur"),
      basis === "footprint" ? h("li", {}, "Hoe het dak erbij ligt: alleen de omtrek is bekend, dus de marge is ruim") : h("li", {}, "Hoe precies de panelen liggen: de tekening is een voorbeeld")),
    basis ? h("p", { class: "hint" }, "Gemaakt uit: " + inWords(basis, "score_basis") + ".") : ""];
}

function faceTable(layer, i) {
  const faces = layerOf(theme().parts[0]), own = faces ? facesOf(layer, i) : [], MOST = 8;
  if (!own.length) return "";
  const row = (face) => {
    const of = numberOf(faces, face), tilt = of("tilt_deg"), code = faces.column("sun_class").value(face);
    return h("tr", {}, h("th", { scope: "row" }, said(begun(faces.titleOf(face))), h("small", {}, (tilt >= FLAT_DEG ? nl(tilt) + "\u00b0 schuin; " : "") + (code && code !== "-" ? "klasse " + code : "te klein of vol"))),
      h("td", { class: "getal" }, nl(of("modules_fit"))), h("td", { class: "getal" }, nl(rounded(of("yield_fit_kwh_per_year"), 10))));
  };
  return [h("h3", {}, "De dakvlakken"), h("table", { class: "vlakken" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Vlak"), h("th", { scope: "col", class: "getal" }, "Panelen"), h("th", { scope: "col", class: "getal" }, "kWh per jaar"))),
    h("tbody", {}, own.slice(0, MOST).map(row))), own.length > MOST ? h("p", { class: "hint" }, "En nog " + counted(own.length - MOST, "ander vlak", "andere vlakken") + ".") : ""];
}
