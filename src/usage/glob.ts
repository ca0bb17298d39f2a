import { normalize } from 'node:path/posix';

/**
 * Whether a path is one that a pattern means: `*` and `?` stay within a folder, `**` does not; `[abc]`, `[a-z]` and
 * `[!abc]` are one character. A `[` that nothing closes stands for itself. Takes time in proportion to both lengths
 * multiplied, whatever the pattern.
 */
export function globMatcher(glob: string): (path: string) => boolean {
  const parts = partsOf(glob).map((part) => (part === '**' ? ANY_NUMBER : namePattern(part)));
  return (path) => matchesAll(parts, partsOf(path));
}

/** How many folders deep a path of the pattern may lie below one of so many parts; Infinity with `**`. */
export function globDepth(glob: string, base: string): number {
  const folders = partsOf(base).filter((part) => part !== '' && part !== '.').length;
  const parts = partsOf(glob).filter((part) => part !== '');
  return parts.includes('**') ? Number.POSITIVE_INFINITY : parts.length - folders;
}

function partsOf(path: string): string[] {
  return normalize(path).split('/');
}

/** Of a folder's or file's name, or of a character. */
type Test = (item: string) => boolean;

/** In a row of tests: any number of items. */
const ANY_NUMBER: Test = () => true;

function namePattern(glob: string): Test {
  const tests: Test[] = [];
  const characters = [...glob];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    const end = character === '[' ? characters.indexOf(']', at + (characters[at + 1] === '!' ? 3 : 2)) : -1;
    if (character === '*') tests.push(ANY_NUMBER);
    else if (character === '?') tests.push(() => true);
    else if (end > 0) {
      tests.push(characterClass(characters.slice(at + 1, end)));
      at = end;
    } else tests.push((other) => other === character);
  }
  return (name) => matchesAll(tests, [...name]);
}

/** One of some characters and ranges of them; one that is empty (`z-a`) holds none. */
function characterClass(inside: readonly string[]): Test {
  const negated = inside[0] === '!' || inside[0] === '^';
  const members = negated ? inside.slice(1) : inside;
  const tests: Test[] = [];
  for (let at = 0; at < members.length; at++) {
    const from = members[at] as string;
    const to = members[at + 1] === '-' ? members[at + 2] : undefined;
    tests.push(to === undefined ? (other) => other === from : (other) => other >= from && other <= to);
    if (to !== undefined) at += 2;
  }
  return (character) => tests.some((test) => test(character)) !== negated;
}

/**
 * Whether tests fit items, in their order and all of them. Only the last test for any number is ever tried again:
 * what an earlier one might take more of, it can take as well.
 */
function matchesAll(tests: readonly Test[], items: readonly string[]): boolean {
  let [test, item] = [0, 0];
  let [retryTest, retryItem] = [-1, 0];
  while (item < items.length) {
    const next = tests[test];
    if (next === ANY_NUMBER) {
      [retryTest, retryItem] = [test, item];
      test++;
    } else if (next?.(items[item] as string)) {
      test++;
      item++;
    } else if (retryTest >= 0) {
      retryItem++;
      [test, item] = [retryTest + 1, retryItem];
    } else return false;
  }
  return tests.slice(test).every((rest) => rest === ANY_NUMBER);
}
