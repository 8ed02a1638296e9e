// A form for one fault.
import { element } from "./dom.js";

const USUAL = "answers 503: Service Unavailable";

// What happens and is no answer of the platform's, and its keys.
const TROUBLE = {
  "answers 401 to this credential": { unauthorized: true }, "answers a portal's page": { html: true },
  "answers after 2 seconds": { delay: 2 }, "answers in drops": { trickle: 50 }, "never answers": { stall: true },
  "closes before it has read": { drop: "before" }, "closes in place of the answer": { drop: "after" },
  "closes half-way through the answer": { drop: "reply" },
};

// To whom and for how long: the keys, and how they are read.
const REST = { retry_after: Number, share: (text) => Number(text) / 100, every: Number, times: Number, seconds: Number,
  event: String, customer: String, webhook: String };

const field = (label, control) => element("label", {}, label, control);
const number = (name, placeholder, more) => element("input", { name, type: "number", min: 1, placeholder, ...more });
const text = (name) => element("input", { name, type: "text", placeholder: "any" });

const named = (start, message) => (message === "" ? start : `${start}: ${message}`);

// Groups of choices, each of its words and its keys.
function groupsOf({ statuses, codes }) {
  const byStatus = statuses.map(({ status, message }) => [named(`answers ${status}`, message), { status }]);
  const byCode = codes.map(({ code, message }) => [named(`answers 200, code ${code}`, message), { code }]);
  return { "Trouble on the way": Object.entries(TROUBLE), "The gateway's answers": byStatus,
    "The platform's answers": byCode };
}

function chooser(groups) {
  const made = element("select", { name: "what" }, Object.entries(groups).map(([label, choices]) =>
    element("optgroup", { label }, choices.map(([words]) => element("option", {}, words)))));
  made.value = USUAL;
  return made;
}

function fieldsOf(form, groups) {
  const given = new FormData(form);
  const fields = { ...Object.fromEntries(Object.values(groups).flat())[given.get("what")] };
  for (const [name, read] of Object.entries(REST)) if (given.get(name) !== "") fields[name] = read(given.get(name));
  return fields;
}

/** `answers`: what api.answers tells. `add` is called with the keys of a fault. */
export function faultForm(answers, add) {
  const groups = groupsOf(answers);
  const form = element("form", { "aria-label": "One fault", onsubmit: (event) => {
    event.preventDefault();
    add(fieldsOf(form, groups));
  } }, field("What the sandbox does", chooser(groups)), field("Retry-After, seconds", number("retry_after", "none",
    { min: 0 })), field("Share of requests, %", number("share", "all", { max: 100 })),
  field("Every Nth", number("every", "all")), field("Times", number("times", "any")),
  field("Seconds", number("seconds", "any")), field("Event", text("event")), field("Customer", text("customer")),
  field("Webhook", text("webhook")), element("button", {}, "Turn on"));
  return form;
}
