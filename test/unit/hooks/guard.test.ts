import { describe, expect, it } from 'vitest';
import { createSecrets } from '../../../src/config/secrets.ts';
import { CutoverError, EXIT } from '../../../src/errors.ts';
import { withoutSecrets } from '../../../src/hooks/guard.ts';
import type { Hook } from '../../../src/hooks/hook.ts';
import { hookEvent, soon } from '../../servers/hooks.ts';

const OTHER = 'secret-of-another-hook';
const secrets = () => createSecrets({ OTHER, OWN: 'own-"quoted"\\secret' }, '/');
const config = {
  notify: [{ url: 'https://x.example/${env:OTHER}', headers: { a: '${env:OWN}' }, gone: '${env:NONE}' }],
};
const hook = (run: Hook['run'], read?: Hook['read']): Hook => ({
  driver: 'x',
  label: 'x',
  timeoutMs: 1,
  retries: 0,
  run,
  ...(read ? { read } : {}),
});

describe('a hook without secrets', () => {
  it('redacts results, however deep, with the secrets of all hooks', async () => {
    const said = hook(async () => ({
      before: [{ values: [`x ${OTHER}`] }],
      after: { text: 'own-"quoted"\\secret' },
    }));
    expect(await withoutSecrets(said, config, secrets()).run(hookEvent(), soon())).toEqual({
      before: [{ values: ['x ***'] }],
      after: { text: '***' },
    });
  });

  it('leaves record sets alone: they are public, and a rollback writes them again', async () => {
    const sets = [{ name: 'a.', type: 'TXT' as const, ttl: 1, values: [OTHER] }];
    const records = withoutSecrets(
      hook(
        async () => ({ before: sets }),
        async () => sets,
      ),
      config,
      secrets(),
    );
    expect(await records.read?.(soon())).toEqual(sets);
    expect(await records.run(hookEvent(), soon())).toEqual({ before: sets });
  });

  it.each([
    [
      new CutoverError('X', EXIT.config, `m ${OTHER}`, { hint: `h ${OTHER}`, cause: new Error(OTHER) }),
      'X',
      78,
    ],
    [new Error(`plain ${OTHER}`), 'HOOK_FAILED', 69],
  ])('redacts error %# in message, hint and cause', async (error, code, exitCode) => {
    const fails = hook(async () => {
      throw error;
    });
    const fault: unknown = await withoutSecrets(fails, config, secrets())
      .run(hookEvent(), soon())
      .catch((e) => e);
    expect(fault).toMatchObject({ code, exitCode });
    const { message, hint, cause } = fault as CutoverError;
    expect([message, hint, String(cause)].join()).not.toContain(OTHER);
  });
});
