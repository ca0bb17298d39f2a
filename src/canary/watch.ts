import type { Canary } from './check.ts';
import type { CanaryDocument, Stage } from './document.ts';

export interface WatchInput {
  readonly canary: Canary;
  /** The stage of the moment: it may change while we watch. */
  stage(): Stage | null;
  /** Run n gets the id `runId-n`. */
  readonly runId: string;
  readonly durationMs: number;
  /** From the beginning of one run to that of the next; a longer run is followed by the next at once. */
  readonly intervalMs: number;
  /** Unix milliseconds. */
  now(): number;
  /** Rejects when the user wants to stop. */
  sleep(ms: number): Promise<void>;
  /** Called after each run with what is left of the time. */
  onRun(document: CanaryDocument, leftMs: number): void;
}

/**
 * Runs a canary until PASS or FAIL, or until the time is over: then the verdict is INCONCLUSIVE `budget`, and never
 * an automatic pass.
 */
export async function watch(input: WatchInput): Promise<CanaryDocument> {
  const deadline = input.now() + input.durationMs;
  for (let n = 1; ; n++) {
    const begun = input.now();
    const document = await input.canary.check(input.stage(), `${input.runId}-${n}`);
    input.onRun(document, Math.max(0, deadline - input.now()));
    if (isFinal(document)) return document;
    const next = Math.max(begun + input.intervalMs, input.now());
    if (next >= deadline) return outOfTime(document);
    await input.sleep(next - input.now());
  }
}

/** Whether more runs could not, or need not, change the verdict. */
function isFinal({ verdict, reasons }: CanaryDocument): boolean {
  return (
    verdict === 'PASS' || verdict === 'FAIL' || reasons.includes('no_stage') || reasons.includes('no_key')
  );
}

function outOfTime(document: CanaryDocument): CanaryDocument {
  if (document.verdict === 'ERROR') return document;
  return {
    ...document,
    reasons: ['budget', ...document.reasons],
    explanations: ['the time is over without PASS or FAIL', ...document.explanations],
  };
}
