import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const SIMULATE = fileURLToPath(new URL('../../simulate/simulate.mjs', import.meta.url));

it('npm run simulate starts, and prints the table of a simulation of a few logs', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [SIMULATE, 'months', '20']).catch(
    // A few logs may be out of bounds that hold for many.
    (error: { code: number; stdout: string }) => (error.code === 1 ? error : Promise.reject(error)),
  );
  expect(stdout).toMatch(/logs of 30 days, 20 of each kind/);
});
