// Making elements. What comes from an event becomes text, and never markup: there is no other way here.

// What cannot be seen, or of which nobody knows what it is: lua/postevent/unseen.lua. Line breaks and tabs are the page's
// own; a few signs that the browser says format a text are shown.
const UNSEEN = /(?![\t\n\r \u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2])[\p{C}\p{Z}\p{DI}\u2800]/gu;

const isThere = (child) => child !== null && child !== undefined;

/** A text of which everything can be seen; all else as it is. */
export function visible(child) {
  if (typeof child !== "string") return child;
  return child.replace(UNSEEN, (one) => one.split("").map((unit) =>
    `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""));
}

function set(made, name, value) {
  if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
  else if (name in made) made[name] = value;
  else if (isThere(value)) made.setAttribute(name, value);
}

/** element("a", { href: "/" }, "text", other): properties that begin with "on" are listeners; a child that is null is
 *  left out, one that is a list stands for what is in it. Of a text that is a child everything can be seen. */
export function element(name, properties, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties ?? {})) set(made, key, value);
  made.append(...children.flat(Infinity).filter(isThere).map(visible));
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Lets the children stand in this order, before all others. What stands right is not touched, and keeps the focus. */
export function order(parent, children) {
  let at = parent.firstChild;
  for (const child of children) {
    if (child === at) at = at.nextSibling;
    else parent.insertBefore(child, at);
  }
}

/** Replaces what is in it. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter(isThere).map(visible));
}
