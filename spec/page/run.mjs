// Looks at the sandbox's page in a real Chromium: node run.mjs BASE MODULES PICTURES; or, for the names of the checks,
// one a line: node run.mjs --list
//
// BASE is the address of a running sandbox, MODULES the folder in which what package.json names is installed, PICTURES a
// folder. Prints a line of JSON for each check of checks/: { name, message, seconds }; a check that passed has no
// message. The status is 0 where all were made. Environment: CHROMIUM, the path of the browser; WORD, where only those
// checks are to be made that have it in their names.
import { createRequire } from "node:module";
import { readdirSync } from "node:fs";
import { Sandbox } from "./sandbox.mjs";

const LONGEST_MS = 10000; // of one step

const [base, modules, pictures] = process.argv.slice(2);
const sandbox = new Sandbox(base);

async function allChecks() {
  const files = readdirSync(new URL("checks/", import.meta.url)).sort();
  const loaded = await Promise.all(files.map((file) => import(`./checks/${file}`)));
  return loaded.flatMap((one) => one.default);
}

// Opens the page, live and empty. `page.complaints` is what its console says.
async function open(browser, options) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.complaints = [];
  page.setDefaultTimeout(LONGEST_MS);
  page.on("console", (message) => page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await page.goto(`${base}/`);
  await page.waitForSelector("#state.live");
  return page;
}

async function run(browser, axe, { name, options, test }) {
  const begin = performance.now();
  let page, message;
  try {
    await sandbox.reset();
    page = await open(browser, options);
    await test({ page, sandbox, pictures, axe });
    if (page.complaints.length > 0) message = `in the console: ${page.complaints.join("\n")}`;
  } catch (error) {
    message = `${error.message}\n${error.stack}`;
  }
  await page?.close();
  console.log(JSON.stringify({ name, message, seconds: (performance.now() - begin) / 1000 }));
}

async function runAll(checks) {
  const require = createRequire(`${modules}/`);
  const { chromium } = require("playwright-core");
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  for (const check of checks) await run(browser, require.resolve("axe-core"), check);
  await browser.close();
}

const { WORD = "" } = process.env;
const checks = (await allChecks()).filter((check) => check.name.includes(WORD));
if (base === "--list") console.log(checks.map((check) => check.name).join("\n"));
else await runAll(checks);
