// The phone: reads the QR code off the screen and shows codes.
import { join } from 'node:path';
import { pause } from './check.mjs';
import { run } from './gateway.mjs';

/** An authenticator app with one account. */
export class Phone {
  #key;
  #last = 0;
  constructor(key) {
    this.#key = key;
  }

  /** Holds the phone before the screen: the code is read from a picture, in light and in dark. */
  static async scan(page, dir) {
    const seen = [];
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      const path = join(dir, `qr-${colorScheme}.png`);
      await page.screenshot({ path });
      seen.push(await run('zbarimg', ['--raw', '--quiet', '-Sdisable', '-Sqrcode.enable', path]));
    }
    await page.emulateMedia({ colorScheme: 'light' });
    const [light, dark] = seen;
    if (light !== dark) throw new Error(`the QR code reads ${light} in light and ${dark} in dark`);
    const url = new URL(light);
    const phone = new Phone(url.searchParams.get('secret'));
    phone.url = url;
    return phone;
  }

  /**
   * A code that has not been used: each stands for 30 seconds, and one step either way is accepted. It begins with
   * the step before, with time to type it, so that three are there at once.
   */
  async code() {
    const step = (later = 0) => Math.floor((Date.now() + later) / 30_000);
    const next = Math.max(this.#last + 1, step(8000) - 1);
    while (next > step() + 1) await pause(250);
    return this.#at(next);
  }

  /** What the app shows now, used or not. */
  now() {
    return run('oathtool', ['--totp', '-b', this.#key]);
  }

  /** The last one once more. */
  same() {
    return this.#at(this.#last);
  }

  async #at(step) {
    this.#last = step;
    return run('oathtool', ['--totp', '-b', '--now', `@${step * 30}`, this.#key]);
  }
}
