// Loads the built modules. To compile them takes longer than most commands take to do their work, so the build keeps
// what V8 made of each (build/code-cache.mjs). Where that is of another Node.js it is left aside, and nothing changes.
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join, sep } = require('node:path');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');

/** Code is only what this very Node.js made of it. */
const MADE_BY = `${process.version}-${process.platform}-${process.arch}`;
const PARAMETERS = 'exports, require, module, meta';

/**
 * @param {string} dir the folder of the modules
 * @returns {{ load(name: string): unknown, scripts: Map<string, Script> }} `load` gives what a module exports (it runs
 * once); `scripts` holds the modules that were run.
 */
function createLoader(dir) {
  const modules = new Map();
  const scripts = new Map();
  const packages = createRequire(join(dir, 'main.cjs'));

  const load = (name) => {
    const known = modules.get(name);
    if (known) return known.exports;
    const module = { exports: {} };
    modules.set(name, module);
    const filename = dir + sep + name;
    const script = new Script(`(function (${PARAMETERS}) {${readFileSync(filename, 'utf8')}\n})`, {
      filename,
      cachedData: readCode(codePath(dir, name)),
    });
    scripts.set(name, script);
    const within = (id) => (id.startsWith('./') ? load(id.slice(2)) : packages(id));
    const meta = {
      get url() {
        return pathToFileURL(filename).href;
      },
    };
    script.runInThisContext()(module.exports, within, module, meta);
    return module.exports;
  };
  return { load, scripts };
}

/** Where the code of a module is kept. */
function codePath(dir, name) {
  return [dir, 'code', MADE_BY, `${name}.bin`].join(sep);
}

function readCode(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

module.exports = { createLoader, codePath };
