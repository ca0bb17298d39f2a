import { describe, expect, it } from 'vitest';
import type { Hook, HookEvent } from '../../../src/hooks/hook.ts';
import { type HttpCall, Refused } from '../../../src/hooks/http.ts';
import type { Outbox, SendEnd } from '../../../src/operation/outbox.ts';
import { tellHook } from '../../../src/operation/tell.ts';

const CALL: HttpCall = { url: 'https://hooks.example.test/', method: 'POST', signal: AbortSignal.abort() };
const NOW = Date.parse('2030-01-01T00:00:00Z');

/** What becomes of a message whose receiver answers 429 with this Retry-After. */
async function kept(retryAfter: string): Promise<SendEnd & { sent: false }> {
  const ends: SendEnd[] = [];
  const outbox: Outbox = {
    take: () =>
      ends.length > 0 ? null : { seq: 1, operationId: 'op-1', event: {} as HookEvent, attempts: 0 },
    ended: (_taken, end) => ends.push(end),
    delivery: () => null,
  };
  const hook: Hook = {
    ...{ driver: 'slack', label: 'notify[0] slack', timeoutMs: 1000, retries: 2 },
    run: () => Promise.reject(new Refused(CALL, { status: 429, text: '', retryAfter })),
  };
  const clock = { now: () => NOW, random: () => 0 };
  await tellHook(outbox, hook, { clock, redact: (text) => text, deadline: NOW + 60_000 });
  return ends[0] as SendEnd & { sent: false };
}

describe('a receiver that asks to be left alone', () => {
  it('is, for as long as it asks', async () => {
    const { notBefore, error } = await kept('300');
    expect(notBefore).toBe(NOW + 300_000);
    expect(error).toContain(
      'left alone until 2030-01-01T00:05:00.000Z; the next command from then on tries again',
    );
  });

  it.each([
    ['a day', '86400', '2030-01-02T00:00:00.000Z'],
    ['a year, as a date', 'Wed, 01 Jan 2031 00:00:00 GMT', '2031-01-01T00:00:00.000Z'],
    ['longer than any date', '9'.repeat(400), '+275760-09-13T00:00:00.000Z'],
  ])('for %s, is for a quarter of an hour', async (_name, retryAfter, until) => {
    const { notBefore, error } = await kept(retryAfter);
    expect(notBefore).toBe(NOW + 15 * 60_000);
    expect(error).toContain(
      `left alone until ${until}; the next command after 2030-01-01T00:15:00.000Z tries again`,
    );
  });
});
