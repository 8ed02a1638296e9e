// As many events as the sandbox keeps.
import assert from "node:assert/strict";
import { check, until } from "../check.mjs";

const COUNT = 100000;
const TRIES = 10; // what else runs on the machine may hold up a frame; a slow page is slow each time

// The longest time between two frames while the list is scrolled.
function worstFrame() {
  const list = document.getElementById("list");
  let last = performance.now(), worst = 0, frames = 0;
  return new Promise((done) => {
    const step = (now) => {
      worst = Math.max(worst, now - last);
      last = now;
      list.scrollTop += 25000;
      if (++frames < 120) requestAnimationFrame(step);
      else done(worst);
    };
    requestAnimationFrame(step);
  });
}

export default [
  check("scrolls through 100,000 events without a frame over 100 ms", async ({ page, sandbox }) => {
    await sandbox.flood(COUNT, (number) => ({ event_name: `kind_${number % 9}`, customer_id: `c-${number % 1000}` }));
    await until(page, (text) => document.querySelector("#filters option").textContent === text, `all (${COUNT})`);
    assert.ok(await page.locator(".line").count() < 100);
    await until(page, () => document.getElementById("state").textContent === "live");
    const worst = [];
    while (!worst.some((ms) => ms < 100) && worst.length < TRIES) worst.push(await page.evaluate(worstFrame));
    assert.ok(worst.at(-1) < 100, `${worst} ms`);
  }),
];
