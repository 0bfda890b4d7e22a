// The same without JavaScript.
import { assert } from '../lib/check.mjs';
import { heading } from '../lib/browser.mjs';
import { Phone } from '../lib/phone.mjs';
import { again } from '../lib/gateway.mjs';
import { checked, enrol, findUser, mailed, password, received, storeCodes, typeCode } from '../lib/steps.mjs';

/** Nothing is shown that needs a script. */
const whole = async (page) => assert.equal(await page.locator('.peek:visible, [data-copy]:visible, [data-print]:visible').count(), 0, page.url());

export default {
  async 'the whole way without a script'(world) {
    const gateway = await world.beside((text) => text.replace('remember_account: true', 'remember_account: false'));
    const aino = gateway.accounts.aino;
    const page = await world.person({ javaScriptEnabled: false });
    await page.goto(`${gateway.payroll}/plain?x=1`);
    await heading(page, 'Sign in');
    assert.equal(await page.locator('.peek:visible').count(), 0, 'nothing is shown that needs a script');
    await password(page, aino, 'wrong');
    await page.locator('[role=alert]').waitFor();
    await password(page, aino);
    await page.click('button:has-text("Enable two-factor authentication")');
    const { phone, codes } = await enrol(page, world.dir, { looking: false });
    assert.equal(await page.locator('[data-copy]:visible, [data-print]:visible').count(), 0);
    await storeCodes(page, codes, { looking: false });
    await page.waitForURL(`${gateway.payroll}/plain?x=1`);
    assert.equal((await received(page))['remote-user'], 'aino');
    await page.goto(`${gateway.portal}/`);
    await page.click('header button:has-text("Sign out")');
    await heading(page, 'You are signed out');
    await page.goto(`${gateway.wiki}/`);
    await password(page, aino);
    await heading(page, 'Enter the code from your app');
    await typeCode(page, await phone.code());
    await page.waitForURL(`${gateway.wiki}/`);
    await world.end(gateway);
  },

  async 'enrolment with a code by mail, the account pages and the console without a script'(world) {
    const gateway = await again(await world.another(), (text) => text.replace('enrolment_proof: none', 'enrolment_proof: email'));
    const { mikael, ingrid } = gateway.accounts;
    const page = await world.person({ javaScriptEnabled: false });
    await page.goto(`${gateway.portal}/account/security`);
    await password(page, mikael);
    await page.click('button:has-text("Enable two-factor authentication")');
    await page.click('main a.btn');
    await heading(page, 'Enter the code from your e-mail');
    await page.fill('#code', 'ZZZZ-ZZZZ');
    await page.click('button:has-text("Confirm")');
    await page.locator('#code-err').waitFor();
    const proof = await mailed(page, gateway, mikael, 'Your code for enabling two-factor authentication');
    await page.fill('#code', proof.match(/\b[0-9A-Z]{4}-[0-9A-Z]{4}\b/)[0]);
    await page.click('button:has-text("Confirm")');
    const { phone, codes } = await enrol(page, world.dir, { from: 2, looking: false });
    await storeCodes(page, codes, { looking: false });
    await heading(page, 'Password & 2FA');
    for (const path of ['security', 'sessions', 'devices', 'activity', 'password']) {
      await page.goto(`${gateway.portal}/account/${path}`);
      await page.locator('h1').waitFor();
      await whole(page);
    }
    await page.fill('#new', 'nine green ladders and a kettle');
    await page.click('button:has-text("Save the password")');
    await page.locator('[role=status]', { hasText: 'Your password has been changed' }).waitFor();
    await page.click('header button:has-text("Sign out")');
    await heading(page, 'You are signed out');

    const agent = await world.person({ javaScriptEnabled: false });
    await agent.goto(`${gateway.portal}/signin`);
    await password(agent, ingrid);
    await agent.click('button:has-text("Enable two-factor authentication")');
    await agent.click('main a.btn');
    const second = await mailed(agent, gateway, ingrid, 'Your code for enabling two-factor authentication');
    await agent.fill('#code', second.match(/\b[0-9A-Z]{4}-[0-9A-Z]{4}\b/)[0]);
    await agent.click('button:has-text("Confirm")');
    const hers = await enrol(agent, world.dir, { from: 2, looking: false });
    await storeCodes(agent, hers.codes, { looking: false });
    await heading(agent, 'Your services');
    for (const path of ['users', 'approvals', 'adoption', 'audit', 'accounts/new', 'accounts/import']) {
      const answer = await agent.goto(`${gateway.portal}/desk/${path}`);
      assert.equal(answer.status(), 200, path);
      await whole(agent);
    }
    await agent.goto(`${gateway.portal}/desk/adoption`);
    await agent.click('details.more summary');
    await agent.locator('details.more td').first().waitFor();
    await findUser(agent, gateway, 'Mikael Berg');
    await agent.click('aside a:has-text("Issue one-time code")');
    await checked(agent);
    await agent.click('label:has-text("Show it to me once")');
    await agent.click('button:has-text("Issue code")');
    await whole(agent);
    const code = (await agent.locator('.big').innerText()).trim();
    await page.goto(`${gateway.portal}/signin`);
    await password(page, mikael, 'nine green ladders and a kettle');
    await heading(page, 'Enter the code from your app');
    await page.goto(`${gateway.portal}/signin/one-time-code`);
    await page.fill('#otc', code);
    await page.click('button:has-text("Confirm")');
    await page.click('label[for=temp]');
    await page.click('button:has-text("Next")');
    await heading(page, 'Your services');
    await page.goto(`${gateway.portal}/signout`);
    await page.click('main button:has-text("Sign out")');
    await page.goto(`${gateway.portal}/password/forgot`);
    await page.fill('#username', mikael.login);
    await page.click('main form .btn');
    await page.goto((await mailed(page, gateway, mikael, 'Reset your password')).match(/https:\S+/)[0]);
    await page.fill('#password', 'nine blue ladders and a teapot');
    await page.click('button:has-text("Save the password")');
    await page.click('main a.btn');
    await password(page, mikael, 'nine blue ladders and a teapot');
    await heading(page, 'Enter the code from your app');
    await typeCode(page, await phone.code());
    await heading(page, 'Your services');
    await world.end(gateway);
  },

  async 'with a script a pasted code is sent, a typed one is not, and codes are copied'(world) {
    const { gateway } = world;
    const page = await world.person({ permissions: ['clipboard-read', 'clipboard-write'] });
    await page.goto(`${gateway.payroll}/`);
    await password(page, gateway.accounts.helena);
    await page.click('button:has-text("Enable two-factor authentication")');
    await page.click('main a.btn');
    await page.click('button:has-text("Next")');
    await page.click('summary');
    await page.click('[data-copy=key]');
    await page.locator('[role=status]', { hasText: 'Copied' }).waitFor();
    const key = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(key, /^[A-Z2-7]{32,}$/);
    const phone = new Phone(key);
    await page.click('main a:has-text("Next")');
    await page.locator('#code').pressSequentially('123456');
    await page.waitForTimeout(300);
    assert.equal(await page.inputValue('#code'), '123456', 'typing does not send');
    await page.fill('#code', '');
    const code = await phone.code();
    await page.evaluate((text) => navigator.clipboard.writeText(text), `${code.slice(0, 3)} ${code.slice(3)}`);
    await page.focus('#code');
    await page.keyboard.press('Control+V');
    await heading(page, 'Store your emergency codes');
    await page.click('[data-copy=codes]');
    await page.locator('[role=status]', { hasText: 'Copied' }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied.split('\n').length, 8);
    await page.check('#stored');
    await page.click('button:has-text("Finish")');
    await page.waitForURL(`${gateway.payroll}/`);
  },
};
