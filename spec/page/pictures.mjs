// The README's pictures of the page: node pictures.mjs BASE MODULES PICTURES. The arguments and the environment are
// those of run.mjs; the sandbox has examples/events.json.
import { createRequire } from "node:module";
import { Sandbox, reserved } from "./sandbox.mjs";
import { openDetail, until } from "./check.mjs";

const SIZE = { width: 1000, height: 520 };
const HOTELS = ["Indiranagar", "Koramangala", "Whitefield", "Jayanagar"];

const [base, modules, pictures] = process.argv.slice(2);
const sandbox = new Sandbox(base);
const { chromium } = createRequire(`${modules}/`)("playwright-core");

// One that does not come through yet.
async function fail(event) {
  await sandbox.fault({ status: 503, times: 1 });
  await sandbox.post(event);
}

// A day with something of everything: a wrong event, a double, a bad minute, one that came through when it came again.
async function fill() {
  for (let id = 1; id <= 24; id++) {
    if (id === 9) await sandbox.fault({ status: 503, times: 2 });
    if (id === 17) await sandbox.fault({ status: 429, retry_after: 5, times: 1 });
    const more = { customer_id: `99887766${id + 40}`, hotel_name: HOTELS[id % 4], room_nights: String(id % 5 + 1) };
    if (id === 20) more.age = "forty";
    if (id === 22) await fail(reserved(`RAND${id + 120}`, more));
    await sandbox.post(reserved(`RAND${id === 12 ? 11 : id + 120}`, more));
    if (id % 5 === 0) {
      await sandbox.post({ event_name: "ball_bounced", customer_id: `player-${id}`, ball: "red", speed: id, wall: "left" });
    }
  }
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: SIZE, colorScheme: "light" });
await sandbox.reset();
await page.goto(`${base}/`);
await fill();
await until(page, () => document.querySelectorAll(".line").length > 10);
await openDetail(page, "bad");
await page.screenshot({ path: `${pictures}/page-events.png` });

await page.getByRole("tab", { name: "Faults" }).click();
await page.getByRole("button", { name: "End all" }).click();
await page.getByRole("button", { name: "flaky" }).click();
await until(page, () => document.querySelectorAll("#faults li").length === 6);
await page.screenshot({ path: `${pictures}/page-faults.png` });
await browser.close();
