// Run by npm before it installs better-sqlite3, whose native part is fetched from GitHub or compiled. Where neither can
// be, npm would end with a page of node-gyp's: this ends it with what to type. It refuses only what is certain to fail.
const dns = require('node:dns/promises');
const { existsSync, readdirSync } = require('node:fs');
const { homedir } = require('node:os');
const { dirname, join } = require('node:path');

const BINARIES = 'github.com';
const HEADERS = 'nodejs.org';
/** Whoever sets one of these has found a way of their own. */
const OWN_WAY =
  /proxy$|^npm_config_(nodedir|devdir|disturl|dist_url|tarball|target|build_from_source|.*(binary_host|local_prebuilds).*)$/i;

async function main() {
  if (Object.entries(process.env).some(([name, value]) => OWN_WAY.test(name) && value)) return;
  if (process.platform === 'win32' || process.config.variables.use_prefix_to_find_headers) return;
  if (hasHeaders() || hasBinary()) return;
  const found = await Promise.all([BINARIES, HEADERS].map(isKnown));
  if (found.some(Boolean)) return;
  process.stderr.write(`cutover: better-sqlite3 needs a native part, and neither its binary (${BINARIES}) nor the headers of Node.js
to compile it (${HEADERS}) are in reach. ${advice()}
More ways: docs/install.md
`);
  process.exitCode = 1;
}

async function isKnown(host) {
  try {
    await dns.lookup(host);
    return true;
  } catch (error) {
    // Any other answer leaves hope.
    return error.code !== 'ENOTFOUND' && error.code !== 'EAI_AGAIN';
  }
}

/** What node-gyp has fetched before. */
function hasHeaders() {
  const caches = [process.env.XDG_CACHE_HOME, join(homedir(), '.cache'), join(homedir(), 'Library/Caches')];
  return caches.some((cache) => cache && existsSync(join(cache, 'node-gyp', process.versions.node)));
}

/** What prebuild-install has fetched before. */
function hasBinary() {
  try {
    const cache = process.env.npm_config_cache || join(homedir(), '.npm');
    return readdirSync(join(cache, '_prebuilds')).some((name) => name.includes('better-sqlite3'));
  } catch (_none) {
    return false;
  }
}

function advice() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include/node/node.h'))
    ? `The headers are on this machine: type the same again with npm_config_nodedir=${prefix} before it.`
    : 'Where the headers are on this machine, type the same again with npm_config_nodedir=DIR before it (DIR holds include/node).';
}

main();
