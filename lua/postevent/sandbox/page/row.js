// One line of the list.
import { element } from "./dom.js";

/** The platform's codes for what it has taken. */
export const ACCEPTED = [1100, 7300];

// A fault may answer 200, and yet be no good news.
function answerClass({ answer, fault }) {
  if (answer === null || answer >= 500) return "bad";
  return answer < 300 && !fault ? "good" : "warn";
}

// The status, or a code that says more than it.
function answerText({ answer, code }) {
  if (answer === null) return "none";
  return String(code && !ACCEPTED.includes(code) ? code : answer);
}

/** The time of day, in UTC as all times here, and as it says: "08:49:16Z". */
export function clock(line) {
  return line.received_at.slice(11);
}

export function answerBadge(line) {
  return element("span", { className: `badge answer ${answerClass(line)}`, title: line.kinds.answer },
    answerText(line));
}

function marks(line) {
  const badge = (name, kind) => element("span", { className: `badge ${kind}` }, name);
  return element("span", { className: "marks" }, line.outcome ? badge(line.outcome, line.outcome) : null,
    line.duplicate ? badge("double", "warn") : null, line.fault ? badge("fault", "warn") : null);
}

export function newRow(line) {
  return element("div", { className: "line", role: "option", id: `line-${line.number}` },
    element("time", { dateTime: line.received_at, title: line.received_at }, clock(line)),
    element("span", { className: "name" }, line.kinds.event),
    element("span", { className: "customer" }, line.customer ?? line.why ?? ""), marks(line), answerBadge(line),
    element("span", { className: "times" }));
}

/** "2 of 3", of a line of which the id came three times; "" where it came once. */
export function nthText({ nth }, times) {
  return times > 1 ? `${nth} of ${times}` : "";
}

/** What changes while the line is seen: where it is, of how many lines; how often its id came; whether it is chosen. */
export function freshen(row, line, { place, count, top, times, isChosen }) {
  const text = nthText(line, times);
  row.style.transform = `translateY(${top}px)`;
  if (row.lastChild.textContent !== text) {
    row.lastChild.textContent = text;
    row.lastChild.title = `attempt ${text} with this id`;
  }
  row.setAttribute("aria-posinset", String(place + 1));
  row.setAttribute("aria-setsize", String(count));
  row.setAttribute("aria-selected", String(isChosen));
}
