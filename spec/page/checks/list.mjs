// What arrives, in a list.
import assert from "node:assert/strict";
import { check, lines, openDetail, until } from "../check.mjs";
import { reserved } from "../sandbox.mjs";

// From the post to the line, by the page's own clock.
function timeToLine(body) {
  const begin = performance.now();
  const seen = new Promise((done) => {
    new MutationObserver(() => {
      if (document.querySelector(".line")) done(performance.now() - begin);
    }).observe(document.getElementById("list"), { childList: true, subtree: true });
  });
  return fetch("/eucrm/webhooks/demo", { method: "POST", body }).then(() => seen);
}

const texts = (page, selector) => page.locator(selector).allTextContents();

export default [
  check("shows an event within 300 ms", async ({ page }) => {
    const ms = await page.evaluate(timeToLine, JSON.stringify(reserved("1")));
    assert.ok(ms < 300, `${ms} ms`);
    const text = await page.locator(".line").textContent();
    assert.match(text, /^\d\d:\d\d:\d\dZbe_reserved9988776655good200$/);
  }),

  check("has the newest on top, and says how often an id came", async ({ page, sandbox }) => {
    for (const id of ["one", "two", "one"]) await sandbox.post(reserved(id));
    await sandbox.post({ event_name: "last" });
    await lines(page, 4);
    const rows = await page.locator(".line").all();
    const shown = [];
    for (const row of rows) {
      shown.push([(await row.boundingBox()).y, await row.locator(".name").textContent(),
        await row.locator(".times").textContent()]);
    }
    shown.sort((a, b) => a[0] - b[0]);
    assert.deepEqual(shown.map((one) => one.slice(1)),
      [["last", ""], ["be_reserved", "2 of 2"], ["be_reserved", ""], ["be_reserved", "1 of 2"]]);
  }),

  check("tells of a fault, of no answer, and of what no definition was found for", async ({ page, sandbox }) => {
    await sandbox.fault({ drop: "after", times: 1 });
    await sandbox.post(reserved("gone")).catch(() => {});
    await lines(page, 1);
    assert.match(await page.locator(".line").textContent(), /goodfaultnone$/);
    await sandbox.post("{}");
    await lines(page, 2);
    assert.match(await page.locator(".line", { hasText: "no name" }).textContent(), /bad200$/);
  }),

  check("shows what came before it was opened, also once something was forgotten", async ({ page, sandbox }) => {
    await sandbox.post(reserved("one"));
    await sandbox.reset();
    await sandbox.post(reserved("two"));
    await page.reload();
    await lines(page, 1);
    await openDetail(page, "good");
    assert.match(await page.locator("#detail").textContent(), /two/);
  }),

  check("tells the platform's codes apart, in a line and in the filter", async ({ page, sandbox }) => {
    for (const code of [7301, 7300]) await sandbox.fault({ code, times: 1 });
    await sandbox.fault({ status: 429, times: 1 });
    for (let id = 1; id <= 4; id++) await sandbox.post(reserved(`c${id}`));
    await lines(page, 4);
    assert.deepEqual((await texts(page, ".line .answer")).sort(), ["200", "200", "429", "7301"]);
    assert.deepEqual((await texts(page, "#filters label:has-text('Answer') option")), ["all (4)", "200, code 1100 (1)",
      "200, code 7300 (1)", "200, code 7301 (1)", "429 (1)"]);
    await page.getByRole("combobox", { name: "Answer" }).selectOption("200, code 7301");
    await lines(page, 1);
  }),

  check("shows what is no event: why it was refused, and how it began", async ({ page, sandbox }) => {
    await sandbox.post('{"event_name":"half\u001b[2J\u202e');
    await lines(page, 1);
    assert.match(await page.locator(".line").textContent(), /^[\d:]+Z\(no event\).* at character 27400$/);
    await page.getByLabel("Text").fill("AT CHARACTER");
    await lines(page, 1);
    await openDetail(page, "400");
    const text = await page.locator("#detail").textContent();
    for (const wanted of ["(no event)", "at character 27", '{"event_name":"half\\u001b[2J\\u202e', "HTTP 400"]) {
      assert.ok(text.includes(wanted), `${wanted} is not in ${text}`);
    }
    assert.equal(await page.getByRole("button", { name: "Copy" }).count(), 0);
  }),

  check("shows what cannot be seen", async ({ page, sandbox }) => {
    await sandbox.post({ event_name: "a\u200bb\u2800\u00a0", customer_id: "\u202ec\u061c\ue000" });
    await lines(page, 1);
    assert.match(await page.locator(".line").textContent(), /a\\u200bb\\u2800\\u00a0\\u202ec\\u061c\\ue000/);
    assert.equal((await texts(page, "#filters option"))[1], "a\\u200bb\\u2800\\u00a0 (1)");
  }),

  check("filters by event, outcome, answer and text, with a count beside each", async ({ page, sandbox }) => {
    for (let id = 1; id <= 5; id++) await sandbox.post(reserved(`r${id}`));
    await sandbox.post({ event_name: "unknown", customer_id: "c-7" });
    await lines(page, 6);
    assert.deepEqual(await texts(page, "#filters option"), ["all (6)", "be_reserved (5)", "unknown (1)", "all (6)",
      "bad (1)", "good (5)", "all (6)", "200, code 1100 (6)"]);
    await page.getByRole("combobox", { name: "Event" }).selectOption("unknown");
    await lines(page, 1);
    // The others count what is left of theirs; its own, what another choice would show.
    assert.deepEqual(await texts(page, "#filters option"), ["all (6)", "be_reserved (5)", "unknown (1)", "all (1)",
      "bad (1)", "all (1)", "200, code 1100 (1)"]);
    await page.getByRole("combobox", { name: "Event" }).selectOption({ index: 0 });
    await page.getByRole("combobox", { name: "Outcome" }).selectOption("good");
    await lines(page, 5);
    await page.getByLabel("Text").fill("R3");
    await lines(page, 1);
    await sandbox.post(reserved("r3"));
    await lines(page, 2);
    assert.equal(await page.locator("#filters .grow").textContent(), "Text (2 of 7)");
    assert.deepEqual(await texts(page, "#filters option"), ["all (2)", "be_reserved (2)", "all (2)", "good (2)",
      "all (2)", "200, code 1100 (2)"]);
    await page.getByLabel("Text").fill("nowhere");
    assert.equal(await page.locator("#empty").textContent(), "Nothing matches the filters.");
  }),

  check("stands still while it is paused, and goes on from there", async ({ page, sandbox }) => {
    await sandbox.post(reserved("before"));
    await lines(page, 1);
    await page.getByRole("button", { name: "Pause" }).click();
    await sandbox.post(reserved("meanwhile"));
    const told = await sandbox.get("/sandbox/lines"); // it is there, and was there to be told
    assert.equal(told.lines.length, 2);
    await page.evaluate(() => new Promise((done) => { setTimeout(done, 300); }));
    assert.equal(await page.locator(".line").count(), 1);
    assert.equal(await page.locator("#state").textContent(), "paused");
    await page.getByRole("button", { name: "Pause" }).click();
    await lines(page, 2);
  }),

  check("forgets what the sandbox forgets, whoever told it to", async ({ page, sandbox }) => {
    await sandbox.post(reserved("one"));
    await lines(page, 1);
    await page.getByRole("button", { name: "Forget all" }).click();
    await lines(page, 0);
    await sandbox.post(reserved("two"));
    await lines(page, 1);
    await sandbox.reset();
    await lines(page, 0);
    assert.match(await page.locator("#empty").textContent(), /^Nothing has arrived yet/);
  }),

  check("forgets at the button while it is paused, and shows what came since when it goes on", async ({ page, sandbox }) => {
    await sandbox.post(reserved("one"));
    await lines(page, 1);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("button", { name: "Forget all" }).click();
    await lines(page, 0);
    await sandbox.post(reserved("two"));
    assert.equal(await page.locator("#state").textContent(), "paused");
    await page.getByRole("button", { name: "Pause" }).click();
    await lines(page, 1);
  }),

  check("does not say that nothing is there before it knows", async ({ page, sandbox }) => {
    await sandbox.post(reserved("one"));
    await sandbox.fault({ status: 503 });
    let goOn;
    const asked = new Promise((done) => { goOn = done; });
    for (const path of ["lines?", "faults"]) {
      await page.route((url) => url.href.includes(`/sandbox/${path}`), async (route) => {
        await asked;
        await route.continue();
      });
    }
    await page.reload();
    await page.waitForSelector("#filters select:has(option)");
    assert.equal(await page.locator("#empty").textContent(), "");
    await page.getByRole("tab", { name: "Faults" }).click();
    assert.ok(await page.getByRole("button", { name: "End all" }).isHidden());
    goOn();
    await page.getByRole("button", { name: "End all" }).waitFor();
    await page.getByRole("tab", { name: "Events" }).click();
    await lines(page, 1);
  }),

  check("has its lines in the document as they are seen, each with its place", async ({ page, sandbox }) => {
    for (let id = 1; id <= 200; id++) await sandbox.post(reserved(`o${id}`, { customer_id: `c${id}` }));
    await until(page, () => document.querySelector("#filters option").textContent === "all (200)");
    let count = 200;
    for (const top of [0, 3200, 0, 900]) {
      await page.locator("#list").evaluate((list, to) => { list.scrollTop = to; }, top);
      await sandbox.post(reserved("next"));
      await until(page, (id) => document.querySelector("#filters option").textContent === `all (${id})`, ++count);
      const told = await page.locator(".line").evaluateAll((rows) => rows.map((row) => ({ y: row.getBoundingClientRect().y,
        place: Number(row.getAttribute("aria-posinset")), size: Number(row.getAttribute("aria-setsize")) })));
      for (const [index, { y, place, size }] of told.entries()) {
        assert.ok(index === 0 || y > told[index - 1].y && place === told[index - 1].place + 1,
          JSON.stringify(told));
        assert.equal(size, count);
      }
    }
  }),

  check("keeps what is looked at in its place while more arrives", async ({ page, sandbox }) => {
    for (let id = 1; id <= 60; id++) await sandbox.post(reserved(`k${id}`, { customer_id: `c${id}` }));
    await until(page, () => document.querySelector("#filters option").textContent === "all (60)");
    await page.locator("#list").evaluate((list) => { list.scrollTop = 640; });
    await page.waitForSelector(".line:has-text('c30')");
    const before = (await page.locator(".line:has-text('c30')").boundingBox()).y;
    for (let id = 1; id <= 5; id++) await sandbox.post(reserved(`later${id}`));
    await until(page, () => document.querySelector("#filters option").textContent === "all (65)");
    assert.equal((await page.locator(".line:has-text('c30')").boundingBox()).y, before);
  }),

  check("is used by keyboard: the list, one event, and back", async ({ page, sandbox }) => {
    for (let id = 1; id <= 3; id++) await sandbox.post(reserved(`k${id}`));
    await lines(page, 3);
    await page.locator("#list").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.waitForSelector("#detail:has-text('k2')");
    assert.equal(await page.locator(".line[aria-selected=true]").getAttribute("id"),
      await page.locator("#list").getAttribute("aria-activedescendant"));
    await page.keyboard.press("Enter");
    await until(page, () => document.activeElement.id === "detail");
    await page.keyboard.press("Escape");
    await until(page, () => document.activeElement.id === "list" && document.getElementById("detail").hidden);
    await page.keyboard.press("ArrowDown");
    await page.waitForSelector("#detail:not([hidden])");
    await page.keyboard.press("Escape"); // the focus is still in the list
    await until(page, () => document.getElementById("detail").hidden);
  }),
];
