import { CutoverError, EXIT } from '../errors.ts';
import type { Plan } from '../operation/plan.ts';
import type { Context, GlobalOptions } from './context.ts';

export interface Consent {
  /** --yes */
  yes?: boolean;
  /** --confirm NAME */
  confirm?: string;
}

/** Changes that ask for the migration's name: completing it, and rolling a complete one back. */
export function isGrave(plan: Plan): boolean {
  if (plan.mends === 'dns') return false;
  return plan.to.ratio === 1 || (plan.kind === 'rollback' && plan.from.status === 'complete');
}

/**
 * Asks before a change, in a terminal; elsewhere the answer has to be a flag.
 * @throws CutoverError CONSENT_MISSING (64) naming the flag, DECLINED (1).
 */
export async function confirmPlan(
  ctx: Context,
  globals: GlobalOptions,
  plan: Plan,
  migration: string,
  consent: Consent,
): Promise<void> {
  const grave = isGrave(plan);
  if (consent.confirm !== undefined && consent.confirm !== migration) {
    throw new CutoverError(
      'CONSENT_WRONG',
      EXIT.usage,
      `--confirm ${consent.confirm}: the migration is ${migration}`,
    );
  }
  if (consent.confirm === migration || (consent.yes && !grave)) return;
  if (!globals.input || !ctx.terminal.stdin || !ctx.terminal.stderr) {
    throw new CutoverError(
      'CONSENT_MISSING',
      EXIT.usage,
      'this changes production traffic and nobody can be asked',
      {
        hint: grave ? `confirm it with --confirm ${migration}` : 'confirm it with --yes',
      },
    );
  }
  if (!(await answering(ctx, grave ? () => askName(ctx, migration) : () => askYes(ctx)))) {
    throw new CutoverError('DECLINED', EXIT.fault, 'nothing was changed');
  }
}

async function askYes({ signal }: Context): Promise<boolean> {
  const inquirer = (await import('inquirer')).default;
  const { go } = await inquirer.createPromptModule({ output: process.stderr, signal })<{ go: boolean }>([
    { type: 'confirm', name: 'go', message: 'Do this now?', default: false },
  ]);
  return go;
}

async function askName({ signal }: Context, migration: string): Promise<boolean> {
  const inquirer = (await import('inquirer')).default;
  const { name } = await inquirer.createPromptModule({ output: process.stderr, signal })<{ name: string }>([
    { type: 'input', name: 'name', message: `Type the migration's name (${migration}) to go on:` },
  ]);
  return name.trim() === migration;
}

/** Ctrl-C at a prompt is no answer: it ends the command. */
async function answering<T>({ signal }: Context, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof Error) || cause.name !== 'ExitPromptError') throw cause;
    throw new CutoverError('INTERRUPTED', EXIT.interrupted, 'interrupted: nothing was changed', { cause });
  }
}
