// Makes a fresh clone ready: installs the locked dependencies and builds, each only when it is out of date.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const mtime = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

function run(command, args, env = {}) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...env },
  });
  if (status !== 0) {
    process.stderr.write(`setup: ${command} ${args.join(' ')} failed\n`);
    process.exit(1);
  }
}

const installed = join(root, 'node_modules', '.package-lock.json');
if (mtime(installed) < mtime(join(root, 'package-lock.json'))) {
  process.stderr.write('setup: installing dependencies (a minute or two, once)\n');
  // better-sqlite3 is compiled where no binary can be downloaded. Headers that came with Node save another download.
  const prefix = dirname(dirname(process.execPath));
  const headers = existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], headers);
}

const newest = (dir) =>
  Math.max(
    ...readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => mtime(join(entry.parentPath, entry.name))),
  );
const built = mtime(join(root, 'dist', 'main.cjs'));
const sources = [newest(join(root, 'src')), newest(join(root, 'build')), mtime(join(root, 'package.json'))];
if (built < Math.max(...sources, mtime(installed))) {
  run('npm', ['run', '--silent', 'build']);
}
