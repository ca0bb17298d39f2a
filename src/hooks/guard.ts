import { REFERENCE, type Secrets } from '../config/secrets.ts';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import type { Hook } from './hook.ts';

/**
 * The same hook, whose results and errors hold no secret: neither its own nor those of the other hooks, which a
 * command or a server may echo. Record sets of DNS are public and stay as they are: a rollback puts them back.
 * @param config all hooks of the config; every secret that it refers to is kept away
 */
export function withoutSecrets(hook: Hook, config: unknown, secrets: Secrets): Hook {
  const clean = async <T>(work: () => Promise<T>): Promise<T> => {
    rememberAll(config, secrets);
    try {
      return await work();
    } catch (error) {
      throw redacted(error, secrets);
    }
  };
  const { read } = hook;
  if (read) {
    return {
      ...hook,
      run: (event, signal) => clean(() => hook.run(event, signal)),
      read: (signal) => clean(() => read(signal)),
    };
  }
  return {
    ...hook,
    run: (event, signal) =>
      clean(
        async () =>
          mapStrings(await hook.run(event, signal), secrets.redact) as Awaited<ReturnType<Hook['run']>>,
      ),
  };
}

/** An error of the same kind with its texts redacted; the cause is left behind, as its texts are not ours. */
function redacted(error: unknown, secrets: Secrets): CutoverError {
  if (!(error instanceof CutoverError)) {
    return new CutoverError('HOOK_FAILED', EXIT.unreachable, secrets.redact(messageOf(error)));
  }
  return new CutoverError(error.code, error.exitCode, secrets.redact(error.message), {
    hint: error.hint === undefined ? undefined : secrets.redact(error.hint),
  });
}

function rememberAll(value: unknown, secrets: Secrets): void {
  mapStrings(value, (text) => {
    for (const [reference] of text.matchAll(REFERENCE)) {
      try {
        secrets.resolve(reference, '');
      } catch (error) {
        // A secret that is missing cannot leak; the hook that needs it says so itself.
        void error;
      }
    }
    return text;
  });
}

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each) => mapStrings(each, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapStrings(each, change)]));
}
