// How a check is written: check("what it does", async ({ page, sandbox }) => { ... }). It fails by an exception, and by
// whatever is said in the browser's console.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

export function check(name, test, options) {
  return { name, test, options };
}

/** Waits until the function, which runs in the page with `argument`, returns something true. */
export function until(page, test, argument) {
  return page.waitForFunction(test, argument, { polling: 20 });
}

/** Waits until the list shows so many lines. */
export function lines(page, count) {
  return until(page, (wanted) => document.querySelectorAll(".line").length === wanted, count);
}

export async function openDetail(page, text) {
  await page.locator(".line", { hasText: text }).first().click();
  await page.waitForSelector("#detail:not([hidden])");
}

/** Runs a program, which an interpreter reads from its input. */
export function runs(interpreter, program) {
  const env = { ...process.env, POSTEVENT_AUTHORIZATION: "Basic eDp5" };
  const { status, stderr } = spawnSync(interpreter, ["-"], { input: program, env });
  assert.equal(status, 0, String(stderr));
}
