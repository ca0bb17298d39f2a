import type { FlagDriver } from '../flag/driver.ts';
import { adoptEmergency, waiting } from '../operation/adopt-emergency.ts';
import { adoptSideJournals } from '../operation/adopt-side-journal.ts';
import type { JournalOptions } from '../operation/journal.ts';
import { movingSteps } from '../operation/moving.ts';
import { hasOperation } from '../operation/operations.ts';
import type { Drivers } from '../operation/steps.ts';
import { plannedDrivers } from '../operation/steps.ts';
import { planEmergency } from '../rollback/plan.ts';
import { unseenStep } from '../rollback/unseen.ts';
import type { Db } from '../store/open.ts';

/** A flag keeps which emergency has set it, and not whose that was. */
const UNKNOWN = { actor: 'unknown', host: 'unknown', pid: 0, process: null, boot: null, namespace: null };

/**
 * Takes into the journal what emergencies could not write there: their side files, and the one that was killed
 * right after it had set a file flag, which is known by the mark it left in the flag.
 * In a copy of the database in memory they are taken in to be looked at; their files stay.
 * @returns a line for the user about each
 */
export async function adoptEmergencies(
  db: Db,
  stateDir: string,
  drivers: Drivers,
  options: JournalOptions,
): Promise<string[]> {
  const adopted = adoptSideJournals(db, stateDir, plannedDrivers(drivers), options);
  const mark = await emergencyMark(drivers.flag);
  if (!mark || hasOperation(db, mark.id)) return adopted;
  const already = new Map([
    [0, { outcome: 'done', attempts: 1, ms: 0, before: null, after: mark, error: null } as const],
  ]);
  const planned = plannedDrivers(drivers);
  const moving = movingSteps(db, planned.dns);
  const plan = planEmergency(planned, null, 'unknown: found by its mark in the flag', moving);
  const unseen = plan.steps.map((step) => unseenStep(step, planned.dns));
  const mine = adoptEmergency(
    db,
    {
      ...mark,
      plan: { ...plan, steps: unseen.map(({ step }) => step) },
      holder: UNKNOWN,
      mayHaveWritten: unseen.map(({ may }) => may),
    },
    already,
    null,
    options,
    'it ended before it was journaled',
  );
  if (!mine) return adopted;
  if (db.memory) return [...adopted, waiting(mark.id, 'whoever set the flag')];
  return [...adopted, `emergency ${mark.id} had set the flag and was not finished; it is in the journal now`];
}

/** Other drivers would have to be asked over the network, on every command. */
async function emergencyMark(flag: FlagDriver): Promise<{ id: string; token: number } | null> {
  if (flag.driver !== 'file') return null;
  try {
    const reading = await flag.get(AbortSignal.timeout(1000));
    if (reading?.kind !== 'emergency' || reading.operation === null) return null;
    return { id: reading.operation, token: reading.token };
  } catch (error) {
    // A flag that cannot be read is the business of the command that needs it.
    void error;
    return null;
  }
}
