// Faults: those that are on; a bad day by a button, one fault by a form.
import * as api from "./api.js";
import { element, fill, order } from "./dom.js";
import { faultForm } from "./fault_form.js";

// Where none, one, or more are on.
const STATES = ["None is on: the platform on a good day.", "", "A request meets one: the first of these that is meant for it. " +
  "What closes before the event is read comes first."];

const keyOf = ({ id, fault }) => `${id} ${fault}`;

export class Faults {
  constructor(box) {
    this.items = new Map(); // by key: after "End all" the ids begin anew
    this.list = element("ol");
    this.state = element("p", { className: "facts" });
    this.clear = element("button", { type: "button", hidden: true, onclick: () => this.#end(api.clearFaults) },
      "End all");
    this.problem = element("p", { className: "problem", role: "alert" });
    this.seed = element("p", { className: "facts" });
    this.scenarios = element("div", { className: "scenarios" });
    this.form = element("div");
    this.title = element("h2", { tabIndex: -1 }, "Faults");
    fill(box, this.title, this.state, this.list, this.clear, element("h3", {}, "A bad day"), this.scenarios,
      element("h3", {}, "One fault"), this.form, this.problem, this.seed);
  }

  // Shows what is on then, and what was wrong with the change.
  async #do(change) {
    try {
      await change();
      this.problem.textContent = "";
    } catch (error) {
      this.problem.textContent = error.message;
    }
    await this.draw();
  }

  // The button that had the focus is gone then.
  async #end(change) {
    await this.#do(change);
    this.title.focus();
  }

  async draw() {
    const { faults, seed } = await api.faults();
    this.seed.textContent = `Chance is drawn from the seed ${seed}: --seed ${seed} repeats it.`;
    if (this.form.childElementCount === 0) await this.#addChoices();
    const items = new Map(faults.map((fault) => [keyOf(fault), this.items.get(keyOf(fault)) ?? this.#item(fault)]));
    for (const [key, item] of this.items) if (!items.has(key)) item.remove();
    for (const fault of faults) this.#freshen(items.get(keyOf(fault)), fault);
    order(this.list, items.values());
    this.items = items;
    this.state.textContent = STATES[Math.min(faults.length, 2)];
    this.clear.hidden = faults.length === 0;
  }

  #item({ id, fault }) {
    const end = element("button", { type: "button", className: "small", "aria-label": `End ${fault}`,
      onclick: () => this.#end(() => api.removeFault(id)) }, "End");
    return element("li", {}, element("code", {}, fault), element("span"), end);
  }

  // What is there stays: a button keeps the focus.
  #freshen(item, { met, over, shadowed }) {
    const words = `met by ${met}${over ? ", over" : ""}${shadowed ? ", behind one that meets all" : ""}`;
    item.className = over || shadowed ? "over" : "";
    item.querySelector("span").textContent = words;
  }

  // What there is to choose from.
  async #addChoices() {
    const [{ scenarios }, answers] = await Promise.all([api.scenarios(), api.answers()]);
    if (this.form.childElementCount > 0) return; // two came at once
    fill(this.form, faultForm(answers, (fields) => this.#do(() => api.addFault(fields))));
    fill(this.scenarios, scenarios.map(({ name, what }) => element("button", { type: "button",
      onclick: () => this.#do(() => api.play(name)) }, element("strong", {}, name), element("small", {}, what))));
  }
}
