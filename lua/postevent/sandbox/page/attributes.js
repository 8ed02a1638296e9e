// The attributes of an event, and beside each what the definition says of it, and what is wrong with it.
import { coloured, shorten } from "./colour.js";
import { element } from "./dom.js";
import { row, table } from "./table.js";

const MOST_ROWS = 500, MOST_VALUES = 8;

/** What a definition says of an attribute, in words. */
export function describe(field) {
  if (!field) return "";
  const values = field.values ? `: ${field.values.slice(0, MOST_VALUES).join(", ")}` : "";
  const more = field.values?.length > MOST_VALUES ? ", …" : "";
  const identifier = field.identifier ? ` (${field.identifier})` : "";
  return [field.type + identifier + values + more, field.required ? "required" : "", field.unique ? "unique" : "",
    field.regex ? `like ${field.regex}` : "", field.sensitive ? "sensitive" : ""].filter((word) => word !== "").join(", ");
}

function byAttribute(problems) {
  const found = new Map();
  for (const { attribute, message } of problems) found.set(attribute, [...(found.get(attribute) ?? []), message]);
  return found;
}

function valueOf(event, name) {
  if (!Object.hasOwn(event, name)) return element("span", { className: "absent" }, "absent");
  return element("span", { className: "json" }, coloured(event[name]));
}

function attributeRow(event, name, messages, field) {
  const made = row(shorten(name), valueOf(event, name), [element("span", { className: "facts" }, describe(field)),
    ...messages.map((message) => element("p", { className: "problem" }, message))]);
  if (messages.length > 0) made.className = "wrong";
  return made;
}

/** All of the event's, then those that it lacks and should have. */
export function attributesTable(event, problems, definition) {
  const fields = new Map((definition?.fields ?? []).map((field) => [field.name, field]));
  const wrong = byAttribute(problems);
  const names = [...new Set([...Object.keys(event), ...wrong.keys()])];
  const rows = names.slice(0, MOST_ROWS).map((name) => attributeRow(event, name, wrong.get(name) ?? [],
    fields.get(name)));
  if (names.length > MOST_ROWS) rows.push(row("…", `${names.length - MOST_ROWS} more`, ""));
  return table("Attributes", ["Attribute", "Value", definition ? "Definition" : ""], rows);
}
