import { parentPort } from 'node:worker_threads';
import type { Done, Job, Taker } from './crew.ts';
import { readShare } from './share.ts';

/**
 * What a worker of a crew does: takes its share of each file that it is told of, and sends what came of it.
 * @param createTaker makes of the rules what takes records.
 * @param buffers what need not be copied when the result is sent.
 */
export function serve<R, T>(
  createTaker: (rules: R) => Taker<T>,
  buffers: (result: T) => ArrayBuffer[],
): void {
  parentPort?.on('message', async ({ file, rules }: Job) => {
    const taker = createTaker(rules as R);
    const share = await readShare(file, taker);
    const done: Done<T> = { share, result: taker.result() };
    parentPort?.postMessage(done, buffers(done.result));
  });
}
