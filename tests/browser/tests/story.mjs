// One person's way: a password, a reminder, an app, a lost phone. Each test begins where the last one ended.
import { assert } from '../lib/check.mjs';
import { focused, heading, look, quiet } from '../lib/browser.mjs';
import { enrol, password, received, storeCodes, typeCode } from '../lib/steps.mjs';

const me = {};

export default {
  async 'a deep link leads through sign-in and the reminder back to itself'(world) {
    const { gateway } = world;
    const aino = gateway.accounts.aino;
    const page = await world.person();
    const wanted = `${gateway.wiki}/page/one?x=1%2F2&y=a+b`;
    await page.goto(wanted);
    await heading(page, 'Sign in');
    assert.equal(await focused(page), 'username');
    assert.match(await page.locator('.panel').innerText(), /Wiki/);
    assert.equal(await page.getAttribute('#username', 'autocomplete'), 'username webauthn');
    assert.equal(await page.getAttribute('#password', 'autocomplete'), 'current-password');
    assert.equal(await page.getAttribute('#password', 'maxlength'), null);
    await look(page, 'sign-in');

    await page.click('form button:has-text("Sign in")');
    await page.locator('#password-err').waitFor();
    assert.match(await page.title(), /^Error: Sign in/);
    await look(page, 'sign-in, empty');

    await password(page, aino, 'not the password');
    await page.locator('[role=alert]', { hasText: 'The e-mail address or password is not correct' }).waitFor();
    assert.match(await focused(page), /\bsum\b/, 'the summary has the focus');
    assert.equal(await page.inputValue('#username'), 'aino');
    assert.equal(await page.inputValue('#password'), '');
    await look(page, 'sign-in, wrong');

    await page.click('.peek');
    assert.equal(await page.getAttribute('#password', 'type'), 'text');
    await password(page, aino);
    await heading(page, 'Protect your account');
    assert.equal(await page.locator('.left').count(), 0, 'no deadline');
    assert.equal(await focused(page), '', 'there is something to read first');
    await look(page, 'reminder');
    quiet(page);

    await page.click('button:has-text("Remind me later")');
    await page.waitForURL(wanted);
    const headers = await received(page);
    assert.equal(headers['remote-user'], 'aino');
    assert.equal(headers['remote-email'], 'aino@northgate.example');
    assert.equal(headers['remote-name'], 'Aino Virtanen');
    assert.equal(headers['remote-groups'], 'staff');
    assert.equal(headers['x-vestibule-assertion'].split('.').length, 3);
    assert.doesNotMatch(headers.cookie ?? '', /__Host-/);
    quiet(page);
    me.state = await page.context().storageState();
  },

  async 'an application that requires it asks for enrolment, and the five steps lead to it'(world) {
    const { gateway } = world;
    const page = await world.person({ storageState: me.state });
    await page.goto(`${gateway.payroll}/slips?month=11`);
    await heading(page, 'Enable two-factor authentication to continue');
    assert.match(await page.locator('main').innerText(), /Payroll/);
    assert.equal(await page.locator('button:has-text("later")').count(), 0);
    await look(page, 'required by the application');
    await page.click('button:has-text("Enable two-factor authentication")');
    const { phone, codes } = await enrol(page, world.dir);
    await storeCodes(page, codes);
    await page.waitForURL(`${gateway.payroll}/slips?month=11`);
    assert.equal((await received(page))['remote-user'], 'aino');
    quiet(page);
    Object.assign(me, { phone, codes, state: await page.context().storageState() });
  },

  async 'signing out closes both applications'(world) {
    const { gateway } = world;
    const page = await world.person({ storageState: me.state });
    await page.goto(`${gateway.portal}/`);
    await heading(page, 'Your services');
    assert.deepEqual(await page.locator('.apps a').evaluateAll((all) => all.map((a) => a.firstChild.textContent)), ['Payroll', 'Wiki']);
    await look(page, 'your services');
    await page.goto(`${gateway.portal}/signout`);
    await heading(page, 'Sign out');
    await look(page, 'sign out?');
    await page.click('main button:has-text("Sign out")');
    await heading(page, 'You are signed out');
    await look(page, 'signed out');
    for (const url of [gateway.wiki, gateway.payroll]) {
      await page.goto(`${url}/`);
      await heading(page, 'Sign in');
    }
    quiet(page);
  },

  async 'the next sign-in asks for a code, and each code works once'(world) {
    const { gateway } = world;
    const page = await world.person();
    await page.goto(`${gateway.wiki}/again`);
    await password(page, gateway.accounts.aino);
    await heading(page, 'Enter the code from your app');
    assert.equal(await focused(page), 'code');
    const field = page.locator('#code');
    assert.equal(await field.getAttribute('autocomplete'), 'one-time-code');
    assert.equal(await field.getAttribute('inputmode'), 'numeric');
    assert.equal(await page.locator('main form button').count(), 1);
    await look(page, 'code');
    await typeCode(page, '12');
    await page.locator('#code-err', { hasText: '6 digits' }).waitFor();
    await typeCode(page, await me.phone.same());
    await page.locator('#code-err', { hasText: 'not correct' }).waitFor();
    assert.equal(await focused(page), 'code');
    assert.equal(await field.inputValue(), '');
    assert.match(await page.title(), /^Error: /);
    await look(page, 'code, wrong');
    const code = await me.phone.code();
    await typeCode(page, `${code.slice(0, 3)} ${code.slice(3)}`);
    await page.waitForURL(`${gateway.wiki}/again`);
    quiet(page);
    me.state = await page.context().storageState();
  },
};
