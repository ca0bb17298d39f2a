import type { CanaryDocument } from '../canary/document.ts';
import type { Config } from '../config/schema.ts';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import { type DnsDrift, dnsDrift, dnsKnowledge, readDns } from '../operation/dns.ts';
import { stoodStill, type Watched } from '../operation/heartbeat.ts';
import { CLOCKS_MS } from '../operation/holder.ts';
import { holderState, type Lease, readLease } from '../operation/lease.ts';
import {
  findOperation,
  holderOf,
  isAnswered,
  lastOperation,
  openOperations,
} from '../operation/operations.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { Rival } from '../operation/rival.ts';
import { rivalCommands, rivalOperations, writeBounds } from '../operation/rivals.ts';
import { type Drivers, flagsOf, plannedDrivers } from '../operation/steps.ts';
import { uptime } from '../operation/uptime.ts';
import { viewRecords } from '../rollback/dns-view.ts';
import { type JudgedRun, lastFail, latestRun } from '../store/canary.ts';
import { checkpointTraffic } from '../store/checkpoints.ts';
import { readFreeze } from '../store/freeze.ts';
import type { Db } from '../store/open.ts';
import { readState } from '../store/state.ts';
import type { DnsReading, Side } from '../world.ts';
import type { BetweenRungs, Facts, FlagFact, Judged, LeaseFact } from './facts.ts';
import { wayBack } from './seen.ts';

/** Where the facts come from. */
export interface Sources {
  readonly config: Config;
  /** Folder of the config file. */
  readonly dir: string;
  readonly db: Db;
  readonly drivers: Drivers;
  readonly clock: { now(): number };
  readonly secrets: { redact(text: string): string };
  /** What was seen of the heartbeat of a holder that cannot be looked at. */
  readonly journal?: { watched?: Watched | undefined };
  readonly newer: CutoverError | null;
  /** Reads the state anew where `db` is a copy. */
  refresh(): Promise<void>;
}

/** What is looked at besides the journal. */
export interface Extent {
  /** How long the flag store may take, in milliseconds; without it the flag is not asked. */
  flagMs?: number;
  dns?: true;
}

/** So many times the flag is read anew because an operation began or ended meanwhile. */
const MAX_READINGS = 5;

/**
 * Reads all that the situation is told by. What was read is of one moment: when an operation began or ended while
 * the flag was being read, it is read again.
 */
export async function gatherFacts(sources: Sources, extent: Extent): Promise<Facts> {
  const { drivers, secrets } = sources;
  let before = await readJournal(sources);
  for (let readings = 1; ; readings++) {
    const [flag, otherFlags, dns] = await Promise.all([
      readFlag(sources, extent.flagMs),
      readOtherFlags(sources, extent.flagMs),
      extent.dns ? readDns(drivers.dns, secrets.redact) : [],
    ]);
    await sources.refresh();
    const journal = await readJournal(sources);
    const settled = before.moment === journal.moment;
    before = journal;
    if (!settled && readings < MAX_READINGS) continue;
    return {
      ...journalOnly(sources, journal),
      flag: settled || flag.is !== 'read' ? flag : { is: 'unreadable', error: neverSettled(sources) },
      otherFlags,
      rivals: extent.flagMs === undefined ? [] : rivalsOf(sources, journal),
      dns: { readings: dns, drift: driftOf(sources, dns, journal.state.activeProvider) },
      ...(await readCanary(sources, journal.state.stage?.id ?? null)),
    };
  }
}

function driftOf({ db, drivers }: Sources, readings: readonly DnsReading[], active: Side): DnsDrift[] {
  if (readings.length === 0) return [];
  const hooks = plannedDrivers(drivers).dns;
  return dnsDrift(viewRecords(hooks, readings, dnsKnowledge(db, hooks), active));
}

/** What the journal alone knows: enough to tell what is running or unfinished, and at once. */
export async function gatherJournal(sources: Sources): Promise<Facts> {
  return journalOnly(sources, await readJournal(sources));
}

function journalOnly({ config, drivers, newer }: Sources, journal: JournalFacts): Facts {
  const { now, state, lease, open, backRatio, backProvider, last, betweenRungs, freeze } = journal;
  return {
    ...{ now, newer, state, lease, open, backRatio, backProvider, last, betweenRungs, freeze },
    ladder: config.ladder,
    limits: config.stage,
    canaryRatio: config.canary.ratio,
    flag: { is: 'not asked' },
    flagLabel: drivers.flag.label,
    otherFlags: [],
    rivals: [],
    dns: { readings: [], drift: [] },
    run: null,
    fail: null,
  };
}

type JournalFacts = Pick<
  Facts,
  'now' | 'state' | 'lease' | 'open' | 'backRatio' | 'backProvider' | 'last' | 'betweenRungs' | 'freeze'
> & {
  /** Changes whenever an operation begins or ends. */
  moment: string;
};

/** All of it in one reading: an operation that begins or ends in between would look like one that was killed. */
async function readJournal(sources: Sources): Promise<JournalFacts> {
  for (let facts = snapshot(sources); ; ) {
    if (facts.lease?.holder !== 'gone') return facts;
    // A holder may have ended well between the reading and the look at its process.
    await sources.refresh();
    const again = snapshot(sources);
    if (again.moment === facts.moment) return again;
    facts = again;
  }
}

