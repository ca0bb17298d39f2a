import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { RECORD_TYPES } from '../config/dns-values.ts';
import { whole } from '../config/fields.ts';
import { CutoverError, messageOf, systemCode } from '../errors.ts';
import { readOrdinaryFile } from '../files.ts';
import { MAX_TOKEN } from '../flag/token.ts';
import type { MovingStep } from '../rollback/moved.ts';
import { planEmergency } from '../rollback/plan.ts';
import { fileSystemNow } from '../store/file-clock.ts';
import type { Db } from '../store/open.ts';
import { adoptEmergency, waiting } from './adopt-emergency.ts';
import { BY_CONFIG, NOT_YET_BACK } from './by-config.ts';
import type { JournalOptions, OperationEnd, StepEnd } from './journal.ts';
import { holderState } from './lease.ts';
import { movingSteps, onTarget } from './moving.ts';
import { hasOperation } from './operations.ts';
import type { PlannedDrivers, PlannedHook, PlannedStep } from './plan.ts';
import { type SideFolder, sideFolders } from './side-folders.ts';
import type { SideLine } from './side-journal.ts';

const NAME = /^emergency-.*\.jsonl$/;
/** An emergency writes a few lines a step. */
const MAX_BYTES = 1_000_000;
/** A heartbeat comes every second; one that did not for so long belongs to a process that is gone. */
const SILENT_MS = 60_000;

/** What the lines of a side journal hold, and the records that a step of one names. */
function makeSchemas() {
  const text = (max: number) => z.string().check(z.maxLength(max));
  const end = z.strictObject({
    outcome: z.enum(['done', 'failed']),
    attempts: whole(0),
    ms: z.number().check(z.nonnegative()),
    before: z.unknown(),
    after: z.unknown(),
    error: z.nullable(text(10_000)),
    code: z.optional(text(100)),
    hint: z.optional(text(1000)),
    notes: z.optional(z.array(text(1000)).check(z.maxLength(100))),
  });
  const sets = z.array(
    z.strictObject({
      name: text(300),
      type: z.enum(RECORD_TYPES),
      ttl: whole(0),
      values: z.array(text(10_000)),
      raw: z.optional(z.unknown()),
      seen: z.optional(z.literal(true)),
    }),
  );
  const holder = z.strictObject({
    actor: text(500),
    host: text(300),
    pid: z.number().check(z.int()),
    process: z.nullable(text(100)),
    boot: z.nullable(text(100)),
    namespace: z.nullable(text(100)),
    user: z.optional(z.nullable(text(100))),
  });
  const line = z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('begin'),
      id: z.string().check(z.regex(/^op-[0-9a-z]{1,16}-[0-9a-z]{1,16}$/)),
      token: whole(0, MAX_TOKEN),
      holder,
      reason: text(10_000),
      why: text(10_000),
    }),
    z.strictObject({
      type: z.literal('step'),
      step: z.strictObject({
        kind: z.enum(['flag', 'dns', 'notify']),
        label: text(1000),
        server: z.optional(text(1000)),
      }),
      end,
    }),
    z.strictObject({ type: z.literal('told'), label: text(1000) }),
    z.strictObject({ type: z.literal('finish'), outcome: z.enum(['done', 'partial', 'failed']) }),
  ]);
  return { line, sets };
}

let made: ReturnType<typeof makeSchemas> | undefined;
/** Made for the first line that is read: nearly every start finds no side journal. */
const schemas = () => {
  made ??= makeSchemas();
  return made;
};

/**
 * Takes side journals of finished processes into the database. Whatever a file says, it comes to an emergency to 0 %
 * by the config as it is now; a file that is no side journal, or not one of ours, is named and left alone.
 * @returns a line for the user about each
 */
export function adoptSideJournals(
  db: Db,
  stateDir: string,
  drivers: PlannedDrivers,
  options: JournalOptions,
): string[] {
  return sideFolders(stateDir).flatMap((folder) =>
    list(folder.path).flatMap((path) => {
      try {
        return adopt(db, folder, path, drivers, options);
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return [];
        if (error instanceof CutoverError && error.code !== 'FILE_REFUSED') throw error;
        return [`${path}: not taken for the journal of an emergency: ${messageOf(error)}`];
      }
    }),
  );
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => NAME.test(name))
      .sort()
      .map((name) => join(dir, name));
  } catch (error) {
    // No such folder, or one that cannot be listed: no side journal of ours in it.
    void error;
    return [];
  }
}

