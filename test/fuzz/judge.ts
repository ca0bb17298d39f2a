import { crashIn } from '../histories/crash-words.ts';
import type { Ground, Ran } from './ground.ts';
import type { Mutant } from './mutant.ts';

/** What came of a mutant. */
export interface Verdict {
  outcome: 'safe' | 'refused' | 'looked';
  wrong: string[];
  ms: number;
  /** What the command said, for people. */
  said: string;
}

/** The ratio of the whole migration. */
const RATIO = 0.25;

/**
 * Tries a mutant; null when it changes nothing. With `look` the command is `status`, else the emergency; beside a
 * side journal it is both, as `status` reads those and an emergency does not.
 */
export async function tryMutant(ground: Ground, mutant: Mutant, look: boolean): Promise<Verdict | null> {
  ground.restore(mutant.user);
  try {
    return mutant.apply(ground.places) ? await judge(ground, mutant, look) : null;
  } finally {
    if (mutant.target === 'kept code') ground.restoreCode();
  }
}

async function judge(ground: Ground, mutant: Mutant, look: boolean): Promise<Verdict> {
  const journal = mutant.target === 'side journal' || mutant.target === 'planted journal';
  if (!journal) return look ? judgeStatus(ground, mutant) : judgeEmergency(ground, mutant);
  const status = await judgeStatus(ground, mutant);
  const emergency = await judgeEmergency(ground, mutant);
  return {
    ...emergency,
    wrong: [...status.wrong, ...emergency.wrong],
    ms: Math.max(status.ms, emergency.ms),
  };
}

/** The flag that the last good config names is at 0 %, or the command says that it is not safe. */
async function judgeEmergency({ base, places, run }: Ground, { user }: Mutant): Promise<Verdict> {
  const ran = await run(['rollback', '--emergency'], user);
  const { code, stdout } = ran;
  const share = base.share(places.world);
  const safe = code === 0 || code === 4 || (/\bsafe\b/.test(stdout) && !/NOT SAFE/.test(stdout));
  const wrong = faults('rollback --emergency', ran);
  if (safe && share !== 0) {
    wrong.push(
      `says safe (exit ${code}), and the flag sends ${share === null ? 'who knows what' : 'traffic'} to target`,
    );
  }
  return { outcome: safe ? 'safe' : 'refused', wrong, ms: ran.ms, said: ran.stderr + stdout };
}

/** A look neither hangs nor crashes, and believes nothing that another user has put there. */
async function judgeStatus({ run }: Ground, { target, user }: Mutant): Promise<Verdict> {
  const ran = await run(['status', '--json'], user);
  const wrong = faults('status', ran);
  const ratio = ran.code === 0 || ran.code === 2 ? ratioIn(ran.stdout) : null;
  const possible = target === 'planted journal' ? [RATIO] : [RATIO, 0];
  const sure = target !== 'database' && target !== 'config';
  if (sure && ratio !== null && !possible.includes(ratio)) {
    wrong.push(`status believes that the ratio is ${ratio} (it was ${RATIO})`);
  }
  return { outcome: 'looked', wrong, ms: ran.ms, said: ran.stderr + ran.stdout };
}

function faults(command: string, { code, signal, stdout, stderr, hangs }: Ran): string[] {
  if (hangs) return [`${command} hangs`];
  const crash = crashIn(`${stderr}\n${stdout}`);
  return [
    ...(signal ? [`${command} died of ${signal}`] : []),
    ...(crash ? [`${command} shows its inside: ${crash}`] : []),
    ...(code !== null && code !== 0 && `${stdout}${stderr}`.trim() === ''
      ? [`${command} ends with ${code} and says nothing`]
      : []),
  ];
}

function ratioIn(stdout: string): number | null {
  try {
    return (JSON.parse(stdout) as { ratio?: number }).ratio ?? null;
  } catch (error) {
    // Another fault, and told by its own rule.
    void error;
    return null;
  }
}
