import type { Look } from './stores.ts';

/** What was seen of one history, and what of it must not have been. Times are milliseconds of one clock. */
export interface Log {
  /** The store does not compare tokens. */
  naive: boolean;
  commands: CommandLog[];
  /** When a hand changed the flag. */
  hands: number[];
  /** What the store said, at each change and whenever an emergency said safe. */
  store: ({ at: number } & Look)[];
  /** Readers that follow the store with a delay: when they were asked, when they answered, and what they said. */
  readers: Record<string, { at: number; answered: number; share: number }[]>;
  /** When a request that the gateway waits for reached target. */
  targetAsked: number[];
  /** What the commands wrote into the journal, in its order: that of its transactions, whatever their clocks say. */
  journal: JournalEntry[];
  end: number;
}

/** That a command began or resumed an operation, or came to the end of one of its steps. */
export interface JournalEntry {
  event: 'begins' | 'resumes' | 'step';
  operation: string;
  kind: string;
  actor: string;
}

export interface CommandLog {
  actor: string;
  op: string;
  forward: boolean;
  began: number;
  ended: number;
  /** When an emergency said that all is safe. */
  safe: number | null;
  killed: boolean;
  /** From when to when it stood still. */
  stops: { from: number; to: number }[];
}

/** How long a reader that looks now and then may take to see a change. */
const FIRST_LOOK_MS = 1000;
export const GRACE_MS = 10_000;
/** A gateway may have begun a request right before it saw the change. */
const ON_ITS_WAY_MS = 400;

export interface Judgement {
  violations: string[];
  /** Emergencies that said safe and were looked at afterwards. */
  looked: number;
  /** Late writes to a store without tokens that the fenced command took back by itself. */
  putBack: number;
  /** Operations that were begun or resumed, emergencies left out. */
  operations: number;
}

/** Whether every reader saw what an emergency promised, and never two operations ran at once. */
export function judge(log: Log): Judgement {
  const violations = [...uninvited(log), ...twoAtOnce(log)];
  let looked = 0;
  let putBack = 0;
  for (const command of log.commands) {
    const { safe } = command;
    if (safe === null) continue;
    const until = validUntil(log, command, safe);
    if (until <= safe) continue;
    looked++;
    const strict = storeAfter(log, safe, until);
    if (strict === 'put back') putBack++;
    else violations.push(...strict.map((what) => `after ${command.actor} said safe, ${what}`));
    violations.push(
      ...readersAfter(log, safe, until).map((what) => `after ${command.actor} said safe, ${what}`),
    );
  }
  const operations = log.journal.filter(({ event, kind }) => event !== 'step' && kind !== 'emergency').length;
  return { violations, looked, putBack, operations };
}

/**
 * Until when an emergency's word holds: a hand, a forward command that somebody gave later, or one that was waiting
 * and began its operation later: it then has the greater token.
 */
function validUntil(log: Log, emergency: CommandLog, safe: number): number {
  const token = tokenOf(log, emergency, safe);
  // Its own write was never seen: somebody wrote right after it.
  if (token === null) return safe;
  const waiting = log.commands.some(({ forward, began, ended }) => forward && began <= safe && ended >= safe);
  const later = log.store.filter(
    ({ at, share, kind, token: theirs }) =>
      at >= safe && share > 0 && waiting && theirs > token && (kind === 'canary start' || kind === 'shift'),
  );
  const given = log.commands.filter(({ forward, began }) => forward && began > safe);
  const hands = log.hands.filter((at) => at >= emergency.began);
  return Math.min(log.end, ...later.map(({ at }) => at), ...given.map(({ began }) => began), ...hands);
}

function tokenOf(log: Log, emergency: CommandLog, safe: number): number | null {
  const own = log.store.filter(({ at, kind }) => kind === 'emergency' && at >= emergency.began && at <= safe);
  return own.at(-1)?.token ?? null;
}

const percent = (share: number) => (share === 1 ? 'a share' : `${share * 100} %`);

function storeAfter(log: Log, safe: number, until: number): string[] | 'put back' {
  const first = log.store.findLast(({ at }) => at <= safe);
  const seen = [
    ...(first ? [{ ...first, at: safe }] : []),
    ...log.store.filter(({ at }) => at > safe && at < until),
  ];
  const wrong = seen.find(({ share }) => share > 0);
  if (!wrong) return [];
  const stoodStill = log.commands.some(
    ({ forward, stops }) => forward && stops.some(({ from, to }) => from <= safe && to >= safe),
  );
  if (log.naive && stoodStill && seen.at(-1)?.share === 0) return 'put back';
  const later = Math.round(wrong.at - safe);
  return [
    `the flag sends ${percent(wrong.share)} to target ${later} ms later (written by ${wrong.kind ?? '?'})`,
  ];
}

function readersAfter(log: Log, safe: number, until: number): string[] {
  return Object.entries(log.readers).flatMap(([name, sightings]) => {
    const seen = sightings.filter(({ at }) => at >= safe + FIRST_LOOK_MS && at < until);
    const settled = seen.find(({ share }) => share === 0);
    if (!settled) {
      const last = seen.at(-1);
      if (!last || last.at < safe + GRACE_MS) return [];
      return [`${name} still sends ${percent(last.share)} to target ${Math.round(last.at - safe)} ms later`];
    }
    const wrong = seen.find(({ at, share }) => at > settled.answered && share > 0);
    if (wrong)
      return [
        `${name} sends ${percent(wrong.share)} to target again ${Math.round(wrong.at - safe)} ms later`,
      ];
    if (name !== 'gateway') return [];
    const asked = log.targetAsked.filter((at) => at > settled.answered + ON_ITS_WAY_MS && at < until);
    if (asked.length === 0) return [];
    const [at = 0] = asked;
    return [
      `${asked.length} requests of the gateway reach target, the first ${Math.round(at - safe)} ms later`,
    ];
  });
}

/** No request may reach target before anybody has asked for that. */
function uninvited({ commands, hands, targetAsked }: Log): string[] {
  const invited = Math.min(...commands.filter(({ forward }) => forward).map(({ began }) => began), ...hands);
  const before = targetAsked.filter((at) => at < invited);
  return before.length > 0 ? [`${before.length} requests reach target before any forward command`] : [];
}

/**
 * A command keeps what its step came to also when another has taken over: of two at once the older one is seen by the
 * step that it ends after the other has begun. An emergency may take over from whoever runs; nobody else may.
 */
function twoAtOnce({ journal }: Log): string[] {
  let current: string | null = null;
  const before = new Set<string>();
  for (const { event, operation, kind, actor } of journal) {
    const run = `${actor} (${kind} ${operation})`;
    if (kind === 'emergency') {
      if (event !== 'step') current = null;
    } else if (event !== 'step') {
      if (current !== null) before.add(current);
      before.delete(run);
      current = run;
    } else if (before.has(run)) {
      return [`two operations run at once: ${run} ends a step after ${current ?? 'another'} has begun`];
    }
  }
  return [];
}
