// What has arrived: lines as the sandbox tells them, the oldest first.

const MOST = 100000; // as many as the sandbox keeps
const SLACK = 5000; // beyond which the oldest go, all at once: that costs

/** The name of a line: that of its event. */
export function nameOf(line) {
  return line.name ?? (line.why ? "(no event)" : "(no name)");
}

/** What a line stands under in a filter. */
export const KINDS = {
  event: nameOf,
  outcome: (line) => line.outcome ?? "not checked",
  answer: ({ answer, code }) => (answer === null ? "none" : `${answer}${code ? `, code ${code}` : ""}`),
};

const NAMES = Object.keys(KINDS);

// Plain loops, here and in filters.js: 15,000 lines may come in a second.
function kindsOf(line) {
  const kinds = {};
  for (const kind of NAMES) kinds[kind] = KINDS[kind](line);
  return kinds;
}

export class Attempts {
  constructor() {
    this.clear();
  }

  clear() {
    this.lines = [];
    this.ids = new Map(); // of each { kept, seen }: how many lines are here, and how many were
  }

  #seen(line) {
    if (line.id === undefined) return 1;
    const count = this.ids.get(line.id) ?? { kept: 0, seen: 0 };
    this.ids.set(line.id, count);
    count.kept++;
    return ++count.seen;
  }

  #forget(line) {
    const count = this.ids.get(line.id);
    if (count && --count.kept === 0) this.ids.delete(line.id);
  }

  /** Takes lines over, which get `text`, what is looked through; `time`, in seconds; `kinds`, what they stand under; and
   *  `nth`, the how many-th of its id it is. Returns whether old ones went. */
  add(lines) {
    for (const line of lines) {
      line.text = [line.name, line.customer, line.id, line.why, line.webhook].join("\n").toLowerCase();
      line.time = Date.parse(line.received_at) / 1000;
      line.kinds = kindsOf(line);
      line.nth = this.#seen(line);
      this.lines.push(line);
    }
    if (this.lines.length <= MOST + SLACK) return false;
    for (const line of this.lines.splice(0, this.lines.length - MOST)) this.#forget(line);
    return true;
  }

  /** The line of that number, or nothing. */
  lineOf(number) {
    return this.lines.findLast((line) => line.number === number);
  }

  /** How often the same id came. */
  timesOf(line) {
    return this.ids.get(line.id)?.seen ?? 1;
  }

  /** All with the id of that line, the oldest first. */
  sameAs(line) {
    return line.id === undefined ? [line] : this.lines.filter((one) => one.id === line.id);
  }
}
