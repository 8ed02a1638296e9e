// Tables that scroll where they are wider than the page.
import { element } from "./dom.js";

function heading(text) {
  return element("th", { scope: "col" }, text);
}

/** `rows`: tr elements. `label` says what it is, to those who do not see it. */
export function table(label, heads, rows) {
  return element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label },
    element("table", {}, element("thead", {}, element("tr", {}, heads.map(heading))), element("tbody", {}, rows)));
}

/** A row of a heading and of cells, each a text, an element, or a list of these. */
export function row(head, ...cells) {
  return element("tr", {}, element("th", { scope: "row" }, head), cells.map((cell) => element("td", {}, cell)));
}
