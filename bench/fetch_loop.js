// The same delivery by Node's fetch: fetch_loop.js URL COUNT IN_FLIGHT EVENT. Prints the seconds that it takes.
const [url, count, inFlight, text] = process.argv.slice(2);
const event = JSON.parse(text);
const headers = { "Content-Type": "application/json", Authorization: "Basic dGVzdF9kaXY2OWZmZmRkYg==" };
let left;

async function deliver() {
  while (left-- > 0) {
    const reply = await fetch(url, { method: "POST", headers, body: JSON.stringify(event) });
    if (reply.status !== 200 || (await reply.json()).status.code !== 1100) {
      throw new Error("not delivered");
    }
  }
}

function deliverAll(events) {
  left = events;
  return Promise.all(Array.from({ length: Number(inFlight) }, deliver));
}

async function main() {
  await deliverAll(1000); // until then much is interpreted
  const start = process.hrtime.bigint();
  await deliverAll(Number(count));
  console.log((Number(process.hrtime.bigint() - start) / 1e9).toFixed(6));
}

main();