function adopt(
  db: Db,
  folder: SideFolder,
  path: string,
  drivers: PlannedDrivers,
  options: JournalOptions,
): string[] {
  const lines = parseLines(
    readOrdinaryFile(path, { maxBytes: MAX_BYTES, noFollow: true, refuse: folder.refuses }),
  );
  const head = lines.find((line) => line.type === 'begin');
  if (!head) return [`${path}: not a whole journal of an emergency; look at it and remove it`];
  const finish = lines.findLast((line) => line.type === 'finish');
  if (!finish && mayRun(db, head.holder, path)) return [];
  const steps = lines.filter((line) => line.type === 'step');
  const moving = [...movingSteps(db, drivers.dns), ...movedBeside(steps, drivers.dns)];
  const plan = planEmergency(drivers, null, head.reason, moving);
  const ends = new Map<number, StepEnd>();
  for (const line of steps) {
    const position = plan.steps.findIndex((step) => isSame(step, line.step));
    if (position >= 0) ends.set(position, unlessDisplaced(plan.steps[position], line.end));
  }
  const open = plan.steps.some((_step, position) => ends.get(position)?.outcome !== 'done');
  const emergency = { id: head.id, token: head.token, holder: head.holder, plan };
  const ended: OperationEnd | null = finish
    ? { outcome: outcomeOf(finish.outcome, open), applied: true, open }
    : null;
  const told = lines.flatMap((line) => (line.type === 'told' ? [line.label] : []));
  const taken =
    !hasOperation(db, head.id) && adoptEmergency(db, emergency, ends, ended, options, head.why, told);
  if (db.memory) return taken ? [waiting(head.id, head.holder.actor)] : [];
  rmSync(path, { force: true });
  return taken ? [`emergency ${head.id} of ${head.holder.actor} was taken into the journal`] : [];
}

type SideStep = Extract<SideLine, { type: 'step' }>;

function isSame(planned: SideStep['step'], { kind, label, server }: SideStep['step']): boolean {
  if (planned.kind !== kind) return false;
  return server === undefined ? planned.label === label : planned.server === server;
}

/** What the emergency moved in DNS: the last word of each of its steps. */
function movedBeside(steps: readonly SideStep[], hooks: readonly PlannedHook[]): MovingStep[] {
  return steps.flatMap(({ step, end: { outcome, before, after, code } }, position): MovingStep[] => {
    const { kind, label, server } = step;
    const last = steps.findLastIndex((other) => isSame(step, other.step)) === position;
    if (kind !== 'dns' || server === undefined || !last) return [];
    const { sets } = schemas();
    const [found, wrote] = [sets.safeParse(before), sets.safeParse(after)];
    if (!found.success || !wrote.success) return [];
    return [
      {
        ...{ operation: Number.MAX_SAFE_INTEGER, server, driver: '', label },
        ...{ provider: 'legacy', back: true, mends: false, done: outcome === 'done' || code === BY_CONFIG },
        ...{ before: found.data, after: wrote.data, fromTarget: onTarget(server, found.data, hooks) },
      },
    ];
  });
}

/** An emergency without the journal has written the config's values: what it found is put back by `resume`. */
function unlessDisplaced(step: PlannedStep | undefined, end: StepEnd): StepEnd {
  if (end.outcome !== 'done' || !step?.restore || step.restore.length === 0) return end;
  return {
    ...end,
    outcome: 'failed',
    error: NOT_YET_BACK,
    code: BY_CONFIG,
  };
}

const outcomeOf = (said: OperationEnd['outcome'], open: boolean): OperationEnd['outcome'] =>
  said === 'done' && open ? 'partial' : said;

/** Where its process cannot be looked at, its heartbeat tells: the file's time, by the clock of its own file system. */
function mayRun(db: Db, holder: SideBegin['holder'], path: string): boolean {
  const state = holderState(holder);
  if (state !== 'unknown') return state === 'running';
  // To ask for that clock is to write a file, which who only looks does not do; it shows what would be taken in.
  if (db.memory) return false;
  return fileSystemNow(path) - statSync(path).mtimeMs < SILENT_MS;
}

type SideBegin = Extract<SideLine, { type: 'begin' }>;

/** The lines that are whole and mean something; a process that died while it wrote leaves half a line at the end. */
function parseLines(content: string): SideLine[] {
  return content
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      try {
        const parsed = schemas().line.safeParse(JSON.parse(line));
        return parsed.success ? [parsed.data as SideLine] : [];
      } catch (error) {
        void error;
        return [];
      }
    });
}
