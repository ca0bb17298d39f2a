import { createFinder, type SecretFinder } from './secret-finder.ts';
import { secretForms } from './secret-forms.ts';

/** Knows the secrets of this process, and takes them out of text. */
export interface Redactor {
  /** Keeps this value away from now on; shorter ones than four characters would blot out ordinary words. */
  remember(secret: string): void;
  /** Values that are looked up when something is redacted next, and not before. */
  later(find: () => Iterable<string>): void;
  /** Text that holds no secrets: a short value that stands in it (`legacy`, `8080`) is a word, and stays. */
  plain(text: string): void;
  /** The same text with every secret replaced by `***`, in whatever form it stands there (see secretForms). */
  redact(text: string): string;
}

const MIN_SECRET = 4;
/** Shorter values may be words of the config too. */
const MIN_NO_WORD = 8;

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  const plainTexts: string[] = [];
  let finders: (() => Iterable<string>)[] = [];
  /** undefined when it is to be made anew, null when there is nothing to find. */
  let finder: SecretFinder | null | undefined;
  const remember = (secret: string) => {
    if (secret.trim().length < MIN_SECRET || secrets.has(secret)) return;
    secrets.add(secret);
    finder = undefined;
  };
  const isWord = (secret: string) =>
    secret.trim().length < MIN_NO_WORD && plainTexts.some((text) => text.includes(secret.trim()));
  return {
    remember,
    later(find) {
      finders.push(find);
    },
    plain(text) {
      plainTexts.push(text);
      finder = undefined;
    },
    redact(text) {
      if (finders.length > 0) {
        const due = finders;
        finders = [];
        for (const find of due) for (const secret of find()) remember(secret);
      }
      if (finder === undefined) {
        const known = [...secrets].filter((secret) => !isWord(secret));
        finder = known.length === 0 ? null : createFinder(known.flatMap(secretForms), true);
      }
      return finder === null ? text : blotOut(text, finder);
    },
  };
}

function blotOut(text: string, finder: SecretFinder): string {
  const data = Buffer.from(text);
  let clean = '';
  let done = 0;
  finder.search(data, true, (first, last, kind) => {
    let [from, to] = [first, Math.max(done, last)];
    // Of base64, what belongs to it on both sides goes with it.
    if (kind === 'base64') {
      while (from > done && isBase64(data[from - 1])) from -= 1;
      while (isBase64(data[to])) to += 1;
    }
    if (from >= done) clean += `${data.toString('utf8', done, from)}***`;
    done = to;
  });
  return done === 0 ? text : clean + data.toString('utf8', done);
}

function isBase64(byte: number | undefined): boolean {
  return byte !== undefined && /[A-Za-z0-9+/_=-]/.test(String.fromCharCode(byte));
}
