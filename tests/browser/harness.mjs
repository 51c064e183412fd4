// Opens a browser with an empty profile, watches it for anything that should not happen, and reports named checks.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [, , base, idsFile, executablePath] = process.argv;
export const ids = JSON.parse(readFileSync(idsFile, "utf-8"));
export const at = (path) => new URL(path, base).href;
export const page_of = (name) => at(`/${name.split(":")[0]}/${ids[name]}`);
export const axe_source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--no-first-run", "--autoplay-policy=no-user-gesture-required",
];

const results = [];
let browser;

/** A context whose pages must show no dialog, no error in the console and no breach of the content security policy. */
export async function open({ width = 1280, height = 900, colorScheme = "light", script = true, ...rest } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, javaScriptEnabled: script, ...rest });
  const seen = [];
  context.on("dialog", (dialog) => { seen.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  context.on("console", (message) => { if (message.type() === "error" || /policy/i.test(message.text())) seen.push(`console: ${message.text()}`); });
  context.on("weberror", (error) => seen.push(`error: ${error.error().message}`));
  if (script) {
    await context.exposeBinding("breach", (_, text) => seen.push(`csp: ${text}`));
    await context.addInitScript(() => document.addEventListener("securitypolicyviolation", (e) => globalThis.breach(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`)));
  }
  const page = await context.newPage();
  page.setDefaultTimeout(30_000); // a busy machine is not a fault of the page
  return { context, page, seen };
}

/** Run one check; what it throws is its failure. */
export async function check(name, body) {
  const begun = Date.now();
  try {
    const told = await body();
    results.push({ name, ok: true, ms: Date.now() - begun, ...(told === undefined ? {} : { told }) });
  } catch (error) {
    results.push({ name, ok: false, ms: Date.now() - begun, why: String(error.stack ?? error).slice(0, 3000) });
  }
}

export function equal(got, wanted, what = "value") {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) throw new Error(`${what}: got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);
}

export function truth(value, what) {
  if (!value) throw new Error(what);
}

/** Start, run, print one JSON document, stop. */
export async function run(body) {
  browser = await chromium.launch({ executablePath, args: FLAGS });
  try { await body(); } finally { await browser.close(); }
  process.stdout.write(JSON.stringify(results));
}
