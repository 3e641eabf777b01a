// On a phone the panel is a sheet over the map with three stops; what stands under the map elsewhere stands at its end.

const isPhone = matchMedia("(max-width: 760px)"), STOPS = 3;

/** Open the sheet at least so far; a small one shows the first lines, the largest all but the map's edge. @param {number} stop */
function openSheet(stop, exact = false) {
  const { dataset } = document.body, now = Number(dataset.blad || 0);
  dataset.blad = String(exact ? stop : Math.max(stop, now === STOPS - 1 && stop ? stop : 0));
}

/** How high the sheet will be at its stop of now [px]; it may still be on its way. */
const sheetHeight = () => [176, 0.48 * innerHeight, innerHeight - 40][Number(document.body.dataset.blad || 0)];

function startSheet() {
  new ResizeObserver(([one]) => document.documentElement.style.setProperty("--onder-kop", one.target.clientHeight + "px")).observe(/** @type {HTMLElement} */ (document.querySelector("header")));
  const foot = /** @type {HTMLElement} */ (document.querySelector("footer"));
  const place = () => (isPhone.matches ? byId("paneel") : foot).append(byId("voet"));
  place();
  isPhone.addEventListener("change", place);
  openSheet(state.chosen >= 0 ? 1 : 0, true);
  const grip = byId("greep");
  let from = null;
  grip.addEventListener("pointerdown", (event) => { from = event.clientY; grip.setPointerCapture(event.pointerId); });
  grip.addEventListener("click", (event) => {
    const now = Number(document.body.dataset.blad), moved = event.detail && from !== null ? event.clientY - from : 0;
    from = null;
    if (Math.abs(moved) > 24) openSheet(Math.min(Math.max(now - Math.sign(moved), 0), STOPS - 1), true);
    else openSheet((now + 1) % STOPS, true);
    byId("paneel").scrollTo(0, 0);
  });
}
