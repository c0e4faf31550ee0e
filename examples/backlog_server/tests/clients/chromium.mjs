// A person with a real browser and without scripts: signs in, reads the consent page, refuses, approves less than was
// asked for, names it, revokes. And one with scripts, for the one there is: it copies an address.
// `node chromium.mjs ORIGIN CHROMIUM SCREENSHOTS`; playwright-core is looked for in NODE_PATH.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const { chromium } = createRequire(join(process.env.NODE_PATH, "x"))("playwright-core");
const [origin, executablePath, screenshots] = process.argv.slice(2);
const PASSWORD = "for-the-demo-only";

// The client: what its callback is sent, and a page that tries to frame ours.
let arrived = () => {};
const client = createServer((request, response) => {
  response.setHeader("content-type", "text/html");
  if (request.url === "/frame") return response.end(`<iframe src="${origin}/sign-in"></iframe>`);
  if (!request.url.startsWith("/callback")) return response.writeHead(404).end();
  arrived(new URL(request.url, "http://127.0.0.1").searchParams);
  return response.end("<p>You can close this window.</p>");
});
await new Promise((listening) => client.listen(0, "127.0.0.1", listening));
const redirect_uri = `http://127.0.0.1:${client.address().port}/callback`;

const json = { "content-type": "application/json" };
const registered = await fetch(`${origin}/register`, {
  method: "POST", headers: json, body: JSON.stringify({ redirect_uris: ["http://127.0.0.1/callback"], client_name: "Trust me" }),
});
const { client_id } = await registered.json();

const b64 = (bytes) => bytes.toString("base64url");
function ask(project, scope) {
  const verifier = b64(randomBytes(32));
  const query = new URLSearchParams({
    response_type: "code", client_id, redirect_uri, scope, state: "s", resource: `${origin}/p/${project}/mcp`,
    code_challenge: b64(createHash("sha256").update(verifier).digest()), code_challenge_method: "S256",
  });
  return { verifier, url: `${origin}/authorize?${query}` };
}

async function call(token) {
  const response = await fetch(`${origin}/p/demo/mcp`, {
    method: "POST",
    headers: { ...json, accept: "application/json, text/event-stream", authorization: `Bearer ${token}` },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "get_project", arguments: {} } }),
  });
  return response.status;
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const complaints = [];
async function open(options) {
  const context = await browser.newContext({ javaScriptEnabled: false, ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    const favicon = message.location().url.endsWith("/favicon.ico"); // the client's, which has none
    if (message.type() === "error" && !favicon) complaints.push(message.text());
  });
  return page;
}
const shots = [];
async function shot(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name} is ${wide} pixels too wide`);
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
  shots.push(name);
}

// By keyboard alone.
async function signIn(page, email, password = PASSWORD) {
  await page.locator("#email:focus").waitFor();
  await page.keyboard.type(email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(password);
  const loaded = page.waitForEvent("load");
  await page.keyboard.press("Enter");
  await loaded;
}
async function press(page, name) {
  for (let tabs = 0; tabs < 20; tabs++) {
    await page.keyboard.press("Tab");
    const focused = page.locator(":focus");
    if ((await focused.count()) && (await focused.innerText()).trim().startsWith(name)) {
      await page.keyboard.press("Enter");
      return;
    }
  }
  assert.fail(`the keyboard does not reach ${name}`);
}
async function decide(page, decision) {
  const answer = new Promise((resolve) => { arrived = resolve; });
  await press(page, decision);
  await page.waitForURL(`${redirect_uri}?*`);
  const parameters = await answer;
  assert.equal(parameters.get("state"), "s");
  assert.equal(parameters.get("iss"), origin);
  return parameters;
}

const looks = [
  ["desktop", { viewport: { width: 1280, height: 800 } }],
  ["phone", { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true }],
  ["dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }],
];
for (const [look, options] of looks) {
  const page = await open(options);
  let asked = ask("demo", "backlog:read backlog:write inbox:read inbox:write team:read");
  await page.goto(asked.url);
  await shot(page, `${look}-sign-in`);
  if (look === "phone") {
    await signIn(page, "max@example.com", "wrong");
    await page.locator("#password:focus").waitFor();
    await shot(page, `${look}-sign-in-again`);
    await page.fill("#email", "");
  }
  await signIn(page, "max@example.com");
  const text = await page.innerText("main");
  for (const said of ["Demo", client_id, new URL(redirect_uri).host, "Reply to", "max@example.com"]) {
    assert.ok(text.includes(said), `the consent page says ${said}`);
  }
  assert.ok(!text.includes("Trust me"), "a client's own name is not shown");
  await shot(page, `${look}-consent`);
  let answer = await decide(page, "Refuse");
  assert.equal(answer.get("error"), "access_denied");
  assert.equal(answer.get("code"), null);

  asked = ask("demo", "backlog:read backlog:write inbox:read inbox:write team:read");
  await page.goto(asked.url);
  const boxes = page.getByRole("checkbox");
  assert.equal(await boxes.count(), 5);
  for (const box of await boxes.all()) await box.uncheck();
  await press(page, "Approve");
  await page.getByRole("alert").waitFor();
  await shot(page, `${look}-consent-nothing`);
  await page.getByRole("checkbox", { name: "Read the backlog" }).check();
  await page.getByRole("checkbox", { name: "See who is on the team" }).check();
  await page.getByLabel("Your name for it").fill(`my ${look}`);
  await shot(page, `${look}-consent-less`);
  answer = await decide(page, "Approve");
  const given = await fetch(`${origin}/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "authorization_code", client_id, code: answer.get("code"), code_verifier: asked.verifier, redirect_uri }),
  });
  const { access_token, scope } = await given.json();
  assert.equal(scope, "backlog:read team:read");
  assert.equal(await call(access_token), 200);

  await page.goto(`${origin}/apps`);
  assert.ok((await page.innerText("main")).includes(`my ${look} uses Demo`));
  assert.equal(await page.getByRole("button", { name: "Copy" }).count(), 0, "no button that does nothing");
  await shot(page, `${look}-apps`);
  for (const summary of await page.locator("summary").all()) await summary.click();
  await shot(page, `${look}-apps-open`);
  await page.getByLabel("Your name for it").fill(`our ${look}`);
  await page.getByRole("button", { name: "Save the name" }).click();
  await page.getByText(`our ${look} uses Demo`).waitFor();
  await press(page, "Revoke");
  await page.getByText("Keep it").waitFor();
  await shot(page, `${look}-revoke`);
  assert.equal(await call(access_token), 200, "the question alone revokes nothing");
  await press(page, "Revoke");
  await page.getByText("cannot use Demo any more").waitFor();
  await page.getByText("No program has access").waitFor();
  assert.equal(await call(access_token), 401, "a revoked grant's next call");
  await shot(page, `${look}-apps-revoked`);
  console.log(`${look}: signed in, refused, approved less, called, named, revoked, cut off`);
}

