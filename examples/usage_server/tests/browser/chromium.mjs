// A person with a real browser looks at the demo's month, by keyboard: signs in, visits each page, replays a session,
// forgets somebody. `node chromium.mjs LINK CHROMIUM TOTALS [SCREENSHOTS]`; playwright-core is looked for in NODE_PATH.
//
// TOTALS is what the month has to show, as JSON. With SCREENSHOTS every page is also looked at in both widths and both
// schemes, and a picture of each is left in that directory.

import assert from "node:assert/strict";
import { join } from "node:path";
import { desktop, follow, heading, launch, rail, search } from "./keyboard.mjs";

const [link, executablePath, given, screenshots] = process.argv.slice(2);
const totals = JSON.parse(given);
const origin = new URL(link).origin;
const { open, complaints, close } = await launch(executablePath);

const number = (text) => Number(text.replace(/[^0-9.−-]/g, "").replace("−", "-"));
// The key numbers by their labels.
async function figures(page) {
  return page.$$eval(".kpi", (kpis) => Object.fromEntries(kpis.map((kpi) => [
    kpi.querySelector(".l").textContent.trim(), kpi.querySelector(".v").textContent.trim(),
  ])));
}
// How many rows a page says that it has.
async function counted(page, path) {
  await page.goto(origin + path);
  return number(await page.innerText(".count"));
}

const page = await open(desktop);
await page.goto(link);
await follow(page, "Sign in");
const home = new URL(page.url()).pathname;
assert.match(home, /^\/p\/[0-9]+\/$/);
console.log("signed in by the link");

// A link works once.
const second = await open(desktop);
await second.goto(link);
assert.match(await second.innerText("main"), /does not work any more/);
await second.context().close();

// The totals that the month is known to have.
const overview = await figures(page);
assert.equal(number(overview.Calls), totals.week.calls, JSON.stringify(overview));
assert.equal(number(overview.People), totals.week.people, JSON.stringify(overview));
assert.equal(number(overview.Sessions), totals.week.sessions, JSON.stringify(overview));
assert.equal(await counted(page, `${home}calls`), totals.week.calls);
assert.equal(await counted(page, `${home}calls?outcome=failed`), totals.week.failed);
assert.equal(await counted(page, `${home}calls?kind=missing`), totals.week.missing);
console.log(`${totals.week.calls} calls of ${totals.week.people} people in ${totals.week.sessions} sessions`);

// Each page, from the rail.
await page.goto(origin + home);
for (const name of rail) {
  await follow(page, name);
  const title = await heading(page);
  assert.ok(name instanceof RegExp ? name.test(title) : title === name, `${name} is called ${title}`);
  assert.ok((await page.innerText("main")).length > 100, `${name} says something`);
}
console.log(`${rail.length} pages, one by one`);

// Somebody is found, and what they did is in order.
await page.goto(origin + home);
await search(page, totals.person.id);
if (!(await heading(page)).includes(totals.person.id)) await follow(page, totals.person.id);
assert.equal(await heading(page), totals.person.id);
const timeline = await page.innerText("main");
for (const intent of totals.session.intents) assert.ok(timeline.includes(intent), `the timeline says: ${intent}`);
assert.ok(timeline.includes("export did not finish within 30 s"));
console.log(`${totals.person.id} has the timeline that is known`);

// Their company, and a tool.
const domain = totals.person.id.split("@")[1];
await follow(page, { href: "/company?" });
assert.equal(await heading(page), domain);
assert.ok((await page.innerText("main")).length > 100, `${domain} says something`);
await follow(page, "Tools");
await follow(page, { href: "/tool?name=" });
const tool = new URL(page.url()).searchParams.get("name");
assert.equal(await heading(page), tool);
assert.ok((await page.innerText("main")).length > 100, `${tool} says something`);
console.log(`${domain} and ${tool} by keyboard`);

// A session is stepped through with j and k.
await page.goto(`${origin}${home}sessions?user=${encodeURIComponent(totals.person.id)}`);
await follow(page, { href: `/session?id=${totals.session.id}` });
const steps = await page.$$eval(".step", (steps) => steps.map((step) => step.querySelector(".code, b, strong, bdi")?.innerText ?? ""));
assert.deepEqual(steps, totals.session.tools);
const current = () => page.$$eval(".step", (steps) => steps.findIndex((step) => step.hasAttribute("aria-current")));
const at = await current();
assert.equal(at, totals.session.outcomes.findIndex((outcome) => outcome !== "ok"), "it opens at the first failure");
async function step(key, to) {
  await page.keyboard.press(key);
  await page.waitForFunction((to) => [...document.querySelectorAll(".step")].findIndex((step) => step.hasAttribute("aria-current")) === to, to);
  await page.locator("[data-detail] h3, [data-detail] h2").filter({ hasText: totals.session.tools[to] }).first().waitFor();
}
for (let to = at - 1; to >= 0; to--) await step("k", to);
for (let to = 1; to < steps.length; to++) await step("j", to);
console.log(`${steps.length} steps by j and k`);

await withoutScripts();
if (screenshots) await look();

