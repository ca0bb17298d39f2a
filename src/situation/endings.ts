import { CutoverError, EXIT } from '../errors.ts';
import { commandOf } from '../operation/plan.ts';
import { isBackward, type OperationRecord } from '../operation/record.ts';
import type { Facts } from './facts.ts';
import type { Seen } from './seen.ts';

/** One way out of an operation that ended half-way. */
export interface Ending {
  command: string;
  why: string;
  /** The same of an operation that was named already. */
  does: string;
}

/** The ways out of an operation that ended half-way; none of them is refused. */
export function endings(facts: Facts, seen: Seen, operation: OperationRecord): [Ending, ...Ending[]] {
  const finish = {
    command: 'cutover resume',
    why: `finishes the ${commandOf(operation.plan)} ${operation.id}`,
    does: 'finishes it',
  };
  const undo = {
    command: 'cutover rollback',
    why: seen.rollback.why,
    does: isBackward(operation.kind) ? 'runs it anew' : 'undoes it',
  };
  const [first, ...others] = [
    ...(frozenForward(facts, operation) ? [] : [finish]),
    ...(seen.rollback.eligible && !seen.raisedBack ? [undo] : []),
  ];
  const all = 'sends all requests to legacy, whatever is half done';
  return first ? [first, ...others] : [{ command: 'cutover rollback --emergency', why: all, does: all }];
}

/** An operation towards target that has traffic still to move is not finished in a freeze. */
export function frozenForward(
  { freeze }: Facts,
  operation: OperationRecord | undefined,
): CutoverError | null {
  if (!freeze || !operation || operation.plan.to.ratio <= operation.plan.from.ratio) return null;
  const left = operation.steps.some(({ kind, outcome }) => kind !== 'notify' && outcome !== 'done');
  if (!left) return null;
  return new CutoverError(
    'FROZEN',
    EXIT.notNow,
    `frozen by ${freeze.actor}: ${freeze.reason}; the ${commandOf(operation.plan)} ${operation.id} goes towards target`,
    { hint: 'to lift the freeze: `cutover unfreeze`; to undo it: see `cutover status`' },
  );
}
