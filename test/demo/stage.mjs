// What the demo is played on: runs commands in sight of the user, checks that things happened, cleans up.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../bin/cutover.js', import.meta.url));
const color = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
const started = [];

export function title(text) {
  process.stdout.write(`\n${paint('1', text)}\n`);
}

export function explain(text) {
  process.stdout.write(`${paint('2', text)}\n`);
}

/** Ends the demo when something did not happen. */
export function check(happened, what) {
  if (!happened) throw new Error(`the demo failed: this did not happen: ${what}`);
}

/** Types a command and shows its real output as it comes. */
export function run(cwd, args, { quiet = false } = {}) {
  if (!quiet) process.stdout.write(`${paint('36', `$ cutover ${args.join(' ')}`)}\n`);
  return new Promise((resolve, reject) => {
    const env = {
      ...process.env,
      COLUMNS: String(process.stdout.columns ?? 80),
      ...(color ? { FORCE_COLOR: '1' } : {}),
    };
    const child = spawn(process.execPath, [bin, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    for (const [stream, out] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stdout],
    ]) {
      stream.setEncoding('utf8').on('data', (text) => {
        if (stream === child.stdout) stdout += text;
        if (!quiet) out.write(text);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout }));
  });
}

/** The first line of a process that goes on in the background; it is ended with the demo. */
export function startLine(child) {
  started.push(child);
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout });
    lines.once('line', resolve);
    child.once('exit', (code) => reject(new Error(`a server ended with ${code} before it was ready`)));
    child.once('error', reject);
  });
}

/** Ends what was started, and waits until it is gone. */
export async function stopAll() {
  await Promise.all(
    started.map(
      (child) =>
        new Promise((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) return resolve();
          child.removeAllListeners('exit');
          child.once('exit', resolve);
          child.kill('SIGTERM');
        }),
    ),
  );
}