function snapshot({ db, config, clock, journal, newer }: Sources): JournalFacts {
  return db.transaction(() => {
    const now = clock.now();
    const { token, held } = readLease(db);
    const lease: LeaseFact | null = held && {
      lease: held,
      holder: stateOf(held, journal?.watched),
      operation: findOperation(db, held.operationId),
    };
    const state = readState(db, config.migration);
    const open = openOperations(db);
    const last = lastOperation(db);
    const { to } = wayBack({ newer, state, lease, open });
    const back = to === null ? null : checkpointTraffic(db, to);
    return {
      ...{ now, state, lease, open, last },
      backRatio: back?.ratio ?? null,
      backProvider: back?.activeProvider,
      betweenRungs: betweenRungs(db, last),
      freeze: readFreeze(db, now),
      moment: `${token} ${held ? 'held' : 'free'}`,
    };
  })();
}

/** Whatever begins after a rung ends the row: an emergency, a step forward, another rollback. */
function betweenRungs(db: Db, last: OperationRecord | null): BetweenRungs | null {
  const leadsTo = last?.plan.leadsTo;
  if (!last || !leadsTo || last.open || !last.applied) return null;
  const holder = holderOf(db, last.id);
  return { rung: last, leadsTo, holder: holder ? holderState(holder) : 'unknown' };
}

/** A holder that cannot be looked at is gone once its heartbeat was seen to stand still for long enough. */
function stateOf(held: Lease, watched: Watched | undefined): LeaseFact['holder'] {
  const state = holderState(held);
  return state === 'unknown' && stoodStill(watched, held) ? 'gone' : state;
}

async function readFlag({ drivers, secrets }: Sources, ms: number | undefined): Promise<FlagFact> {
  if (ms === undefined) return { is: 'not asked' };
  try {
    const reading = await drivers.flag.get(AbortSignal.timeout(ms));
    return reading ? { is: 'read', ratio: reading.ratio, token: reading.token } : { is: 'absent' };
  } catch (cause) {
    const known = cause instanceof CutoverError ? cause : null;
    const error = new CutoverError(
      known?.code ?? 'FLAG_UNREADABLE',
      known?.exitCode ?? EXIT.unreachable,
      secrets.redact(messageOf(cause)),
      { hint: known?.hint && secrets.redact(known.hint), cause },
    );
    return { is: 'unreadable', error };
  }
}

/** Whoever lost while it was at a flag that fences nobody, and the commands that were left there. */
function rivalsOf({ db, drivers, clock }: Sources, { last, lease }: JournalFacts): Rival[] {
  const flags = flagsOf(drivers).filter(({ fences }) => !fences);
  if (flags.length === 0 || (lease && lease.holder !== 'gone')) return [];
  const id = last?.id ?? '';
  const looking = { now: clock.now(), uptime: uptime(), quietMs: 0, clocksMs: CLOCKS_MS };
  // The last one is named as unfinished, where it is.
  return [
    ...rivalOperations(db, id, writeBounds(flags), looking),
    ...flags.flatMap((flag) => rivalCommands(flag, id)),
  ];
}

/** Of a flag that does not exist no request follows anything. */
async function readOtherFlags({ drivers }: Sources, ms: number | undefined): Promise<Facts['otherFlags']> {
  if (ms === undefined) return [];
  return Promise.all(
    (drivers.otherFlags ?? []).map(async (flag) => {
      try {
        const reading = await flag.get(AbortSignal.timeout(ms));
        return { label: flag.label, ratio: reading?.ratio ?? 0 };
      } catch (error) {
        // Not known, and told as that.
        void error;
        return { label: flag.label, ratio: null };
      }
    }),
  );
}

function neverSettled({ drivers }: Sources): CutoverError {
  return new CutoverError(
    'FLAG_UNSETTLED',
    EXIT.notNow,
    `${drivers.flag.label}: one operation after another changes it while it is being read`,
    { hint: 'try again' },
  );
}

/** The latest run of the stage, and the FAIL that nobody has answered. */
async function readCanary(sources: Sources, stageId: number | null): Promise<Pick<Facts, 'run' | 'fail'>> {
  const { db } = sources;
  const run = stageId === null ? null : latestRun(db, stageId);
  const anyFail = lastFail(db, null);
  if (!run && !anyFail) return { run: null, fail: null };
  const settings = await settingsNow(sources);
  // The latest word of the stage stands whatever the config says by now: its target still gets requests.
  const standing = run?.verdict === 'FAIL' && !isAnswered(db, run.runId) ? run : null;
  const remembered = standing ?? (anyFail && lastFail(db, settings));
  const fail = remembered && !isAnswered(db, remembered.runId) ? remembered : null;
  return { run: run && judged(run, settings), fail: fail && judged(fail, settings) };
}

function judged({ document, settings, ...run }: JudgedRun, now: string | null): Judged {
  return { ...run, sameSettings: settings === now, document: JSON.parse(document) as CanaryDocument };
}

/**
 * Hash of the settings that a canary would be judged by now; null while the config could give no verdict. Then no
 * PASS counts, and every FAIL does.
 */
async function settingsNow({ config, dir }: Sources): Promise<string | null> {
  const { loadProbes } = await import('../canary/probe-file.ts');
  const { canarySettings, configPrices } = await import('../canary/settings.ts');
  try {
    return canarySettings(config, loadProbes(config.canary.probes, dir), configPrices(config)).hash;
  } catch (error) {
    if (error instanceof CutoverError) return null;
    throw error;
  }
}
