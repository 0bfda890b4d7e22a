// Pictures of every page, for the documentation and to be looked at: DIR/<page>.<desktop|phone>-<light|dark>.png
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { password, typeCode } from './steps.mjs';
import { Phone } from './phone.mjs';

const sizes = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

export async function screenshots(world, dir) {
  const { gateway } = world;
  await mkdir(dir, { recursive: true });
  const page = await world.person();
  const shoot = async (name) => {
    for (const [device, size] of Object.entries(sizes)) {
      await page.setViewportSize(size);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        // a phone's page is taken whole
        await page.screenshot({ path: join(dir, `${name}.${device}-${colorScheme}.png`), fullPage: device === 'phone' });
      }
    }
    await page.setViewportSize(sizes.desktop);
    await page.emulateMedia({ colorScheme: 'light' });
  };
  const press = (text) => page.click(`main button:has-text("${text}"), main a:has-text("${text}")`);

  await page.goto(`${gateway.wiki}/handbook?page=2`);
  await shoot('sign-in');
  await password(page, gateway.accounts.aino, 'wrong');
  await page.locator('[role=alert]').waitFor();
  await shoot('sign-in-wrong');
  await password(page, gateway.accounts.helena);
  await page.locator('.left').waitFor();
  await shoot('reminder-deadline');
  await page.context().clearCookies();
  await page.goto(`${gateway.wiki}/`);
  await password(page, gateway.accounts.mikael);
  await page.locator('.note').waitFor();
  await shoot('past-deadline');
  await page.context().clearCookies();
  await page.goto(`${gateway.wiki}/handbook?page=2`);
  await password(page, gateway.accounts.aino);
  await page.locator('button[value=later]').waitFor();
  await shoot('reminder');
  await press('Remind me later');
  await page.waitForURL('**/handbook?page=2');
  await shoot('application-wiki');
  await page.goto(`${gateway.wiki}/form`);
  await shoot('application-form');
  await page.goto(`${gateway.wiki}/socket`);
  await page.locator('#heard', { hasText: 'origin' }).waitFor();
  await shoot('application-websocket');
  await page.goto(`${gateway.payroll}/`);
  await shoot('required');
  await press('Enable two-factor authentication');
  await shoot('enrol-1-why');
  await press('Next');
  await shoot('enrol-2-app');
  await press('Next');
  await shoot('enrol-3-scan');
  const phone = new Phone((await page.locator('#key').textContent()).replace(/\s/g, ''));
  await press('Next');
  await shoot('enrol-4-confirm');
  await typeCode(page, await phone.code());
  await page.locator('#codes').waitFor();
  await shoot('enrol-5-codes');
  await press('Finish');
  await page.locator('[role=alert]').waitFor();
  await shoot('enrol-5-not-ticked');
  await page.check('#stored');
  await press('Finish');
  await page.waitForURL(`${gateway.payroll}/`);
  await shoot('application-payroll');
  await page.goto(`${gateway.portal}/`);
  await shoot('your-services');
  await page.goto(`${gateway.portal}/signout`);
  await shoot('sign-out');
  await press('Sign out');
  await page.locator('h1:has-text("signed out")').waitFor();
  await shoot('signed-out');
  await page.goto(`${gateway.wiki}/`);
  await password(page, gateway.accounts.aino);
  await page.locator('#code').waitFor();
  await shoot('code');
  await typeCode(page, '000000');
  await page.locator('#code-err').waitFor();
  await shoot('code-wrong');
  await press('Second method');
  await shoot('second-method');
  await press('One-time code');
  await shoot('one-time-code');
  await page.goto(`${gateway.portal}/signin/emergency-code`);
  await shoot('emergency-code');
  await page.goto(`${gateway.portal}/signin/one-time-code`);
  await page.fill('#otc', await gateway.cli('helpdesk-code', 'aino'));
  await press('Confirm');
  await page.locator('h1:has-text("What happened")').waitFor();
  await shoot('lost');
  await page.click('label[for=temp]');
  await press('Next');
  await page.waitForURL(`${gateway.wiki}/`);

  await page.goto(`${gateway.wiki}/form`);
  await gateway.cli('session', 'revoke', '--account', 'aino');
  await page.waitForTimeout(1500);
  await page.click('button:has-text("Send")');
  await page.locator('h1:has-text("Your session has ended")').waitFor();
  await shoot('form-expired');

  await page.context().clearCookies();
  const other = await world.beside((text) => text
    .replace('    host: payroll.localhost\n', '    host: payroll.localhost\n    access: { groups: [finance] }\n')
    .replace('    two_factor: { policy: required }\n    identity:', '    two_factor: { policy: optional }\n    identity:')
    .replace(/(host: wiki\.localhost\n\s+upstream: )\[.*\]/, '$1[ "http://127.0.0.1:9" ]'));
  await page.goto(`${other.portal}/signin`);
  await password(page, other.accounts.aino);
  await page.locator('button[value=later]').click();
  await page.locator('h1:has-text("Your services")').waitFor();
  await page.goto(`${other.payroll}/`);
  await shoot('forbidden');
  await page.goto(`${other.wiki}/`);
  await shoot('not-answering');
  await page.goto(`${other.portal}/no-such-page`);
  await shoot('not-found');
}
