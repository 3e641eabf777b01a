// The tiles: a queue of paint jobs, each painted on a spare canvas and shown when it is complete.

const stepsOf = { context: contextSteps, classes: classSteps, outline: outlineSteps, names: wordSteps, words: wordSteps, marks: markSteps, discs: discSteps, roof: roofSteps };

/** Put a finished picture on its tile. A canvas that was handed a bitmap costs nothing in the frames after, one drawn on is copied in each. */
function show(tile, picture) {
  if (picture.transferToImageBitmap) return tile.getContext("bitmaprenderer").transferFromImageBitmap(picture.transferToImageBitmap());
  const target = tile.getContext("2d");
  target.clearRect(0, 0, tile.width, tile.height);
  return target.drawImage(picture, 0, 0);
}

const CanvasTiles = L.GridLayer.extend({
  initialize(options) {
    L.GridLayer.prototype.initialize.call(this, { tileSize: TILE, updateWhenZooming: false, keepBuffer: 1, ...options });
    this.passes = [];
    this.queue = new Map();
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    const side = TILE * this.ratio;
    this.spare = window.OffscreenCanvas ? new OffscreenCanvas(side, side) : h("canvas", { width: side, height: side });
    this.on("tileunload tileabort", ({ tile }) => this.queue.delete(tile));
  },
  /** Tiles of the very zoom that is shown, not of the nearest whole one: what is drawn is never stretched. */
  _clampZoom(zoom) {
    return L.GridLayer.prototype._clampZoom.call(this, this.wanted ?? zoom);
  },
  _setView(centre, zoom, ...more) {
    this.wanted = zoom;
    L.GridLayer.prototype._setView.call(this, centre, zoom, ...more);
    this.wanted = null;
  },
  /** What stood there stays until the new picture is whole; between parts of a zoom no tile covers another exactly. */
  _pruneTiles() {
    if (!this._loading) L.GridLayer.prototype._pruneTiles.call(this);
  },
  createTile(coords, done) {
    const tile = h("canvas", { class: "leaflet-tile", width: TILE * this.ratio, height: TILE * this.ratio });
    tile.style.width = tile.style.height = TILE + "px";
    this.enqueue(tile, coords, done);
    return tile;
  },
  enqueue(tile, coords, done) {
    const waiting = this.queue.get(tile);
    this.queue.set(tile, { tile, coords, done: done || (waiting && waiting.done), steps: null });
    if (!this.frame) this.frame = requestAnimationFrame(() => this.work(this.slice()));
  },
  /** Until the first picture is whole nothing moves that a longer slice could hold up, and frames between would only cost time. */
  slice() {
    return this.whole ? SLICE_MS : FIRST_MS;
  },
  * paint(job) {
    const ctx = this.spare.getContext("2d", { willReadFrequently: true });
    ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    ctx.clearRect(0, 0, TILE, TILE);
    layWords(ctx, this.passes, job.coords);
    for (const pass of this.passes) {
      for (const _ of stepsOf[pass.kind](ctx, pass, job.coords)) {
        if (this.whole) ctx.getImageData(0, 0, 1, 1); // a canvas saves its work up: reading a pixel makes it paint now, inside this slice
        yield;
      }
    }
    show(job.tile, this.spare);
  },
  work(budget) {
    const stop = performance.now() + budget;
    this.frame = 0;
    while (this.queue.size && performance.now() < stop) {
      const job = this.queue.values().next().value;
      if (this.current !== job) {
        this.current = job;
        job.steps = this.paint(job);
      }
      let end = false;
      while (!(end = job.steps.next().done) && performance.now() < stop);
      if (!end) break;
      this.queue.delete(job.tile);
      if (job.done) job.done(null, job.tile);
    }
    if (this.queue.size) this.frame = requestAnimationFrame(() => this.work(this.slice()));
    else {
      this.whole = true;
      this.fire("painted");
    }
  },
  /** Paint all living tiles again; only those that meet `bounds` when given. */
  repaint(bounds) {
    for (const { el, coords } of Object.values(this._tiles || {})) {
      if (!bounds || bounds.overlaps(this._tileCoordsToBounds(coords))) this.enqueue(el, coords);
    }
  },
  /** Finish everything now, for printing. */
  flush() {
    cancelAnimationFrame(this.frame);
    this.work(Infinity);
  },
});
