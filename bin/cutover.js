#!/usr/bin/env node
// Whatever Node.js is there reads this, so that an old one too can say what is wrong: nothing here is new to it.
const NEEDS = '20.20';
const MAIN = '../dist/main.cjs';

function start() {
  if (isOlder(process.versions.node, NEEDS)) {
    fail(`needs Node.js ${NEEDS} or newer, and this is ${process.versions.node} (${process.execPath})`);
    // It may succeed all the same, and no version may keep it from the flag.
    if (isEmergency()) load();
  } else if (isBuilt()) {
    load();
  } else {
    fail('not built yet. Run: npm run setup');
  }
}

function load() {
  try {
    require(MAIN);
  } catch (error) {
    if (isEmergency()) fail(`NOT SAFE: nothing was changed: ${error.message}`);
    else fail(`${error.message}: this installation is damaged; install it again`);
  }
}

function isEmergency() {
  return process.argv.includes('--emergency');
}

function isBuilt() {
  try {
    return require.resolve(MAIN) !== '';
  } catch (_notThere) {
    return false;
  }
}

function isOlder(version, needed) {
  const [major, minor] = version.split('.').map(Number);
  const [neededMajor, neededMinor] = needed.split('.').map(Number);
  return major < neededMajor || (major === neededMajor && minor < neededMinor);
}

function fail(message) {
  process.stderr.write(`cutover: ${message}\n`);
  process.exitCode = 1;
}

start();