// Forgotten: gone from every page, and no total counts less than its rows. What they called stays, by nobody.
const personal = `${origin}${home}person?id=${encodeURIComponent(totals.person.id)}`;
await page.goto(personal);
await follow(page, /^Forget/);
await follow(page, /^(Forget|Yes)/);
await page.goto(personal);
assert.ok(!(await page.innerText("main")).includes(totals.session.intents[0]), "the timeline is gone");
await search(page, totals.person.id.split("@")[0]);
const isGone = async (where) => assert.ok(!(await page.innerText("main")).includes(totals.person.id), `${where} does not know them`);
await isGone("a search");
for (const name of rail) {
  await follow(page, name);
  // The audit has a keyed hash in their place.
  await isGone(name);
}
await follow(page, "Overview");
const after = await figures(page);
assert.equal(number(after.People), totals.week.people - 1);
assert.equal(number(after.Calls), totals.week.calls);
assert.equal(await counted(page, `${home}calls`), totals.week.calls);
assert.equal(await counted(page, `${home}calls?user=${encodeURIComponent(totals.person.id)}`), 0);
console.log(`forgotten: ${totals.person.calls} calls of the week are by nobody now`);

await page.goto(origin + home);
await follow(page, "Sign out");
await page.goto(origin + home);
assert.match(await page.innerText("main"), /not signed in/);

// A link that was used, a page that needs a session, and a person who is gone are said to be errors, and are wanted.
const isWanted = (text) => /status of (401|410) /.test(text) || (text.startsWith(`${personal}: `) && /status of 404 /.test(text));
assert.deepEqual(complaints.filter((text) => !isWanted(text)), []);
await close();

// Every page by its address.
async function addresses() {
  await page.goto(`${origin}${home}intents`);
  const cluster = new URL(await page.locator('main a[href*="/intents?"][href*="cluster="]').first().getAttribute("href"), origin).searchParams.get("cluster");
  const [name, domain] = totals.person.id.split("@");
  const session = `session?id=${totals.session.id}`;
  return {
    overview: "", live: "live", people: "people", search: `people?q=${name}`, person: `person?id=${encodeURIComponent(totals.person.id)}`,
    company: `company?domain=${domain}`, tools: "tools", tool: "tool?name=export_orders", sessions: "sessions",
    "search-sessions": `sessions?q=${name}`, session, step: `${session}&step=4`, intents: "intents", cluster: `intents?cluster=${cluster}`,
    logins: "logins", calls: "calls", clients: "clients", quality: "quality", connect: "connect", settings: "settings",
  };
}

// All that a page says with scripts it says without them, and its links and forms work.
async function withoutScripts() {
  const plain = await open({ ...desktop, javaScriptEnabled: false, storageState: await page.context().storageState() });
  // Controls that need a script are there with it alone.
  const lines = (main) => {
    for (const control of main.querySelectorAll(".js, [data-conn]")) control.hidden = true;
    return main.innerText.split(/[\n\t]/).map((line) => line.trim()).filter((line) => line !== "");
  };
  const pages = Object.entries(await addresses());
  let said = 0;
  for (const [name, path] of pages) {
    for (const looked of [page, plain]) assert.equal((await looked.goto(origin + home + path)).status(), 200, name);
    const [withThem, without] = [await page.$eval("main", lines), await plain.$eval("main", lines)];
    const missing = withThem.filter((line) => !without.includes(line));
    assert.deepEqual(missing, [], `${name} without scripts`);
    said += without.length;
  }
  await plain.goto(`${origin}${home}session?id=${totals.session.id}&step=1`);
  await plain.click("a[data-step=next]");
  assert.equal(new URL(plain.url()).searchParams.get("step"), "2", plain.url());
  await plain.goto(origin + home);
  await plain.fill("#find", totals.person.id);
  await plain.press("#find", "Enter");
  await plain.waitForURL(/people\?/);
  assert.ok((await plain.innerText("main")).includes(totals.person.id), "somebody is found");
  await plain.goto(`${origin}${home}calls`);
  await plain.selectOption("form select[name=outcome]", "failed");
  await plain.click("form:has(select[name=outcome]) button");
  assert.equal(number(await plain.innerText(".count")), totals.week.failed);
  await plain.context().close();
  console.log(`${pages.length} pages say the same ${said} lines without scripts`);
}

// Every page in both widths and both schemes: none is wider than the window.
async function look() {
  const state = await page.context().storageState();
  const pages = await addresses();
  const widths = { desktop: { viewport: { width: 1280, height: 900 } }, phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true } };
  const wide = [];
  for (const [width, options] of Object.entries(widths)) {
    for (const colorScheme of ["light", "dark"]) {
      const looked = await open({ ...options, colorScheme, storageState: state });
      for (const [name, path] of Object.entries(pages)) {
        const answer = await looked.goto(origin + home + path);
        assert.equal(answer.status(), 200, name);
        const over = await looked.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (over > 0) wide.push(`${name} on a ${width} by ${over} px`);
        await looked.screenshot({ path: join(screenshots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      }
      await looked.context().close();
    }
  }
  assert.deepEqual([...new Set(wide)], [], "too wide");
  console.log(`${Object.keys(pages).length} pages, looked at in both widths and both schemes`);
}
