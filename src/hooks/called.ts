import { createHash } from 'node:crypto';

/**
 * Whom a hook calls, in words that tell two of them apart and may be kept and shown: what may be a secret is left out, and
 * a digest stands for it. References to secrets are not resolved. Pure.
 */

/** @param url as the config has it */
export function calledAt(url: string): string {
  const shown = url.replace(/[?#].*$/s, '').replace(/\/\/[^/@]*@/, '//');
  return `webhook ${shown}${digestUnless(shown === url, url)}`;
}

/** Of a command only short plain arguments are shown. @param command the file and its arguments */
export function calledBy(command: readonly string[]): string {
  const [file = '', ...args] = command;
  const plain = args.every((arg) => /^[\w.,:/@+-]{1,16}$/.test(arg) && !SECRET.test(arg));
  return `exec ${[file, ...(plain ? args : [])].join(' ')}${digestUnless(plain, JSON.stringify(command))}`;
}

const SECRET = /key|token|secret|pass|auth|cred/i;

const digestUnless = (whole: boolean, text: string): string =>
  whole ? '' : ` #${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
