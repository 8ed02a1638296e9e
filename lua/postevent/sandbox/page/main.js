// The page: what arrives is handed to its parts, and what is chosen in one of them to the others.
import * as address from "./address.js";
import * as api from "./api.js";
import * as tabs from "./tabs.js";
import { Attempts } from "./attempts.js";
import { Detail } from "./detail.js";
import { Faults } from "./faults.js";
import { Feed } from "./feed.js";
import { Filters } from "./filters.js";
import { List } from "./list.js";
import { Numbers } from "./numbers.js";
import { Try } from "./try.js";
import { byId, element } from "./dom.js";

const REDRAW_MS = 1000;
const STATES = { live: "live", paused: "paused", away: "the sandbox does not answer" };

const parts = [...document.querySelectorAll("[role=tab]")];
const definitions = api.definitions().catch(() => []);
const attempts = new Attempts();
const feed = new Feed({ lines: take, forgotten, state: say });
const pause = element("button", { type: "button", "aria-pressed": "false", onclick: togglePause }, "Pause");
const forget = element("button", { type: "button", onclick: () => api.reset().then(reset, silent) }, "Forget all");
const filters = new Filters(byId("filters"), refilter, [pause, forget]);
const list = new List(byId("list"), { timesOf: (line) => attempts.timesOf(line), open: address.open,
  enter: () => detail.focus() });
const detail = new Detail(byId("detail"), { definitions, loaded: feed.loaded, attempts, open: address.open,
  close: address.close });
const drawn = { numbers: new Numbers(byId("numbers"), attempts), faults: new Faults(byId("faults")) };

// Where the sandbox does not answer, the feed says so.
function silent() {}

// Shows what the address names.
function show() {
  const { part, number } = address.read();
  const name = tabs.show(parts, part);
  list.choose(number);
  if (name === "events" && number !== null) detail.show(number);
  else if (detail.hide()) list.box.focus();
  draw(name);
}

function describe() {
  filters.show();
  byId("empty").hidden = list.lines.length > 0;
  byId("empty").textContent = attempts.lines.length > 0 ? "Nothing matches the filters."
    : `Nothing has arrived yet. Post an event to ${location.origin}/eucrm/webhooks/demo`;
}

function refilter() {
  list.show(filters.choose(attempts.lines));
  describe();
}

function take(lines) {
  const haveOldGone = attempts.add(lines);
  const matching = filters.more(lines);
  for (const line of matching) list.lines.push(line);
  list.show(haveOldGone ? filters.choose(attempts.lines) : list.lines, matching.length);
  describe();
  detail.freshen(lines);
}

// What is forgotten there is forgotten here.
function forgotten() {
  attempts.clear();
  address.close();
  refilter();
}

const isPaused = () => pause.getAttribute("aria-pressed") === "true";

// What arrives tells of it, but for what is paused.
function reset() {
  if (isPaused()) forgotten();
}

function togglePause() {
  const wasPaused = isPaused();
  pause.setAttribute("aria-pressed", String(!wasPaused));
  if (wasPaused) feed.resume();
  else feed.pause();
}

// Of the parts that change by themselves, the one that is shown.
function draw(name) {
  if (Object.hasOwn(drawn, name)) drawn[name].draw().catch(silent);
}

function say(state) {
  if (byId("state").textContent === STATES[state]) return; // a reader of the screen would say it again
  byId("state").textContent = STATES[state];
  byId("state").className = state;
}

new Try(byId("try"), definitions);
tabs.start(parts);
address.follow(show);
setInterval(() => draw(address.read().part), REDRAW_MS);
filters.show();
feed.loaded.then(() => {
  describe();
  list.choose(address.read().number); // it was not there yet
});
feed.follow();
