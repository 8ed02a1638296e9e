// Numbers.
import assert from "node:assert/strict";
import { check, until } from "../check.mjs";
import { reserved } from "../sandbox.mjs";

const total = (page, name) => page.locator(`#numbers dl div:has(dt:text-is("${name}")) dd`).textContent();

export default [
  check("counts, and draws the answers of the last five minutes by class", async ({ page, sandbox }) => {
    await sandbox.fault({ status: 503, times: 2 });
    await sandbox.fault({ status: 429, times: 1 });
    for (let id = 1; id <= 5; id++) await sandbox.post(reserved(`n${id}`));
    await page.getByRole("tab", { name: "Numbers" }).click();
    await until(page, () => document.querySelectorAll("#numbers figure").length === 4);
    assert.deepEqual(await page.locator("#numbers figcaption strong").allTextContents(), ["All", "2xx", "4xx", "5xx"]);
    const sums = await page.locator("#numbers figcaption").allTextContents();
    assert.deepEqual(sums.map((text) => Number(/(\d+) in all/.exec(text)[1])), [5, 2, 1, 2]);
    assert.deepEqual([await total(page, "Requests"), await total(page, "Taken"), await total(page, "Met a fault")],
      ["5", "2", "3"]);
    const heights = await page.locator("#numbers figure").first().locator("rect").evaluateAll((bars) =>
      bars.map((bar) => Number(bar.getAttribute("height"))));
    assert.equal(heights.length, 60);
    assert.equal(Math.max(...heights), 80);
  }),

  check("tells webhooks apart, with their rates and answers", async ({ page, sandbox }) => {
    const to = (webhook, id) => sandbox.ask(`/eucrm/webhooks/${webhook}`, { method: "POST",
      body: JSON.stringify(reserved(id)) });
    await sandbox.fault({ status: 503, webhook: "b".repeat(100), times: 1 });
    for (let id = 1; id <= 3; id++) await to("a", `a${id}`);
    for (let id = 1; id <= 2; id++) await to("b".repeat(100), `b${id}`);
    await page.getByRole("tab", { name: "Numbers" }).click();
    const rows = () => page.locator("#numbers [aria-label='By webhook'] tr").evaluateAll((list) =>
      list.map((one) => [...one.children].map((cell) => cell.textContent)));
    await until(page, () => document.querySelectorAll("#numbers [aria-label='By webhook'] tbody tr").length === 2);
    const [heads, a, b] = await rows();
    assert.deepEqual(heads, ["Webhook", "Attempts", "A second", "2xx", "5xx"]);
    assert.deepEqual([a[0], a[1], a[3], a[4]], ["a", "3", "3", "0"]);
    assert.deepEqual([b[0], b[1], b[3], b[4]], ["b".repeat(100), "2", "1", "1"]);
    await until(page, () => document.querySelector("#numbers [aria-label='By webhook'] tbody td:nth-child(3)")
      .textContent === "0.6"); // once the step of five seconds is over
  }),

  check("shows the attempts of an id together, each a way to it", async ({ page, sandbox }) => {
    await sandbox.fault({ status: 503, times: 2 });
    for (const id of ["again", "once", "again", "again"]) await sandbox.post(reserved(id));
    await page.getByRole("tab", { name: "Numbers" }).click();
    const rows = page.locator("#numbers [aria-label='Ids that came again'] tbody tr");
    await until(page, () => document.querySelector("#numbers .answers")?.childElementCount === 3);
    assert.equal(await rows.count(), 1);
    assert.equal(await rows.textContent(), "againbe_reserved3503200200");
    await page.locator("#numbers .answers a").first().click();
    await page.waitForSelector("#detail :text('Attempt 1 of 3 with the id again.')");
    await page.goBack();
    await page.waitForSelector("#numbers:not([hidden])");
  }),

  check("is by the sandbox's clock, whatever the browser's says", async ({ page, sandbox }) => {
    for (const minutes of [-60, 120]) { // the second beside the first: an hour behind, an hour ahead
      await page.addInitScript(`{ const now = Date.now; Date.now = () => now() + ${minutes} * 60000; }`);
      await page.reload();
      await sandbox.post(reserved("now"));
      await page.getByRole("tab", { name: "Numbers" }).click();
      await until(page, () => /\(?[1-9]\d* in all/.test(document.querySelector("#numbers figcaption")?.textContent ?? ""));
      const heights = await page.locator("#numbers figure").first().locator("rect").evaluateAll((bars) =>
        bars.map((bar) => Number(bar.getAttribute("height"))));
      assert.ok(heights.slice(-4).some((height) => height === 80), heights);
    }
  }),

  check("goes on while it is looked at", async ({ page, sandbox }) => {
    await page.getByRole("tab", { name: "Numbers" }).click();
    await page.waitForSelector("#numbers dd");
    await sandbox.post(reserved("later"));
    await until(page, () => document.querySelector("#numbers dd").textContent === "1");
  }),
];
