// The same event from a shell and from Lua.
import { kindOf } from "./exact.js";

const CREDENTIAL = "POSTEVENT_AUTHORIZATION"; // a variable of the environment
const NAME = /^[A-Za-z_]\w*$/;
const RESERVED = new Set(("and break do else elseif end false for function goto if in local nil not or repeat return " +
  "then true until while").split(" "));

const LONGEST_ARGUMENT = 100000; // bytes: Linux lets none be of 128 KiB
const LONGEST_EVENT = 32768, LONGEST_OF_ALL = 10485760; // the default of the option max_event_bytes, and its most
const ADDED = 1024; // bytes, at most, of what the client puts in: a time, an id

const EMPTY_ARRAY = 'setmetatable({}, { __jsontype = "array" })'; // {} alone is an object

const sizeOf = (text) => new TextEncoder().encode(text).length;
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// What is too long for an argument comes from the input. It is one line, and never that of its end.
function dataOf(json) {
  return sizeOf(json) <= LONGEST_ARGUMENT ? `-d ${quoted(json)}` : `--data-binary @- <<'EVENT'\n${json}\nEVENT\n`;
}

export function curl(url, event) {
  return `curl ${quoted(url)} \\\n  -H "Authorization: $${CREDENTIAL}" \\\n  -H 'Content-Type: application/json' \\\n` +
    `  ${dataOf(JSON.stringify(event))}`;
}

function escape(mark) {
  if (mark === '"' || mark === "\\") return `\\${mark}`;
  return `\\${String(mark.charCodeAt(0)).padStart(3, "0")}`;
}

function luaString(text) {
  return `"${text.replace(/[\u0000-\u001f"\\\u007f]/g, escape)}"`;
}

function luaKey(name) {
  return NAME.test(name) && !RESERVED.has(name) ? name : `[${luaString(name)}]`;
}

function luaTable(parts, indent) {
  const inner = `${indent}  `;
  return parts.length === 0 ? "{}" : `{\n${parts.map((part) => `${inner}${part},\n`).join("")}${indent}}`;
}

function luaValue(value, indent) {
  const inner = `${indent}  `;
  switch (kindOf(value)) {
    case "null": return 'require("cjson").null';
    case "string": return luaString(value);
    case "array": return value.length === 0 ? EMPTY_ARRAY : luaTable(value.map((one) => luaValue(one, inner)), indent);
    case "object": return luaTable(Object.entries(value).map(([name, one]) =>
      `${luaKey(name)} = ${luaValue(one, inner)}`), indent);
    default: return JSON.stringify(value);
  }
}

// The option that lets a long event through.
function limitOf(event) {
  const size = sizeOf(JSON.stringify(event)) + ADDED;
  return size <= LONGEST_EVENT ? "" : `\n  max_event_bytes = ${Math.min(size, LONGEST_OF_ALL)},`;
}

export function lua(url, event) {
  return `local postevent = require "postevent"

local client = postevent.new {
  url = ${luaString(url)},
  authorization = os.getenv "${CREDENTIAL}",${limitOf(event)}
}
assert(client:post ${luaValue(event, "")})
client:close()
`;
}
