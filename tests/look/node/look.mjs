// Looks at pages as pa11y and Lighthouse do. Standard input names the pages; the exit status is 1 if anything is wrong.
// pa11y runs HTML CodeSniffer and axe. Where axe leaves the contrast of a text to be reviewed, the pixels settle it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import lighthouse from "lighthouse";
import pa11y from "pa11y";
import puppeteer from "puppeteer";

const LEAST = 4.5; // contrast, WCAG 1.4.3
const PATIENCE = 60_000; // milliseconds
// A page that robots.txt keeps from crawlers is not counted for SEO. One that is missing answers 404, which the browser logs.
const EXPECTED = { "is-crawlable": ["is-crawlable"], "http-status-code": ["http-status-code", "errors-in-console"] };
const { chromium, site, people, open } = JSON.parse(readFileSync(0, "utf8"));
const version = (name) => createRequire(import.meta.url)(`${name}/package.json`).version;
const browser = await puppeteer.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu"],
  protocolTimeout: 3 * PATIENCE,
});
let wrong = 0;
let looks = 0;
let settled = 0;
let weakest = Infinity;

function report(...words) {
  wrong += 1;
  console.log("WRONG", ...words);
}

// Two pictures of a text, with and without its ink, show which pixels it covers and what is under each.
async function picture(page, clip) {
  return page.screenshot({ clip, encoding: "base64" });
}

async function contrast(page, scratch, selector) {
  const { ink, clip } = await page.evaluate((chosen) => {
    const part = document.querySelector(chosen);
    part.scrollIntoView({ block: "center" });
    const { x, y, width, height } = part.getBoundingClientRect();
    const style = getComputedStyle(part);
    const area = { x: x + scrollX, y: y + scrollY, width: Math.max(1, width), height: Math.max(1, height) };
    return { ink: part instanceof SVGElement ? style.fill : style.color, clip: area };
  }, selector);
  const inked = await picture(page, clip);
  await page.evaluate((chosen) => {
    const { style } = document.querySelector(chosen);
    for (const name of ["color", "fill"]) style.setProperty(name, "transparent", "important");
  }, selector);
  const bare = await picture(page, clip);
  return scratch.evaluate(compare, inked, bare, ink);
}

// Runs in a page of its own. Returns the least contrast between the ink and what is under it.
async function compare(inked, bare, ink) {
  const canvas = (width, height) => new OffscreenCanvas(width, height).getContext("2d");
  const pixels = async (png) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const drawn = canvas(image.width, image.height);
    drawn.drawImage(image, 0, 0);
    return drawn.getImageData(0, 0, image.width, image.height).data;
  };
  const light = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const one = canvas(1, 1);
  one.fillStyle = ink;
  one.fillRect(0, 0, 1, 1);
  const own = light(one.getImageData(0, 0, 1, 1).data);
  const [above, under] = [await pixels(inked), await pixels(bare)];
  let least = Infinity;
  for (let at = 0; at < under.length; at += 4) {
    if ([0, 1, 2].every((part) => Math.abs(above[at + part] - under[at + part]) < 3)) continue;
    const back = light(under.subarray(at, at + 3));
    least = Math.min(least, (Math.max(own, back) + 0.05) / (Math.min(own, back) + 0.05));
  }
  return least;
}

async function judge(page, scratch, where, issue) {
  const words = [...where, issue.code, issue.selector, "|", issue.message];
  if (issue.code !== "color-contrast" || !issue.runnerExtras?.needsFurtherReview) return report(...words);
  const found = await contrast(page, scratch, issue.selector);
  if (!(found >= LEAST && found < Infinity)) return report(...words, `| measured ${found.toFixed(2)}`);
  settled += 1;
  weakest = Math.min(weakest, found);
}

async function look(page, scratch, where, url) {
  await page.goto(url, { waitUntil: "load", timeout: PATIENCE });
  await page.evaluate(() => document.querySelectorAll("details").forEach((part) => (part.open = true)));
  const runners = ["htmlcs", "axe"];
  const { issues } = await pa11y(url, { browser, page, ignoreUrl: true, runners, standard: "WCAG2AA", timeout: PATIENCE });
  looks += 1;
  for (const issue of issues) await judge(page, scratch, where, issue);
}

async function arrive({ agent, cookies }, scheme) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const features = { "prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce" };
  await page.setUserAgent(agent);
  await page.setViewport({ width: 1280, height: 1024 });
  await page.emulateMediaFeatures(Object.entries(features).map(([name, value]) => ({ name, value })));
  const kept = cookies.map(({ name, value }) => ({ name, value, url: site, path: "/", secure: true, httpOnly: true }));
  if (kept.length) await page.setCookie(...kept);
  return page;
}

// One browser for both schemes: a second one would present refresh tokens that the first has used.
async function lookAsAll() {
  const scratch = await browser.newPage();
  for (const person of people) {
    const page = await arrive(person, "light");
    for (const path of person.paths) {
      for (const scheme of ["light", "dark"]) {
        await page.emulateMediaFeatures([
          { name: "prefers-color-scheme", value: scheme },
          { name: "prefers-reduced-motion", value: "reduce" },
        ]);
        const where = [person.name, scheme, path];
        await look(page, scratch, where, site + path).catch((problem) => report(...where, String(problem)));
      }
    }
    await page.browserContext().close();
  }
  console.log(`pa11y ${version("pa11y")}: ${looks} looks, light and dark, ${wrong} issues.`);
  if (settled) console.log(`Contrast settled by pixels: ${settled} texts, the weakest ${weakest.toFixed(2)}.`);
}

const score = ({ score: share }) => (share === null ? "none" : Math.round(share * 100));

async function measure(path) {
  const flags = { port: Number(new URL(browser.wsEndpoint()).port), ignoreStatusCode: true, logLevel: "silent" };
  const onlyCategories = ["accessibility", "best-practices", "seo", "performance"];
  const { lhr } = await lighthouse(site + path, { ...flags, onlyCategories });
  const asserted = onlyCategories.slice(0, 3).flatMap((name) => lhr.categories[name].auditRefs);
  const failed = asserted.map(({ id }) => lhr.audits[id]).filter(({ score: share }) => share !== null && share < 1);
  const expected = failed.flatMap(({ id }) => EXPECTED[id] ?? []);
  const scores = onlyCategories.map((name) => `${name} ${score(lhr.categories[name])}`).join(", ");
  console.log(`${path}: ${scores}${expected.length ? ` (${expected.join(", ")})` : ""}`);
  for (const audit of failed) if (!expected.includes(audit.id)) report(path, audit.id, audit.title, detail(audit));
  if (lhr.runtimeError) report(path, lhr.runtimeError.message);
}

function detail(audit) {
  return JSON.stringify(audit.details?.items?.slice(0, 3) ?? "").slice(0, 600);
}

if (people.length) await lookAsAll();
if (open.length) console.log(`Lighthouse ${version("lighthouse")}:`);
for (const path of open) await measure(path).catch((problem) => report(path, String(problem)));
await browser.close();
process.exitCode = wrong ? 1 : 0;
