import { expect, it } from 'vitest';
import { mayStillLand, writeBounds } from '../../../src/operation/rivals.ts';

/** For how long a server is believed to be at what nobody waits for any more. */

const S = 1000;
const webhook = { timeoutMs: 10 * S, retries: 2 } as Parameters<typeof writeBounds>[0][number];
const usual = writeBounds([webhook]);
const slow = writeBounds([{ ...webhook, settlesMs: 60 * S }]);
/** Its last try was given up 30 s after the first began. */
const gaveUp = { startedAt: 0, ms: 30 * S, from: 0 };
const killed = { startedAt: 0, ms: null, from: 0 };

it.each([
  ['20 s from the end of the last try, not from the beginning of the first', gaveUp, usual, 49, 0, true],
  ['no longer', gaveUp, usual, 51, 0, false],
  ['as long as the config says', gaveUp, slow, 89, 0, true],
  ['no longer than that', gaveUp, slow, 91, 0, false],
  ['and what puts the flag back, unless to 0 %', { ...gaveUp, from: 0.1 }, usual, 59, 0, true],
  ['after a kill, from when all tries would have been over', killed, usual, 50, 0, true],
  ['no longer than it was seen to be gone', killed, usual, 21, 21, false],
  ['a day later', killed, slow, 86_400, 0, false],
])('%s', (_name, writer, bounds, nowS, quietS, expected) => {
  expect(mayStillLand(writer, bounds, { now: nowS * S, quietMs: quietS * S, clocksMs: 0 })).toBe(expected);
});

it.each([
  ['that much longer by the clock', 349, 0, true],
  ['no longer', 351, 0, false],
  ['nor longer than it was seen to be gone', 60, 21, false],
])('%s, where clocks may be five minutes apart', (_name, nowS, quietS, expected) => {
  const looking = { now: nowS * S, quietMs: quietS * S, clocksMs: 300 * S };
  expect(mayStillLand(gaveUp, usual, looking)).toBe(expected);
});
