// One event: what was sent, what is wrong with it, what it was answered with, and all attempts of its id.
import * as api from "./api.js";
import * as snippets from "./snippets.js";
import { answerBadge, clock, nthText } from "./row.js";
import { attributesTable } from "./attributes.js";
import { colouredText } from "./colour.js";
import { copyButton } from "./copy.js";
import { element, fill } from "./dom.js";
import { row, table } from "./table.js";

const MOST_ATTEMPTS = 100;

const section = (title, ...parts) => element("section", {}, element("h3", {}, title), parts);

function copies({ event, webhook }) {
  const url = `${location.origin}/eucrm/webhooks/${webhook}`;
  return element("p", { className: "buttons" }, copyButton("Copy as curl", () => snippets.curl(url, event)),
    copyButton("Copy as Lua", () => snippets.lua(url, event)),
    copyButton("Copy JSON", () => JSON.stringify(event, null, 2)));
}

// Of what is no event, its beginning and why it is none.
function bodyOf({ why, excerpt }) {
  return section("What came", element("p", { className: "problem" }, why),
    excerpt ? element("pre", { tabIndex: 0 }, excerpt) : null);
}

// What can be done with an event, and what is in it.
function eventOf(told, definition) {
  return [copies(told), section("Attributes", attributesTable(told.event, told.problems ?? [], definition))];
}

function replyOf({ answer, reply, fault }) {
  return section("Reply", element("p", { className: "facts" }, answer === null ? "None" : `HTTP ${answer}`,
    fault ? `, by the fault ${fault}` : ""), reply ? element("pre", { tabIndex: 0 }, colouredText(reply)) : null);
}

function requestOf({ headers }) {
  return section("Request", table("Headers of the request", ["Header", "Value"],
    headers.map(([name, value]) => row(name, value))));
}

export class Detail {
  /** `definitions` is a promise of the definitions, `loaded` one of all lines that there were, `attempts` has these.
   *  `open`, with a number, and `close` are called when another one, or none, is to be shown. */
  constructor(box, { definitions, loaded, attempts, open, close }) {
    Object.assign(this, { box, definitions, loaded, attempts, open, close, number: null });
    this.again = element("p", { className: "facts" });
    this.same = element("div");
    document.addEventListener("keydown", (event) => { // wherever the focus is, but where Escape means something else
      if (event.key === "Escape" && !event.target.matches("input, select, textarea")) this.close();
    });
  }

  focus() {
    this.box.focus();
  }

  /** Returns whether anything was shown. */
  hide() {
    const { hidden } = this.box;
    this.number = null;
    this.box.hidden = true;
    return !hidden;
  }

  /** Shows the attempt of that number. Who chooses faster than the sandbox answers sees the last. */
  async show(number) {
    if (this.number === number) return;
    this.number = number;
    const parts = await this.#parts(number);
    if (this.number !== number) return;
    this.box.hidden = false;
    this.box.scrollTop = 0;
    fill(this.box, this.#head(), parts);
    if (getComputedStyle(this.box).position === "fixed") this.focus(); // the list is behind it
  }

  /** Some are new: of the same id, perhaps. */
  freshen(lines) {
    if (this.line?.id !== undefined && lines.some((one) => one.id === this.line.id)) this.#count();
  }

  async #parts(number) {
    this.told = this.line = null;
    try {
      const [told, definitions] = await Promise.all([api.attempt(number), this.definitions, this.loaded]);
      if (this.number === number) Object.assign(this, { told, line: this.attempts.lineOf(number) });
      return this.#sections(told, definitions.find((one) => one.name === told.event?.event_name));
    } catch (error) {
      return [element("p", { className: "problem" }, error.message)];
    }
  }

  #head() {
    const name = (this.line ?? this.attempts.lineOf(this.number))?.kinds.event;
    return element("div", { className: "head" }, element("h2", {}, name ?? `Attempt ${this.number}`),
      element("button", { type: "button", "aria-label": "Close", onclick: () => this.close() }, "×"));
  }

  #sections(told, definition) {
    this.#count();
    return [element("p", { className: "facts" }, `${told.received_at}, webhook ${told.webhook}, `,
      `requestId ${told.requestId}`), this.again, told.event === null ? bodyOf(told) : eventOf(told, definition),
    replyOf(told), requestOf(told), this.same];
  }

  // How often the id came, and what that makes of this one.
  #count() {
    const same = this.line ? this.attempts.sameAs(this.line) : [];
    const nth = this.line && nthText(this.line, this.attempts.timesOf(this.line));
    fill(this.again, [nth ? `Attempt ${nth} with the id ${this.line.id}. ` : null, this.#before(same)]);
    fill(this.same, same.length > 1 ? this.#attempts(same) : null);
  }

  #before(same) {
    const before = this.told?.duplicate_of ?? same[same.indexOf(this.line) - 1]?.number;
    if (before === undefined) return null;
    const words = this.told.duplicate ? ["A duplicate of ", ": taken, and not processed."] : ["The one before it: ", "."];
    return [words[0], this.#link(before), words[1]];
  }

  #link(number) {
    const line = this.attempts.lineOf(number);
    return element("button", { type: "button", className: "link", onclick: () => this.open(number) },
      line ? clock(line) : `attempt ${number}`);
  }

  #attempts(same) {
    return section(`All ${same.length} attempts of this id`, table("Attempts", ["Time", "Answer", "Note"],
      same.slice(-MOST_ATTEMPTS).map((one) => this.#attempt(one, one === this.line))));
  }

  #attempt(line, isThis) {
    const notes = [isThis ? "this one" : "", line.fault ? "met a fault" : "", line.duplicate ? "a duplicate" : ""];
    return row(isThis ? clock(line) : this.#link(line.number), answerBadge(line), notes.filter(Boolean).join(", "));
  }
}
