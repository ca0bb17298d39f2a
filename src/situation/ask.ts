import type { Facts } from './facts.ts';
import { gatherFacts, gatherJournal, type Sources } from './gather.ts';
import { type Asking, refusalOf } from './refusals.ts';
import { seenIn } from './seen.ts';
import { type Situation, situationOf } from './situation.ts';

/** A rollback goes on without knowing what the flag says: it does not wait long for it. */
const ROLLBACK_FLAG_MS = 2000;

/**
 * What a command begins with that changes or judges what the journal knows.
 * @throws CutoverError LEASE_HELD, UNFINISHED, FROZEN (75): why it may not be done now
 */
export async function assertMay(sources: Sources, asking: Asking): Promise<Facts> {
  const facts = await gatherJournal(sources);
  refuse(facts, asking);
  return facts;
}

/**
 * The same for a command that is planned by the whole situation, with the flag.
 * @throws CutoverError as {@link assertMay}, NOT_DRIFTED (64), or the flag's own when it cannot be read
 */
export async function askSituation(
  sources: Sources,
  asking: 'canary start' | 'shift' | 'rollback' | 'resume --flag',
): Promise<{ facts: Facts; situation: Situation }> {
  // What the journal alone refuses is said at once: a flag store may take its time.
  await assertMay(sources, asking);
  const { timeoutMs } = sources.drivers.flag;
  const flagMs = asking === 'rollback' ? Math.min(timeoutMs, ROLLBACK_FLAG_MS) : timeoutMs;
  const facts = await gatherFacts(sources, { flagMs });
  refuse(facts, asking);
  return { facts, situation: situationOf(facts) };
}

function refuse(facts: Facts, asking: Asking): void {
  const refusal = refusalOf(facts, seenIn(facts), asking);
  if (refusal) throw refusal;
}
