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

  async 'a lost phone: a one-time code from the helpdesk, a new app, and the old ways in are dead'(world) {
    const { gateway } = world;
    const aino = gateway.accounts.aino;
    const thief = await world.person({ storageState: me.state });
    await thief.goto(`${gateway.wiki}/still`);
    assert.equal((await received(thief))['remote-user'], 'aino');

    const page = await world.person();
    await page.goto(`${gateway.wiki}/new-phone`);
    await password(page, aino);
    await page.click('a:has-text("Second method")');
    await heading(page, 'Second method');
    await look(page, 'second method');
    await page.click('a:has-text("One-time code")');
    await heading(page, 'Enter the one-time code');
    assert.equal(await focused(page), 'otc');
    assert.equal(await page.getAttribute('#otc', 'autocomplete'), 'off');
    await look(page, 'one-time code');
    await page.fill('#otc', 'ZZZZ-ZZZZ');
    await page.click('button:has-text("Confirm")');
    await page.locator('#otc-err', { hasText: 'not correct or has expired' }).waitFor();
    await look(page, 'one-time code, wrong');
    const issued = await gateway.cli('helpdesk-code', 'aino');
    assert.match(issued, /^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    await page.fill('#otc', issued.toLowerCase().replace('-', ' '));
    await page.click('button:has-text("Confirm")');
    await heading(page, 'What happened to your authenticator?');
    assert.equal(await page.locator(':checked').count(), 0, 'nothing is chosen beforehand');
    await look(page, 'lost');
    await page.click('button:has-text("Next")');
    await page.locator('[role=alert]').waitFor();
    await look(page, 'lost, nothing chosen');
    await page.click('label[for=perm]');
    await page.click('button:has-text("Next")');

    // until the new app is confirmed nothing changes
    await heading(page, 'Add more security');
    await look(page, 'enrol 1, again');
    await thief.reload();
    assert.equal((await received(thief))['remote-user'], 'aino');
    const { phone, codes } = await enrol(page, world.dir, { app: 'other' });
    await thief.goto(`${gateway.wiki}/no-more`);
    await heading(thief, 'Sign in');
    await storeCodes(page, codes);
    await page.waitForURL(`${gateway.wiki}/new-phone`);
    assert.deepEqual(codes.filter((code) => me.codes.includes(code)), []);

    // the old app's code and an old emergency code
    const late = await world.person();
    await late.goto(`${gateway.wiki}/late`);
    await password(late, aino);
    await heading(late, 'Enter the code from your app');
    await typeCode(late, await me.phone.code());
    await late.locator('#code-err', { hasText: 'not correct' }).waitFor();
    await late.goto(`${gateway.portal}/signin/emergency-code`);
    await late.fill('#emergency', me.codes[0]);
    await late.click('button:has-text("Confirm")');
    await late.locator('#emergency-err', { hasText: 'not correct or has already been used' }).waitFor();
    await look(late, 'emergency code, wrong');
    quiet(page);
    quiet(late);
    Object.assign(me, { phone, codes });
  },

  async 'an emergency code lets in for now, once'(world) {
    const { gateway } = world;
    const page = await world.person();
    const begin = async (path) => {
      await page.goto(`${gateway.wiki}${path}`);
      await password(page, gateway.accounts.aino);
      await page.click('a:has-text("Second method")');
      await page.click('a:has-text("Emergency code")');
      await heading(page, 'Enter your emergency code');
      assert.equal(await focused(page), 'emergency');
      await look(page, 'emergency code');
      await page.fill('#emergency', me.codes[3].toLowerCase().replaceAll('-', ''));
      await page.click('button:has-text("Confirm")');
    };
    await begin('/without-phone');
    await heading(page, 'What happened to your authenticator?');
    await page.click('label[for=temp]');
    await page.click('button:has-text("Next")');
    await page.waitForURL(`${gateway.wiki}/without-phone`);
    assert.equal((await received(page))['remote-user'], 'aino');
    await page.context().clearCookies();
    await begin('/twice');
    await page.locator('#emergency-err').waitFor();
    quiet(page);
  },
};
