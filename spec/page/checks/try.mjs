// Try it.
import assert from "node:assert/strict";
import { check, lines, runs, until } from "../check.mjs";

// `attribute` is one that no other event has.
async function choose(page, event, attribute) {
  await page.locator("#try select").first().selectOption(event);
  await page.waitForSelector(`#try [name=${attribute}]`);
}

async function open(page, event, attribute) {
  await page.getByRole("tab", { name: "Try it" }).click();
  await choose(page, event, attribute);
}

const control = (page, name) => page.locator(`#try [name=${name}]`);

async function send(page, answer) {
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForSelector(`#try h3:text("HTTP ${answer}")`);
}

const last = async (sandbox) => (await sandbox.events()).at(-1);

export default [
  check("makes a form of a definition, filled in, and posts what is in it", async ({ page, sandbox }) => {
    await open(page, "be_reserved", "hotel_name");
    await control(page, "hotel_name").fill("Jayanagar");
    await control(page, "room_nights").selectOption("3");
    await control(page, "age").fill("21.5");
    await send(page, 200);
    assert.match(await page.locator("#try .reply pre").first().textContent(), /1100/);
    const { event, outcome } = await last(sandbox);
    assert.equal(outcome, "good");
    assert.deepEqual([event.hotel_name, event.room_nights, event.age], ["Jayanagar", "3", 21.5]);
    await page.getByRole("tab", { name: "Events" }).click();
    await lines(page, 1);
  }),

  check("sends another event each time, and the same where the id was typed in", async ({ page, sandbox }) => {
    await open(page, "be_reserved", "external_event_id");
    const sent = async () => {
      await send(page, 200);
      return (await last(sandbox)).event.external_event_id;
    };
    const first = await sent();
    assert.notEqual(await sent(), first);
    await sandbox.fault({ status: 503, times: 1 });
    const id = await control(page, "external_event_id").inputValue();
    await send(page, 503);
    assert.equal(await sent(), id);
    await control(page, "external_event_id").fill("mine");
    assert.deepEqual([await sent(), await sent()], ["mine", "mine"]);
    page.complaints = page.complaints.filter((text) => !text.startsWith("Failed to load")); // the browser's own
  }),

  check("has a control for each type of attribute", async ({ page, sandbox }) => {
    await open(page, "cart_updated", "gift");
    await control(page, "quantity").fill("3");
    await control(page, "gift").selectOption("true");
    await control(page, "currency").fill("");
    await send(page, 200);
    let { event, outcome } = await last(sandbox);
    assert.equal(outcome, "good");
    assert.deepEqual([event.quantity, event.gift, "currency" in event], [3, true, false]);
    await choose(page, "membership_renewed", "tier");
    assert.equal(await control(page, "renewed_on").getAttribute("type"), "datetime-local");
    await control(page, "renewed_on").fill("2026-05-04T03:02:01");
    await control(page, "tier").selectOption("Gold");
    await send(page, 200);
    ({ event, outcome } = await last(sandbox));
    assert.deepEqual([outcome, event.renewed_on, event.tier], ["good", "2026-05-04 03:02:01", "Gold"]);
  }),

  check("posts a number as it was typed in", async ({ page, sandbox }) => {
    await open(page, "be_reserved", "age");
    const sent = async (text) => {
      await control(page, "age").fill(text);
      await send(page, 200);
      const shown = await page.locator("#try .reply section:has(h3:text('Lua')) pre").textContent();
      assert.equal((await last(sandbox)).outcome, "good");
      return /age = (.*),/.exec(shown)[1];
    };
    for (const text of ["9007199254740993", "20.50", "-1e2"]) assert.equal(await sent(text), text);
    assert.deepEqual([await sent(".5"), await sent("007")], ["0.5", "7"]);
  }),

  check("posts the same from an editor of JSON, and says what is no JSON", async ({ page, sandbox }) => {
    await open(page, "step_done", "step");
    await page.locator("#try select").selectOption("(as JSON)");
    const editor = page.locator("#try textarea");
    assert.equal(JSON.parse(await editor.inputValue()).event_name, "step_done");
    await editor.fill("{");
    await page.getByRole("button", { name: "Send" }).click();
    await page.waitForSelector("#try .problem:text('This is no JSON')");
    await editor.fill('{"event_name":"free","n":9007199254740993}');
    await send(page, 200);
    assert.equal((await last(sandbox)).event.event_name, "free");
    assert.ok((await page.locator("#try .reply").textContent()).includes("n = 9007199254740993,"));
  }),

  check("shows the Lua and the curl that post the same", async ({ page, sandbox }) => {
    await open(page, "be_reserved", "hotel_name");
    await control(page, "hotel_name").fill("it's \\ \"here\" \u00e4");
    await send(page, 200);
    const snippet = (name) => page.locator(`#try .reply section:has(h3:text("${name}")) pre`).textContent();
    runs(process.env.POSTEVENT_LUA ?? "lua5.4", await snippet("Lua"));
    runs("sh", await snippet("curl"));
    const [sent, ...again] = (await sandbox.events()).map((one) => one.event);
    assert.equal(again.length, 2);
    for (const one of again) assert.deepEqual({ ...one, eventDateTime: undefined }, { ...sent, eventDateTime: undefined });
  }),

  check("says beside the button what became of the event", async ({ page, sandbox }) => {
    await open(page, "be_reserved", "hotel_name");
    const button = page.getByRole("button", { name: "Send" });
    const says = async (words, kind) => {
      await button.click();
      await page.waitForSelector(`#try .verdict.${kind}:text("${words}")`);
      const [at, of] = [await button.boundingBox(), await page.locator("#try .verdict").boundingBox()];
      assert.ok(Math.abs(of.y + of.height / 2 - at.y - at.height / 2) < 60, `${of.y} is far from ${at.y}`);
      assert.ok(of.y >= 0 && of.y + of.height <= page.viewportSize().height);
    };
    await says("Taken, and good.", "good");
    for (const [fault, words] of [[{ code: 7301 }, "Not taken: code 7301, unable to add feed."],
      [{ status: 503 }, "No success: HTTP 503, Service Unavailable."], [{ status: 400 }, "No success: HTTP 400."],
      [{ html: true }, "This is no answer of the platform's."]]) {
      await sandbox.fault({ ...fault, times: 1 });
      await says(words, "problem");
    }
    await page.locator("#try select").first().selectOption("(as JSON)");
    await page.locator("#try textarea").fill('{"event_name":"be_reserved","customer_id":"c"}');
    await says("Taken, but bad: age:", "problem");
    await page.locator("#try .verdict a").click();
    await page.waitForSelector("#detail tr.wrong");
    await page.goBack();
    await page.waitForSelector("#try:not([hidden])");
    page.complaints = page.complaints.filter((text) => !text.startsWith("Failed to load")); // the browser's own
  }, { viewport: { width: 390, height: 844 } }),

  check("tells of a fault that the event met", async ({ page, sandbox }) => {
    await open(page, "be_reserved", "hotel_name");
    await sandbox.fault({ unauthorized: true });
    await send(page, 401);
    await page.getByLabel("Authorization").fill("Basic eDp5");
    await send(page, 200);
    await sandbox.fault({ drop: "before" });
    await page.getByRole("button", { name: "Send" }).click();
    await page.waitForSelector("#try .problem:text('No answer')");
    page.complaints = page.complaints.filter((text) => !text.startsWith("Failed to load")); // the browser's own
  }),

  check("goes from part to part by keyboard, and by the address", async ({ page }) => {
    await page.getByRole("tab", { name: "Events" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForSelector("#try:not([hidden])");
    assert.ok(page.url().endsWith("#try"));
    await page.reload();
    await page.waitForSelector("#try:not([hidden]) form");
    await page.goBack();
    await until(page, () => !document.getElementById("events").hidden);
  }),
];
