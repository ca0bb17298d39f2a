import { type FlagDriver, SETTLES_MS } from '../flag/driver.ts';
import type { Hook } from '../hooks/hook.ts';
import { isSilent, type SilentName } from '../rollback/silent.ts';
import type { Journal, OpenCall, StepEnd } from './journal.ts';
import { type CallSeen, mayStillCome, seeCall } from './open-calls.ts';
import type { PlannedStep } from './plan.ts';
import { isBackward } from './record.ts';
import { mayWrite, type Rival } from './rival.ts';
import { rivalCommands, writeBounds } from './rivals.ts';
import { type Drivers, flagsOf } from './steps.ts';
import { stopwatch } from './stopwatch.ts';

/** What steps act on. */
interface Acting {
  drivers: Drivers;
  /**
   * What another operation has asked for is waited for.
   * @param label the hook or flag that it was asked of
   * @param ms how long at most
   */
  onWait(label: string, ms: number): void;
}

/** How much later than its own time limit an update may land, in milliseconds. */
const MARGIN_MS = 1000;
const LOOK_MS = 100;

/**
 * Runs a step of a way back on a DNS server that can be read. A server may still carry out what a step of another
 * operation has asked for that was killed, or is being overtaken: when that step has ended, or its time is over, the
 * records are looked at once more. Bounded by the hook's own time limit.
 * @param run runs the step; the second time it gets what the first has found and written
 */
