// What became of an event that was sent, in a few words: what the answer says, and what the sandbox found.
import * as api from "./api.js";
import { ACCEPTED } from "./row.js";
import { element } from "./dom.js";

const MOST_PROBLEMS = 3;

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function problemsOf({ problems }) {
  const words = problems.slice(0, MOST_PROBLEMS).map((one) => one.message).join("; ");
  return problems.length > MOST_PROBLEMS ? `${words}; and ${problems.length - MOST_PROBLEMS} more` : words;
}

// Of one that was taken, as the sandbox keeps it; nothing is known of one that is forgotten.
function ofTaken(told) {
  if (!told) return { kind: "good", words: "Taken." };
  const way = element("a", { href: `#events/${told.number}` }, "Look at it");
  if (told.duplicate) return { kind: "warn", words: "Taken, as a duplicate: it is not processed. ", way };
  if (told.outcome === "bad") return { kind: "problem", words: `Taken, but bad: ${problemsOf(told)}. `, way };
  return { kind: "good", words: told.outcome ? "Taken, and good. " : "Taken. ", way };
}

function ofRefused(status, reply) {
  const message = reply?.status?.message ?? reply?.message;
  const what = reply?.status ? `Not taken: code ${reply.status.code}` : `No success: HTTP ${status}`;
  return { kind: "problem", words: message ? `${what}, ${message}.` : `${what}.` };
}

/** { kind, words, way }: "good", "warn" or "problem"; a text; a link to the attempt, or nothing. */
export async function verdictOf({ status, text }) {
  const reply = read(text);
  if (status === 200 && ACCEPTED.includes(reply?.status?.code)) {
    return ofTaken(await api.attempt(reply.requestId).catch(() => null));
  }
  if (status === 200 && !reply?.status) return { kind: "problem", words: "This is no answer of the platform's." };
  return ofRefused(status, reply);
}
