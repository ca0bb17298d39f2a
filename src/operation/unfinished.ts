import { CutoverError, EXIT } from '../errors.ts';
import { commandOf } from './plan.ts';
import type { OperationRecord } from './record.ts';

/**
 * The error of a command that must not go on while traffic may be other than the state says.
 * @param ways the commands that end it, where it is known which of them may be run now
 */
export function unfinished(
  { id, plan }: OperationRecord,
  ways: readonly { command: string; does: string }[] = [
    { command: 'cutover status', does: 'says how it is ended' },
  ],
): CutoverError {
  return new CutoverError('UNFINISHED', EXIT.notNow, `the ${commandOf(plan)} ${id} is not finished`, {
    hint: ways.map(({ command, does }) => `\`${command}\` ${does}`).join(', '),
  });
}
