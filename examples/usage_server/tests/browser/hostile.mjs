// A real browser at a project in which every text that can be sent is hostile: all of it is text on every page, nothing
// of it runs, and the browser complains about nothing. `node hostile.mjs LINK KEY CHROMIUM`.

import assert from "node:assert/strict";
import { desktop, follow, heading, launch, rail } from "./keyboard.mjs";

const [link, key, executablePath] = process.argv.slice(2);
const origin = new URL(link).origin;
const { open, complaints, close } = await launch(executablePath);

// Each sets this, if it runs.
const run = "globalThis.owned=1";
const texts = [
  `<script>${run}</script>`,
  `"><img src=x onerror="${run}">`,
  `'><svg onload='${run}'>`,
  `</title></textarea></template></tbody></table><script>${run}</script>`,
  `<iframe srcdoc="<script>parent.${run}</script>"></iframe>`,
  `javascript:${run}`,
  `" onfocus="${run}" autofocus tabindex="0`,
  `<a href="javascript:${run}">x</a>|<b>${run}</b>`,
  "\u202egnp.exe\u2066\u200e",
  "nul\0bell\u0007",
  `=HYPERLINK("https://evil.example","${run}")`,
  `\r\n\r\ndata: <script>${run}</script>\r\nevent: message`,
  "<wide>".repeat(1_000),
];

let sent = 0;
// What a sender can say in all kinds of events, each field the same text.
function events(text) {
  const meta = (more) => ({
    tool: text, session_id: text, client_name: text, client_version: text, server_version: text, protocol_version: text,
    prompt: text, error: text, reason: text, prompt_name: text, resource_uri: text, conversation_id: text, transport: text,
    request_id: text, vendor_client: text, oauth_client_id: text, server_name: text, traceparent: text, era: text,
    intent_source: text, tool_arguments: { [text]: text, capability: text }, result: { [text]: [text] },
    redactions: { [text]: 1 }, [text]: text, duration_ms: 20, ...more,
  });
  const event = (activity_type, more) => ({
    activity_type, source: text, environment: text, product_id: text, ip_addr: text, user_agent: text,
    user_id: text, user_id_type: "EMAIL", email: `${text}@${text}`,
    event_id: ++sent, event_at: Math.floor(Date.now() / 1000), meta: meta(more),
  });
  return [
    event("MCP_TOOL_CALL", { outcome: "ok" }),
    event("MCP_TOOL_CALL", { outcome: "tool_error" }),
    event("MCP_TOOL_CALL", { outcome: "protocol_error", unknown_tool: true, tool: `unknown ${text}` }),
    event("MCP_TOOL_CALL", { tool: "request_missing_capability" }),
    event("MCP_PROMPT_GET"), event("MCP_RESOURCE_READ"), event("MCP_SESSION_START"), event("MCP_IDENTITY_CAPTURE"),
    event("MCP_AUTH_REJECTED"), event("LOGIN"), event(text),
    event("MCP_INIT", { tools: [text, `never called ${text}`], tool_definitions: [{ tool: text, hash: text, bytes: 9 }] }),
  ];
}
async function send() {
  for (const text of texts) {
    const payload = events(text);
    const sdk = { instance: text, name: text, version: text, dropped: { [text]: 3 } };
    const answer = await fetch(`${origin}/api/product/usage`, {
      method: "POST", headers: { "content-type": "application/json", "x-api-key": key }, body: JSON.stringify({ sdk, payload }),
    });
    const said = await answer.json();
    assert.deepEqual([answer.status, said.accepted], [200, payload.length], JSON.stringify(said));
  }
}

const page = await open(desktop);
const wide = new Set();
// Whatever a text would do to the page, it has not done.
async function isUnharmed() {
  const found = await page.evaluate(() => ({
    owned: globalThis.owned ?? null,
    scripts: [...document.querySelectorAll("script")].map((script) => new URL(script.src).pathname),
    foreign: document.querySelectorAll("img, iframe, object, embed, base, meta[http-equiv]").length,
    handlers: [...document.querySelectorAll("*")].filter((element) => [...element.attributes].some((at) => at.name.startsWith("on"))).length,
    links: [...document.querySelectorAll("[href]")].filter((a) => new URL(a.getAttribute("href"), location.href).origin !== location.origin).length,
    headings: document.querySelectorAll("h1").length,
    over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }));
  const { over, ...done } = found;
  assert.deepEqual(done, { owned: null, scripts: ["/assets/app.js"], foreign: 0, handlers: 0, links: 0, headings: 1 }, page.url());
  if (over > 0) wide.add(`${new URL(page.url()).pathname} by ${over} px`);
}
const shows = async (what) => assert.ok((await page.innerText("main")).includes(what), `${page.url()} says ${what}`);

// Without an event every page leads to the one that connects a server, whose lights come on by script.
await page.goto(link);
await follow(page, "Sign in");
assert.equal(await heading(page), "Connect a server");
await send();
await page.locator("[data-light].on").nth(3).waitFor();
await isUnharmed();

const seen = [];
for (const name of rail) {
  await follow(page, name);
  await isUnharmed();
  if (name === "Live") {
    // Rows that come while it is looked at are put in by script.
    await page.locator(".fresh").filter({ hasText: "Connected" }).waitFor();
    const before = sent;
    await send();
    await page.locator("tbody tr.fresh-row").first().waitFor();
    await page.waitForFunction((rows) => document.querySelectorAll("tbody tr").length === rows, Math.min(200, before + sent - before));
    await isUnharmed();
  }
  if (["Live", "People", "Tools", "Sessions", "Calls"].includes(name)) await shows(`<script>${run}</script>`);
  seen.push(page.url());
}

// One page of each kind that is about something, found by its link; each step of a session is put in by script.
const about = { "/tool?": "tools", "/person?": "people", "/company?": "people", "/session?": "sessions" };
for (const [kind, list] of Object.entries(about)) {
  await page.goto(new URL(list, seen[0]).href);
  const links = await page.$$eval(`main a[href*="${kind}"]`, (links) => [...new Set(links.map((link) => link.href))]);
  assert.ok(links.length > (kind === "/company?" ? 0 : texts.length / 2), `${kind}: ${links.length}`);
  for (const address of links) {
    await page.goto(address);
    await isUnharmed();
    if (kind !== "/session?") continue;
    for (let step = 1; step < await page.locator(".step").count(); step++) {
      const before = await page.evaluate(() => location.href);
      await page.keyboard.press("j");
      await page.waitForFunction((before) => location.href !== before, before);
      await isUnharmed();
      if (step === 6) break;
    }
  }
  console.log(`${links.length} pages like ${kind}, hostile in every text`);
}
assert.deepEqual(complaints, []);
assert.deepEqual([...wide], [], "too wide");
await close();
console.log(`${sent} hostile events are text on ${rail.length} pages more, and nothing of them ran`);
