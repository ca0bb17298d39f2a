import { CutoverError, messageOf } from '../errors.ts';
import type { Hook } from '../hooks/hook.ts';
import { storable } from '../output/storable.ts';
import type { StepEnd } from './journal.ts';
import { GONE, type Outbox } from './outbox.ts';
import type { PlannedStep } from './plan.ts';
import { type Telling, type Told, tellHook } from './tell.ts';

/**
 * Runs a step that tells one hook of its operation, and of what waits there from before. What cannot be sent now
 * waits; the step has failed then. A hook is looked for by where it leads, too; of one that is gone there is nothing
 * left to tell, and nothing to wait for.
 * @throws CutoverError of the store
 */
export async function tellStep(
  outbox: Outbox,
  hooks: readonly Hook[],
  step: PlannedStep,
  operationId: string,
  telling: Telling,
): Promise<StepEnd> {
  const started = telling.clock.now();
  const hook = hookTold(outbox, hooks, step, operationId);
  if (!hook) return gone();
  const told = await tellHook(outbox, hook, telling);
  const delivery = outbox.delivery(operationId, hook);
  const ran = { attempts: told.attempts.get(operationId) ?? 0, ms: telling.clock.now() - started };
  if (delivery === null || delivery.outcome === 'sent') {
    const after = delivery === null ? 'not to be told of this' : (told.after ?? null);
    return { outcome: 'done', ...ran, before: null, after, error: null };
  }
  // What was said when it was tried; else what keeps it from being tried.
  const tried = ran.attempts > 0 ? told.error : undefined;
  return failed(tried, delivery.error ?? behind(told), ran, telling);
}

/** Whom a step tells; undefined when the config names it no more. */
export function hookTold(
  outbox: Pick<Outbox, 'delivery'>,
  hooks: readonly Hook[],
  { label }: Pick<PlannedStep, 'label'>,
  operationId: string,
): Hook | undefined {
  return (
    hooks.find((hook) => hook.label === label) ??
    hooks.find((other) => outbox.delivery(operationId, other)?.label === label)
  );
}

const gone = (): StepEnd => ({
  ...{ outcome: 'done', attempts: 0, ms: 0, before: null, after: GONE, error: null },
  notes: [`not told: ${GONE}`],
});

function behind({ error }: Told): string {
  const why = error === undefined ? '' : `: ${messageOf(error)}`;
  return `it waits behind an earlier message${why}`;
}

function failed(
  error: unknown,
  text: string | null,
  ran: Pick<StepEnd, 'attempts' | 'ms'>,
  { redact }: Telling,
): StepEnd {
  const known = error instanceof CutoverError ? error : undefined;
  return {
    outcome: 'failed',
    ...ran,
    before: null,
    after: null,
    error: storable(text ?? messageOf(error), redact),
    ...(known && { code: known.code }),
    ...(known?.hint && { hint: storable(known.hint, redact) }),
  };
}
