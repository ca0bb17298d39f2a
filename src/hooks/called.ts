import { createHash } from 'node:crypto';

/**
 * Whom a hook calls, in words that tell two of them apart and may be kept and shown: what may be a secret is left out, and
 * a digest stands for it. References to secrets are not resolved. Pure.
 */

/**
 * Of a URL its host is shown, and its path where that is of short plain words.
 * @param url as the config has it
 * @param resolved the same with what its references lead to: another host or path is somebody else
 */
export function calledAt(url: string, resolved = url): string {
  const [, scheme = '', host = '', path = ''] = /^(\w+:\/\/)?(?:[^/?#]*@)?([^/?#]*)([^?#]*)/.exec(url) ?? [];
  const shown = `${scheme}${host}${path.split('/').every(isPlain) ? path : ''}`;
  const { origin = '', pathname = '' } = URL.canParse(resolved) ? new URL(resolved) : {};
  const place = origin + pathname;
  const whole = shown === url && resolved === url;
  return `webhook ${shown}${digestUnless(whole, resolved === url ? url : `${url} ${place}`)}`;
}

/** Of a command short plain arguments are shown. @param command the file and its arguments */
export function calledBy(command: readonly string[]): string {
  const [file = '', ...args] = command;
  const plain = !/\s/.test(file) && args.every((arg) => arg !== '' && isPlain(arg));
  return `exec ${[file, ...(plain ? args : [])].join(' ')}${digestUnless(plain, JSON.stringify(command))}`;
}

/** A word of which nobody has to fear that it is a secret. */
const isPlain = (word: string): boolean => /^[\w.,:/@+-]{0,16}$/.test(word) && !SECRET.test(word);

const SECRET = /key|token|secret|pass|auth|cred/i;

const digestUnless = (whole: boolean, text: string): string =>
  whole ? '' : ` #${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
