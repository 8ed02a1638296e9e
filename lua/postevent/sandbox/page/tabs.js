// The parts of the page, of which one is shown.

const nameOf = (tab) => tab.getAttribute("aria-controls");

/** `tabs`: buttons, each of which has the id of its part in aria-controls. */
export function start(tabs) {
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => { location.hash = nameOf(tab); });
    tab.addEventListener("keydown", (event) => step(event, tabs, index));
  });
}

/** Shows the part of that name, or the first. Returns which it is. */
export function show(tabs, name) {
  const chosen = tabs.find((tab) => nameOf(tab) === name) ?? tabs[0];
  for (const tab of tabs) select(tab, tab === chosen);
  return nameOf(chosen);
}

function select(tab, isIt) {
  document.getElementById(nameOf(tab)).hidden = !isIt;
  tab.setAttribute("aria-selected", String(isIt));
  tab.tabIndex = isIt ? 0 : -1;
}

function step(event, tabs, index) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const next = tabs[(index + by + tabs.length) % tabs.length];
  next.click();
  next.focus();
}
