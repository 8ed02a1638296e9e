// Which lines are shown: by event, outcome, answer and text; and beside each choice how many lines it would show, as the
// other filters stand.
import { Choice } from "./choice.js";
import { KINDS } from "./attempts.js";
import { element, fill } from "./dom.js";

const LABELS = { event: "Event", outcome: "Outcome", answer: "Answer" };
const NAMES = Object.keys(KINDS);

function add(counts, key) {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

export class Filters {
  /** `changed` is called when other lines match; `buttons` stand beside the filters. */
  constructor(form, changed, buttons) {
    this.text = "";
    this.changed = changed;
    this.choices = new Map(NAMES.map((kind) => [kind, new Choice(LABELS[kind], changed)]));
    this.found = element("span");
    form.addEventListener("submit", (event) => event.preventDefault());
    fill(form, [...this.choices.values()].map((choice) => choice.label), this.#search(), buttons);
    this.choose([]);
  }

  #search() {
    const input = element("input", {
      type: "search", placeholder: "name, customer, id, webhook", oninput: () => this.#look(input.value),
    });
    return element("label", { className: "grow" }, element("span", { className: "label" }, "Text ", this.found), input);
  }

  #look(text) {
    this.text = text.toLowerCase();
    this.changed();
  }

  // Counts a line where it would be shown if one choice were another, and returns whether it is shown.
  #count(line) {
    if (this.text !== "" && !line.text.includes(this.text)) return false;
    let missed = null;
    for (const kind of NAMES) {
      if (this.choices.get(kind).matches(line.kinds[kind])) continue;
      if (missed) return false;
      missed = kind;
    }
    if (missed) add(this.counts[missed], line.kinds[missed]);
    else for (const kind of NAMES) add(this.counts[kind], line.kinds[kind]);
    return !missed;
  }

  /** Those of `lines` that match, which are all that are new. */
  more(lines) {
    this.total += lines.length;
    const matching = lines.filter((line) => this.#count(line));
    this.matching += matching.length;
    return matching;
  }

  /** Those of `lines` that match, which are all that there are. */
  choose(lines) {
    this.counts = Object.fromEntries(NAMES.map((kind) => [kind, new Map()]));
    this.total = this.matching = 0;
    return this.more(lines);
  }

  /** Shows the counts. */
  show() {
    for (const [kind, choice] of this.choices) choice.show(this.counts[kind]);
    this.found.textContent = `(${this.matching} of ${this.total})`;
  }
}
