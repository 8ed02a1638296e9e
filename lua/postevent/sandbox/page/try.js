// Try it: an event that is posted to the sandbox's own webhook, from a form or as JSON.
import * as api from "./api.js";
import * as exact from "./exact.js";
import * as snippets from "./snippets.js";
import { colouredText, shorten } from "./colour.js";
import { controls, eventOf } from "./form.js";
import { copyButton } from "./copy.js";
import { element, fill } from "./dom.js";
import { verdictOf } from "./verdict.js";

const PATH = "/eucrm/webhooks/page";
const AS_JSON = "(as JSON)"; // in the place of an event's name
const ID = "external_event_id"; // each sample's is the same, and would be a double of the last
const EXAMPLE = { event_name: "be_reserved", customer_id: "9988776655", hotel_name: "Indiranagar", room_nights: 2 };

function freshId() {
  return `try-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
}

function snippet(name, text) {
  return element("section", {}, element("h3", {}, name), element("pre", { tabIndex: 0 }, shorten(text)),
    copyButton(`Copy as ${name}`, () => text));
}

export class Try {
  constructor(box, definitions) {
    this.box = box;
    definitions.then((list) => this.#build(list));
  }

  #build(definitions) {
    this.fields = element("div", { className: "fields" });
    this.reply = element("div", { className: "reply" });
    this.verdict = element("p", { className: "verdict", role: "status" }); // beside the button, where one looks
    this.authorization = element("input", { type: "password", autocomplete: "off" });
    this.button = element("button", { className: "send" }, "Send");
    this.credential = element("label", { hidden: true }, "Authorization", this.authorization);
    this.form = element("form", { onsubmit: (event) => this.#submit(event), "aria-label": "Try it" },
      this.#chooser(definitions), this.fields, this.credential,
      element("div", { className: "sending" }, this.button, this.verdict));
    fill(this.box, element("h2", {}, "Try it"), this.form, this.reply);
    if (definitions.length > 0) this.#choose(definitions[0]);
    else this.#edit(EXAMPLE);
  }

  #chooser(definitions) {
    if (definitions.length === 0) return null;
    const names = [...definitions.map((one) => one.name), AS_JSON];
    const select = element("select", { onchange: () => {
      const definition = definitions[select.selectedIndex];
      if (definition) this.#choose(definition);
      else this.#edit(this.read());
    } }, names.map((name) => element("option", {}, name)));
    return element("label", {}, "Event", select);
  }

  // Who chooses faster than the sandbox answers sees the last.
  async #choose(definition) {
    this.chosen = definition;
    const sample = await api.sample(definition.name).catch(() => ({})); // an empty form is one, too
    if (ID in sample) sample[ID] = freshId();
    if (this.chosen !== definition) return;
    this.made = sample[ID];
    this.read = () => eventOf(definition, this.form);
    fill(this.fields, controls(definition, sample));
  }

  // Who sends again sends another event; who typed an id in means that one.
  #renewId() {
    const control = this.form.elements[ID];
    if (control && control.value === this.made) control.value = this.made = freshId();
  }

  #edit(event) {
    this.chosen = null;
    const editor = element("textarea", { rows: 12, spellcheck: false, value: JSON.stringify(event, null, 2) });
    this.read = () => exact.parse(editor.value);
    fill(this.fields, element("label", { className: "wide" }, "JSON", editor));
  }

  async #submit(event) {
    event.preventDefault();
    this.button.disabled = true;
    fill(this.reply);
    this.#say({ kind: "facts", words: "Waiting for the answer" });
    try {
      await this.#send(this.read());
    } catch (error) {
      const what = error instanceof SyntaxError ? "This is no JSON" : "No answer";
      this.#say({ kind: "problem", words: `${what}: ${error.message}` });
    }
    this.button.disabled = false;
  }

  #say({ kind, words, way }) {
    this.verdict.className = `verdict ${kind}`;
    fill(this.verdict, words, way);
    this.verdict.scrollIntoView({ block: "nearest" });
  }

  async #send(event) {
    const answer = await api.postEvent(PATH, JSON.stringify(event), this.authorization.value);
    const url = location.origin + PATH, { status, text, ms } = answer;
    this.#say(await verdictOf(answer));
    if (status === 401) this.credential.hidden = false;
    if (status === 200) this.#renewId();
    fill(this.reply, element("h3", {}, `HTTP ${status}, after ${Math.round(ms)} ms`),
      element("pre", { tabIndex: 0 }, colouredText(text)), snippet("Lua", snippets.lua(url, event)),
      snippet("curl", snippets.curl(url, event)));
  }
}
