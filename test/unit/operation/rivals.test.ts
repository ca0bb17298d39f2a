import { expect, it } from 'vitest';
import { mayStillLand, writeBounds } from '../../../src/operation/rivals.ts';

/** For how long a server is believed to be at what nobody waits for any more. */

const S = 1000;
const webhook = { timeoutMs: 10 * S, retries: 2 } as Parameters<typeof writeBounds>[0][number];
const usual = writeBounds([webhook]);
const slow = writeBounds([{ ...webhook, settlesMs: 60 * S }]);
/** Its last try was given up 30 s after the first began. */
const gaveUp = { startedAt: 0, startedUptime: null, ms: 30 * S, from: 0 };
const killed = { ...gaveUp, ms: null };

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
  expect(
    mayStillLand(writer, bounds, { now: nowS * S, uptime: null, quietMs: quietS * S, clocksMs: 0 }),
  ).toBe(expected);
});

it.each([
  ['that much longer by the clock', 349, 0, true],
  ['no longer', 351, 0, false],
  ['nor longer than it was seen to be gone', 60, 21, false],
])('%s, where clocks may be five minutes apart', (_name, nowS, quietS, expected) => {
  const looking = { now: nowS * S, uptime: null, quietMs: quietS * S, clocksMs: 300 * S };
  expect(mayStillLand(gaveUp, usual, looking)).toBe(expected);
});

it.each([
  ['counts', 'this boot', 49, true],
  ['ends it', 'this boot', 51, false],
  ['of another boot says nothing, and the clocks are gone by', 'another', 49, false],
])("the machine's own clock %s, whatever that of a process says", (_name, boot, nowS, expected) => {
  const began = { ...gaveUp, startedUptime: { boot: 'this boot', ms: 0 } };
  const hours = 2 * 3600 * S;
  for (const off of expected ? [hours, -hours] : [hours])
    expect(
      mayStillLand(began, usual, {
        now: nowS * S + off,
        uptime: { boot, ms: nowS * S },
        quietMs: 0,
        clocksMs: 300 * S,
      }),
    ).toBe(expected);
});
