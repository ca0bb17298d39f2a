import { type Notice, wordOfNotice } from '../operation/notice.ts';
import { putWord } from '../operation/outbox.ts';
import { newOperationId } from '../operation/record.ts';
import { readState } from '../store/state.ts';
import type { Session } from './session.ts';

/** Keeps a notice for all who ask for it; to be called in the transaction of what it tells about. */
export function tellNotice(
  { db, config, drivers, actor, clock }: Session,
  kind: Notice['kind'],
  reason: string,
  undo: string,
  more: Partial<Pick<Notice, 'id' | 'evidence'>> = {},
): void {
  const now = clock.now();
  const id = newOperationId(now, clock.random).replace(/^op/, kind);
  const { migration } = config;
  const world = readState(db, migration);
  const word = wordOfNotice({ id, kind, migration, world, reason, actor, now, undo, ...more });
  putWord(db, word, drivers.notify, (hook) => drivers.notify.findIndex(({ label }) => label === hook.label));
}
