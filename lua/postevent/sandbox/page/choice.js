// A list to choose from, with a count beside each choice.
import { element, visible } from "./dom.js";

const ALL = "\u0000"; // no name: an event of that one cannot be told from all
const MOST = 200; // choices: the most frequent ones

// The most frequent names of a map of counts, in the order of the alphabet. The one that is chosen stays.
function namesOf(counts, chosen) {
  const names = [...counts.keys()];
  if (names.length > MOST) names.sort((a, b) => counts.get(b) - counts.get(a)).splice(MOST);
  if (chosen !== ALL && !names.includes(chosen)) names.push(chosen);
  return names.sort();
}

// What is there stays: a list that is open must not jump.
function update(select, index, value, label) {
  const option = select.options[index] ?? select.appendChild(element("option"));
  if (option.value !== value) option.value = value;
  if (option.textContent !== label) option.textContent = label;
}

export class Choice {
  /** `changed` is called when another one is chosen. */
  constructor(label, changed) {
    this.chosen = ALL;
    this.select = element("select", { onchange: () => this.#choose(changed) });
    this.label = element("label", {}, label, this.select);
  }

  #choose(changed) {
    this.chosen = this.select.value;
    changed();
  }

  matches(value) {
    return this.chosen === ALL || this.chosen === value;
  }

  show(counts) {
    const names = namesOf(counts, this.chosen);
    const total = [...counts.values()].reduce((one, other) => one + other, 0);
    update(this.select, 0, ALL, `all (${total})`);
    names.forEach((name, index) => update(this.select, index + 1, name,
      `${visible(name)} (${counts.get(name) ?? 0})`));
    while (this.select.options.length > names.length + 1) this.select.lastChild.remove();
    this.select.value = this.chosen;
  }
}