async function outlastingWrites(
  journal: Pick<Journal, 'writing'>,
  hook: Hook & { server: string },
  { onWait }: Acting,
  run: (earlier?: StepEnd) => Promise<StepEnd>,
): Promise<StepEnd> {
  const timeoutMs = journal.writing(hook.server);
  const passed = stopwatch();
  const end = await run();
  // What has failed is tried again by whoever resumes it.
  if (timeoutMs === null || end.outcome !== 'done') return end;
  const withinMs = Math.max(timeoutMs, hook.timeoutMs) + MARGIN_MS;
  const mayLand = () => passed() < withinMs && journal.writing(hook.server) !== null;
  if (mayLand()) onWait(hook.label, withinMs - passed());
  while (mayLand()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const again = await run(end);
  return bothOf(end, again);
}

/** The end of a step that was run twice. */
function bothOf(end: StepEnd, again: StepEnd): StepEnd {
  const unanswered = end.unanswered ?? again.unanswered;
  const sums = { attempts: end.attempts + again.attempts, ms: end.ms + again.ms };
  return { ...again, ...sums, ...(unanswered && { unanswered }) };
}

/**
 * Runs a step. What a killed process has left at the flag, a command or a request, may still change it where the store
 * fences nobody: it is waited for, and then the flag is set once more. An emergency does this in its own way.
 */
export async function overCommands(
  journal: Journal,
  { drivers, onWait }: Acting,
  position: number,
  run: () => Promise<StepEnd>,
): Promise<StepEnd> {
  const { id, plan, steps } = journal.operation;
  const { kind, label: name } = plan.steps[position] ?? {};
  const flag = kind === 'flag' ? flagsOf(drivers).find(({ label }) => label === name) : undefined;
  if (!flag || flag.fences || plan.kind === 'emergency') return run();
  const passed = stopwatch();
  const flags = flagsOf(drivers).filter(({ fences }) => !fences);
  const rivals = () => journal.rivals(flags, passed());
  const others = () => [...rivalCommands(flag, id), ...rivals().filter(({ underWay }) => underWay)];
  const askedBefore = steps[position]?.outcome === 'running' && plan.to.ratio > 0;
  // One that runs now may write after this step, and be gone before anybody looks for it.
  const before = others();
  const end = askedBefore ? await outlastingServer(journal, flag, onWait, run) : await run();
  const there = others();
  if (before.length === 0 && there.length === 0) return naming(end, rivals());
  const asked = there.some(({ underWay }) => underWay);
  // What has failed is tried again by whoever resumes it.
  if (asked && end.outcome !== 'done') return end;
  const limit = Math.max(
    there.every(({ underWay }) => underWay) ? 0 : flag.timeoutMs,
    asked ? writeBounds(flags).settlesMs + MARGIN_MS : 0,
  );
  if (there.length > 0) onWait(flag.label, limit);
  for (let left = others(); left.length > 0; left = others()) {
    if (passed() >= limit) return naming(end, left);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  // The command may have been that of an operation that has taken over: then its word stands.
  if (journal.winner()) return end;
  const again = await run();
  const rest = rivals();
  if (again.outcome === 'done' && rest.length === 0) journal.outlasted();
  return naming({ ...again, before: end.before, attempts: end.attempts + again.attempts }, rest);
}

/** A step's end, with those who may still write its flag. */
const naming = (end: StepEnd, rivals: readonly Rival[]): StepEnd =>
  rivals.length === 0 ? end : { ...end, notes: [...(end.notes ?? []), ...rivals.map(mayWrite)] };

/**
 * Sets a flag anew whose server was asked by a process that was killed. That leads the same way, but must not land behind
 * whatever comes after this operation: the step ends when it can no longer, or another operation has taken over, which
 * then waits for it. A command is seen by whoever comes next.
 */
async function outlastingServer(
  journal: Journal,
  flag: FlagDriver,
  onWait: Acting['onWait'],
  run: () => Promise<StepEnd>,
): Promise<StepEnd> {
  const settlesMs = flag.driver === 'webhook' ? (flag.settlesMs ?? SETTLES_MS) : 0;
  const passed = stopwatch();
  const end = await run();
  if (settlesMs === 0 || end.outcome !== 'done') return end;
  onWait(flag.label, settlesMs);
  while (passed() < settlesMs && !journal.winner())
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  return end;
}

/**
 * Runs a step of a way back on a hook that cannot be read: it is called at once, and once more when no call of another
 * operation can come behind it any more. What is left after that call's time may lead elsewhere: the step has failed.
 */
async function outlastingCalls(
  journal: Journal,
  hook: Hook,
  { onWait }: Acting,
  run: (earlier?: StepEnd) => Promise<StepEnd>,
): Promise<StepEnd> {
  const passed = stopwatch();
  const left = callsLeft(journal, hook, passed);
  const exposed = left();
  const end = await run();
  // What has failed is tried again by whoever resumes it.
  if (exposed.length === 0 || end.outcome !== 'done') return end;
  const withinMs = Math.max(hook.timeoutMs, ...exposed.map(({ timeoutMs }) => timeoutMs)) + MARGIN_MS;
  if (left().length > 0) onWait(hook.label, withinMs - passed());
  while (left().length > 0 && passed() < withinMs)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const again = await run(end);
  const both = bothOf(end, again);
  const stays = left();
  return stays.length === 0 || again.outcome !== 'done' ? both : { ...both, ...stillUnderWay(stays) };
}

/**
 * Runs a step of a hook that nothing can be asked of: the config names it no more, or somebody has seen to it by hand.
 * Whoever looked while a call was under way has not seen the end of it.
 */
async function outlastingUnasked(
  journal: Journal,
  { timeoutMs = 0, ...name }: PlannedStep,
  { onWait }: Acting,
  run: () => Promise<StepEnd>,
): Promise<StepEnd> {
  const passed = stopwatch();
  const left = callsLeft(journal, { ...name, timeoutMs }, passed);
  const exposed = left();
  const end = await run();
  if (exposed.length === 0) return end;
  if (end.outcome !== 'done') return { ...end, error: `${end.error}, and ${wordsOf(exposed)}` };
  const seen = exposed.filter(({ commands }) => commands.length > 0);
  const withinMs = Math.max(timeoutMs, ...exposed.map((call) => call.timeoutMs)) + MARGIN_MS;
  if (seen.length === 0) onWait(name.label, withinMs);
  while (seen.length === 0 && left().length > 0 && passed() < withinMs)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const stays = seen.length > 0 ? seen : left();
  if (stays.length > 0) return { ...end, ...stillUnderWay(stays, BY_HAND) };
  const late = `what ${operationsOf(exposed)} asked of it may have come until now: look again`;
  return { ...end, notes: [...(end.notes ?? []), late] };
}

type SeenCall = Pick<OpenCall, 'id' | 'kind'> & CallSeen;

/**
 * Looks for the calls of other operations that may still come behind one of this hook.
 * @param passed since they were looked at first
 */
function callsLeft(
  journal: Journal,
  { timeoutMs, ...name }: SilentName & { timeoutMs: number },
  passed: () => number,
): () => (OpenCall & CallSeen)[] {
  const look = looking();
  return () =>
    journal.openCalls(name, journal.operation.plan.to.activeProvider).flatMap((call) => {
      const { wasSeen, ...seen } = look(call);
      const withinMs = Math.max(call.timeoutMs, timeoutMs) + MARGIN_MS;
      return mayStillCome(call, seen, { forMs: passed(), withinMs, wasSeen }) ? [{ ...call, ...seen }] : [];
    });
}

/** Looks at calls again and again, and remembers whose command was there. */
function looking(): (call: Parameters<typeof seeCall>[0]) => CallSeen & { wasSeen: boolean } {
  const there = new Set<string>();
  return (call) => {
    const key = `${call.id} ${call.position}`;
    const wasSeen = there.has(key);
    const seen = seeCall(call);
    if (seen.commands.length > 0) there.add(key);
    return { ...seen, wasSeen };
  };
}

const TOLD = { done: 'told', hint: 'end it, then `cutover resume` tells the hook once more' };
const BY_HAND = { done: 'seen to by hand', hint: 'end it, look at the records, and say so again' };

function stillUnderWay(
  calls: readonly SeenCall[],
  { done, hint } = TOLD,
): Pick<StepEnd, 'outcome' | 'error' | 'code' | 'hint'> {
  return { outcome: 'failed', error: `${done}, but ${wordsOf(calls)}`, code: 'DNS_UNDER_WAY', hint };
}

const operationsOf = (calls: readonly SeenCall[]) =>
  calls.map(({ kind, id }) => `the ${kind} ${id}`).join(', ');

function wordsOf(calls: readonly SeenCall[]): string {
  const pids = calls.flatMap(({ commands }) => commands);
  const whose = operationsOf(calls);
  return pids.length > 0
    ? `the command of ${whose} still runs (process ${pids.join(', ')}) and may have the last word`
    : `what ${whose} asked of it may still come`;
}

/**
 * Runs a DNS step: one that leads back, until nothing is under way on its server, or by its hook, that leads elsewhere;
 * one that a killed process had begun, until what that has asked for is over.
 * @param position of the step in the plan
 */
export function overWrites(
  journal: Journal,
  acting: Acting,
  position: number,
  run: (earlier?: StepEnd) => Promise<StepEnd>,
): Promise<StepEnd> {
  const { plan } = journal.operation;
  const step = plan.steps[position];
  if (step?.kind !== 'dns') return run();
  const hook = step.byHand ? undefined : hookOf(acting.drivers.dns, step);
  if (!hook) return outlastingUnasked(journal, step, acting, run);
  return outlastingItself(journal, hook, acting, position, () => {
    if (!isBackward(plan.kind) && plan.mends !== 'dns') return run();
    const { server } = hook;
    return server === undefined
      ? outlastingCalls(journal, hook, acting, run)
      : outlastingWrites(journal, { ...hook, server }, acting, run);
  });
}

/**
 * Runs a step anew that was under way when its process was killed. What that has asked for leads the same way, but must
 * not land behind whatever comes after this operation: the step ends when it can no longer.
 */
async function outlastingItself(
  journal: Journal,
  hook: Hook,
  { onWait }: Acting,
  position: number,
  run: () => Promise<StepEnd>,
): Promise<StepEnd> {
  const { operation, heldBefore } = journal;
  const { id, kind, plan, steps } = operation;
  const found = steps[position];
  // Of a record, what is about to be written is kept before it is.
  const asked = found?.outcome === 'running' && (hook.server === undefined || found.after !== null);
  const end = await run();
  if (!asked) return end;
  const call = { id, kind, position, driver: hook.driver, holder: heldBefore };
  const withinMs = Math.max(plan.steps[position]?.timeoutMs ?? 0, hook.timeoutMs) + MARGIN_MS;
  const passed = stopwatch();
  const inTime = () => passed() < withinMs;
  const look = looking();
  const left = () => {
    const { wasSeen, ...seen } = look(call);
    const may = mayStillCome({ ...call, ended: false }, seen, { forMs: passed(), withinMs, wasSeen });
    return { ...call, ...seen, may };
  };
  if (left().may) onWait(hook.label, withinMs);
  while (left().may && inTime()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const stays = left();
  if (!stays.may) return end;
  return { ...end, ...(end.outcome === 'done' ? stillUnderWay([stays]) : {}), unanswered: true };
}

/** The hook that moves a step's records, or the one without a server that it is for, wherever that stands by now. */
function hookOf(hooks: readonly Hook[], step: PlannedStep): Hook | undefined {
  const { server } = step;
  return server === undefined ? findSilent(hooks, step) : hooks.find((hook) => hook.server === server);
}

/** The hook that a step without a server is for, wherever it stands in the config by now. */
function findSilent(hooks: readonly Hook[], name: SilentName): Hook | undefined {
  const same = hooks.filter((hook) => hook.read === undefined && isSilent(name)(hook));
  return same.find(({ label }) => label === name.label) ?? same[0];
}
