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
  `<script>${run}</script>`.repeat(400).slice(0, 10_000),
];
assert.equal(texts.at(-1).length, 10_000);

// What a sender can say on each wire, `TEXT` wherever a text can be, and `HEAD` where a shorter one has to be.
const meta = (more) => ({
  tool: "TEXT", session_id: "TEXT", client_name: "TEXT", client_version: "TEXT", server_version: "TEXT", protocol_version: "TEXT",
  prompt: "TEXT", error: "TEXT", reason: "TEXT", prompt_name: "TEXT", resource_uri: "TEXT", conversation_id: "TEXT", transport: "TEXT",
  request_id: "TEXT", vendor_client: "TEXT", oauth_client_id: "TEXT", server_name: "TEXT", traceparent: "TEXT", era: "TEXT",
  intent_source: "TEXT", tool_arguments: { TEXT: "TEXT", capability: "TEXT" }, result: { TEXT: ["TEXT"] },
  redactions: { TEXT: 1 }, TEXT: "TEXT", duration_ms: 20, ...more,
});
const reo = [
  ["MCP_TOOL_CALL", { outcome: "ok" }], ["MCP_TOOL_CALL", { outcome: "tool_error" }],
  ["MCP_TOOL_CALL", { outcome: "protocol_error", unknown_tool: true, tool: "unknown TEXT" }],
  ["MCP_TOOL_CALL", { tool: "request_missing_capability" }],
  ["MCP_PROMPT_GET"], ["MCP_RESOURCE_READ"], ["MCP_SESSION_START"], ["MCP_IDENTITY_CAPTURE"], ["MCP_AUTH_REJECTED"], ["LOGIN"], ["TEXT"],
  ["MCP_INIT", { tools: ["TEXT", "never called TEXT"], tool_definitions: [{ tool: "TEXT", hash: "TEXT", bytes: 9 }] }],
].map(([activity_type, more]) => ({
  activity_type, source: "TEXT", environment: "TEXT", product_id: "TEXT", ip_addr: "TEXT", user_agent: "TEXT",
  user_id: "TEXT", user_id_type: "EMAIL", email: "TEXT@TEXT", event_id: "ID", event_at: "SECONDS", meta: meta(more),
}));
const sdk = { instance: "TEXT", name: "TEXT", version: "TEXT", dropped: { TEXT: 3 } };
const identity = { client: "HEAD", serverVersion: "HEAD", userId: "HEAD", userEmail: "HEAD@HEAD", HEAD: "HEAD" };
const call = (more) => ({
  callId: "ID TEXT", toolName: "TEXT", timestamp: "MILLISECONDS", durationMs: 3, arguments: { TEXT: "TEXT", capability: "TEXT" },
  result: { TEXT: ["TEXT"] }, errorMessage: "TEXT", intent: "TEXT", intentSource: "TEXT", ...more,
});
const span = (more) => ({
  id: "ID", at: "MILLISECONDS", name: "tools/call TEXT", message: "TEXT",
  resource: {
    "service.name": "TEXT", "service.version": "TEXT", "service.instance.id": "TEXT", "deployment.environment.name": "TEXT",
    "telemetry.sdk.name": "TEXT", "telemetry.sdk.version": "TEXT", TEXT: "TEXT",
  },
  attributes: {
    "gen_ai.tool.name": "TEXT", "gen_ai.prompt.name": "TEXT", "mcp.resource.uri": "TEXT", "mcp.session.id": "TEXT", "mcp.client.name": "TEXT",
    "mcp.client.version": "TEXT", "mcp.protocol.version": "TEXT", "mcp.server.version": "TEXT", "mcp.server.name": "TEXT",
    "jsonrpc.request.id": "TEXT", "mcp_usage.intent": "TEXT", "gen_ai.tool.call.arguments": "TEXT", "gen_ai.tool.call.result": "TEXT",
    "user.id": "TEXT", "user.email": "TEXT@TEXT", "error.type": "TEXT", "mcp_usage.reason": "TEXT", "mcp_usage.meta.TEXT": "TEXT",
    "client.address": "TEXT", "user_agent.original": "TEXT", "network.transport": "TEXT", TEXT: "TEXT", ...more,
  },
});
const wires = [
  { path: "/api/product/usage", bodies: reo.map((event) => ({ sdk, payload: [event] })) },
  { path: "/api/product/usage", bodies: reo.map((payload) => ({ payload })) },
  {
    path: "/ingest",
    bodies: [call({ isError: false }), call({ isError: true, userId: "TEXT", userEmail: "TEXT@TEXT" }), call({ toolName: "mcpeye_request_capability" })]
      .map((event) => ({ projectId: "TEXT", identity, events: [event] })),
  },
  {
    path: "/v1/traces", kind: "application/x-protobuf", written: protobuf,
    bodies: ["MCP_TOOL_CALL", "MCP_PROMPT_GET", "MCP_RESOURCE_READ", "MCP_AUTH_REJECTED", "TEXT"]
      .map((activity) => span({ "mcp_usage.activity_type": activity })),
  },
];

