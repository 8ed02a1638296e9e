// One event.
import assert from "node:assert/strict";
import { check, lines, openDetail, runs, until } from "../check.mjs";
import { reserved } from "../sandbox.mjs";

const GRANTED = { permissions: ["clipboard-read", "clipboard-write"] };

async function copied(page, label) {
  await page.getByRole("button", { name: label }).click();
  return page.evaluate(() => navigator.clipboard.readText());
}

export default [
  check("shows what is wrong with an event, what was sent and answered, and all attempts", async ({ page, sandbox }) => {
    await sandbox.fault({ status: 503, times: 1 });
    const wrong = reserved("x", { age: "old", hotel_name: undefined });
    await sandbox.post(wrong, { Authorization: "Basic c2VjcmV0", "X-Trace": "a test" });
    await lines(page, 1);
    await openDetail(page, "503");
    assert.ok(!(await page.locator("#detail").textContent()).includes("of this id"));
    await sandbox.post(wrong); // while it is looked at
    await page.waitForSelector("#detail :text('Attempt 1 of 2 with the id x.')");
    const text = await page.locator("#detail").textContent();
    for (const wanted of ["be_reserved", "double, required, sensitive", "age: ", "hotel_name: ", "absent", "HTTP 503",
      "by the fault status=503,times=1", "Service Unavailable", "a test", "All 2 attempts of this id"]) {
      assert.ok(text.includes(wanted), `${wanted} is not in ${text}`);
    }
    assert.ok(!text.includes("c2VjcmV0"));
    assert.deepEqual(await page.locator("#detail tr.wrong th").allTextContents(), ["age", "hotel_name"]);
    await page.locator("#detail .link").click();
    await page.waitForSelector("#detail :text('HTTP 200')");
    assert.match(await page.locator("#detail").textContent(),
      /Attempt 2 of 2 with the id x\. The one before it: \d\d:\d\d:\d\dZ\./);
    await page.locator("#detail .facts .link").click();
    await page.waitForSelector("#detail :text('HTTP 503')");
  }),

  check("says what kind of identifier an attribute is, and what makes an event unique", async ({ page, sandbox }) => {
    await sandbox.post(reserved("u"));
    await lines(page, 1);
    await openDetail(page, "good");
    const facts = (name) => page.locator(`#detail tr:has(th:text-is("${name}")) .facts`).textContent();
    assert.equal(await facts("customer_id"), "customer (mobile), required");
    assert.equal(await facts("external_event_id"), "string, required, unique");
  }),

  check("leads from a duplicate to what came first", async ({ page, sandbox }) => {
    await sandbox.post(reserved("d"));
    await sandbox.post(reserved("d"));
    await lines(page, 2);
    const { lines: [{ number }] } = await sandbox.get("/sandbox/lines");
    // As a sandbox with --unique tells it.
    await page.route("**/sandbox/attempts/*", async (route) => {
      const reply = await route.fetch();
      const told = await reply.json();
      await route.fulfill({ response: reply, json: told.number === number ? told
        : { ...told, duplicate: true, duplicate_of: number } });
    });
    await openDetail(page, "2 of 2");
    await page.waitForSelector("#detail .facts:has-text('A duplicate of'):has-text('taken, and not processed')");
    await page.locator("#detail .facts .link").click();
    await page.waitForSelector("#detail .facts:has-text('Attempt 1 of 2')");
    assert.ok(page.url().endsWith(`#events/${number}`));
  }),

  check("has an address, and the browser's Back closes it", async ({ page, sandbox }) => {
    for (const id of ["a", "b"]) await sandbox.post(reserved(id));
    await lines(page, 2);
    await openDetail(page, "good");
    const address = page.url();
    assert.match(address, /#events\/\d+$/);
    await page.locator(".line").nth(1).click();
    await until(page, (old) => location.href !== old, address);
    await page.goBack(); // not to the first, but to the list
    await until(page, () => document.getElementById("detail").hidden && !location.hash.includes("/"));
    await page.goForward();
    await page.waitForSelector("#detail:not([hidden])");
    await page.getByRole("button", { name: "Close" }).click();
    await until(page, () => document.getElementById("detail").hidden && !location.hash.includes("/"));
    await sandbox.flood(100, () => ({ event_name: "later" }));
    await page.goto("about:blank");
    await page.goto(address); // from elsewhere
    await page.waitForSelector("#detail h2:text('be_reserved')");
    await page.waitForSelector(".line[aria-selected=true]"); // only what is in sight is in the document
    await page.keyboard.press("Escape");
    await until(page, () => document.getElementById("detail").hidden);
    assert.ok(page.url().endsWith("#events"));
    await page.goto(`${sandbox.base}/#events/999999`);
    await page.waitForSelector("#detail .problem:text('there is no attempt 999999')");
    page.complaints = page.complaints.filter((text) => !text.includes("404")); // the browser's own
  }),

  check("covers a small screen, and has the focus then", async ({ page, sandbox }) => {
    await sandbox.post(reserved("s"));
    await lines(page, 1);
    await openDetail(page, "good");
    await until(page, () => document.activeElement.id === "detail");
    await page.goBack();
    await until(page, () => document.getElementById("detail").hidden && document.activeElement.id === "list");
  }, { viewport: { width: 390, height: 844 } }),

  check("colours JSON, with numbers as they were written", async ({ page, sandbox }) => {
    await sandbox.post('{"event_name":"n","a":9007199254740993,"b":1.0,"c":[true,null,{"d":"x\\"y"}]}');
    await lines(page, 1);
    await openDetail(page, "n");
    const of = (kind) => page.locator(`#detail .json .${kind}`).allTextContents();
    assert.deepEqual(await of("number"), ["9007199254740993", "1.0"]);
    assert.deepEqual(await of("word"), ["true", "null"]);
    assert.deepEqual(await of("string"), ['"n"', '"x\\"y"']);
    assert.deepEqual(await of("key"), ['"d":']);
  }),

  check("copies an event as curl, as Lua, as JSON", async ({ page, sandbox }) => {
    const event = '{"event_name":"it\'s","a":9007199254740993,"if":["\\u0001\\"",{"x-y":null}]}';
    await sandbox.post(event);
    await lines(page, 1);
    await openDetail(page, "it's");
    await page.context().grantPermissions(GRANTED.permissions);
    assert.equal(await copied(page, "Copy as curl"), `curl '${sandbox.base}/eucrm/webhooks/demo' \\
  -H "Authorization: $POSTEVENT_AUTHORIZATION" \\
  -H 'Content-Type: application/json' \\
  -d '${event.replaceAll("'", "'\\''")}'`);
    const lua = await copied(page, "Copy as Lua");
    for (const wanted of ['a = 9007199254740993,', '["if"] = {', '"\\001\\"",', '["x-y"] = require("cjson").null,']) {
      assert.ok(lua.includes(wanted), `${wanted} is not in ${lua}`);
    }
    assert.ok((await copied(page, "Copy JSON")).includes('"a": 9007199254740993'));
  }),

  check("copies what is empty as Lua so that it stays what it is, an array or an object", async ({ page, sandbox }) => {
    const event = { event_name: "empty", a: [], o: {}, both: [[], {}, [[]]] };
    await sandbox.post(event);
    await lines(page, 1);
    await openDetail(page, "empty");
    await page.context().grantPermissions(GRANTED.permissions);
    runs(process.env.POSTEVENT_LUA ?? "lua5.4", await copied(page, "Copy as Lua"));
    const again = (await sandbox.events())[1].event;
    assert.deepEqual({ ...again, eventDateTime: undefined }, { ...event, eventDateTime: undefined });
  }),

  check("copies an event of 1 MB so that a shell can post it", async ({ page, sandbox }) => {
    const event = { event_name: "large", text: "it's \u00e4 $HOME `x` \\ ".repeat(50000) };
    await sandbox.post(event);
    await lines(page, 1);
    await openDetail(page, "large");
    await page.context().grantPermissions(GRANTED.permissions);
    runs("sh", await copied(page, "Copy as curl"));
    runs(process.env.POSTEVENT_LUA ?? "lua5.4", await copied(page, "Copy as Lua"));
    const texts = (await sandbox.events()).map((one) => one.event.text);
    assert.equal(texts.length, 3);
    for (const text of texts) assert.ok(text === event.text);
  }),

  check("says so when what was chosen is kept no more", async ({ page, sandbox }) => {
    await sandbox.post(reserved("gone"));
    await lines(page, 1);
    await page.getByRole("button", { name: "Pause" }).click();
    await sandbox.reset();
    await openDetail(page, "be_reserved");
    await page.waitForSelector("#detail .problem:text('it is kept no more')");
    await until(page, () => document.querySelector("#detail h2").textContent === "be_reserved");
    page.complaints = page.complaints.filter((text) => !text.includes("404")); // the browser's own
  }),
];
