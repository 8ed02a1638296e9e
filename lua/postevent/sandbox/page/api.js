// What the page asks of the sandbox: the same paths that curl may ask.
import * as exact from "./exact.js";

const WAIT_SECONDS = 25;

function messageOf(text) {
  try {
    return JSON.parse(text).message;
  } catch {
    return null;
  }
}

let ahead = 0; // milliseconds, of the browser's clock

/** The time by the sandbox's clock, which is that of all that it tells: the browser's may be wrong. */
export const now = () => Date.now() - ahead;

async function ask(path, options) {
  const reply = await fetch(path, options);
  ahead = Date.now() - Date.parse(reply.headers.get("Date"));
  const text = await reply.text();
  if (!reply.ok) throw new Error(messageOf(text) ?? `${path} answered ${reply.status}`);
  return exact.parse(text);
}

function post(path, value) {
  return ask(path, { method: "POST", body: JSON.stringify(value) });
}

/** { run, newest, more, lines }: what came behind the line `after` of that run, which is "" at first. It is waited for
 *  where there is nothing yet. */
export function lines(run, after, signal) {
  const wait = run === "" ? "" : `&run=${run}&wait=${WAIT_SECONDS}`;
  return ask(`/sandbox/lines?after=${after}${wait}`, { signal });
}

/** `which`: a number, or the requestId of a reply. */
export const attempt = (which) => ask(`/sandbox/attempts/${which}`);
export const sample = (name) => ask(`/sandbox/sample?event_name=${encodeURIComponent(name)}`);
export const counts = () => ask("/sandbox/counts");
export const reset = () => post("/sandbox/reset", {});
export const faults = () => ask("/sandbox/faults");
export const addFault = (fields) => post("/sandbox/faults", fields);
export const removeFault = (id) => ask(`/sandbox/faults/${id}`, { method: "DELETE" });
export const clearFaults = () => ask("/sandbox/faults", { method: "DELETE" });
export const answers = () => ask("/sandbox/answers");
export const scenarios = () => ask("/sandbox/scenario");
export const play = (name) => post("/sandbox/scenario", { name });

function toField(field) {
  const { isRequired, isUniqueKeyField, isPsiData, identifierType, possibleValues, regex } = field.attributes;
  return {
    name: field.name, type: field.type.toLowerCase(), required: isRequired.value === "true",
    unique: isUniqueKeyField.value === "true", sensitive: isPsiData.value === "true", identifier: identifierType?.value,
    values: possibleValues?.values, regex: regex?.value,
  };
}

/** The definitions: a list of { name, fields }; a field is { name, type, required, unique, sensitive,
 *  identifier, values, regex }. */
export async function definitions() {
  const [custom, standard] = await Promise.all([ask("/v2/events"), ask("/v2/events/standard_events_meta")]);
  const metas = [...custom.data.map((one) => one.clickEventsMeta),
    ...standard.data.map((one) => one.standardClickEventsMeta)];
  return metas.map((meta) => ({ name: meta.eventName, fields: meta.fields.map(toField) }));
}

/** Posts an event as a program would, whatever is answered. `authorization`: the header's value, or "". */
export async function postEvent(path, body, authorization) {
  const headers = { "Content-Type": "application/json" };
  if (authorization) headers.Authorization = authorization;
  const begin = performance.now();
  const reply = await fetch(path, { method: "POST", body, headers });
  return { status: reply.status, text: await reply.text(), ms: performance.now() - begin };
}
