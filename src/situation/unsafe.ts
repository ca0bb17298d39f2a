import { formatRatio } from '../config/units.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { commandOf } from '../operation/plan.ts';
import type { OperationRecord } from '../operation/record.ts';
import { mayWrite } from '../operation/rival.ts';
import type { Facts } from './facts.ts';
import type { Seen } from './seen.ts';

/** Why `safe` cannot be said, and the exit code that tells it. */
export interface Unsafe {
  exitCode: ExitCode;
  why: string;
}

/**
 * `safe` means: the flag was read and says what the state says, DNS says so too where it can be read, no operation
 * runs or ended half-way with traffic in its hands, and no request goes to a target that has failed without a person
 * having answered that. Whatever is not known is not safe.
 * @returns null when it is safe
 */
export function unsafeIn(facts: Facts, seen: Seen): Unsafe | null {
  const { flag, dns, state, fail } = facts;
  if (seen.running) return { exitCode: EXIT.notNow, why: 'an operation is running' };
  if (seen.unfinished) {
    return { exitCode: EXIT.notNow, why: `${unfinishedText(seen.unfinished)}; ${flagText(facts)}` };
  }
  if (flag.is === 'unreadable') {
    return {
      exitCode: EXIT.unreachable,
      why: `the flag cannot be read, so nobody knows where requests go: ${flag.error.message}`,
    };
  }
  if (flag.is === 'not asked') return { exitCode: EXIT.unreachable, why: 'the flag was not read' };
  const [rival] = facts.rivals;
  if (rival) return { exitCode: EXIT.notNow, why: mayWrite(rival) };
  if (seen.flagDrift) return { exitCode: EXIT.fail, why: seen.flagDrift };
  const [drift] = dns.drift;
  if (drift) {
    const { label, name, type, actual, expected } = drift;
    const why = `${label}: ${name} ${type} says ${actual}, not ${expected}`;
    return { exitCode: EXIT.fail, why };
  }
  const unread = dns.readings.find(({ error }) => error !== undefined);
  if (unread) {
    return { exitCode: EXIT.unreachable, why: `${unread.label} cannot be read: ${unread.error}` };
  }
  if (fail && state.ratio > 0) {
    const still =
      state.ratio === 1 ? 'every request still goes' : `${formatRatio(state.ratio)} of requests still go`;
    return {
      exitCode: EXIT.fail,
      why: `the canary failed at ${formatRatio(fail.ratio)}, and ${still} to target`,
    };
  }
  return null;
}

function unfinishedText({ id, plan }: OperationRecord): string {
  return `the ${commandOf(plan)} ${id} (${formatRatio(plan.from.ratio)} → ${formatRatio(plan.to.ratio)}) is not finished`;
}

function flagText({ flag }: Facts): string {
  switch (flag.is) {
    case 'read':
      return `the flag says ${formatRatio(flag.ratio)}`;
    case 'absent':
      return 'there is no flag';
    case 'unreadable':
      return 'the flag cannot be read';
    case 'not asked':
      return 'the flag was not read';
  }
}
