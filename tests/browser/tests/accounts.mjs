// What people change about their own account. Each test begins where the last one ended.
import { assert } from '../lib/check.mjs';
import { heading, look, quiet } from '../lib/browser.mjs';
import { begin, codesOnPage, enrol, mailed, password, received, signIn, storeCodes, typeCode } from '../lib/steps.mjs';

const me = {};
const fresh = (world, state) => world.person({ storageState: state });
const chosen = 'seven lighthouses in a row 42';

export default {
  async 'her account: off, then on, from the page itself'(world) {
    const gateway = (me.gateway = await world.another());
    me.aino = { ...gateway.accounts.aino };
    const page = await world.person();
    await page.goto(`${gateway.portal}/account/security`);
    await password(page, me.aino);
    await page.click('button:has-text("Remind me later")');
    await heading(page, 'Password & 2FA');
    await look(page, 'account: off');
    await page.goto(`${gateway.portal}/account/devices`);
    await page.locator('text=You can trust a device once').waitFor();
    await page.goto(`${gateway.portal}/account/security`);
    await page.click('button:has-text("Enable two-factor authentication")');
    Object.assign(me, await enrol(page, world.dir, { from: (await page.locator('h1').innerText()) === 'Add more security' ? 1 : 2, looking: false }));
    await storeCodes(page, me.codes, { looking: false });
    await heading(page, 'Password & 2FA');
    await page.locator('[role=status]', { hasText: 'Two-factor authentication is on' }).waitFor();
    await look(page, 'account: on');
    quiet(page);
    me.first = await page.context().storageState();
  },

  async 'sessions: one is signed out in another browser, at its next request'(world) {
    const { gateway } = me;
    const second = await world.person();
    await signIn(second, me.aino, me.phone, `${gateway.wiki}/second`);
    const page = await fresh(world, me.first);
    await page.goto(`${gateway.portal}/account/sessions`);
    await heading(page, 'Active sessions');
    assert.equal(await page.locator('ul.lines > li').count(), 2);
    await page.locator('li', { hasText: 'This browser' }).waitFor();
    assert.match(await page.locator('ul.lines').innerText(), /Opened: Wiki/);
    await look(page, 'account: sessions');
    await page.click('li button:has-text("Sign out")');
    await page.locator('[role=status]', { hasText: 'The session has been signed out' }).waitFor();
    assert.equal(await page.locator('ul.lines > li').count(), 1);
    await look(page, 'account: session signed out');
    await second.reload();
    await heading(second, 'Sign in');
    quiet(page);
    quiet(second);
  },

  async 'devices: a trusted one is listed, and removed'(world) {
    const { gateway } = me;
    const trusted = await world.person();
    await signIn(trusted, me.aino, me.phone, `${gateway.wiki}/trusted`, { trust: true });
    await mailed(trusted, gateway, me.aino, 'A device was trusted');
    await trusted.goto(`${gateway.portal}/account/devices`);
    await heading(trusted, 'Trusted devices');
    await trusted.locator('.chip', { hasText: 'This device' }).waitFor();
    await look(trusted, 'account: devices');
    const signOut = async () => {
      await trusted.click('header button:has-text("Sign out")');
      await heading(trusted, 'You are signed out');
    };
    await signOut();
    await trusted.goto(`${gateway.portal}/account/security`);
    await password(trusted, me.aino);
    await heading(trusted, 'Password & 2FA');

    // what decides how the account signs in asks for the code all the same
    await trusted.click('a:has-text("Change password")');
    await heading(trusted, 'Confirm that it is you');
    await look(trusted, 'account: confirm');
    await trusted.fill('#code', '000000');
    await trusted.click('main form .btn');
    await trusted.locator('#code-err').waitFor();
    await look(trusted, 'account: confirm, wrong');
    await trusted.click('a:has-text("Cancel")');
    await heading(trusted, 'Password & 2FA');

    const page = await fresh(world, me.first);
    await page.goto(`${gateway.portal}/account/devices`);
    await page.click('button:has-text("Remove"):not(.bad)');
    await page.locator('[role=status]', { hasText: 'The device has been removed' }).waitFor();
    await page.locator('text=You have no trusted devices').waitFor();
    await look(page, 'account: no devices');
    await signOut();
    await trusted.goto(`${gateway.portal}/`);
    await password(trusted, me.aino);
    await heading(trusted, 'Enter the code from your app');
    quiet(page);
    quiet(trusted);
  },

  async 'another password, another app, other codes'(world) {
    const { gateway } = me;
    const page = await fresh(world, me.first);
    const other = await world.person();
    await page.goto(`${gateway.portal}/account/security`);
    await page.click('a:has-text("Change password")');
    await heading(page, 'Change your password');
    await look(page, 'account: password');
    await page.fill('#new', 'short');
    await page.click('button:has-text("Save the password")');
    await page.locator('#new-err').waitFor();
    await look(page, 'account: password, short');
    await page.fill('#new', chosen);
    await page.click('button:has-text("Save the password")');
    await page.locator('[role=status]', { hasText: 'Your password has been changed' }).waitFor();
    await mailed(page, gateway, me.aino, 'Your password was changed');
    await other.goto(`${gateway.portal}/signin`);
    await password(other, me.aino);
    await other.locator('[role=alert]').waitFor();
    me.aino.password = chosen;

    await page.click('button:has-text("Replace")');
    const old = me.phone;
    const found = await enrol(page, world.dir, { from: (await page.locator('h1').innerText()) === 'Add more security' ? 1 : 2, looking: false });
    await storeCodes(page, found.codes, { looking: false });
    await page.locator('[role=status]', { hasText: 'Your new authenticator app works now' }).waitFor();
    Object.assign(me, found);
    await password(other, me.aino);
    await typeCode(other, await old.now());
    await other.locator('#code-err').waitFor();
    await typeCode(other, await me.phone.code());
    await heading(other, 'Your services');

    await page.click('button:has-text("Create new codes")');
    await heading(page, 'Store your emergency codes');
    const codes = await codesOnPage(page);
    assert.deepEqual(codes.filter((code) => me.codes.includes(code)), []);
    await look(page, 'account: new codes');
    await page.check('#stored');
    await page.click('button:has-text("Finish")');
    await page.locator('[role=status]', { hasText: 'Your new emergency codes work now' }).waitFor();
    me.codes = codes;
    quiet(page);
    quiet(other);
    me.first = await page.context().storageState();
  },

  async 'her activity, in words; and off again, which she may'(world) {
    const { gateway } = me;
    const page = await fresh(world, me.first);
    await page.goto(`${gateway.portal}/account/activity`);
    await heading(page, 'Activity');
    const told = await page.locator('ol.log').innerText();
    for (const line of ['You got new emergency codes', 'Your authenticator app was replaced', 'Your password was changed', 'A trusted device was removed', 'You trusted a device', 'Two-factor authentication was enabled']) {
      assert.ok(told.includes(line), `the activity says: ${line}\n${told}`);
    }
    assert.doesNotMatch(told, /activity-|trail-/);
    await look(page, 'account: activity');
    await page.goto(`${gateway.portal}/account/security`);
    await page.click('a:has-text("Turn off")');
    await heading(page, 'Turn off two-factor authentication?');
    await look(page, 'account: turn off');
    await page.click('button:has-text("Turn it off")');
    await page.locator('[role=status]', { hasText: 'Two-factor authentication is off' }).waitFor();
    await mailed(page, gateway, me.aino, 'Two-factor authentication was turned off');

    // whose group requires it has no such link
    const mikael = await world.person();
    me.mikael = { ...(await begin(mikael, world, gateway, gateway.accounts.mikael)), ...gateway.accounts.mikael };
    await mikael.goto(`${gateway.portal}/account/security`);
    await heading(mikael, 'Password & 2FA');
    assert.equal(await mikael.locator('a:has-text("Turn off")').count(), 0);
    await look(mikael, 'account: required');
    quiet(page);
    quiet(mikael);
  },

  async 'a forgotten password: a link by mail, and still the code'(world) {
    const { gateway } = me;
    const page = await world.person();
    await page.goto(`${gateway.wiki}/forgot`);
    await page.click('a:has-text("Forgot")');
    await heading(page, 'Reset your password');
    await look(page, 'forgotten password');
    const titles = [];
    for (const who of ['nobody-of-this-name', me.mikael.login]) {
      await page.goto(`${gateway.portal}/password/forgot`);
      await page.fill('#username', who);
      await page.click('main form .btn');
      await page.locator('#username').waitFor({ state: 'detached' });
      titles.push(await page.locator('h1').innerText());
    }
    assert.equal(titles[0], titles[1], 'nobody learns which accounts there are');
    await look(page, 'forgotten password, sent');
    const [link] = (await mailed(page, gateway, me.mikael, 'Reset your password')).match(/https:\S+/);
    await page.goto(link);
    assert.equal(page.url(), `${gateway.portal}/password/reset`, 'the token is not in the address');
    await look(page, 'forgotten password, new');
    await page.fill('#password', 'mikael mikael');
    await page.click('button:has-text("Save the password")');
    await page.locator('#new-err').waitFor();
    await look(page, 'forgotten password, new, short');
    await page.fill('#password', chosen);
    await page.click('button:has-text("Save the password")');
    await page.locator('#password').waitFor({ state: 'detached' });
    await look(page, 'forgotten password, done');
    await page.goto(link);
    await page.locator('a:has-text("Sign in"), a.btn').first().waitFor();
    assert.equal(await page.locator('#password').count(), 0, 'a link works once');
    await look(page, 'forgotten password, link used');
    me.mikael.password = chosen;
    await signIn(page, me.mikael, me.mikael.phone, `${gateway.wiki}/remembered`);
    assert.equal((await received(page))['remote-user'], 'mikael');
    quiet(page);
    await world.end(gateway);
  },
};
