#!/usr/bin/env node
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { createLoader } = require('./load.js');

const dist = join(__dirname, '..', 'dist');
if (existsSync(join(dist, 'main.cjs'))) {
  createLoader(dist).load('main.cjs');
} else {
  process.stderr.write('cutover: not built yet. Run: npm run setup\n');
  process.exitCode = 1;
}
