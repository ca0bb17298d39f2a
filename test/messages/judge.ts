import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Accepted } from '../servers/moody-receiver.ts';
import { type Ground, PATHS } from './ground.ts';

/** What the journal says of an operation, and what its receivers have to have heard. */
interface Operation {
  id: string;
  kind: string;
  outcome: string | null;
  applied: number;
  from: number;
  to: number;
  /** How many of its steps that move traffic are not done. */
  traffic: number;
}

interface Heard {
  operation: { id: string; kind: string };
  outcome?: string;
  running?: true;
  steps: { kind: string; outcome: string; label: string }[];
}

/** What is wrong with what was told of all operations of a ground that is calm; empty when nothing is. */
export function judge(ground: Ground): string[] {
  const operations = operationsOf(ground.dir);
  const heard = ground.receiver.accepted.filter(({ path }) => path === PATHS.all);
  return [
    ...operations.flatMap((operation) => judgeOperation(operation, heard)),
    ...judgeKeys(ground),
    ...judgeIncident(ground, operations),
  ];
}

function operationsOf(dir: string): Operation[] {
  const db = new Database(join(dir, '.cutover', 'state.db'), { readonly: true });
  try {
    return db
      .prepare(
        `SELECT id, kind, outcome, applied, json_extract(plan, '$.from.ratio') AS "from",
                json_extract(plan, '$.to.ratio') AS "to",
                (SELECT count(*) FROM steps WHERE operation_id = operations.id
                  AND kind <> 'notify' AND outcome <> 'done') AS traffic
           FROM operations ORDER BY seq`,
      )
      .all() as Operation[];
  } finally {
    db.close();
  }
}

/** Each end once: the last one is what the journal says, and none is told twice. */
function judgeOperation({ id, kind, outcome, traffic }: Operation, heard: readonly Accepted[]): string[] {
  const byKey = new Map(
    heard
      .map(({ key, body }) => [key, body as unknown as Heard] as const)
      .filter(([, body]) => body.operation.id === id && !body.running),
  );
  const ends = [...byKey.values()].map(endOf);
  const what = `${kind} ${id} (${outcome})`;
  if (ends.length === 0) return [`${what}: nobody was told`];
  const twice = ends.filter((end, i) => end === ends[i - 1]);
  const last = [...byKey.values()].at(-1)?.outcome;
  // One that was told and then killed before its end was written has been told what became of it.
  const over = outcome === 'undone' || outcome === 'superseded';
  // One of which nothing was left but to tell somebody, and another operation came before that: it was done.
  const onlyTelling = outcome === 'partial' && traffic === 0 && last === 'done';
  const fits = last === outcome || over || onlyTelling;
  return [
    ...twice.map((end) => `${what}: told twice that ${end}`),
    ...(fits ? [] : [`${what}: told last that ${ends.at(-1)}`]),
  ];
}

function endOf({ outcome, steps }: Heard): string {
  const failed = steps.flatMap((step) => (step.outcome === 'failed' ? [step.label] : []));
  return `${outcome}${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`;
}

/** A message comes twice only when its answer was lost, or whoever sent it was killed. */
function judgeKeys({ receiver, kills }: Ground): string[] {
  const before = new Map<string, Accepted>();
  return receiver.accepted.flatMap((one) => {
    if (one.path === PATHS.pager) return [];
    const at = `${one.path} ${one.key}`;
    const earlier = before.get(at);
    before.set(at, one);
    if (!earlier?.answered || kills.has(earlier.during)) return [];
    return [`${at} came twice, in step ${earlier.during} and in step ${one.during}`];
  });
}

/** The incident stands exactly when the last thing that happened opens one. */
function judgeIncident({ receiver }: Ground, operations: readonly Operation[]): string[] {
  const last = receiver.accepted.filter(({ path }) => path === PATHS.pager).at(-1)?.body.event_action;
  const standing = new Set<string>();
  for (const { kind, outcome, applied, from, to } of operations) {
    if (outcome === 'undone' || outcome === 'superseded') continue;
    if (kind === 'emergency') standing.add('back');
    else if (outcome !== 'done' || !applied) standing.add('failed');
    else if (kind !== 'rollback' && to > from) standing.clear();
    else standing.delete('failed');
    if (kind === 'rollback' && outcome === 'done') standing.add('back');
  }
  const stands = last === 'trigger';
  if (stands === standing.size > 0 || last === undefined) return [];
  return [`the incident ${stands ? 'stands, and nothing is wrong' : `is over, but ${[...standing]} stands`}`];
}
