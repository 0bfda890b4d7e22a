// What administrators have besides. Each test begins where the last one ended.
import { readFile } from 'node:fs/promises';
import { assert } from '../lib/check.mjs';
import { heading, look, quiet } from '../lib/browser.mjs';
import { begin, checked, findUser, mailed, password } from '../lib/steps.mjs';

const me = {};
const administrator = (world) => world.person({ storageState: me.state });
async function file(page, selector) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(selector)]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
}

export default {
  async 'how far it has come: figures, a chart, and a file'(world) {
    const gateway = (me.gateway = await world.another());
    const page = await world.person();
    await begin(page, world, gateway, gateway.accounts.ingrid);
    await page.click('header a:has-text("Console")');
    await page.click('header nav a:has-text("2FA adoption")');
    await heading(page, '2FA adoption');
    assert.deepEqual(await page.locator('.kpis b').allTextContents(), ['20 %', '2', '2', '0']);
    await page.click('details.more summary');
    await look(page, 'console: adoption');
    const { name, text } = await file(page, 'a:has-text("Download CSV")');
    assert.match(name, /\.csv$/);
    assert.ok(text.split('\n').length > 1 && /ingrid|it-admins|on/.test(text), text);
    quiet(page);
    me.state = await page.context().storageState();
  },

  async 'a new account begins with a password that must be changed'(world) {
    const { gateway } = me;
    const page = await administrator(world);
    await page.goto(`${gateway.portal}/desk/accounts/new`);
    await heading(page, 'New account');
    await look(page, 'console: new account');
    await page.click('button:has-text("Create account")');
    await page.locator('[role=alert]').waitFor();
    await look(page, 'console: new account, empty');
    await page.fill('#name', 'Signe Holm');
    await page.fill('#login', 'signe');
    await page.fill('#email', 'signe@northgate.example');
    await page.fill('#groups', 'staff');
    await page.selectOption('#language', 'en');
    await page.click('label:has-text("shown to me once")');
    await page.click('button:has-text("Create account")');
    await heading(page, 'Initial password for Signe Holm');
    const secret = (await page.locator('#secret').innerText()).trim();
    await look(page, 'console: initial password');
    await page.reload();
    assert.ok(!(await page.content()).includes(secret), 'it is shown once');

    const signe = await world.person();
    await signe.goto(`${gateway.wiki}/first`);
    await password(signe, { login: 'signe' }, secret);
    await heading(signe, 'Choose your own password');
    await look(signe, 'initial password');
    // there is no way around it
    await signe.goto(`${gateway.wiki}/first`);
    assert.equal(new URL(signe.url()).origin, gateway.portal);
    await signe.goto(`${gateway.portal}/signin/new-password`);
    await signe.fill('#password', secret.slice(0, 5));
    await signe.click('button:has-text("Save the password")');
    await signe.locator('#new-err').waitFor();
    await look(signe, 'initial password, short');
    await signe.fill('#password', 'four quiet harbours at dusk');
    await signe.click('button:has-text("Save the password")');
    await signe.click('button:has-text("Remind me later")');
    await signe.waitForURL(`${gateway.wiki}/first`);

    await page.goto(`${gateway.portal}/desk/accounts/new`);
    await page.fill('#name', 'Lars Nord');
    await page.fill('#login', 'lars');
    await page.fill('#email', 'lars@northgate.example');
    await page.click('label:has-text("invitation")');
    await page.click('button:has-text("Create account")');
    await page.locator('[role=status]', { hasText: 'an invitation has been sent' }).waitFor();
    const [link] = (await mailed(page, gateway, { email: 'lars@northgate.example' }, 'Your new account')).match(/https:\S+/);
    const lars = await world.person();
    await lars.goto(link);
    await lars.fill('#password', 'four quiet harbours at dusk');
    await lars.click('button:has-text("Save the password")');
    await lars.locator('#password').waitFor({ state: 'detached' });
    for (const p of [page, signe, lars]) quiet(p);
  },

  async 'an import is looked at before it is done'(world) {
    const { gateway } = me;
    const page = await administrator(world);
    await page.goto(`${gateway.portal}/desk/accounts/import`);
    await heading(page, 'Import accounts');
    await look(page, 'console: import');
    await page.click('button:has-text("Check")');
    await page.locator('#data-err').waitFor();
    await look(page, 'console: import, empty');
    await page.fill('#data', [
      'login,email,name,groups',
      'tove,tove@northgate.example,Tove Lind,staff',
      'aino,aino@northgate.example,Aino Virtanen,staff',
      'not-a-mail,not-a-mail,Nobody,staff',
    ].join('\n'));
    await page.click('button:has-text("Check")');
    await page.locator('h2', { hasText: 'What would happen' }).waitFor();
    assert.match(await page.locator('.chip').allTextContents().then(String), /1 new.*1 exist.*1 problem/);
    await look(page, 'console: import, looked at');
    await page.click('button:has-text("Create 1 account")');
    await page.locator('h2', { hasText: 'What was done' }).waitFor();
    await look(page, 'console: import, done');
    await findUser(page, gateway, 'Tove Lind');
    await look(page, 'console: user, for an administrator');
    quiet(page);
  },

  async 'an account is disabled with a reason, and opened again'(world) {
    const { gateway } = me;
    const page = await administrator(world);
    await findUser(page, gateway, 'Tove Lind');
    const user = page.url();
    for (const [act, said] of [['Disable account', 'has been disabled'], ['Enable account', 'has been enabled']]) {
      await page.goto(user);
      await page.click(`aside a:has-text("${act}")`);
      await look(page, `console: ${act}`);
      await page.fill('#case', 'HR-7');
      await page.click(`button:has-text("${act}")`);
      await page.locator('[role=status]', { hasText: said }).waitFor();
      await look(page, `console: ${act}, done`);
    }
    for (const act of ['Exempt from the deadline', 'Change groups', 'Delete account']) {
      await page.goto(user);
      const link = page.locator('aside a', { hasText: act });
      if (!(await link.count())) throw new Error(`${act} is not offered`);
      await link.click();
      await heading(page, act);
      await look(page, `console: ${act}`);
    }
    quiet(page);
  },

  async 'the trail: by account, by event, and as a file'(world) {
    const { gateway } = me;
    const page = await administrator(world);
    await page.goto(`${gateway.portal}/desk/audit`);
    await heading(page, 'Audit trail');
    await look(page, 'console: trail');
    const all = await page.locator('ol.log > li').count();
    await page.fill('#account', 'tove');
    await page.selectOption('#event', { label: 'Account disabled' });
    await page.click('main form button');
    assert.equal(await page.locator('ol.log > li').count(), 1);
    assert.ok(all > 1);
    assert.match(await page.locator('ol.log > li').innerText(), /HR-7/);
    await look(page, 'console: trail, by account');
    const { name, text } = await file(page, 'a:has-text("Export")');
    assert.match(name, /\.jsonl$/);
    const lines = text.trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(lines.length, 1, 'what was looked for');
    assert.match(text, /HR-7/);
    await page.goto(`${gateway.portal}/desk/audit?from=2026-02-02&to=2026-01-01`);
    await page.locator('#dates-err').waitFor();
    await look(page, 'console: trail, wrong dates');
    quiet(page);
    await world.end(gateway);
  },
};
