// Draws the loudness of a track from end to end, the part that was heard in another colour. It is an ornament of the
// slider beside it: whoever hears the page instead of seeing it, or uses the keyboard, loses nothing.

const SVG = "http://www.w3.org/2000/svg";
const STEP = 4; // px from bar to bar
const LOUDEST = 255; // what the server counts to
const LOW = 0.03; // silence is a thin line

/** The peaks at an address, numbers from 0 to 1; null where there are none, or they may not be had any more. */
export async function peaksAt(address) {
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    const { peaks } = answer.ok ? await answer.json() : {};
    if (!Array.isArray(peaks) || !peaks.length) return null;
    const loudest = Math.max(1, ...peaks);
    return peaks.map((one) => Math.max(LOW, Math.min(1, one / Math.min(loudest, LOUDEST))));
  } catch { return null; }
}

export class Wave {
  #peaks = null;
  #bars = 0;
  #part = 0;

  /** `place` is the element that the drawing fills. */
  constructor(place) {
    this.place = place;
    this.svg = this.#make("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" });
    const [rest, heard] = ["wave-rest", "wave-heard"].map((name) => this.#make("path", { class: name }));
    this.paths = [rest, heard];
    this.svg.append(rest, heard);
    place.replaceChildren(this.svg);
    new ResizeObserver(() => this.#draw()).observe(place);
  }

  /** Show these peaks from now on, or nothing. */
  show(peaks) {
    this.#peaks = peaks;
    this.#bars = 0;
    this.place.hidden = !peaks;
    this.#draw();
  }

  /** How much was heard, from 0 to 1. */
  progress(part) {
    const bars = this.#bars;
    const before = Math.round(this.#part * bars);
    this.#part = Math.min(1, Math.max(0, part || 0));
    if (bars && Math.round(this.#part * bars) !== before) this.#fill();
  }

  #draw() {
    const bars = this.#peaks ? Math.min(this.#peaks.length, Math.floor(this.place.clientWidth / STEP)) : 0;
    if (bars === this.#bars) return;
    this.#bars = bars;
    if (!bars) { for (const path of this.paths) path.removeAttribute("d"); return; }
    this.svg.setAttribute("viewBox", `0 0 ${bars * STEP} 100`);
    this.shapes = Array.from({ length: bars }, (_, at) => this.#bar(at, bars));
    this.#fill();
  }

  #bar(at, bars) {
    const each = this.#peaks.length / bars;
    const height = 100 * Math.max(...this.#peaks.slice(Math.floor(at * each), Math.max(Math.floor(at * each) + 1, Math.floor((at + 1) * each))));
    return `M${at * STEP + 0.5} ${((100 - height) / 2).toFixed(1)}h${STEP - 1}v${height.toFixed(1)}h${1 - STEP}z`;
  }

  #fill() {
    const heard = Math.round(this.#part * this.#bars);
    this.paths[0].setAttribute("d", this.shapes.slice(heard).join(""));
    this.paths[1].setAttribute("d", this.shapes.slice(0, heard).join(""));
  }

  #make(name, attributes) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }
}
