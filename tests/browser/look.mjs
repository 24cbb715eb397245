// Looks at pages through Chromium, and prints what it found as one JSON document.
// usage: node look.mjs '{"base": "http://…", "chromium": "…", "pages": ["/api/pages"], "modes": ["light"], "axe": true}'
// With "pictures" (a folder) it writes pictures there, and looks at nothing.
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { MODES, launched } from "./browser.mjs";

const asked = JSON.parse(process.argv[2]);
const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
// Told before any script of the page runs; what a policy refuses is an event.
const WATCH = `window.refused = []; document.addEventListener("securitypolicyviolation",
  (event) => window.refused.push(event.violatedDirective + " " + event.blockedURI));`;

async function opened(browser, mode, found) {
  const context = await browser.newContext({ ...MODES[mode], reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(60000);
  if (mode !== "bare") await page.addInitScript(WATCH);
  page.on("dialog", (dialog) => { found.ran += 1; dialog.dismiss(); });
  page.on("request", (request) => { if (!request.url().endsWith("/favicon.ico")) found.requests.push(request.url()); });
  page.on("pageerror", (error) => found.errors.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error" && !message.location().url.endsWith("/favicon.ico")) found.errors.push(message.text()); });
  return { context, page };
}

async function looked(browser, path, mode) {
  const found = { path, mode, ran: 0, requests: [], errors: [], serious: [], refused: [] };
  const { context, page } = await opened(browser, mode, found);
  const answer = await page.goto(asked.base + path, { waitUntil: "load" });
  found.status = answer.status();
  found.title = await page.title();
  if (mode !== "bare") {
    found.overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    found.refused = await page.evaluate(() => window.refused);
    found.words = await page.evaluate(() => {
      for (const one of document.querySelectorAll("details")) one.open = true;
      for (const one of document.querySelectorAll(".copy")) one.remove();
      return document.body.innerText.replace(/\s+/g, " ");
    });
  } else {
    found.words = (await page.locator("body").innerText()).replace(/\s+/g, " ");
  }
  if (asked.axe && mode !== "bare") {
    await page.evaluate(axe);
    const rules = asked.rules ? { runOnly: { type: "rule", values: asked.rules } } : {};
    const told = await page.evaluate((more) => axe.run(document, { resultTypes: ["violations"], ...more }), rules);
    found.serious = told.violations
      .filter((one) => ["serious", "critical"].includes(one.impact))
      .map((one) => `${one.id}: ${one.nodes.length} × ${one.nodes[0].html.slice(0, 160)} ${one.nodes[0].failureSummary}`);
  }
  if (asked.keyboard && mode === "light") found.keyboard = await byKeyboard(page);
  await context.close();
  return found;
}

// What the key Tab comes to, in its order, and whether it can be seen that it is there.
async function byKeyboard(page) {
  const counted = (what) => page.evaluate((one) => document.querySelectorAll(one).length, what);
  const all = await counted("a[href], button, input:not([type=hidden]), select, textarea, summary");
  // Tab stops at day, month, year and the calendar of a date.
  const more = 5 + 4 * (await counted("input[type=date]"));
  await page.evaluate(() => { document.activeElement.blur(); window.scrollTo(0, 0); });
  const reached = new Set();
  let unseen = 0, first = "";
  for (let number = 0; number < all + more; number += 1) {
    await page.keyboard.press("Tab");
    const one = await page.evaluate(() => {
      const here = document.activeElement;
      if (!here || here === document.body) return null;
      here.dataset.seen = here.dataset.seen || String(Math.random());
      const style = getComputedStyle(here);
      const shown = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
      return { id: here.dataset.seen, shown, text: here.textContent.trim() };
    });
    if (!one) continue;
    first = first || one.text;
    unseen += one.shown ? 0 : 1;
    reached.add(one.id);
  }
  return { all, reached: reached.size, unseen, first };
}

async function pictured(browser, path, mode) {
  const found = { ran: 0, requests: [], errors: [] };
  const { context, page } = await opened(browser, mode, found);
  await page.goto(asked.base + path, { waitUntil: "load" });
  const name = path.replace(/^\/api\/pages\/?/, "").replace(/[^a-z0-9.-]+/gi, "-").slice(0, 40) || "now";
  const file = `${asked.pictures}/${name}.${mode}.png`;
  await page.screenshot({ path: file, fullPage: true });
  await context.close();
  return file;
}

const browser = await launched(asked.chromium);
const told = [];
if (asked.pictures) mkdirSync(asked.pictures, { recursive: true });
for (const mode of asked.modes) {
  for (const path of asked.pages) {
    told.push(await (asked.pictures ? pictured(browser, path, mode) : looked(browser, path, mode)));
  }
}
await browser.close();
console.log(JSON.stringify(told));
