// npm run simulate -- NAME [logs]: figures that only many made-up logs can show. Prints them; exit 1 where one is out of its bounds.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'rolldown';

const here = fileURLToPath(new URL('.', import.meta.url));
const [name = '', ...words] = process.argv.slice(2);
const entry = join(here, `${name}.ts`);
if (!/^[a-z]+$/.test(name) || !existsSync(entry)) {
  const known = readdirSync(here)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -3));
  process.stderr.write(`which simulation? known: ${known.join(', ')}\n`);
  process.exit(64);
}
const dir = mkdtempSync(join(tmpdir(), 'cutover-simulate-'));
try {
  const outfile = join(dir, 'simulation.mjs');
  await build({ input: entry, platform: 'node', output: { file: outfile, format: 'esm' } });
  const { run } = await import(pathToFileURL(outfile).href);
  process.exitCode = run(words) ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true });
}
