// What people see when a request is refused or an application is closed: what happened, what to do, a reference.
import { once } from 'node:events';
import { rename } from 'node:fs/promises';
import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { assert } from '../lib/check.mjs';
import { heading, look, quiet } from '../lib/browser.mjs';
import { password } from '../lib/steps.mjs';

const inRoute = (text, host, lines) => text.replace(new RegExp(`( +)host: ${host}\\.localhost\n`), (all, blank) =>
  all + lines.map((line) => `${blank}${line}\n`).join(''));

/** Helena at the wiki, past the reminder. */
async function atWiki(world, gateway, path = '/') {
  const page = await world.person();
  await page.goto(gateway.wiki + path);
  await password(page, gateway.accounts.helena);
  await page.waitForURL((url) => url.origin === gateway.wiki || url.pathname === '/remind');
  if (new URL(page.url()).pathname === '/remind') await page.click('button:has-text("Remind me later")');
  await page.waitForURL(gateway.wiki + path);
  return page;
}

/** The page says why in a heading, has this status and a reference, and stands every look. */
async function refused(page, answer, status, title, words, { again = true } = {}) {
  assert.equal(answer.status(), status);
  await heading(page, title);
  const text = await page.locator('main').innerText();
  for (const word of words) assert.ok(text.includes(word), `${word}: ${text}`);
  const reference = answer.headers()['x-request-id'];
  assert.ok(reference && text.includes(reference), `the reference ${reference}: ${text}`);
  assert.equal(await page.locator('main a.btn:has-text("Try again")').count(), again ? 1 : 0);
  assert.doesNotMatch(await page.content(), /127\.0\.0\.1/);
  await look(page, `refused: ${status} ${title}`);
  quiet(page);
}

export default {
  async 'too much: a form, an address, cookies, requests'(world) {
    const gateway = await world.beside((text) => inRoute(inRoute(text, 'wiki', ['limits: { body: 1KiB }']),
      'payroll', ['public: [ /open/ ]', 'limits: { rate: 2/m }']));
    const page = await atWiki(world, gateway, '/form');
    await page.fill('#text', 'all work and no play '.repeat(100));
    const [large] = await Promise.all([page.waitForResponse((r) => r.request().method() === 'POST'), page.click('button:has-text("Send")')]);
    await refused(page, large, 413, 'That is too large', ['Send something smaller'], { again: false });

    const long = await page.goto(`${gateway.wiki}/?q=${'x'.repeat(9_000)}`);
    await refused(page, long, 414, 'This address is too long', ['Go back'], { again: false });

    // the first of two a minute is the way in
    const other = await world.person();
    assert.equal((await other.goto(`${gateway.payroll}/open/`)).status(), 200);
    const often = await other.goto(`${gateway.payroll}/open/`);
    const wait = Number(often.headers()['retry-after']);
    assert.ok(wait > 0 && wait <= 31, String(wait));
    await refused(other, often, 429, 'That was too fast', ['Payroll was asked for more', `You can try again in ${wait} second`]);

    const cookies = [...Array(9).keys()].map((n) => ({ name: `big${n}`, value: 'x'.repeat(3900), url: gateway.wiki }));
    await page.context().addCookies(cookies);
    const heavy = await page.goto(`${gateway.wiki}/`);
    await refused(page, heavy, 431, 'Your browser sent too much', ['Delete the cookies of this site'], { again: false });
    await world.end(gateway);
  },

  async 'too slow: what is sent, and the application'(world) {
    const gateway = await world.beside((text) => `${inRoute(text, 'wiki', ['timeouts: { read: 1s }'])}\nlimits: { stall_timeout: 1s, body_grace: 1s }\n`);
    const page = await atWiki(world, gateway);
    const late = await page.goto(`${gateway.wiki}/slow?ms=20000`);
    await refused(page, late, 504, 'Wiki is not answering', ['took too long', 'still signed in']);

    // no browser can be told to stop in the middle of a form: its page is taken from a connection that does
    const cookies = (await page.context().cookies(gateway.wiki)).map((c) => `${c.name}=${c.value}`).join('; ');
    const stalled = request(`${gateway.wiki}/form`, {
      method: 'POST',
      rejectUnauthorized: false,
      lookup: (_, { all }, then) => (all ? then(null, [{ address: '127.0.0.1', family: 4 }]) : then(null, '127.0.0.1', 4)),
      headers: {
        cookie: cookies,
        accept: 'text/html',
        origin: gateway.wiki,
        'accept-language': 'en',
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': '1000',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        'sec-fetch-site': 'same-origin',
      },
    });
    stalled.on('error', () => {});
    stalled.write('subject=Min');
    const [answer] = await once(stalled, 'response');
    const body = await buffer(answer);
    await page.route(`${gateway.wiki}/stalled`, (route) => route.fulfill({ status: answer.statusCode, headers: answer.headers, body }));
    const shown = await page.goto(`${gateway.wiki}/stalled`);
    await refused(page, shown, 408, 'That took too long to send', ['Check your connection'], { again: false });
    await world.end(gateway);
  },

  async 'away and closed: the application, the store, maintenance'(world) {
    const gateway = await world.beside((text) => inRoute(
      inRoute(text, 'wiki', ['maintenance: { until: "2999-01-31T06:00Z" }']).replace(/(host: payroll\.localhost\n(?:.*\n)*?\s+upstream: )\[.*\]/, '$1[ "http://127.0.0.1:9" ]'),
      'payroll', ['public: [ /open/ ]']));
    const page = await world.person();
    const closed = await page.goto(`${gateway.wiki}/handbook`);
    await refused(page, closed, 503, 'Wiki is closed for maintenance', ['expected to open again: 31 January 2999, 06:00 UTC', 'nothing you need to do']);
    const away = await page.goto(`${gateway.payroll}/open/`);
    await refused(page, away, 502, 'Payroll is not answering', ['did not respond', 'nothing you need to change']);
    await world.end(gateway);

    const other = await world.beside((text) => `${text}\n# as it is\n`);
    const guest = await atWiki(world, other);
    await rename(other.config.replace(/[^/]*$/, 'data/vestibule.db'), other.config.replace(/[^/]*$/, 'data/moved.db'));
    // a session that nobody has looked up yet
    const cookie = (await guest.context().cookies(other.wiki)).find((c) => c.name === '__Host-vestibule');
    const value = cookie.value.replace(/./, (first) => (first === 'A' ? 'B' : 'A'));
    await guest.context().addCookies([{ ...cookie, value }]);
    const shut = await guest.goto(`${other.wiki}/handbook`);
    await refused(guest, shut, 503, 'Sign-in is not available right now', ['keep working', 'Try again']);
    await world.end(other);
  },
};
