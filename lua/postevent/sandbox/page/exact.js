// JSON with the numbers as they were written: 9007199254740993 and 1.0 come back as they came. Browsers that know no
// JSON.rawJSON (before 2024) round them.

const canKeep = typeof JSON.rawJSON === "function";

function keep(key, value, context) {
  if (typeof value !== "number" || !canKeep || !context || String(value) === context.source) return value;
  return JSON.rawJSON(context.source);
}

export function parse(text) {
  return JSON.parse(text, keep);
}

/** The number that was typed in. ".5" and "007" are numbers, too, and none in JSON. */
export function number(text) {
  try {
    return parse(text);
  } catch {
    return Number(text);
  }
}

/** "null", "boolean", "number", "string", "array" or "object". */
export function kindOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return canKeep && JSON.isRawJSON(value) ? "number" : typeof value;
}
