import { formatDuration, formatRatio } from '../config/units.ts';
import type { Gate } from '../operation/plan.ts';

/** What is known of the stage that a forward step would leave. Times are Unix milliseconds. */
export interface StageEvidence {
  ratio: number;
  since: number;
  /** The latest verdict that belongs to this stage. */
  verdict: {
    verdict: 'PASS' | 'FAIL' | 'INCONCLUSIVE' | 'ERROR';
    at: number;
    /** Given under the guardrails, probes, prices and providers of the config as it is now. */
    sameSettings: boolean;
  } | null;
}

export interface GateLimits {
  /** Milliseconds that a stage has to last. */
  bake: number;
  /** Milliseconds after which a verdict is too old to act on. */
  evidenceMaxAge: number;
}

/** A forward step needs a PASS of its own stage that is fresh enough, and a bake time served. */
export function stageGates(evidence: StageEvidence, limits: GateLimits, now: number): Gate[] {
  return [verdictGate(evidence, limits, now), bakeGate(evidence, limits, now)];
}

function verdictGate({ ratio, verdict }: StageEvidence, limits: GateLimits, now: number): Gate {
  const at = `at ${formatRatio(ratio)}`;
  if (!verdict)
    return { name: 'verdict', ok: false, detail: `no verdict ${at} yet; run \`cutover canary check\`` };
  const age = now - verdict.at;
  if (verdict.verdict !== 'PASS') {
    return { name: 'verdict', ok: false, detail: `the verdict ${at} is ${verdict.verdict}, not PASS` };
  }
  if (!verdict.sameSettings) {
    const detail = `the PASS ${at} was given under other settings; run \`cutover canary check\``;
    return { name: 'verdict', ok: false, detail };
  }
  if (age > limits.evidenceMaxAge) {
    return {
      name: 'verdict',
      ok: false,
      detail: `the PASS ${at} is ${formatDuration(age)} old; at most ${formatDuration(limits.evidenceMaxAge)} counts`,
    };
  }
  return { name: 'verdict', ok: true, detail: `PASS ${at}, ${formatDuration(age)} ago` };
}

function bakeGate({ ratio, since }: StageEvidence, limits: GateLimits, now: number): Gate {
  const served = Math.max(0, now - since);
  const text = `${formatDuration(served)} of ${formatDuration(limits.bake)} at ${formatRatio(ratio)}`;
  return { name: 'bake', ok: served >= limits.bake, detail: text };
}

/** Whether the flag says what the state says; nothing is built on a ratio that is not in force. */
export function driftGate(stateRatio: number, flagRatio: number | null, tolerance: number): Gate {
  const says = flagRatio ?? 0;
  const ok = Math.abs(says - stateRatio) <= tolerance;
  return {
    name: 'drift',
    ok,
    detail: ok
      ? `the flag says ${formatRatio(says)}, as the state does`
      : `the flag says ${formatRatio(says)}, the state ${formatRatio(stateRatio)}`,
  };
}

/** Somebody has stopped forward steps. */
export function freezeGate(freeze: { reason: string; actor: string; until: number | null }): Gate {
  const until = freeze.until === null ? '' : ` until ${new Date(freeze.until).toISOString()}`;
  return { name: 'freeze', ok: false, detail: `frozen by ${freeze.actor}${until}: ${freeze.reason}` };
}
