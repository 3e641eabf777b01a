// Find features by place: a grid over the boxes, point in polygon, distance to a line. Grid units throughout.

const HALF_WORLD = Math.PI * 6378137;

/** A grid of cells over the boxes of a layer; each cell lists the features that touch it. */
function gridIndex(layer) {
  const { n, box } = layer;
  let x0 = 0, y0 = 0, x1 = 1, y1 = 1;
  for (let i = 0; i < n; i++) {
    x1 = Math.max(x1, box[4 * i + 2]);
    y1 = Math.max(y1, box[4 * i + 3]);
  }
  const size = Math.max(Math.sqrt((x1 * y1) / Math.max(n / 4, 1)), Math.max(x1, y1) / 512);
  const wide = Math.floor(x1 / size) + 1, high = Math.floor(y1 / size) + 1;
  const cells = (k, visit) => {
    const cx1 = Math.floor(box[k + 2] / size), cy0 = Math.floor(box[k + 1] / size), cy1 = Math.floor(box[k + 3] / size);
    for (let cx = Math.floor(box[k] / size); cx <= cx1; cx++) for (let cy = cy0; cy <= cy1; cy++) visit(cy * wide + cx);
  };
  const start = new Uint32Array(wide * high + 1);
  for (let i = 0; i < n; i++) cells(4 * i, (cell) => start[cell + 1]++);
  for (let c = 0; c < wide * high; c++) start[c + 1] += start[c];
  const list = new Uint32Array(start[wide * high]), next = start.slice();
  for (let i = 0; i < n; i++) cells(4 * i, (cell) => { list[next[cell]++] = i; });
  return { size, wide, high, start, list, seen: new Uint32Array(n), round: 0, extent: [x0, y0, x1, y1] };
}

/** All features whose box meets the window, in drawing order. */
function within(layer, wx0, wy0, wx1, wy1) {
  const grid = (layer.grid ||= gridIndex(layer));
  const { size, wide, high, start, list, seen } = grid, { box } = layer, found = [];
  const round = ++grid.round;
  const low = (v) => Math.max(Math.floor(v / size), 0);
  const cx1 = Math.min(Math.floor(wx1 / size), wide - 1), cy1 = Math.min(Math.floor(wy1 / size), high - 1);
  for (let cy = low(wy0); cy <= cy1; cy++) for (let cx = low(wx0); cx <= cx1; cx++) {
    for (let k = start[cy * wide + cx]; k < start[cy * wide + cx + 1]; k++) {
      const i = list[k];
      if (seen[i] === round) continue;
      seen[i] = round;
      if (box[4 * i] <= wx1 && box[4 * i + 2] >= wx0 && box[4 * i + 1] <= wy1 && box[4 * i + 3] >= wy0) found.push(i);
    }
  }
  return found.sort((a, b) => a - b);
}

/** Is the point in the feature? Holes are outside. */
function contains(layer, i, px, py) {
  const { x, y, partStart, ringStart, pointStart } = layer;
  let inside = false;
  for (let r = ringStart[partStart[i]]; r < ringStart[partStart[i + 1]]; r++) {
    const to = pointStart[r + 1];
    for (let p = pointStart[r], q = to - 1; p < to; q = p++) {
      if (y[p] > py !== y[q] > py && px < ((x[q] - x[p]) * (py - y[p])) / (y[q] - y[p]) + x[p]) inside = !inside;
    }
  }
  return inside;
}

/** Distance from a point to a line or point feature. */
function distanceTo(layer, i, px, py) {
  const { x, y, partStart, ringStart, pointStart } = layer;
  let best = Infinity;
  for (let r = ringStart[partStart[i]]; r < ringStart[partStart[i + 1]]; r++) {
    for (let p = pointStart[r]; p < pointStart[r + 1]; p++) {
      const q = Math.min(p + 1, pointStart[r + 1] - 1), dx = x[q] - x[p], dy = y[q] - y[p];
      const t = dx || dy ? Math.min(Math.max(((px - x[p]) * dx + (py - y[p]) * dy) / (dx * dx + dy * dy), 0), 1) : 0;
      best = Math.min(best, Math.hypot(x[p] + t * dx - px, y[p] + t * dy - py));
    }
  }
  return best;
}

/** The topmost feature at a place, or -1. `reach` is how near a line or point must be. */
function pick(layer, px, py, reach, visible) {
  const near = layer.kind === "polygon" ? 0 : reach;
  const candidates = within(layer, px - near, py - near, px + near, py + near).filter(visible);
  if (layer.kind === "polygon") {
    for (let k = candidates.length - 1; k >= 0; k--) if (contains(layer, candidates[k], px, py)) return candidates[k];
    return -1;
  }
  let best = -1, least = reach;
  for (const i of candidates) {
    const distance = distanceTo(layer, i, px, py);
    if (distance <= least) [best, least] = [i, distance];
  }
  return best;
}

/** The middle of the first ring of a feature (its centroid; the box's middle when it has no area). */
function middle(layer, i) {
  const { x, y, box } = layer, ring = layer.ringStart[layer.partStart[i]];
  const from = layer.pointStart[ring], to = layer.pointStart[ring + 1];
  let area = 0, mx = 0, my = 0;
  for (let p = from, q = to - 1; p < to; q = p++) {
    const cross = (x[q] - x[from]) * (y[p] - y[from]) - (x[p] - x[from]) * (y[q] - y[from]);
    area += cross;
    mx += (x[p] + x[q] - 2 * x[from]) * cross;
    my += (y[p] + y[q] - 2 * y[from]) * cross;
  }
  if (layer.kind !== "polygon" || !area) return [(box[4 * i] + box[4 * i + 2]) / 2, (box[4 * i + 1] + box[4 * i + 3]) / 2];
  return [x[from] + mx / (3 * area), y[from] + my / (3 * area)];
}

/** From a place on the map (longitude, latitude) to the layer's grid, and back. */
function toGrid(layer, latlng) {
  const p = L.CRS.EPSG3857.project(latlng);
  return [p.x * layer.grid3857 - layer.origin[0], p.y * layer.grid3857 - layer.origin[1]];
}

function toLatLng(layer, gx, gy) {
  const point = L.point((gx + layer.origin[0]) / layer.grid3857, (gy + layer.origin[1]) / layer.grid3857);
  return L.CRS.EPSG3857.unproject(point);
}

/** The bounds of a set of features on the map. */
function boundsOf(layer, indices) {
  const bounds = L.latLngBounds([]);
  for (const i of indices) {
    bounds.extend(toLatLng(layer, layer.box[4 * i], layer.box[4 * i + 1]));
    bounds.extend(toLatLng(layer, layer.box[4 * i + 2], layer.box[4 * i + 3]));
  }
  return bounds;
}
