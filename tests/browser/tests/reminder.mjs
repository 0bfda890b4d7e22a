// A session that outlives its postponement: pages meet the reminder, programs and forms do not.
import { assert, pause, until } from '../lib/check.mjs';
import { heading, look, quiet } from '../lib/browser.mjs';
import { password, received } from '../lib/steps.mjs';

export default {
  async 'in the middle of a session a page meets the reminder; a request of a program and a form do not'(world) {
    const seconds = 6;
    const gateway = await world.beside((text) => text.replace('remind_every: 7d', `remind_every: ${seconds}s`));
    const page = await world.person();
    await page.goto(`${gateway.wiki}/form`);
    await password(page, gateway.accounts.aino);
    await page.click('button:has-text("Remind me later")');
    const postponed = Date.now();
    await page.waitForURL(`${gateway.wiki}/form`);
    const background = await page.context().newPage();
    await background.goto(`${gateway.wiki}/page`);
    assert.equal((await received(background))['remote-user'], 'aino', 'not before it is due');

    await pause(Math.max(0, postponed + (seconds + 2) * 1000 - Date.now()));
    const fetched = await page.evaluate(() => fetch('/headers.json').then(async (r) => [r.status, await r.json()]));
    assert.equal(fetched[0], 200);
    assert.ok(fetched[1].headers.some(([name, value]) => name.toLowerCase() === 'remote-user' && value === 'aino'));
    await page.fill('#subject', 'sent all the same');
    await page.click('button:has-text("Send")');
    await page.locator('h2:has-text("Body")').waitFor();

    await background.goto(`${gateway.wiki}/deep/page?a=1`);
    await heading(background, 'Protect your account');
    await background.click('button:has-text("Remind me later")');
    await background.waitForURL(`${gateway.wiki}/deep/page?a=1`);
    assert.equal((await received(background))['remote-user'], 'aino');
    quiet(page);
    await world.end(gateway);
  },

  async 'who may not open a place, and a place that does not answer, have pages of ours'(world) {
    const gateway = await world.beside((text) => text
      .replace('    host: payroll.localhost\n', '    host: payroll.localhost\n    access: { groups: [finance] }\n')
      .replace('    two_factor: { policy: required }\n    identity:', '    two_factor: { policy: optional }\n    identity:')
      .replace(/(host: wiki\.localhost\n\s+upstream: )\[.*\]/, '$1[ "http://127.0.0.1:9" ]'));
    const page = await world.person();
    const answer = await page.goto(`${gateway.portal}/signin`);
    assert.equal(answer.status(), 200);
    await password(page, gateway.accounts.aino);
    await until('signed in', 5000, () => !page.url().endsWith('/signin'));
    if (page.url().endsWith('/remind')) await page.click('button:has-text("Remind me later")');
    await heading(page, 'Your services');
    assert.deepEqual(await page.locator('.apps a').allTextContents(), ['Wiki'], 'only what may be opened');
    const refused = await page.goto(`${gateway.payroll}/secret?x=1`);
    assert.equal(refused.status(), 403);
    await heading(page, 'You do not have access to Payroll');
    assert.equal(page.url(), `${gateway.payroll}/secret?x=1`);
    assert.doesNotMatch(await page.content(), /finance/);
    await look(page, 'forbidden');
    const broken = await page.goto(`${gateway.wiki}/broken`);
    assert.equal(broken.status(), 502);
    await heading(page, 'Wiki is not answering');
    assert.doesNotMatch(await page.content(), /127\.0\.0\.1/);
    await look(page, 'not answering');
    const lost = await page.goto(`${gateway.portal}/no-such-page`);
    assert.equal(lost.status(), 404);
    await look(page, 'not found');
    quiet(page);
    await world.end(gateway);
  },
};
