// Loaded with `node --import`: counts every effect on files, database, processes and sockets, and ends the
// process with SIGKILL (or sends it CUTOVER_CRASH_SIGNAL) at the point that CUTOVER_CRASH_AT names. CUTOVER_CRASH_LOG
// gets a line for each point.
import childProcess from 'node:child_process';
import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const at = Number(process.env.CUTOVER_CRASH_AT ?? 0);
const log = process.env.CUTOVER_CRASH_LOG;
const { writeSync } = fs;
const logFile = log ? fs.openSync(log, 'w') : undefined;
let count = 0;

function point(name) {
  count += 1;
  if (logFile !== undefined) writeSync(logFile, `${count} ${name}\n`);
  if (count === at) process.kill(process.pid, process.env.CUTOVER_CRASH_SIGNAL ?? 'SIGKILL');
}

function wrap(object, name, label = name, matters = () => true) {
  const original = object[name];
  object[name] = function (...args) {
    if (!matters(this, args)) return original.apply(this, args);
    point(`before ${label}`);
    const result = original.apply(this, args);
    point(`after ${label}`);
    return result;
  };
}

const writes = (_self, [, flags]) => typeof flags === 'string' && flags !== 'r';
wrap(fs, 'openSync', 'open', writes);
for (const name of ['writeSync', 'fsyncSync', 'renameSync', 'unlinkSync', 'ftruncateSync']) wrap(fs, name);
for (const name of ['appendFileSync', 'writeFileSync', 'mkdirSync', 'chmodSync']) wrap(fs, name);
wrap(childProcess, 'spawn');
wrap(net.Socket.prototype, 'connect');
wrap(
  net.Socket.prototype,
  'write',
  'socket write',
  (socket) => socket !== process.stdout && socket !== process.stderr,
);
syncBuiltinESMExports();

const Database = createRequire(import.meta.url)('better-sqlite3');
const probe = new Database(':memory:');
const Statement = Object.getPrototypeOf(probe.prepare('SELECT 1'));
probe.close();
wrap(
  Statement,
  'run',
  'statement',
  (statement) => !statement.readonly || /^\s*(BEGIN|COMMIT)/i.test(statement.source),
);
wrap(Database.prototype, 'exec');
