import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const RUNTIME = '\0rolldown/runtime.js';

/**
 * Collects the packages whose code is bundled, over any number of builds.
 * @param {string} root the project's folder
 * @param {string[]} alsoOf paths of modules whose packages are bundled in another form
 * @returns {{ plugin: import('rolldown').Plugin, text(): string }} `text` gives the licences of all, one after the other.
 */
export function licences(root, alsoOf) {
  const folders = new Set(alsoOf.map(packageOf));
  return {
    plugin: {
      name: 'licences',
      generateBundle(_options, bundle) {
        for (const { moduleIds = [] } of Object.values(bundle)) {
          for (const id of moduleIds) {
            if (id === RUNTIME) folders.add(join(root, 'node_modules/rolldown'));
            else if (id.includes('/node_modules/')) folders.add(packageOf(id));
          }
        }
      },
    },
    text() {
      const entries = [...folders].map(entryOf).sort((a, b) => (a < b ? -1 : 1));
      return `What is bundled in this folder besides cutover's own code, and by which licence.\n\n${entries.join('\n')}`;
    },
  };
}

/** The folder of the package that a module belongs to. Some have a package.json without a name in folders within. */
function packageOf(path) {
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    const manifest = join(dir, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name) return dir;
    if (dir === dirname(dir)) throw new Error(`${path} belongs to no package`);
  }
}

function entryOf(dir) {
  const { name, version, license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
  const files = readdirSync(dir).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  if (!license || files.length === 0) throw new Error(`${name}: its licence is not in the package`);
  const texts = files.map((file) => readFileSync(join(dir, file), 'utf8').replaceAll('\r\n', '\n').trim());
  return `${'='.repeat(80)}\n${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`;
}
