// Keeps the sandbox's page open until SIGTERM: node stay.mjs BASE MODULES. Prints a line once it is live. Environment:
// CHROMIUM.
import { createRequire } from "node:module";

const [base, modules] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)("playwright-core");
let browser;
process.on("SIGTERM", () => browser?.close());
browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const page = await browser.newPage();
await page.goto(`${base}/`);
await page.waitForSelector("#state.live");
console.log("live");
