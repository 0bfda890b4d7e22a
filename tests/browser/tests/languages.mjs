// Six languages, chosen by a link and kept.
import { assert } from '../lib/check.mjs';
import { heading, look, quiet } from '../lib/browser.mjs';
import { password } from '../lib/steps.mjs';

const titles = { en: 'Sign in', fi: 'Kirjaudu sisään', sv: 'Logga in', nb: 'Logg inn', da: 'Log ind', de: 'Anmelden' };

export default {
  async 'the sign-in page speaks each language, and goes on speaking it'(world) {
    const { gateway } = world;
    const page = await world.person();
    for (const [tag, title] of Object.entries(titles)) {
      await page.goto(`${gateway.wiki}/${tag}`);
      await page.click(`.langs a[hreflang=${tag}]`);
      assert.equal(await page.locator('html').getAttribute('lang'), tag);
      await heading(page, title);
      assert.equal(await page.locator('.langs [aria-current]').getAttribute('lang'), tag);
      assert.match(await page.locator('.panel').innerText(), /Wiki/, 'the destination is kept');
      await look(page, `sign-in, ${tag}`);
      await page.goto(`${gateway.portal}/signed-out`);
      assert.equal(await page.locator('html').getAttribute('lang'), tag);
    }
    quiet(page);
  },

  async 'the browser’s own language is spoken unasked, and the way in is walked in it'(world) {
    const { gateway } = world;
    const page = await world.person({ locale: 'fi-FI' });
    await page.goto(`${gateway.wiki}/`);
    await heading(page, titles.fi);
    await page.fill('#username', 'helena');
    await page.fill('#password', 'wrong');
    await page.click('main form .btn');
    await page.locator('[role=alert]').waitFor();
    await look(page, 'sign-in, wrong, fi');
    await page.fill('#password', gateway.accounts.helena.password);
    await page.click('main form .btn');
    await page.waitForURL(`${gateway.wiki}/`);
    await page.goto(`${gateway.portal}/`);
    assert.equal(await page.locator('html').getAttribute('lang'), 'fi');
    await look(page, 'your services, fi');
    quiet(page);
  },

  async 'all pages of an enrolment in every language'(world) {
    const { gateway } = world;
    // an account made for this: enrolment is begun, never finished
    const page = await world.person();
    await page.goto(`${gateway.portal}/signin`);
    await password(page, gateway.accounts.helena);
    await page.goto(`${gateway.payroll}/`);
    await page.click('button[value=enrol]');
    for (const tag of Object.keys(titles)) {
      for (const path of ['/enrol', '/enrol/app', '/enrol/scan', '/enrol/confirm']) {
        await page.goto(`${gateway.portal}${path}?lang=${tag}`);
        assert.equal(await page.locator('html').getAttribute('lang'), tag);
        assert.equal(new URL(page.url()).pathname, path);
        if (path === '/enrol/app') await Promise.all([page.waitForURL('**/enrol/scan'), page.click('main form .btn:not(.alt)')]);
        for (const width of [320, 1280]) {
          await page.setViewportSize({ width, height: 900 });
          const wide = await page.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(wide <= width, `${path} in ${tag} is ${wide} px wide at ${width} px`);
        }
      }
    }
    quiet(page);
  },
};