for (const [look, options] of looks.slice(0, 2)) {
  const page = await open(options);
  const asked = ask("hobby", "backlog:read backlog:write widget:write");
  await page.goto(asked.url);
  await signIn(page, "fred@example.com");
  await shot(page, `${look}-consent-free`);
  await page.goto(ask("demo", "backlog:read").url);
  await shot(page, `${look}-not-a-member`);
  await page.goto(ask("hobby", "everything").url);
  await shot(page, `${look}-mistake`);
}

// With scripts there is one, and it copies.
{
  const page = await open({ javaScriptEnabled: true, ...looks[1][1] });
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin });
  await page.goto(`${origin}/apps`);
  await signIn(page, "max@example.com");
  const copy = page.getByRole("button", { name: "Copy the address of Demo" });
  await copy.click();
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await page.locator("#copied").getByText(`Copied: ${origin}/p/demo/mcp`).waitFor();
  assert.equal(await copied(), `${origin}/p/demo/mcp`);
  await shot(page, "phone-apps-copied");
  await page.getByText("Settings for agents").first().click();
  await page.getByText("VS Code").first().click();
  await page.getByRole("button", { name: "settings of Demo for VS Code" }).click();
  await page.locator("#copied").getByText("servers").waitFor();
  const settings = JSON.parse(await copied());
  assert.equal(settings.servers["backlog-demo"].url, `${origin}/p/demo/mcp`);
  // Where the browser does not allow it, the text is selected.
  await page.context().clearPermissions();
  await page.evaluate(() => { navigator.clipboard.writeText = () => Promise.reject(new Error("no")); });
  await page.getByRole("button", { name: /the address of Other/ }).click();
  await page.locator("#copied").getByText("Selected").waitFor();
  assert.equal(await page.evaluate(() => String(getSelection())), `${origin}/p/other/mcp`);
  console.log("with scripts: copies an address and settings, or selects them");
}

// The one complaint that is wanted: a page of ours in a frame.
const refused = /401|403|400|422/;
assert.deepEqual(complaints.filter((text) => !refused.test(text)), []);
const page = await open();
await page.goto(redirect_uri.replace("/callback", "/frame"));
await page.waitForLoadState("networkidle");
assert.ok(complaints.some((text) => text.includes("frame-ancestors")), String(complaints));
console.log("framed by nobody");

await browser.close();
client.close();
console.log(`${shots.length} screenshots: ${shots.join(" ")}`);
