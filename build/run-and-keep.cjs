// Runs the built command, and keeps the code of what it loaded.
const { mkdirSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { codePath, createLoader } = require('../bin/load.js');

const dist = join(__dirname, '..', 'dist');
const { load, scripts } = createLoader(dist);
process.on('exit', () => {
  for (const [name, script] of scripts) {
    const path = codePath(dist, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, script.createCachedData());
  }
});
load('main.cjs');
