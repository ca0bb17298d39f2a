import type { Worker } from 'node:worker_threads';
import type { Accepting } from '../sink.ts';
import type { Share, SharedFile } from './share.ts';

/** Takes records on one thread. */
export interface Taker<T> extends Accepting {
  result(): T;
}

/** What a worker is told: what to read, and how records are taken. Plain data. */
export interface Job {
  file: SharedFile;
  rules: unknown;
}

/** A job as it is sent, and its number on that worker. */
export interface Order extends Job {
  number: number;
}

/** What comes back for an order. */
export interface Delivery<T> extends Done<T> {
  number: number;
}

/** What a thread has read, and what came of it. */
export interface Done<T> {
  share: Share;
  result: T;
}

/** Workers that wait for files to read. */
export interface Crew<T> {
  /** Lets every worker take its share of a file. Rejects when one fails. */
  read(job: Job): Promise<Done<T>[]>;
  /** Ends the workers. */
  dismiss(): Promise<void>;
}

/**
 * Starts workers; they do not keep the process alive.
 * @param entry their module: it calls `serve` of worker.ts.
 */
export function startCrew<T>(entry: URL, count: number): Crew<T> {
  // Loaded here: most logs are too small for threads.
  const threads = process.getBuiltinModule('node:worker_threads');
  const workers = Array.from({ length: count }, () => {
    const worker = new threads.Worker(entry, { execArgv: [] });
    const member: Member<T> = { worker, ordered: 0, failure: undefined, settle: undefined };
    const fail = (failure: Error) => {
      member.failure ??= failure;
      member.settle?.(failure);
    };
    worker.on('message', ({ number, ...done }: Delivery<T>) => {
      // Of a file that was given up, after another thread had failed on it: nobody waits for this any more.
      if (number === member.ordered) member.settle?.(done);
    });
    worker.on('error', fail);
    worker.on('exit', (code) => fail(new Error(`a reading thread ended early (exit code ${code})`)));
    // After the listeners: to listen for messages keeps the process alive again.
    worker.unref();
    return member;
  });
  return {
    read: (job) => Promise.all(workers.map((member) => ask(member, job))),
    async dismiss() {
      await Promise.all(workers.map(({ worker }) => worker.terminate()));
    },
  };
}

interface Member<T> {
  worker: Worker;
  /** Jobs it was given so far. */
  ordered: number;
  /** Why it cannot work any more. */
  failure: Error | undefined;
  /** Ends the wait for it. */
  settle: ((outcome: Done<T> | Error) => void) | undefined;
}

function ask<T>(member: Member<T>, job: Job): Promise<Done<T>> {
  return new Promise((resolve, reject) => {
    member.settle = (outcome) => {
      member.settle = undefined;
      member.worker.unref();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    if (member.failure) return member.settle(member.failure);
    member.worker.ref();
    member.ordered += 1;
    const order: Order = { ...job, number: member.ordered };
    member.worker.postMessage(order);
  });
}
