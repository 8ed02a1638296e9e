// The list: only the lines that can be seen are in the document, however many there are. A place counts from the top,
// where the newest is; the lines stand in their array the other way round.
import { element, order } from "./dom.js";
import { freshen, newRow } from "./row.js";

const MORE = 8; // lines in the document above and below those that are seen
const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

export class List {
  /** `timesOf` says how often the id of a line came, `open` is called with the number of a line that is chosen, `enter`
   *  when its detail is to have the focus. */
  constructor(box, { timesOf, open, enter }) {
    Object.assign(this, { box, timesOf, open, enter, lines: [], chosen: null, rows: new Map() });
    this.room = box.appendChild(element("div", { className: "room", role: "presentation" }));
    box.addEventListener("scroll", () => this.draw(), { passive: true });
    box.addEventListener("click", (event) => this.#click(event));
    box.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#measure()).observe(box);
    this.#measure();
  }

  // The height of a line, in pixels, depends on the width of the list.
  #measure() {
    this.height = parseInt(getComputedStyle(this.room).getPropertyValue("--line-height"), 10);
    this.show(this.lines);
  }

  /** All lines that match, the oldest first; `added` of them are new on top. Who has scrolled down goes on seeing what
   *  was there. */
  show(lines, added = 0) {
    const top = this.box.scrollTop;
    this.lines = lines;
    this.box.hidden = lines.length === 0;
    this.room.style.height = `${lines.length * this.height}px`;
    if (top > 0) this.box.scrollTop = top + added * this.height;
    this.draw();
  }

  #lineAt(place) {
    return this.lines[this.lines.length - 1 - place];
  }

  draw() {
    const { scrollTop, clientHeight } = this.box;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - MORE);
    const last = Math.min(this.lines.length, Math.ceil((scrollTop + clientHeight) / this.height) + MORE);
    const rows = new Map();
    for (let place = first; place < last; place++) {
      const line = this.#lineAt(place);
      const row = this.rows.get(line) ?? newRow(line);
      freshen(row, line, { place, count: this.lines.length, top: place * this.height, times: this.timesOf(line),
        isChosen: line.number === this.chosen });
      rows.set(line, row);
    }
    this.#keep(rows);
  }

  // In the document they stand as they are seen: the newest first.
  #keep(rows) {
    for (const [line, row] of this.rows) if (!rows.has(line)) row.remove();
    order(this.room, rows.values());
    this.rows = rows;
    const chosen = this.room.querySelector("[aria-selected=true]");
    if (chosen) this.box.setAttribute("aria-activedescendant", chosen.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  /** `number`: of a line, or null. It is brought into sight. */
  choose(number) {
    const index = this.lines.findIndex((line) => line.number === number);
    this.chosen = number;
    if (index >= 0) this.#reveal((this.lines.length - 1 - index) * this.height);
    this.draw();
  }

  #click(event) {
    const row = event.target.closest(".line");
    for (const [line, one] of this.rows) if (one === row) this.open(line.number);
  }

  #key(event) {
    const step = STEPS[event.key];
    if (event.key === "Enter" && this.chosen !== null) this.enter();
    if (step === undefined || this.lines.length === 0) return;
    event.preventDefault();
    const index = this.lines.findIndex((line) => line.number === this.chosen);
    const now = index < 0 ? -1 : this.lines.length - 1 - index;
    const place = Math.min(this.lines.length - 1, Math.max(0, now + step));
    this.open(this.#lineAt(place).number);
  }

  #reveal(top) {
    const lowest = top + this.height - this.box.clientHeight;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (lowest > this.box.scrollTop) this.box.scrollTop = lowest;
  }
}
