// Numbers: events a second and answers by class over the last five minutes, by webhook too; which ids came again; the
// totals.
import * as api from "./api.js";
import { STEP, recent, repeatsOf, seriesOf, webhooksOf } from "./series.js";
import { answerBadge } from "./row.js";
import { chart } from "./chart.js";
import { element, fill } from "./dom.js";
import { row, table } from "./table.js";

// What /sandbox/counts has, in its order.
const TOTALS = { requests: "Requests", taken: "Taken", processed: "Processed", duplicates: "Duplicates",
  faults: "Met a fault", dropped: "Kept no more" };
const TITLES = { none: "No answer" };
const COLOURS = { "2xx": "good", "4xx": "warn" };
const MOST_WEBHOOKS = 20, MOST_IDS = 10, MOST_ATTEMPTS = 10;

const rate = (count) => (count / STEP).toFixed(1);
const titleOf = (name) => TITLES[name] ?? name;

function chartOf(title, counts, kind) {
  const sum = counts.reduce((one, other) => one + other, 0);
  return chart(title, counts, kind, `${sum} in all, ${rate(counts.at(-2))} a second, at most ${rate(Math.max(...counts))}`);
}

function totalsList(counts) {
  return element("dl", { className: "totals" }, Object.entries(TOTALS).map(([name, label]) =>
    element("div", {}, element("dt", {}, label), element("dd", {}, String(counts[name])))));
}

const left = (count, what) => (count > 0 ? element("p", { className: "facts" }, `${count} more ${what}`) : null);

function webhooksTable(list, names) {
  const rows = list.slice(0, MOST_WEBHOOKS).map(({ webhook, count, last, classes }) => row(webhook, String(count),
    rate(last), ...names.map((name) => String(classes.get(name) ?? 0))));
  return [table("By webhook", ["Webhook", "Attempts", "A second", ...names.map(titleOf)], rows),
    left(list.length - MOST_WEBHOOKS, "webhooks")];
}

// The answers in time, each a way to its attempt.
function answersOf(lines, times) {
  const shown = lines.slice(-MOST_ATTEMPTS).map((line) => element("a", { href: `#events/${line.number}`,
    title: `attempt ${line.nth} of ${times}` }, answerBadge(line)));
  return element("span", { className: "answers" }, shown);
}

function repeatsTable(list, timesOf) {
  if (list.length === 0) return element("p", { className: "facts" }, "None.");
  const rows = list.slice(0, MOST_IDS).map((lines) => row(lines[0].id, lines[0].kinds.event,
    String(timesOf(lines[0])), answersOf(lines, timesOf(lines[0]))));
  return [table("Ids that came again", ["Id", "Event", "Attempts", "Answers, in time"], rows),
    left(list.length - MOST_IDS, "ids")];
}

// Who is at something in it keeps it as it is.
function refill(box, ...children) {
  if (!box.contains(document.activeElement)) fill(box, ...children);
}

export class Numbers {
  constructor(box, attempts) {
    this.attempts = attempts;
    this.totals = element("div");
    this.charts = element("div", { className: "charts" });
    this.webhooks = element("div");
    this.repeats = element("div");
    fill(box, element("h2", {}, "Numbers"), this.totals, element("h3", {}, "The last five minutes"), this.charts,
      element("h3", {}, "By webhook"), this.webhooks, element("h3", {}, "Ids that came again"), this.repeats);
  }

  async draw() {
    const now = api.now() / 1000, timesOf = (line) => this.attempts.timesOf(line);
    const lines = recent(this.attempts.lines, now);
    const { all, classes } = seriesOf(lines, now);
    const names = [...classes.keys()].sort();
    fill(this.charts, chartOf("All", all, ""), names.map((name) =>
      chartOf(titleOf(name), classes.get(name), COLOURS[name] ?? "bad")));
    refill(this.webhooks, webhooksTable(webhooksOf(lines, now), names));
    refill(this.repeats, repeatsTable(repeatsOf(lines, timesOf), timesOf));
    fill(this.totals, totalsList(await api.counts()));
  }
}
