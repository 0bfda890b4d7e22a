// Drives the program in a real browser: node tests/browser/run.mjs [--only WORD] [--screenshots DIR]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { launch, looks, person } from './lib/browser.mjs';
import { another, beside, demo, end, endAll, pins } from './lib/gateway.mjs';

const { values: options } = parseArgs({ options: { only: { type: 'string' }, screenshots: { type: 'string' } } });
const groups = ['story', 'policy', 'applications', 'reminder', 'languages', 'refusals', 'people', 'accounts', 'console', 'plain'];
// in these each test begins where the last one ended
const stories = new Set(['story', 'people', 'accounts', 'console']);
const tally = { passed: 0, failed: 0 };
const dir = await mkdtemp(join(tmpdir(), 'vestibule-browser-'));
let browser;
let dirs = 0;

/** What every test is given. */
const world = {
  dir,
  newDir: () => join(dir, `d${(dirs += 1)}`),
  person: (options) => person(browser, options),
  another: (dir = world.newDir()) => another(world.gateway, dir),
  beside: (edit) => beside(world.gateway, world.newDir(), edit),
  end,
};

async function test(name, body) {
  if (options.only && !name.includes(options.only)) return true;
  const began = Date.now();
  let open = [];
  world.person = async (context) => {
    const page = await person(browser, context);
    open.push(page);
    return page;
  };
  try {
    await body(world);
    tally.passed += 1;
    console.log(`ok      ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
    return true;
  } catch (error) {
    tally.failed += 1;
    console.log(`FAILED  ${name}\n${String(error?.stack ?? error).replace(/^/gm, '        ')}`);
    for (const page of open.filter((p) => !p.isClosed())) {
      const text = await page.locator('body').innerText({ timeout: 1000 }).catch(() => '');
      console.log(`        at ${page.url()}: ${(await page.title().catch(() => ''))}\n${text.slice(0, 600).replace(/^/gm, '        | ')}`);
    }
    return false;
  } finally {
    await Promise.all(open.map((page) => page.context().close().catch(() => {})));
    open = [];
  }
}

const tidy = () => rm(dir, { recursive: true, force: true, maxRetries: 3 });
// a reader that goes away, as `head` does, does not end the clearing up
process.stdout.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => endAll().then(tidy).then(() => process.exit(1)));

try {
  world.gateway = await demo(world.newDir());
  browser = await launch(await pins(world.gateway));
  if (options.screenshots) {
    const { screenshots } = await import('./lib/screenshots.mjs');
    await screenshots({ ...world, person: (o) => person(browser, o) }, options.screenshots);
  } else {
    for (const group of groups) {
      const { default: tests } = await import(`./tests/${group}.mjs`);
      let going = true;
      for (const [name, body] of Object.entries(tests)) {
        if (going) going = (await test(`${group}: ${name}`, body)) || !stories.has(group);
        else console.log(`skipped ${group}: ${name}: it begins where the last one ended`);
      }
    }
    console.log(`${looks.pages} pages looked at in ${looks.runs} ways, the heaviest ${looks.heaviest} bytes`);
  }
} catch (error) {
  tally.failed += 1;
  console.log(`FAILED  the tests could not be run\n${error?.stack ?? error}\n${world.gateway?.output ?? ''}`);
} finally {
  await browser?.close().catch(() => {});
  await endAll();
  await tidy();
}
if (!options.screenshots) console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed ? 1 : 0;
