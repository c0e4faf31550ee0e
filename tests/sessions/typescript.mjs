// A server and a client on the TypeScript SDK 1.x: `typescript.mjs`, and `typescript.mjs COMMAND...` for the server that it
// runs.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.SDK}/package.json`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { McpServer } = await load("@modelcontextprotocol/sdk/server/mcp.js");
const { StdioServerTransport } = await load("@modelcontextprotocol/sdk/server/stdio.js");
const { Client } = await load("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = await load("@modelcontextprotocol/sdk/client/stdio.js");
const { ListRootsRequestSchema } = await load("@modelcontextprotocol/sdk/types.js");
const { z } = await load("zod");

const text = (text) => ({ content: [{ type: "text", text }] });

async function serve() {
  const server = new McpServer({ name: "orders", version: "1.0.0" });
  const numbers = { description: "Adds two numbers.", inputSchema: { a: z.number(), b: z.number() } };
  server.registerTool("add", numbers, async ({ a, b }) => text(String(a + b)));
  server.registerTool("fail", { description: "Fails." }, async () => {
    throw new Error("no such order: 42 – ¡ay!");
  });
  server.registerTool("ask", { description: "Asks the client for its roots." }, async () => {
    const { roots } = await server.server.listRoots();
    return text(roots[0].uri);
  });
  const waits = { description: "Waits for longer than anybody does." };
  server.registerTool("wait", waits, () => new Promise((done) => setTimeout(done, 60_000).unref()));
  await server.connect(new StdioServerTransport());
}

async function look(command, args) {
  const client = new Client({ name: "probe", version: "9.0.0" }, { capabilities: { roots: {} } });
  client.setRequestHandler(ListRootsRequestSchema, () => ({
    roots: [{ uri: "file:///srv/orders", name: "orders" }],
  }));
  await client.connect(new StdioClientTransport({ command, args, env: process.env }));
  const call = (name, args, options) =>
    client.callTool({ name, arguments: args }, undefined, options).catch(() => {});
  await client.listTools();
  await Promise.all([0, 1, 2].map((a) => call("add", { a, b: 1 })));
  await call("add", { a: 1, b: 2, prompt: "To know the sum" });
  await call("add", { a: "one", b: 2 });
  await call("fail", {});
  await call("ask", {});
  await call("wait", {}, { signal: AbortSignal.timeout(200) });
  await call("absent", { prompt: "To see what happens" });
  await client.close();
}

const [command, ...rest] = process.argv.slice(2);
await (command ? look(command, rest) : serve());
