// What an event brings is text, wherever it is shown.
import assert from "node:assert/strict";
import { check, lines, openDetail } from "../check.mjs";

const HOSTILE = ["<img src=x onerror='window.hit=1'>", "<script>window.hit=1</script>", "\u202eabc\u202c",
  "javascript:window.hit=1", '"><svg onload=window.hit=1>', "x".repeat(1000000), "\u001b[31m\u0007", "${1}`\\",
  "__proto__", "constructor", "&lt;b&gt;"];

function many() {
  const event = { event_name: "many" };
  for (let number = 0; number < 2000; number++) event[`a${number}`] = number;
  return event;
}

async function unharmed(page) {
  assert.equal(await page.locator("main img, main script, #events svg").count(), 0);
  assert.equal(await page.evaluate(() => "hit" in window), false);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
}

export default [
  check("shows what an event brings as text alone", async ({ page, sandbox }) => {
    for (const text of HOSTILE) {
      const value = JSON.stringify(text);
      await sandbox.post(`{"event_name":${value},"customer_id":${value},"external_event_id":${value},${value}:${value},` +
        `"nested":{${value}:[${value}]}}`, { "User-Agent": "<img src=x onerror='window.hit=1'>" });
    }
    await sandbox.post(many());
    await lines(page, HOSTILE.length + 1);
    for (const id of await page.locator(".line").evaluateAll((rows) => rows.map((row) => row.id))) {
      await page.locator(`#${id}`).click();
      await page.waitForSelector(`#${id}[aria-selected=true]`);
      await page.waitForSelector("#detail h3");
      await unharmed(page);
    }
  }),

  check("lets no text change the order of what stands around it", async ({ page, sandbox }) => {
    await sandbox.post({ event_name: "\u202egnihton", customer_id: "c" });
    await lines(page, 1);
    const row = page.locator(".line");
    const [name, customer] = [await row.locator(".name").boundingBox(), await row.locator(".customer").boundingBox()];
    assert.ok(name.x < customer.x);
    await openDetail(page, "gnihton");
    assert.equal(await page.locator("#detail h2").evaluate((head) => getComputedStyle(head).unicodeBidi), "isolate");
  }),
];
