// Faults, set and ended on the page.
import assert from "node:assert/strict";
import { check, until } from "../check.mjs";
import { reserved } from "../sandbox.mjs";

const open = (page) => page.getByRole("tab", { name: "Faults" }).click();
const count = (page, wanted) => until(page, (number) => document.querySelectorAll("#faults li").length === number, wanted);

export default [
  check("turns on a fault, which the next answer meets, and ends it", async ({ page, sandbox }) => {
    await open(page);
    await page.getByLabel("Times").fill("3");
    await page.getByRole("button", { name: "Turn on" }).click();
    await count(page, 1);
    assert.equal((await sandbox.post(reserved("f"))).status, 503);
    await page.waitForSelector("#faults li:has-text('met by 1')");
    const end = page.getByRole("button", { name: "End status=503,times=3" });
    await end.focus();
    await sandbox.post(reserved("f"));
    await page.waitForSelector("#faults li:has-text('met by 2')");
    await page.keyboard.press("Enter"); // what is redrawn keeps the focus
    await count(page, 0);
    assert.equal((await sandbox.post(reserved("f"))).status, 200);
  }),

  check("lists faults in the order in which a request is asked, with those that nothing is left to", async ({ page,
    sandbox }) => {
    await open(page);
    for (const fault of [{ status: 500, share: 0.5 }, { status: 503 }, { delay: 1 }, { drop: "before", times: 1 }]) {
      await sandbox.fault(fault);
    }
    await count(page, 4);
    assert.deepEqual(await page.locator("#faults li code").allTextContents(),
      ["drop=before,times=1", "status=500,share=0.5", "status=503", "delay=1"]);
    assert.deepEqual(await page.locator("#faults li span").allTextContents(), ["met by 0", "met by 0", "met by 0",
      "met by 0, behind one that meets all"]);
    await page.waitForSelector("#faults .facts:text('the first of these that is meant for it')");
    await page.getByRole("button", { name: "End status=503" }).click();
    await page.waitForSelector("#faults li:nth-child(3):has-text('delay=1met by 0End')");
  }),

  check("turns on a scenario by its button, and ends all", async ({ page, sandbox }) => {
    await open(page);
    await page.waitForSelector(".scenarios button");
    assert.equal(await page.locator(".scenarios button").count(), 8);
    await sandbox.fault({ status: 503 });
    await page.waitForSelector("#faults li:has-text('status=503')");
    await page.getByRole("button", { name: "rotated-password" }).click();
    await page.waitForSelector("#faults li:has-text('unauthorized')"); // in place of what was on
    await count(page, 1);
    assert.equal((await sandbox.post(reserved("s"), { Authorization: "Basic eDp5" })).status, 401);
    await page.getByRole("button", { name: "End all" }).click();
    await count(page, 0);
    assert.deepEqual((await sandbox.get("/sandbox/faults")).faults, []);
  }),

  check("keeps the focus in its part when the button that had it goes", async ({ page, sandbox }) => {
    await open(page);
    for (const status of [500, 503]) await sandbox.fault({ status, share: 0.5 });
    await count(page, 2);
    for (const [name, left] of [["End status=500", 1], ["End all", 0]]) {
      await page.getByRole("button", { name }).focus();
      await page.keyboard.press("Enter");
      await count(page, left);
      await until(page, () => document.activeElement.textContent === "Faults" && document.activeElement.closest("#faults"));
    }
  }),

  check("says what every choice of its form is, and what is wrong with one", async ({ page, sandbox }) => {
    await open(page);
    const what = page.locator("#faults form select");
    await what.waitFor();
    const choices = await what.locator("option").allTextContents();
    for (const choice of choices) {
      await what.selectOption(choice);
      await page.getByRole("button", { name: "Turn on" }).click();
    }
    await count(page, choices.length);
    const { statuses, codes } = await sandbox.get("/sandbox/answers");
    assert.ok(codes.some(({ code }) => code === 7301));
    const faults = (await sandbox.get("/sandbox/faults")).faults.map((one) => one.fault);
    for (const { code } of codes) assert.ok(faults.includes(`code=${code}`), code);
    for (const { status } of statuses) assert.ok(faults.includes(`status=${status}`), status);
    assert.ok(choices.includes("answers 200, code 7301: unable to add feed"));
    await page.getByRole("button", { name: "End all" }).click();
    await count(page, 0);
    await what.selectOption("closes before it has read");
    await page.locator("#faults [name=event]").fill("be_reserved");
    await page.getByRole("button", { name: "Turn on" }).click();
    await page.waitForSelector("#faults .problem:not(:empty)");
    await page.locator("#faults [name=event]").fill("");
    await page.locator("#faults [name=share]").fill("50");
    await page.getByRole("button", { name: "Turn on" }).click();
    await count(page, 1);
    assert.equal((await sandbox.get("/sandbox/faults")).faults[0].share, 0.5);
    await page.getByRole("button", { name: "End all" }).click();
    await page.locator("#faults [name=share]").fill("");
    await what.selectOption("answers 503: Service Unavailable");
    for (const [label, value] of [["Retry-After", "0"], ["Every", "2"], ["Webhook", "demo"]]) {
      await page.getByLabel(label).fill(value);
    }
    await page.getByRole("button", { name: "Turn on" }).click();
    await page.waitForSelector("#faults code:text-is('status=503,retry_after=0,webhook=demo,every=2')");
    page.complaints = page.complaints.filter((text) => !text.includes("400")); // the browser's own
  }),
];
