// A running sandbox, as a program sees it.
import { connect } from "node:net";
import { on } from "node:events";

const AT_ONCE = 500; // requests behind one another on a connection

function requestOf(event) {
  const body = JSON.stringify(event);
  return `POST /eucrm/webhooks/demo HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

// Sends the requests, and waits for as many replies.
async function exchange(socket, requests) {
  let missing = requests.length, rest = "";
  socket.write(requests.join(""));
  for await (const [bytes] of on(socket, "data")) {
    const found = (rest + bytes).split("HTTP/1.1 200");
    missing -= found.length - 1;
    rest = found.at(-1).slice(-20);
    if (missing === 0) return;
  }
}

export class Sandbox {
  constructor(base) {
    this.base = base;
  }

  async ask(path, options) {
    const reply = await fetch(this.base + path, options);
    return { status: reply.status, body: await reply.json() };
  }

  async get(path) {
    return (await this.ask(path)).body;
  }

  /** Posts an event, an object or a text. Returns { status, body }. */
  post(event, headers = {}) {
    const body = typeof event === "string" ? event : JSON.stringify(event);
    return this.ask("/eucrm/webhooks/demo", { method: "POST", headers, body });
  }

  /** Posts so many events, of which eventOf(number) makes each, as fast as one connection can. */
  async flood(count, eventOf) {
    const { hostname, port } = new URL(this.base);
    const socket = connect(port, hostname);
    for (let sent = 0; sent < count; sent += AT_ONCE) {
      await exchange(socket, Array.from({ length: Math.min(AT_ONCE, count - sent) }, (_, at) =>
        requestOf(eventOf(sent + at))));
    }
    socket.destroy();
  }

  fault(fields) {
    return this.ask("/sandbox/faults", { method: "POST", body: JSON.stringify(fields) });
  }

  async events() {
    return (await this.get("/sandbox/events")).events;
  }

  /** As it was when it began. */
  async reset() {
    await this.ask("/sandbox/faults", { method: "DELETE" });
    await this.ask("/sandbox/reset", { method: "POST" });
  }
}

/** An event of examples/events.json; `more` is put in. */
export function reserved(id, more) {
  return { event_name: "be_reserved", customer_id: "9988776655", hotel_name: "Indiranagar", room_nights: "2", age: 20,
    external_event_id: id, ...more };
}
