// Two sides of a lost phone: the person, and the helpdesk. Each test begins where the last one ended.
import { assert } from '../lib/check.mjs';
import { focused, heading, look, quiet } from '../lib/browser.mjs';
import { begin, checked, enrol, findUser, mailed, password, received, signIn, storeCodes, typeCode } from '../lib/steps.mjs';

const me = {};
/** The code in a mail or on a page. */
const oneTimeCode = (text) => text.match(/\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b/)[0];
const fresh = (world, who) => world.person({ storageState: who.state });

/** To the field for a one-time code, by the links of the pages. */
async function toOneTimeCode(page, account, url) {
  await page.goto(url);
  await password(page, account);
  await heading(page, 'Enter the code from your app');
  await page.click('a:has-text("Second method")');
  await page.click('a:has-text("One-time code")');
  await heading(page, 'Enter the one-time code');
}

export default {
  async 'a person has three browsers, one of them trusted'(world) {
    const gateway = (me.gateway = await world.another());
    const aino = gateway.accounts.aino;
    const first = await world.person();
    Object.assign(me, await begin(first, world, gateway, aino, `${gateway.payroll}/`));
    assert.match(await mailed(first, gateway, aino, 'Two-factor authentication is on'), /Keep your emergency codes/);

    const second = await world.person();
    await second.goto(`${gateway.wiki}/`);
    await password(second, aino);
    assert.equal(await second.isChecked('#trust'), false, 'nothing is trusted unasked');
    await signIn(second, aino, me.phone, `${gateway.wiki}/second`);
    me.second = { state: await second.context().storageState() };

    const third = await world.person();
    await signIn(third, aino, me.phone, `${gateway.wiki}/third`, { trust: true });
    await third.goto(`${gateway.portal}/signout`);
    await third.click('main button:has-text("Sign out")');
    await heading(third, 'You are signed out');
    await third.goto(`${gateway.wiki}/trusted`);
    await password(third, aino);
    await third.waitForURL(`${gateway.wiki}/trusted`);
    me.third = { state: await third.context().storageState() };
    for (const page of [first, second, third]) quiet(page);
  },

  async 'an agent enrols, opens the console and finds her'(world) {
    const { gateway } = me;
    const page = await world.person();
    me.oskar = await begin(page, world, gateway, gateway.accounts.oskar);
    await heading(page, 'Your services');
    await look(page, 'your services of an agent');
    await page.click('header a:has-text("Console")');
    await heading(page, 'Find a user');
    await look(page, 'console: find');
    await page.fill('#q', 'a');
    await page.click('button:has-text("Search")');
    await page.locator('#q-err', { hasText: 'at least 3 characters' }).waitFor();
    assert.match(await page.title(), /^Error: /);
    await look(page, 'console: find, too short');
    await page.fill('#q', 'nobody-here');
    await page.click('button:has-text("Search")');
    await page.locator('.note', { hasText: 'No user matches' }).waitFor();
    await page.fill('#q', 'virta');
    await page.click('button:has-text("Search")');
    await page.locator('h2', { hasText: '1 user found' }).waitFor();
    await look(page, 'console: found');
    await page.click('main h3 a:has-text("Aino Virtanen")');
    await heading(page, 'Aino Virtanen');
    await page.locator('.chip', { hasText: 'Two-factor on' }).waitFor();
    assert.match(await page.locator('dl.facts').first().innerText(), /Trusted devices\s+1/);
    await look(page, 'console: user');
    // what an administrator does is neither shown nor done
    assert.equal(await page.locator('a:has-text("Delete account")').count(), 0);
    for (const path of ['/desk/audit', '/desk/adoption', '/desk/accounts/new', '/desk/accounts/import', page.url().replace(gateway.portal, '') + '/delete']) {
      const answer = await page.goto(gateway.portal + path);
      assert.equal(answer.status(), 403, path);
    }
    await heading(page, 'Your role does not allow this');
    await look(page, 'console: not your role');
    quiet(page);
    me.oskar.state = await page.context().storageState();
  },

  async 'a lost phone: the helpdesk mails a one-time code, and she has a new app; what was lost opens nothing'(world) {
    const { gateway } = me;
    const aino = gateway.accounts.aino;
    const page = await world.person();
    await toOneTimeCode(page, aino, `${gateway.wiki}/new-phone`);

    const agent = await fresh(world, me.oskar);
    await findUser(agent, gateway, 'Aino Virtanen');
    await agent.click('aside a:has-text("Issue one-time code")');
    await heading(agent, 'Issue one-time code');
    assert.equal(await agent.locator('[name=check]:checked').count(), 0, 'no check is chosen beforehand');
    await look(agent, 'console: issue a code');
    await agent.click('button:has-text("Issue code")');
    await agent.locator('[role=alert]').waitFor();
    assert.match(await focused(agent), /\bsum\b/);
    await look(agent, 'console: issue a code, empty');
    await checked(agent, { number: 'HD-1041' });
    await agent.click('label:has-text("Send it to")');
    await agent.click('button:has-text("Issue code")');
    await heading(agent, 'Aino Virtanen');
    await agent.locator('[role=status]', { hasText: 'The code has been sent to' }).waitFor();
    await look(agent, 'console: code sent');
    const letter = await mailed(page, gateway, aino, 'Your one-time code');
    assert.match(letter, /case HD-1041/);
    const code = oneTimeCode(letter);
    assert.ok(!(await agent.content()).includes(code), 'the agent does not see it');

    await page.fill('#otc', code);
    await page.click('button:has-text("Confirm")');
    await heading(page, 'What happened to your authenticator?');
    await page.click('label[for=perm]');
    await page.click('button:has-text("Next")');
    const old = { phone: me.phone, codes: me.codes };
    const found = await enrol(page, world.dir, { app: 'other', looking: false });
    await storeCodes(page, found.codes, { looking: false });
    await page.waitForURL(`${gateway.wiki}/new-phone`);
    assert.equal((await received(page))['remote-user'], 'aino');
    Object.assign(me, found, { state: await page.context().storageState() });
    assert.match(await mailed(page, gateway, aino, 'Your authenticator app was replaced'), /old app no longer works/);

    // the other session is signed out
    const second = await fresh(world, me.second);
    await second.goto(`${gateway.wiki}/second`);
    await heading(second, 'Sign in');
    // and so is the third, whose browser is asked for a code again: not the old app's, not an old emergency code
    const third = await fresh(world, me.third);
    await third.goto(`${gateway.wiki}/third`);
    await password(third, aino);
    await heading(third, 'Enter the code from your app');
    await typeCode(third, await old.phone.now());
    await third.locator('#code-err', { hasText: 'not correct' }).waitFor();
    await third.click('a:has-text("Second method")');
    await third.click('a:has-text("Emergency code")');
    await third.fill('#emergency', old.codes[0]);
    await third.click('button:has-text("Confirm")');
    await third.locator('#emergency-err').waitFor();
    // a code works once
    await toOneTimeCode(third, aino, `${gateway.portal}/signin`);
    await third.fill('#otc', code);
    await third.click('button:has-text("Confirm")');
    await third.locator('#otc-err').waitFor();
    for (const p of [page, agent, second, third]) quiet(p);
    me.oskar.state = await agent.context().storageState();
  },

  async 'a code that is shown is shown once'(world) {
    const { gateway } = me;
    const agent = await fresh(world, me.oskar);
    await findUser(agent, gateway, 'Aino Virtanen');
    await agent.click('aside a:has-text("Issue one-time code")');
    await checked(agent, { check: 'Saw an ID' });
    await agent.click('label:has-text("Show it to me once")');
    await agent.click('button:has-text("Issue code")');
    await heading(agent, 'One-time code for Aino Virtanen');
    const code = (await agent.locator('.big').innerText()).trim();
    assert.match(code, /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
    assert.ok((await agent.inputValue('#msg')).includes(code));
    await look(agent, 'console: code shown once');
    await agent.reload();
    await heading(agent, 'Aino Virtanen');
    assert.ok(!(await agent.content()).includes(code));
    await agent.goBack();
    assert.ok(!(await agent.content()).includes(code), 'nor by going back');

    const page = await world.person();
    assert.match(await mailed(page, gateway, gateway.accounts.aino, 'Customer service issued a one-time code for you'), /4711/);
    await toOneTimeCode(page, gateway.accounts.aino, `${gateway.wiki}/for-now`);
    await page.fill('#otc', code);
    await page.click('button:has-text("Confirm")');
    await heading(page, 'What happened to your authenticator?');
    await page.click('label[for=temp]');
    await page.click('button:has-text("Next")');
    await page.waitForURL(`${gateway.wiki}/for-now`);
    quiet(agent);
    quiet(page);
    me.oskar.state = await agent.context().storageState();
  },

  async 'a reset takes two agents'(world) {
    const { gateway } = me;
    const oskar = await fresh(world, me.oskar);
    await findUser(oskar, gateway, 'Aino Virtanen');
    await oskar.click('aside a:has-text("Reset authenticator")');
    await heading(oskar, 'Reset authenticator');
    await look(oskar, 'console: reset');
    await oskar.click('button:has-text("Reset authenticator")');
    await oskar.locator('[role=alert]').waitFor();
    await look(oskar, 'console: reset, empty');
    await checked(oskar, { check: 'Manager', number: 'HD-1042' });
    await oskar.click('button:has-text("Reset authenticator")');
    await oskar.locator('[role=status]', { hasText: 'waits for a second agent' }).waitFor();
    await look(oskar, 'console: reset waits');
    await oskar.click('header nav a:has-text("Approvals")');
    await heading(oskar, 'Approvals');
    await oskar.locator('.request', { hasText: 'This is your own request' }).waitFor();
    assert.equal(await oskar.locator('main button').count(), 0, 'nobody approves what they asked for');
    await look(oskar, 'console: own request');
    const page = await fresh(world, me);
    await page.goto(`${gateway.wiki}/still`);
    assert.equal((await received(page))['remote-user'], 'aino', 'nothing has changed yet');

    const helena = await world.person();
    me.helena = await begin(helena, world, gateway, gateway.accounts.helena);
    await helena.goto(`${gateway.portal}/desk/approvals`);
    await helena.locator('.request', { hasText: 'HD-1042' }).waitFor();
    assert.match(await helena.locator('.request').innerText(), /Manager confirmed/);
    await look(helena, 'console: approvals');
    await helena.click('main button:has-text("Approve")');
    await helena.locator('[role=status]', { hasText: 'Approved and done' }).waitFor();
    await helena.locator('text=Nothing waits for approval').waitFor();
    await look(helena, 'console: approved');
    assert.match(await mailed(page, gateway, gateway.accounts.aino, 'Customer service changed your account'), /removed your authenticator app/);

    await page.goto(`${gateway.wiki}/after`);
    await heading(page, 'Sign in');
    await password(page, gateway.accounts.aino);
    await heading(page, 'Protect your account');
    await page.click('button:has-text("Remind me later")');
    await page.waitForURL(`${gateway.wiki}/after`);
    await page.goto(`${gateway.payroll}/`);
    await heading(page, 'Enable two-factor authentication to continue');
    for (const p of [oskar, helena, page]) quiet(p);
    await world.end(gateway);
  },
};
