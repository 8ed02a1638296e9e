// A small chart of bars, as SVG.
import { element } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600, HEIGHT = 80, GAP = 1;

function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function bar(value, index, { most, width }) {
  const height = value / most * HEIGHT;
  return svg("rect", { x: index * width, y: HEIGHT - height, width: width - GAP, height });
}

/** `values`, from left to right, none below 0; `kind` is a class for its colour, `words` say what is seen. */
export function chart(title, values, kind, words) {
  const scale = { most: Math.max(...values) || 1, width: WIDTH / values.length };
  return element("figure", {}, element("figcaption", {}, element("strong", {}, title), ` ${words}`),
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", class: kind,
      "aria-label": `${title}: ${words}` }, ...values.map((value, index) => bar(value, index, scale))));
}
