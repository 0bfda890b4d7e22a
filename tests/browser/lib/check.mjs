// Claims and patience.
import assert from 'node:assert/strict';

export { assert };

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again and again until the answer is true, and returns it. */
export async function until(what, ms, ask) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain until ${what}`);
    await pause(50);
  }
}
