import type { CutoverError } from '../errors.ts';
import { commandOf } from '../operation/plan.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { Facts, Judged } from '../situation/facts.ts';
import type { StatusView } from './status.ts';
import { untoldDocument } from './untold.ts';

/** The `status` JSON document. Times are ISO 8601. */
export function statusDocument({ migration, facts, situation, lastCheckpoint, waiting }: StatusView) {
  const { state, flag, freeze, lease, run, fail, last, betweenRungs } = facts;
  const [next, ...otherwise] = situation.next;
  const { left } = situation;
  return {
    schemaVersion: 1,
    command: 'status',
    migration,
    situation: situation.name,
    headline: situation.headline,
    safe: situation.unsafe === null,
    status: state.status,
    ratio: state.ratio,
    activeProvider: state.activeProvider,
    stage: state.stage && { ratio: state.stage.ratio, since: iso(state.stage.since) },
    evidence: run && { ...judged(run), pairs: run.document.pairs, sameSettings: run.sameSettings },
    gates: situation.gates,
    flag: {
      driver: facts.flagLabel,
      ratio: flag.is === 'read' ? flag.ratio : null,
      ...(flag.is === 'unreadable' ? { error: flag.error.message } : {}),
    },
    drift: situation.drift,
    dns: facts.dns.readings,
    freeze: freeze && {
      ...freeze,
      since: iso(freeze.since),
      until: freeze.until === null ? null : iso(freeze.until),
    },
    lastFail: fail && { ...judged(fail), document: fail.document },
    lastOperation: last && { ...operation(last), what: commandOf(last.plan), running: runs(facts, last) },
    gradualRollback: betweenRungs && {
      operation: betweenRungs.rung.id,
      actor: betweenRungs.rung.actor,
      at: betweenRungs.rung.plan.to.ratio,
      to: betweenRungs.leadsTo,
      checkpoint: betweenRungs.rung.plan.restores,
      process: betweenRungs.holder,
    },
    unfinished: left && { ...operation(left), steps: left.steps },
    untold: untoldDocument(waiting),
    lastCheckpoint: lastCheckpoint && {
      id: lastCheckpoint.id,
      at: iso(lastCheckpoint.at),
      reason: lastCheckpoint.reason,
    },
    rollback: situation.rollback,
    lease: lease && {
      operation: lease.lease.operationId,
      actor: lease.lease.actor,
      host: lease.lease.host,
      pid: lease.lease.pid,
      since: iso(lease.lease.acquiredAt),
      heartbeat: iso(lease.lease.heartbeatAt),
      state: lease.holder,
    },
    may: Object.fromEntries(Object.entries(situation.may).map(([name, refusal]) => [name, may(refusal)])),
    next,
    otherwise,
  };
}

const iso = (ms: number) => new Date(ms).toISOString();

function judged({ runId, verdict, at, ratio, document }: Judged) {
  const { reasons, explanations } = document;
  return { runId, verdict, at: iso(at), ratio, reasons, explanations };
}

function operation({ id, kind, outcome, plan, startedAt, finishedAt, actor }: OperationRecord) {
  const { from, to, reason } = plan;
  const ended = finishedAt === null ? null : iso(finishedAt);
  return { id, kind, outcome, from, to, startedAt: iso(startedAt), finishedAt: ended, actor, reason };
}

function runs({ lease }: Facts, { id }: OperationRecord): boolean {
  return lease !== null && lease.holder !== 'gone' && lease.operation.id === id;
}

function may(refusal: CutoverError | null) {
  if (!refusal) return { allowed: true };
  const { code, exitCode, message, hint } = refusal;
  return { allowed: false, code, exitCode, message, hint: hint ?? null };
}
