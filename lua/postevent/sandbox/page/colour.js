// A value as JSON, in colour: a list of texts and of elements with a class for what they are.
import { element } from "./dom.js";

const LONGEST = 20000; // characters; what is longer is cut, and says so
const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|-?\d[\d.eE+-]*|true|false|null/g;

function classOf(token, colon) {
  if (colon) return "key";
  if (token.startsWith('"')) return "string";
  return /[\d-]/.test(token[0]) ? "number" : "word";
}

function paint(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(TOKEN)) {
    parts.push(text.slice(end, found.index), element("span", { className: classOf(...found) }, found[0]));
    end = found.index + found[0].length;
  }
  return [...parts, text.slice(end)];
}

export function shorten(text) {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${text.length} characters)`;
}

export function coloured(value) {
  return paint(shorten(JSON.stringify(value, null, 2)));
}

/** A text that may be JSON, as a reply is. */
export function colouredText(text) {
  return /^\s*[[{]/.test(text) ? paint(shorten(text)) : [shorten(text)];
}
