// Does one act by the keyboard alone, and prints as one JSON document where the keyboard was and what was said.
// usage: node act.mjs '{"base": "http://…", "chromium": "…", "mode": "light", "start": "/api/pages", "way": ["/api/pages/…"],
//   "act": "approve", "why": "…"}'
import { MODES, launched } from "./browser.mjs";

const asked = JSON.parse(process.argv[2]);
const MOST = 400;

// Where the keyboard is, and whether that can be seen: it is marked, and within the window.
function here() {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  const marked = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return {
    name: one.tagName.toLowerCase(),
    id: one.id,
    role: one.getAttribute("role") || "",
    path: one.href ? new URL(one.href).pathname : "",
    field: one.getAttribute("name") || "",
    act: one.form && one.form.elements.act ? one.form.elements.act.value : "",
    text: one.textContent.replace(/\s+/g, " ").trim(),
    seen: marked && box.width > 0 && box.bottom > 0 && box.top < window.innerHeight,
  };
}

async function tabTo(page, what, is) {
  for (let pressed = 1; pressed <= MOST; pressed += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(here);
    if (at && is(at)) return { ...at, what, pressed };
  }
  throw new Error(`the key Tab does not come to ${what} of ${page.url()}`);
}

async function entered(page) {
  await Promise.all([page.waitForNavigation({ waitUntil: "load" }), page.keyboard.press("Enter")]);
}

// The keyboard comes to what the address names a moment after the page has loaded.
async function settled(page) {
  for (let tries = 0; tries < 50; tries += 1) {
    const at = await page.evaluate(here);
    if (at && at.id === "done") return at;
    await page.waitForTimeout(100);
  }
  return page.evaluate(here);
}

async function acted(page) {
  const steps = [];
  await page.goto(asked.base + asked.start, { waitUntil: "load" });
  steps.push(await tabTo(page, "the sign-in", (at) => at.name === "button"));
  await entered(page);
  for (const path of asked.way) {
    steps.push(await tabTo(page, `the link to ${path}`, (at) => at.path === path));
    await entered(page);
  }
  steps.push(await tabTo(page, "the reason", (at) => at.act === asked.act && at.field === "why"));
  await page.keyboard.type(asked.why);
  steps.push(await tabTo(page, "the button", (at) => at.act === asked.act && at.name === "button"));
  await entered(page);
  const done = await settled(page);
  const said = await page.getByRole("status").innerText();
  const address = new URL(page.url());
  const next = await tabTo(page, "what follows", () => true);
  return { steps, done, said: said.replace(/\s+/g, " "), path: address.pathname, hash: address.hash, next };
}

const browser = await launched(asked.chromium);
try {
  const context = await browser.newContext({ ...MODES[asked.mode], reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(60000);
  console.log(JSON.stringify(await acted(page)));
} finally {
  await browser.close();
}
