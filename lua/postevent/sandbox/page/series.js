// What the last five minutes' attempts were: how many fell into each step of five seconds, by the class of their answer;
// how many came to each webhook; which ids came again.

const SECONDS = 300;
export const STEP = 5;
const STEPS = SECONDS / STEP;

// The steps are those of the clock: a bar keeps its height while it moves.
const endOf = (now) => Math.ceil(now / STEP);

/** The class of an answer: "2xx", "4xx", "none". */
function classOf(line) {
  return line.answer === null ? "none" : `${Math.floor(line.answer / 100)}xx`;
}

/** Those of `lines`, the oldest first, of the last five minutes. `now`, here and below: in seconds. */
export function recent(lines, now) {
  const from = (endOf(now) - STEPS) * STEP;
  let first = lines.length;
  while (first > 0 && lines[first - 1].time >= from) first--;
  return lines.slice(first);
}

// What a map has under a key; where there is nothing, what make() makes.
function under(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

const steps = () => new Array(STEPS).fill(0);

/** Of recent lines { all, classes }: a list of counts, the oldest first, and a map of such lists. */
export function seriesOf(lines, now) {
  const all = steps(), classes = new Map();
  for (const line of lines) {
    const step = Math.max(0, Math.min(STEPS - 1, STEPS - (endOf(now) - Math.floor(line.time / STEP))));
    all[step]++;
    under(classes, classOf(line), steps)[step]++;
  }
  return { all, classes };
}

/** Of recent lines a list of { webhook, count, last, classes }, the most frequent first: all, those of the last whole
 *  step, and a map of counts by class. */
export function webhooksOf(lines, now) {
  const found = new Map(), lastStep = endOf(now) - 2;
  for (const line of lines) {
    const one = under(found, line.webhook, () => ({ webhook: line.webhook, count: 0, last: 0, classes: new Map() }));
    one.count++;
    if (Math.floor(line.time / STEP) === lastStep) one.last++;
    one.classes.set(classOf(line), (one.classes.get(classOf(line)) ?? 0) + 1);
  }
  return [...found.values()].sort((one, other) => other.count - one.count);
}

/** Of recent lines those whose id came more than once, in a list for each id; the id that came last is the first.
 *  `timesOf` says how often that of a line came. */
export function repeatsOf(lines, timesOf) {
  const found = new Map();
  for (const line of lines) {
    if (timesOf(line) < 2) continue;
    const same = under(found, line.id, () => []);
    same.push(line);
    found.delete(line.id); // to the end
    found.set(line.id, same);
  }
  return [...found.values()].reverse();
}
