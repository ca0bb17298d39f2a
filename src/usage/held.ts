import type { RecordSink } from './format.ts';
import type { UsageRecord } from './record.ts';

/** Of records with the same id, which are states of one request, lets only the last through. */
export interface Held {
  /** A sink in front of another; records go on when their turn comes. */
  before(out: RecordSink): RecordSink;
  /** The source has ended: what is held goes on. */
  release(out: RecordSink): void;
}

/** So many are held: states of one request stand near each other. */
const MAX_HELD = 10_000;
const SUPERSEDED = 'an earlier state of a request';

export function createHeld(): Held {
  const held = new Map<string, UsageRecord>();
  const take = (record: UsageRecord, out: RecordSink) => {
    const { id } = record;
    if (id === undefined) return out.record(record);
    const earlier = held.get(id);
    if (earlier) {
      out.skip(SUPERSEDED);
      // The request began with its first state; the last of them goes to the end.
      if (earlier.at !== undefined) record.at = earlier.at;
      held.delete(id);
    }
    held.set(id, record);
    if (held.size <= MAX_HELD) return;
    for (const [oldest, waiting] of held) {
      held.delete(oldest);
      return out.record(waiting);
    }
  };
  return {
    before: (out) => ({ ...out, record: (record) => take(record, out) }),
    release(out) {
      for (const record of held.values()) out.record(record);
      held.clear();
    },
  };
}
