import { spawnSync } from 'node:child_process';

/** Wall time of one whole process, in milliseconds; in an environment of its own, as some variables of a user's cost time. */
export function timeProcess({ args, cwd, env, before, node = process.execPath }) {
  before?.();
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(node, args, {
    cwd,
    env: env ?? {},
    encoding: 'utf8',
  });
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`exit ${status}: node ${args.join(' ')}\n${stderr}`);
  return ms;
}

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
};

/**
 * Runs two commands in turn, A B A B …, after a warm-up of each, and prints both medians and the median of the
 * ratios pair by pair: a machine whose speed drifts slows both.
 */
export function comparePair(label, a, b, runs = 15) {
  timeProcess(a);
  timeProcess(b);
  const ours = [];
  const theirs = [];
  for (let i = 0; i < runs; i++) {
    ours.push(timeProcess(a));
    theirs.push(timeProcess(b));
  }
  const ratio = median(ours.map((ms, i) => ms / theirs[i]));
  process.stdout.write(
    `  ${label.padEnd(44)} ${median(ours).toFixed(0).padStart(6)} ms  ${b.name} ${median(theirs).toFixed(0).padStart(6)} ms  ratio ${ratio.toFixed(2)}\n`,
  );
  return ratio;
}
