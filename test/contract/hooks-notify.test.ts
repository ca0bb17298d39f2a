import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hook, HookEvent } from '../../src/hooks/hook.ts';
import { ALERTMANAGER, startAlertmanager } from '../servers/alertmanager.ts';
import { startExec } from '../servers/exec-command.ts';
import { faultOf, hookEvent, hooksOf, rollbackEvent, soon } from '../servers/hooks.ts';
import type { NotifyBench } from '../servers/notify-bench.ts';
import { installed, type Required } from '../servers/require.ts';
import { SMTP, startSmtp } from '../servers/smtp.ts';
import { WEBHOOKS } from '../servers/webhooks.ts';

/** Every notify driver, with what it is run against. */
const BENCHES: { title: string; server?: Required; start(): Promise<NotifyBench> }[] = [
  ...WEBHOOKS,
  { title: 'exec and a shell script', start: startExec },
  { title: 'alertmanager and Alertmanager', server: ALERTMANAGER, start: startAlertmanager },
  { title: 'email and smtp-server', server: SMTP, start: startSmtp },
];

const AT = '2026-03-01T10:00:00.000Z';

const evidence = {
  verdict: 'FAIL',
  document: {
    reasons: [{ code: 'guardrail_failed', text: 'latencyP50: target is worse than its margin allows' }],
  },
};

describe.each(BENCHES)('notify driver $title', ({ server, start }) => {
  describe.skipIf(server !== undefined && !installed(server))('keeps the contract:', () => {
    let bench: NotifyBench;
    beforeAll(async () => {
      bench = await start();
    });
    afterAll(async () => {
      await bench?.stop();
    });
    beforeEach(() => bench.reset());

    const hookFor = (more: object = {}): Hook => {
      const [hook] = hooksOf({ notify: [bench.entry(more)] }, bench).notify;
      if (!hook) throw new Error('no hook');
      return hook;
    };
    const tell = (event: HookEvent) => hookFor().run(event, soon());
    /** What was told, with the quoting of the medium taken off. */
    const told = async () => (await bench.messages()).join('\n').replace(/\\(?=[^\w\s])/g, '');

    it('tells who, what, old and new, why, by what evidence, what failed and how to undo', async () => {
      const more = { at: AT, flag: { before: 0.9, after: 0 }, history: { entries: 1234, head: 'ab12cd34' } };
      await tell(rollbackEvent({ evidence, ...more }));
      const text = await told();
      for (const part of [
        'chat-prod',
        'rollback',
        'ann@laptop',
        'latency is up',
        'FAIL',
        'target is worse than its margin allows',
        'dns[0] exec ./dns',
        'exit 1: no route',
        'cutover rollback --to 9 --force',
        'op-2',
        AT,
        '1234',
        'ab12cd34',
      ]) {
        expect(text).toContain(part);
      }
      expect(text).toMatch(/25 % → 0 %|"ratio":0\.25|RATIO=0\.25/);
      // The flag was not where the state said; a step that failed can be tried again.
      expect(text).toMatch(/from 90 % to 0 %|"before":0\.9/);
      expect(text).toMatch(/cutover resume|"outcome":"failed"/);
    });

    it('sends one message for one event', async () => {
      await tell(rollbackEvent());
      expect(await bench.messages()).toHaveLength(1);
    });

    it('gives the same event the same key', async () => {
      await tell(rollbackEvent());
      await tell(rollbackEvent());
      const keys = (await bench.keys?.()) ?? ['none'];
      expect(new Set(keys).size).toBe(1);
      expect(keys[0]).not.toBe('');
    });

    it('marks a test as a test', async () => {
      await tell(hookEvent({ test: true, idempotencyKey: 'test-1' }));
      expect(await told()).toMatch(/\[TEST\]|"test":true|true/);
      expect((await bench.messages()).length).toBeGreaterThan(0);
    });

    it('sends no control character on', async () => {
      await tell(rollbackEvent({ reason: 'red \u001b[31malert\u0007' }));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
      expect(await told()).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
    });

    it('is an error when it is refused, and says what was said without any secret', async ({ skip }) => {
      if (!bench.refuse) return skip('this receiver cannot be made to refuse');
      bench.refuse();
      const fault = await faultOf(tell(rollbackEvent()));
      expect(fault).toMatchObject({ code: 'HOOK_FAILED', exitCode: 69 });
      for (const secret of bench.secrets) expect(`${fault.message} ${fault.hint}`).not.toContain(secret);
      expect(fault.message).toMatch(/HTTP 403: no|exit 3|not with/);
    });

    it('is an error when nobody is there', async () => {
      const fault = await faultOf(hookFor(await bench.unreachable()).run(rollbackEvent(), soon()));
      expect(fault).toMatchObject({ code: 'HOOK_FAILED', exitCode: 69 });
      for (const secret of bench.secrets) expect(`${fault.message} ${fault.hint}`).not.toContain(secret);
    });

    it('ends when its time is over', async ({ skip }) => {
      if (!bench.hang) return skip('this receiver cannot be made to hang');
      bench.hang();
      const started = Date.now();
      const stop = new AbortController();
      setTimeout(() => stop.abort(new Error('out of time')), 300);
      expect((await faultOf(hookFor().run(rollbackEvent(), stop.signal))).message).toMatch(/out of time/);
      expect(Date.now() - started).toBeLessThan(3000);
    });

    it('has no secret in its result', async () => {
      const result = JSON.stringify(await tell(rollbackEvent()));
      for (const secret of bench.secrets) expect(result).not.toContain(secret);
    });
  });
});
