import { parentPort } from 'node:worker_threads';
import type { Delivery, Order, Taker } from './crew.ts';
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
  parentPort?.on('message', async ({ number, file, rules }: Order) => {
    const taker = createTaker(rules as R);
    const share = await readShare(file, taker);
    const delivery: Delivery<T> = { number, share, result: taker.result() };
    parentPort?.postMessage(delivery, buffers(delivery.result));
  });
}
