// The people whom the policy treats differently.
import { assert } from '../lib/check.mjs';
import { heading, look, quiet } from '../lib/browser.mjs';
import { enrol, password, received, typeCode } from '../lib/steps.mjs';

export default {
  async 'whose time is over has no way past enrolment'(world) {
    const { gateway } = world;
    const page = await world.person();
    await page.goto(`${gateway.wiki}/`);
    await password(page, gateway.accounts.mikael);
    await heading(page, 'Enable two-factor authentication to continue');
    assert.equal(await page.locator('text=/later/i').count(), 0);
    await look(page, 'past the deadline');
    for (const url of [`${gateway.wiki}/`, `${gateway.payroll}/`, `${gateway.portal}/`]) {
      await page.goto(url);
      await page.locator('h1').waitFor();
      assert.equal(new URL(page.url()).origin, gateway.portal, `${url} stays closed`);
      assert.equal(await page.locator('h1:has-text("Your services")').count(), 0);
    }
    // nor does a form that is not on the page
    await page.goto(`${gateway.portal}/remind`);
    await heading(page, 'Enable two-factor authentication to continue');
    await page.locator('button[value=enrol]').evaluate((button) => (button.value = 'later'));
    await page.click('button[value=later]');
    await page.locator('h1').waitFor();
    await page.goto(`${gateway.wiki}/`);
    await page.locator('h1').waitFor();
    assert.equal(new URL(page.url()).origin, gateway.portal);
    quiet(page);
  },

  async 'he enrols and is let in'(world) {
    const { gateway } = world;
    const page = await world.person({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    await page.goto(`${gateway.wiki}/mobile`);
    await password(page, gateway.accounts.mikael);
    await page.click('button:has-text("Enable two-factor authentication")');
    const { codes } = await enrol(page, world.dir, { looking: false });
    assert.equal(codes.length, 8);
    await page.check('#stored');
    await page.click('button:has-text("Finish")');
    await page.waitForURL(`${gateway.wiki}/mobile`);
    assert.equal((await received(page))['remote-groups'], 'finance,staff');
    quiet(page);
  },

  async 'who still has time is told how much'(world) {
    const { gateway } = world;
    const page = await world.person();
    await page.goto(`${gateway.wiki}/`);
    await password(page, gateway.accounts.helena);
    await heading(page, 'Protect your account');
    const left = await page.locator('.left').innerText();
    assert.match(left, /14 days left/, 'today is not counted');
    const last = new Date(Date.now() + 14 * 86_400_000);
    const weekday = last.toLocaleDateString('en-GB', { weekday: 'long', timeZone: 'UTC' });
    assert.ok(left.includes(weekday), `${left} names ${weekday}`);
    await look(page, 'reminder with a deadline');
    await page.click('button:has-text("Remind me later")');
    await page.waitForURL(`${gateway.wiki}/`);
    quiet(page);
  },

  async 'five wrong codes pause the codes and end the sign-in'(world) {
    const { gateway } = world;
    const page = await world.person();
    await page.goto(`${gateway.wiki}/`);
    await password(page, gateway.accounts.mikael);
    for (let n = 1; n <= 5; n += 1) {
      await heading(page, 'Enter the code from your app');
      await typeCode(page, '000000');
      if (n < 5) await page.locator('#code-err', { hasText: 'not correct' }).waitFor();
    }
    await heading(page, 'Too many incorrect codes');
    await look(page, 'codes paused');
    await page.goto(`${gateway.portal}/signin/code`);
    await heading(page, 'Sign in');
    quiet(page);
  },
};
