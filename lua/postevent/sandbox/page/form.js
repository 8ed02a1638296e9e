// A form that is made of a definition, and the event that is in it.
import { describe } from "./attributes.js";
import { element } from "./dom.js";
import { kindOf, number } from "./exact.js";

// What is typed in, by the type of the attribute; text for all others.
const INPUTS = {
  integer: { type: "number", step: "1" }, double: { type: "number", step: "any" },
  date: { type: "datetime-local", step: "1" },
};

const READ = {
  integer: number, double: number, boolean: (text) => text === "true",
  date: (text) => text.replace("T", " ").padEnd(19, ":00"),
};

function shown(field, value) {
  const text = kindOf(value) === "string" ? value : JSON.stringify(value);
  return field.type === "date" ? text.replace(" ", "T") : text;
}

function select(field, values) {
  const choices = field.required ? values : ["", ...values];
  return element("select", {}, choices.map((one) => element("option", { value: one }, one || "–")));
}

function controlOf(field) {
  const values = field.type === "boolean" ? ["true", "false"] : field.values;
  return values ? select(field, values) : element("input", INPUTS[field.type] ?? { type: "text" });
}

function labelled(field, value) {
  const control = controlOf(field);
  control.name = field.name;
  control.required = field.required;
  if (value !== undefined) control.value = shown(field, value);
  return element("label", { className: field.required ? "required" : "" }, element("span", {}, field.name), control,
    element("small", {}, describe(field)));
}

const fieldsOf = (definition) => definition.fields.filter((field) => field.name !== "event_name");

/** A label with its control for each attribute, filled in with `sample`. */
export function controls(definition, sample) {
  return fieldsOf(definition).map((field) => labelled(field, sample[field.name]));
}

/** The event that the controls of `form` hold; what is left empty is absent. */
export function eventOf(definition, form) {
  const given = new FormData(form);
  const event = { event_name: definition.name };
  for (const field of fieldsOf(definition)) {
    const text = given.get(field.name) ?? "";
    if (text !== "") event[field.name] = (READ[field.type] ?? String)(text);
  }
  return event;
}