// Protocol Buffers, as much of them as a span needs.
function protobuf({ id, at, name, message, resource, attributes }) {
  const varint = (number) => {
    const bytes = [];
    for (; number > 127; number = Math.floor(number / 128)) bytes.push(number % 128 + 128);
    return Buffer.from([...bytes, number]);
  };
  const part = (field, content) => {
    const bytes = Buffer.from(content);
    return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
  };
  const time = (field, ms) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(ms) * 1_000_000n);
    return Buffer.concat([varint(field * 8 + 1), bytes]);
  };
  const all = (field, members) => Object.entries(members).map(([key, value]) => part(field, Buffer.concat([part(1, key), part(2, part(1, value))])));
  const number = Buffer.alloc(16);
  number.writeUInt32BE(id, 4);
  number.writeUInt32BE(id, 12);
  const exception = Buffer.concat([part(2, "exception"), ...all(3, { "exception.message": message })]);
  const span = Buffer.concat([
    part(1, number), part(2, number.subarray(8)), part(5, name), time(7, at), time(8, at + 20), ...all(9, attributes), part(11, exception),
    part(15, Buffer.concat([part(2, message), varint(3 * 8), varint(2)])),
  ]);
  return part(1, Buffer.concat([part(1, Buffer.concat(all(1, resource))), part(2, part(2, span))]));
}

let sent = 0;
// Sends a text in each place of each wire. So many places of an event have a long one at a time, and the others are plain.
const longAtOnce = 20;
async function send() {
  for (const text of texts) {
    const escaped = (text) => JSON.stringify(text).slice(1, -1);
    const [whole, head] = [escaped(text), escaped([...text].slice(0, 200).join(""))];
    for (const { path, kind = "application/json", written = JSON.stringify, bodies } of wires) {
      for (const template of bodies.map((body) => JSON.stringify(body))) {
        const places = template.split(/TEXT|HEAD/).length - 1;
        const most = text.length > 1_000 ? longAtOnce : places;
        for (let from = 0; from < places; from += most) {
          let place = -1;
          const fill = (of) => {
            place += 1;
            if (place < from || place >= from + most) return "plain";
            return of === "HEAD" ? head : whole;
          };
          const json = template.replace(/TEXT|HEAD/g, fill).replace(/"(ID|SECONDS|MILLISECONDS)("| )/g, (_, name, end) => {
            const value = { ID: () => ++sent, SECONDS: () => Math.floor(Date.now() / 1000), MILLISECONDS: () => Date.now() }[name]();
            return end === " " ? `"${value} ` : value;
          });
          const answer = await fetch(origin + path, { method: "POST", headers: { "content-type": kind, "x-api-key": key }, body: written(JSON.parse(json)) });
          const said = kind === "application/json" ? await answer.json() : {};
          assert.deepEqual([answer.status, said.rejected ?? []], [200, []], `${path}: ${JSON.stringify(said).slice(0, 500)}`);
        }
      }
    }
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
    await send();
    await page.locator("tbody tr.fresh-row").first().waitFor();
    await page.waitForFunction((rows) => document.querySelectorAll("tbody tr").length === rows, Math.min(200, sent));
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
