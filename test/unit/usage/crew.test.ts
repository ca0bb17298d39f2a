import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { type Job, startCrew } from '../../../src/usage/fast/crew.ts';

it('gives no job the result of one before it that nobody waits for any more', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'cutover-crew-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const entry = join(dir, 'slow.mjs');
  writeFileSync(
    entry,
    `import { parentPort } from 'node:worker_threads';
parentPort.on('message', ({ number, rules }) =>
  setTimeout(() => parentPort.postMessage({ number, share: {}, result: rules.name }), rules.ms));`,
  );
  const crew = startCrew<string>(pathToFileURL(entry), 2);
  onTestFinished(() => crew.dismiss());
  const job = (name: string, ms: number) => ({ rules: { name, ms } }) as Job;
  void crew.read(job('given up', 100));
  const results = (await crew.read(job('wanted', 300))).map(({ result }) => result);
  expect(results).toEqual(['wanted', 'wanted']);
});
