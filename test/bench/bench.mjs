// Prints how long whole commands take, side by side with their peers in one run. Never fails on time.
// One benchmark only: npm run bench -- emergency
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ownEnvironment } from '../../build/own-environment.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const names = readdirSync(here)
  .filter((name) => name.endsWith('.bench.mjs'))
  .map((name) => name.replace('.bench.mjs', ''))
  .filter((name) => wanted.length === 0 || wanted.includes(name));
if (names.length === 0) {
  process.stderr.write(`no such benchmark: ${wanted.join(', ')}\n`);
  process.exit(64);
}
const { CUTOVER_BENCH_MODULES } = process.env;
process.env = { ...ownEnvironment(process.env), ...(CUTOVER_BENCH_MODULES && { CUTOVER_BENCH_MODULES }) };
for (const name of names) {
  process.stdout.write(`\n${name}\n`);
  await import(`./${name}.bench.mjs`);
}
