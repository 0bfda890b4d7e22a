// What people do, step by step.
import { readFile } from 'node:fs/promises';
import { assert, until } from './check.mjs';
import { focused, heading, look } from './browser.mjs';
import { Phone } from './phone.mjs';

export async function password(page, account, typed = account.password) {
  await page.fill('#username', account.login);
  await page.fill('#password', typed);
  await page.click('form button:has-text("Sign in")');
}

/** The six digits, typed as a person types them. */
export async function typeCode(page, code) {
  await page.locator('#code').pressSequentially(code);
  await page.click('button:has-text("Confirm")');
}

/** What the application says it has received, by lower-case name. */
export async function received(page) {
  const rows = await page.locator('tbody tr').evaluateAll((all) =>
    all.map((tr) => [tr.querySelector('th').textContent.toLowerCase(), tr.querySelector('td:last-child').textContent]));
  return Object.fromEntries(rows);
}

export async function codesOnPage(page) {
  const codes = await page.locator('#codes li').allTextContents();
  assert.equal(codes.length, 8);
  for (const code of codes) assert.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  return codes;
}

/** From "Add more security" to the emergency codes, which are stored; leaves by Finish. */
export async function enrol(page, dir, { app = 'own', from = 1, looking = true } = {}) {
  const seen = looking ? look : async () => {};
  if (from === 1) {
    await heading(page, 'Add more security');
    await seen(page, 'enrol 1');
    await page.click('main a.btn');
  }
  await heading(page, 'Choose your authenticator app');
  await seen(page, 'enrol 2');
  await page.click(`label[for=${app}]`);
  await page.click('button:has-text("Next")');
  await heading(page, 'Scan the QR code');
  await seen(page, 'enrol 3');
  const phone = await Phone.scan(page, dir);
  assert.equal(phone.url.searchParams.get('issuer'), 'Northgate');
  // the key for those who cannot scan is the same, and stays the same on a reload
  const key = () => page.locator('#key').textContent().then((text) => text.replace(/\s/g, ''));
  const shown = await key();
  assert.equal(shown, phone.url.searchParams.get('secret'));
  await page.reload();
  assert.equal(await key(), shown);
  await page.click('main a:has-text("Next")');
  await heading(page, 'Confirm with a code from the app');
  assert.equal(await focused(page), 'code');
  await seen(page, 'enrol 4');
  await typeCode(page, await phone.code());
  await heading(page, 'Store your emergency codes');
  await seen(page, 'enrol 5');
  const codes = await codesOnPage(page);
  return { phone, codes };
}

/** Finish without the tick is refused; download, tick, Finish. */
export async function storeCodes(page, codes, { looking = true } = {}) {
  await page.click('button:has-text("Finish")');
  await page.locator('[role=alert]').waitFor();
  if (looking) await look(page, 'enrol 5, not ticked');
  assert.match(await page.title(), /^Error: /);
  assert.deepEqual(await codesOnPage(page), codes);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('button:has-text("Download")')]);
  assert.equal(download.suggestedFilename(), 'northgate-emergency-codes.txt');
  const text = await readFile(await download.path(), 'utf8');
  for (const code of codes) assert.ok(text.includes(code), `the file holds ${code}`);
  await page.check('#stored');
  await page.click('button:has-text("Finish")');
}

/** With the password and a code, up to where it leads. */
export async function signIn(page, account, phone, url, { trust = false } = {}) {
  await page.goto(url);
  await password(page, account);
  await heading(page, 'Enter the code from your app');
  if (trust) await page.check('#trust');
  await typeCode(page, await phone.code());
  await page.waitForURL(url);
}

/** Signs in for the first time and enables two-factor authentication: what lies in the hand and on paper afterwards. */
export async function begin(page, world, gateway, account, url = `${gateway.portal}/`) {
  await page.goto(url);
  await password(page, account);
  await page.click('button:has-text("Enable two-factor authentication")');
  const { phone, codes } = await enrol(page, world.dir, { looking: false });
  await page.check('#stored');
  await page.click('button:has-text("Finish")');
  await page.waitForURL(url);
  return { phone, codes };
}

/** The newest mail to somebody with this subject, as the demo's mailbox shows it; waits until there are so many. */
export async function mailed(page, gateway, account, subject, count = 1) {
  const box = await page.context().newPage();
  try {
    const links = box.locator('tr', { has: box.locator('td', { hasText: account.email }) }).locator('th a', { hasText: subject });
    await until(`${subject} has come`, 15_000, async () => {
      await box.goto(gateway.mailbox);
      return (await links.count()) >= count;
    });
    await links.first().click();
    await box.locator('h2', { hasText: subject }).waitFor();
    return await box.locator('pre').innerText();
  } finally {
    await box.close();
  }
}

/** Finds somebody in the console and opens the page. */
export async function findUser(page, gateway, name) {
  await page.goto(`${gateway.portal}/desk/users`);
  await page.fill('#q', name);
  await page.click('button:has-text("Search")');
  await page.click('main h3 a');
  await heading(page, name);
}

/** How an agent says what was checked, and for which case. */
export async function checked(page, { check = 'Called back', number = '4711' } = {}) {
  await page.locator('label', { hasText: check }).click();
  await page.fill('#case', number);
}
