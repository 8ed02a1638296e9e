// How the page looks, at two widths, dark and light: it fits, and it is accessible. A picture of each is kept.
import assert from "node:assert/strict";
import { check, lines, openDetail } from "../check.mjs";
import { reserved } from "../sandbox.mjs";

const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];
const GRAVE = ["serious", "critical"];

async function fill(page, sandbox) {
  await sandbox.fault({ status: 503, times: 1 });
  for (const id of ["a", "b", "a", "c"]) await sandbox.post(reserved(id, id === "b" ? { age: "old" } : {}));
  await sandbox.post({ event_name: "level_ended", customer_id: "c-7", level: 3 });
  await lines(page, 5);
}

// What a part of the page is, and how one comes there.
const PARTS = {
  list: () => {},
  detail: (page) => openDetail(page, "bad"),
  form: async (page) => {
    await page.getByRole("tab", { name: "Try it" }).click();
    await page.getByRole("button", { name: "Send" }).click();
    await page.waitForSelector("#try .reply pre");
  },
  numbers: async (page) => {
    await page.getByRole("tab", { name: "Numbers" }).click();
    await page.waitForSelector("#numbers figure");
  },
  faults: async (page) => {
    await page.getByRole("tab", { name: "Faults" }).click();
    await page.getByRole("button", { name: "flaky" }).click();
    await page.waitForSelector("#faults li");
  },
};

async function accessible(page, axe) {
  await page.addScriptTag({ path: axe });
  const { violations } = await page.evaluate(() => window.axe.run());
  const found = violations.filter((one) => GRAVE.includes(one.impact));
  assert.deepEqual(found.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`), []);
}

const looks = (name, { width, height }, colorScheme) => check(`has a ${name} that fits ${width} pixels, ${colorScheme}`,
  async ({ page, sandbox, pictures, axe }) => {
    await fill(page, sandbox);
    await PARTS[name](page);
    await page.screenshot({ path: `${pictures}/${name}-${width}-${colorScheme}.png` });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    await accessible(page, axe);
  }, { viewport: { width, height }, colorScheme, bypassCSP: true }); // axe-core is put in from outside

const LONG = "n".repeat(50), LONGER = "x".repeat(300);

// What the platform allows, and what a stranger may send.
async function fillWithLongNames(page, sandbox) {
  const field = (name, type, attributes) => ({ name, type, attributes: { isRequired: { value: "true" },
    isUniqueKeyField: { value: "false" }, isPsiData: { value: "false" }, ...attributes } });
  await page.route("**/v2/events", (route) => route.fulfill({ json: { data: [{ clickEventsMeta: { eventName: LONG, fields: [
    field(LONG, "STRING", { regex: { value: LONGER } }), field(`${LONG}2`, "ENUM", { possibleValues: { values: [LONGER] } }),
  ] } }] } }));
  await page.reload();
  await sandbox.fault({ status: 503, event: LONGER.slice(0, 300), webhook: LONGER.slice(0, 300) });
  const event = { event_name: LONGER, customer_id: LONGER, external_event_id: LONGER, [LONGER]: LONGER };
  for (let times = 0; times < 2; times++) {
    await sandbox.ask(`/eucrm/webhooks/${LONGER}`, { method: "POST", body: JSON.stringify(event), headers: { [LONG]: LONGER } });
  }
  await lines(page, 2);
}

// Nothing is wider than the page, or than what it stands in, but where that scrolls or says by three dots that there is more.
function overflowing() {
  const isMeant = (one) => ["auto", "scroll"].includes(getComputedStyle(one).overflowX) ||
    getComputedStyle(one).textOverflow === "ellipsis";
  return [...document.querySelectorAll("main *, header *")].filter((one) => one.scrollWidth > one.clientWidth + 1 &&
    getComputedStyle(one).display !== "inline" && !isMeant(one) && one.getClientRects().length > 0 &&
    !one.matches("svg, svg *, select, option, input")).map((one) => one.outerHTML.slice(0, 200));
}

const breaks = ({ width, height }) => check(`breaks long names at ${width} pixels`, async ({ page, sandbox }) => {
  await fillWithLongNames(page, sandbox);
  const form = async (of) => {
    await of.getByRole("tab", { name: "Try it" }).click();
    await of.locator(`#try [name=${LONG}]`).fill(LONGER);
    await of.getByRole("button", { name: "Send" }).click();
    await of.waitForSelector("#try .verdict.problem");
  };
  const parts = { list: () => {}, detail: (of) => openDetail(of, "2 of 2"), form, numbers: PARTS.numbers,
    faults: (of) => of.getByRole("tab", { name: "Faults" }).click().then(() => of.waitForSelector("#faults li")) };
  for (const [name, open] of Object.entries(parts)) {
    await page.goto(`${sandbox.base}/#events`);
    await open(page);
    assert.deepEqual(await page.evaluate(overflowing), [], name);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, name);
    const part = page.locator("main > section:not([hidden])");
    assert.ok(await part.evaluate((one) => one.scrollWidth <= one.clientWidth), name);
  }
  page.complaints = page.complaints.filter((text) => !text.includes("404")); // of that name there is no sample
}, { viewport: { width, height } });

// Where the system chooses the colours (Windows' high contrast), backgrounds and shadows are gone.
const forced = check("shows what is chosen, and the charts, where colours are forced", async ({ page, sandbox, pictures }) => {
  await fill(page, sandbox);
  await openDetail(page, "bad");
  await page.screenshot({ path: `${pictures}/detail-1280-forced.png` });
  const look = (selector, ...names) => page.locator(selector).first().evaluate((one, wanted) =>
    wanted.map((name) => getComputedStyle(one)[name]), names);
  assert.notDeepEqual(await look(".line[aria-selected=true]", "backgroundColor"), await look(".line", "backgroundColor"));
  assert.notDeepEqual(await look("[role=tab][aria-selected=true]", "backgroundColor"),
    await look("[role=tab][aria-selected=false]", "backgroundColor"));
  assert.notDeepEqual(await look(".badge", "borderTopStyle"), ["none"]);
  await PARTS.numbers(page);
  await page.screenshot({ path: `${pictures}/numbers-1280-forced.png` });
  assert.notDeepEqual(await look("figure rect", "fill"), await look("body", "backgroundColor"));
}, { forcedColors: "active" });

const looksOfAll = Object.keys(PARTS).flatMap((name) => SIZES.flatMap((size) => ["light", "dark"].map((scheme) =>
  looks(name, size, scheme))));

export default [...looksOfAll, ...SIZES.map(breaks), forced];
