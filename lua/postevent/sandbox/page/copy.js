// Buttons that copy.
import { element } from "./dom.js";

const SAID_MS = 1500;

// Without https there is a clipboard on this machine's own addresses alone; elsewhere the old way still works.
function copyByHand(text) {
  const area = document.body.appendChild(element("textarea", { value: text, className: "aside" }));
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser does not copy");
}

async function copy(text) {
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else copyByHand(text);
}

/** A button that copies what `text` returns, and says so. */
export function copyButton(label, text) {
  const button = element("button", { type: "button", className: "small" }, label);
  const say = (word) => {
    button.textContent = word;
    setTimeout(() => { button.textContent = label; }, SAID_MS);
  };
  button.addEventListener("click", () => copy(text()).then(() => say("Copied"), () => say("Cannot copy here")));
  return button;
}
