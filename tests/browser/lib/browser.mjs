// The browser, and what holds for every page it is led to.
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from './check.mjs';
import { tools } from './gateway.mjs';

const require = createRequire(join(tools, 'browser', 'package.json'));
const { chromium } = require('playwright-core');
const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');

export async function launch(pins) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-quic',
      // the demo's own authority, and nobody else
      `--ignore-certificate-errors-spki-list=${pins.join(',')}`,
    ],
  });
}

/** A browser of its own: cookies of its own, complaints collected. */
export async function person(browser, options = {}) {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(15_000);
  context.complaints = [];
  // statuses are no complaints: a refused form answers 422
  const harmless = /^Failed to load resource: the server responded with a status of \d+/;
  context.on('console', (message) => {
    const text = message.text();
    if (['error', 'warning'].includes(message.type()) && !harmless.test(text)) {
      context.complaints.push(`${message.page()?.url()}: ${text}`);
    }
  });
  context.on('weberror', (error) => context.complaints.push(String(error.error())));
  const page = await context.newPage();
  page.documents = new Map();
  page.on('response', async (response) => {
    if (!response.request().isNavigationRequest() || response.status() >= 300 && response.status() < 400) return;
    page.documents.set(response.url(), response.body().then((body) => body.length, () => 0));
  });
  return page;
}

/** Neither the content security policy nor a script has complained. */
export function quiet(page) {
  assert.deepEqual(page.context().complaints, []);
}

/** Whether a heading of the first order says so. */
export async function heading(page, text) {
  await page.locator('h1', { hasText: text }).waitFor();
}

/** What has the focus: an id, else a class, else nothing. */
export const focused = (page) => page.evaluate(() => {
  const at = document.activeElement;
  return !at || at === document.body ? '' : at.id || at.className;
});

const seen = new Set();
export const looks = { pages: 0, runs: 0 };

/** Looks at a page as everybody has it: light and dark, narrow and wide. Each name once. */
export async function look(page, name, { ours = true } = {}) {
  if (seen.has(name)) return;
  seen.add(name);
  looks.pages += 1;
  const at = `${name} (${new URL(page.url()).pathname})`;
  if (ours) await weigh(page, at);
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const size = page.viewportSize();
  const problems = [];
  for (const width of [320, 768, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    if (width === 320) {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > 320) problems.push(`is ${wide} px wide at 320 px`);
    }
    // the languages stand in a row: the style has come through whole
    const tall = await page.evaluate(() => document.querySelector('.langs')?.offsetHeight ?? 0);
    if (width === 1280 && tall > 60) problems.push(`its languages are ${tall} px high`);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const found = await page.evaluate(async () => {
        const { violations } = await window.axe.run(document, {
          resultTypes: ['violations'],
          runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
        });
        return violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html).join(' ')}`);
      });
      looks.runs += 1;
      // for people to look at, too
      if (process.env.PICTURES) {
        const file = name.replace(/[^a-z0-9]+/gi, '-');
        await page.screenshot({ path: join(process.env.PICTURES, `${file}.${width}-${colorScheme}.png`), fullPage: width === 320 });
      }
      problems.push(...found.map((text) => `${width} px ${colorScheme}: ${text}`));
    }
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
  await page.setViewportSize(size);
  assert.deepEqual(problems, [], at);
}

const weights = new Map();

/** A page with its style, script and icon, uncompressed. */
async function weigh(page, at) {
  const html = await page.documents.get(page.url().split("#")[0]);
  assert.ok(html > 0, `${at}: the document was seen`);
  const parts = await page.evaluate(() => [
    ...[...document.querySelectorAll('link[rel=stylesheet], link[rel=icon]')].map((link) => link.href),
    ...[...document.querySelectorAll('script[src]')].map((script) => script.src),
  ]);
  assert.ok(parts.length >= 3, `${at}: style, script and icon`);
  let sum = html;
  for (const url of parts) {
    if (!weights.has(url)) {
      weights.set(url, await page.evaluate(async (u) => (await (await fetch(u)).arrayBuffer()).byteLength, url));
    }
    sum += weights.get(url);
  }
  looks.heaviest = Math.max(looks.heaviest ?? 0, sum);
  if (process.env.VERBOSE) console.log(`    ${at}: ${sum} bytes`);
  // the console has a style of its own besides and lists that are as long as they are; nobody passes it on the way in
  const most = new URL(page.url()).pathname.startsWith('/desk') ? 60_000 : 30_000;
  assert.ok(sum < most, `${at} weighs ${sum} bytes`);
}
