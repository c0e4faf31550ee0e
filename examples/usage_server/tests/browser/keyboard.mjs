// A real browser that is used by keyboard, and all that it complains about. playwright-core is looked for in NODE_PATH.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

const { chromium } = createRequire(join(process.env.NODE_PATH, "x"))("playwright-core");

export const desktop = { viewport: { width: 1280, height: 900 }, colorScheme: "light" };

export async function launch(executablePath) {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const complaints = [];
  const open = async (options) => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    // A violated policy is an error of the console's, too.
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(`${page.url()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error}`));
    page.on("dialog", (dialog) => {
      complaints.push(`${page.url()}: a dialog says ${dialog.message()}`);
      dialog.dismiss();
    });
    return page;
  };
  return { open, complaints, close: () => browser.close() };
}

// Goes on until what has the focus is wanted: called so, or, for `{ href }`, a link that leads there.
async function tabTo(page, wanted) {
  const seen = [];
  for (let tabs = 0; tabs < 600; tabs++) {
    await page.keyboard.press("Tab");
    const [called, href] = await page.evaluate(() => {
      const focused = document.activeElement;
      const called = focused?.getAttribute("aria-label") ?? focused?.innerText ?? "";
      return [called.trim(), focused?.getAttribute("href") ?? ""];
    });
    if (wanted.href ? href.includes(wanted.href) : wanted instanceof RegExp ? wanted.test(called) : called === wanted) return;
    seen.push(wanted.href ? href : called);
  }
  assert.fail(`the keyboard does not reach ${wanted.href ?? wanted} on ${page.url()}; it reaches ${[...new Set(seen)].join(" | ")}`);
}

export async function press(page, wanted, key = "Enter") {
  await tabTo(page, wanted);
  await page.keyboard.press(key);
}

export async function follow(page, wanted) {
  const loaded = page.waitForEvent("load");
  await press(page, wanted);
  await loaded;
}

// Searches by the key that does.
export async function search(page, words) {
  await page.keyboard.press("/");
  await page.keyboard.type(words);
  const found = page.waitForEvent("load");
  await page.keyboard.press("Enter");
  await found;
}

export async function heading(page) {
  return (await page.innerText("h1")).trim();
}

export const rail = ["Overview", "Live", "People", "Logins", "Clients", "Tools", "Sessions", "Intents", "Calls", /^Data quality/, "Connect a server", "Settings"];
