import { setTimeout as sleep } from 'node:timers/promises';
import type { FlagdReader } from './flagd-reader.ts';
import type { Gateway } from './gateway.ts';
import type { Recorder } from './recorder.ts';

const STORE_MS = 25;
export const READER_MS = 100;

/** Looks at the store itself until it is over. */
export async function watchStore(recorder: Recorder, over: AbortSignal): Promise<void> {
  for (; !over.aborted; await sleep(STORE_MS)) recorder.look('any');
}

/** Asks the readers of a flag file what they see, until it is over. */
export async function watchReaders(
  recorder: Recorder,
  readers: { application: { reader: FlagdReader; id: string } | null; gateway(): Gateway | null },
  over: AbortSignal,
): Promise<void> {
  const { application } = readers;
  for (; !over.aborted; await sleep(READER_MS)) {
    if (application) {
      const at = recorder.now();
      recorder.readerSaw('an application of nobody', at, await application.reader.see(application.id));
    }
    const at = recorder.now();
    const ratio = await readers.gateway()?.ratio();
    if (typeof ratio === 'number') recorder.readerSaw('gateway', at, ratio);
  }
}
