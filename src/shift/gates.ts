import { formatDuration, formatRatio } from '../config/units.ts';
import { CutoverError, EXIT } from '../errors.ts';
import type { Gate } from '../operation/plan.ts';
import { sameRatio } from '../world.ts';

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

/**
 * Whether the flag says what the state says; nothing is built on a ratio that is not in force.
 * @param state `wasSet`: an operation has set the flag before. A flag that is not there then is gone: its readers go
 *   by a default that nobody here knows. One that was never there sends nothing to target.
 */
export function driftGate(state: { ratio: number; wasSet: boolean }, flagRatio: number | null): Gate {
  const says = flagRatio === null && state.wasSet ? null : (flagRatio ?? 0);
  const ok = says !== null && sameRatio(says, state.ratio);
  if (says === null) {
    const detail = `the flag is gone, the state says ${formatRatio(state.ratio)}`;
    return { name: 'drift', ok, detail };
  }
  return {
    name: 'drift',
    ok,
    detail: ok
      ? `the flag says ${formatRatio(says)}, as the state does`
      : `the flag says ${formatRatio(says)}, the state ${formatRatio(state.ratio)}`,
  };
}

/** Somebody has stopped forward steps. */
export function freezeGate(freeze: { reason: string; actor: string; until: number | null }): Gate {
  const until = freeze.until === null ? '' : ` until ${new Date(freeze.until).toISOString()}`;
  return { name: 'freeze', ok: false, detail: `frozen by ${freeze.actor}${until}: ${freeze.reason}` };
}

/** A canary has failed, and nobody has answered that yet. */
export function failGate(fail: { ratio: number; explanations: readonly string[] }): Gate {
  const why = fail.explanations.length > 0 ? `: ${fail.explanations.join('; ')}` : '';
  return { name: 'fail', ok: false, detail: `the canary failed at ${formatRatio(fail.ratio)}${why}` };
}

/**
 * What a forward step is refused with, or null when every gate is open.
 * @returns FROZEN (75), which nothing overrides; FAIL_UNANSWERED (2); GATE: 2 on FAIL and drift, else 3
 */
export function gateRefusal(
  gates: readonly Gate[],
  to: number,
  options: { forced: boolean; verdict: string | null } = { forced: false, verdict: null },
): CutoverError | null {
  const shut = gates.filter(({ ok }) => !ok);
  const named = (name: Gate['name']) => shut.find((gate) => gate.name === name);
  const frozen = named('freeze');
  if (frozen) {
    return new CutoverError('FROZEN', EXIT.notNow, frozen.detail, {
      hint: 'to lift it: `cutover unfreeze`',
    });
  }
  if (shut.length === 0 || options.forced) return null;
  const failed = named('fail');
  if (failed) {
    return new CutoverError(
      'FAIL_UNANSWERED',
      EXIT.fail,
      `${failed.detail}; nothing forward begins until somebody has looked`,
      { hint: 'see `cutover canary status`; then --force --reason "…", or a canary under changed settings' },
    );
  }
  const exit = options.verdict === 'FAIL' || named('drift') ? EXIT.fail : EXIT.inconclusive;
  return new CutoverError(
    'GATE',
    exit,
    `not yet to ${formatRatio(to)}: ${shut.map((gate) => gate.detail).join('; ')}`,
    { hint: 'to override, and have it journaled: --force --reason "…"' },
  );
}
