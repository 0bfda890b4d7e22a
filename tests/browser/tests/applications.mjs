// What applications are given, and what passes through.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { assert, until } from '../lib/check.mjs';
import { heading, look, quiet } from '../lib/browser.mjs';
import { tools } from '../lib/gateway.mjs';
import { password, received } from '../lib/steps.mjs';

/** Helena, past the reminder. */
async function atWiki(world, path, options) {
  const { gateway } = world;
  const page = await world.person(options);
  await page.goto(gateway.wiki + path);
  await password(page, gateway.accounts.helena);
  await page.waitForURL((url) => url.href === gateway.wiki + path || url.pathname === '/remind');
  if (new URL(page.url()).pathname === '/remind') await page.click('button:has-text("Remind me later")');
  await page.waitForURL(gateway.wiki + path);
  return page;
}

export default {
  async 'the assertion is verified by a library through the published keys'(world) {
    const { gateway } = world;
    const page = await atWiki(world, '/headers.json');
    const { headers } = JSON.parse(await page.locator('body').innerText());
    const of = (name) => headers.filter(([n]) => n.toLowerCase() === name).map(([, value]) => value);
    const [token, ...more] = of('x-vestibule-assertion');
    assert.deepEqual(more, []);
    const args = ['tests/browser/lib/verify.py', `${gateway.portal}/.well-known/jwks.json`, gateway.ca, gateway.wiki, gateway.portal];
    const python = spawn(join(tools, 'venv/bin/python'), args, { cwd: new URL('../../..', import.meta.url).pathname });
    python.stdin.end(token);
    const [out, err] = await Promise.all([text(python.stdout), text(python.stderr)]);
    assert.equal(err, '');
    const claims = JSON.parse(out);
    assert.equal(claims.email, 'helena@northgate.example');
    assert.deepEqual(claims.groups, ['staff', 'support']);
    assert.equal(claims.exp - claims.iat, 300);
    assert.deepEqual(of('remote-user'), ['helena']);
  },

  async 'a WebSocket talks through the gateway'(world) {
    const { gateway } = world;
    const page = await atWiki(world, '/socket');
    await page.locator('#state', { hasText: 'Connected to wss://wiki.localhost' }).waitFor();
    await page.locator('#heard', { hasText: '"remote_user":"helena"' }).waitFor();
    await page.fill('#say', 'hyvää päivää');
    await page.click('button:has-text("Send")');
    await page.locator('#heard', { hasText: 'hyvää päivää' }).waitFor();
    assert.ok((await page.locator('#heard').innerText()).includes(gateway.wiki), 'the origin is passed on');
    quiet(page);
  },

  async 'a form sent without a session is not lost: sign in in a new tab, reload, and it arrives'(world) {
    const { gateway } = world;
    const page = await atWiki(world, '/form');
    await page.fill('#subject', 'Minutes of Monday');
    await page.fill('#text', 'A long text & nobody wants to write it twice. åäö');
    await gateway.cli('session', 'revoke', '--account', 'helena');
    await until('the session has ended', 5000, async () => {
      const status = await page.evaluate(() => fetch('/headers.json').then((r) => r.status));
      return status === 401;
    });
    await page.click('button:has-text("Send")');
    await heading(page, 'Your session has ended');
    await look(page, 'form expired');
    const [tab] = await Promise.all([page.context().waitForEvent('page'), page.click('main ol a')]);
    await heading(tab, 'Sign in');
    await password(tab, gateway.accounts.helena);
    await heading(tab, 'Northgate Wiki');
    await page.reload();
    await page.locator('h2:has-text("Body")').waitFor();
    const body = new URLSearchParams((await page.locator('h2:has-text("Body") + pre').innerText()).trim());
    assert.equal(body.get('subject'), 'Minutes of Monday');
    assert.match(body.get('text'), /twice\. åäö$/);
    assert.match(await page.locator('pre.line').innerText(), /^POST \/form /);
  },

  async 'a download arrives whole, and an application that fails keeps its own answer'(world) {
    const page = await atWiki(world, '/');
    await look(page, 'the demo application', { ours: false });
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('a:has-text("Download")')]);
    const hash = createHash('sha256').update(await readFile(await download.path())).digest('hex');
    assert.equal(hash, await page.locator('footer code').first().innerText());
    const answer = await page.goto(`${world.gateway.wiki}/status/500`);
    assert.equal(answer.status(), 500);
    assert.match(await page.locator('body').innerText(), /^500/);
    assert.equal((await received(await atWiki(world, '/who')))['remote-user'], 'helena');
  },
};
