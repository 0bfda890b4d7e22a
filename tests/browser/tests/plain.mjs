// The same without JavaScript.
import { assert } from '../lib/check.mjs';
import { heading } from '../lib/browser.mjs';
import { Phone } from '../lib/phone.mjs';
import { enrol, password, received, storeCodes, typeCode } from '../lib/steps.mjs';

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
