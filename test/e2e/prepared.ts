import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { afterAll } from 'vitest';

/**
 * A folder that many tests of a file begin with: made once, and put back as it was for each further one. It is always
 * at the same place, for the state keeps where it is: only one of them may be in use at a time.
 */
export function prepared(make: () => string | Promise<string>): () => Promise<string> {
  let made = '';
  afterAll(() => {
    if (made === '') return;
    for (const path of [made, `${made}.made`]) rmSync(path, { recursive: true, force: true });
  });
  return async () => {
    if (made === '') {
      const dir = await make();
      execFileSync('cp', ['-a', dir, `${dir}.made`]);
      made = dir;
    } else {
      rmSync(made, { recursive: true, force: true });
      execFileSync('cp', ['-a', `${made}.made`, made]);
    }
    return made;
  };
}
