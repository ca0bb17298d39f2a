const EAGER = "const childProcess = require('node:child_process');";
// A name that is looked up where it is used: the three uses of commander are `childProcess.spawn(…)`.
const LAZY = "const childProcess = { spawn: (...args) => require('node:child_process').spawn(...args) };";

/** Lets commander load node:child_process when it starts a program, which ours never does: that is 2 ms of each start. */
export function lazyChildProcess() {
  return {
    name: 'lazy-child-process',
    transform: {
      filter: { id: /[\\/]commander[\\/]lib[\\/]command\.js$/ },
      handler(code) {
        if (!code.includes(EAGER)) throw new Error('commander loads node:child_process in another way now');
        return code.replace(EAGER, LAZY);
      },
    },
  };
}
