#!/usr/bin/env node
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const main = join(__dirname, '..', 'dist', 'main.cjs');
if (existsSync(main)) {
  require(main);
} else {
  process.stderr.write('cutover: not built yet. Run: npm run setup\n');
  process.exitCode = 1;
}
