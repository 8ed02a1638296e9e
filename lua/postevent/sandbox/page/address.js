// What is shown, as the address has it: /#try is a part of the page, /#events/7 an attempt, which is in the first part.
// The browser's Back closes what was opened.

const HASH = /^#([a-z]*)(?:\/(\d+))?$/;
const LIST = "#events";

let changed = null;

/** { part, number }: "" and null where the address names none. */
export function read() {
  const [, part = "", number = null] = HASH.exec(location.hash) ?? [];
  return { part, number: number && Number(number) };
}

/** `listener` is called now, and whenever something else is to be shown. */
export function follow(listener) {
  changed = listener;
  addEventListener("hashchange", changed);
  changed();
}

// From one attempt to another is no step: Back leads to the list.
export function open(number) {
  const to = `${LIST}/${number}`;
  if (read().number === null) history.pushState({ isOurs: true }, "", to);
  else history.replaceState(history.state, "", to);
  changed();
}

/** Back to the list; not by a step back where the page was opened with the attempt. */
export function close() {
  if (read().number === null) return;
  if (history.state?.isOurs) return history.back();
  history.replaceState(null, "", LIST);
  changed();
}
