import { writeSync } from 'node:fs';
import { messageOf, systemCode } from '../errors.ts';

/** Where text leaves the process. */
export interface Outlet {
  /**
   * Never throws: what a command does is not left half done because nobody can read of it.
   * @param done called when it is written, or with an error when it cannot be
   */
  write(text: string, done?: (error?: Error | null) => void): void;
  /** What kept text from being written (`ENOSPC`), or null. A reader who has seen enough (EPIPE) is no fault. */
  lost(): string | null;
}

/**
 * The way out through a file descriptor. Text is written at once, as Node.js does it too, but without loading its
 * streams, which would be a fifteenth of a start. What is not taken at once (by a full pipe with O_NONBLOCK) is left
 * to the stream, and so is all that comes after it.
 * @param stream gives Node.js' own stream for it
 */
export function createOutlet(fd: number, stream: () => NodeJS.WritableStream): Outlet {
  let waiting: NodeJS.WritableStream | undefined;
  let lost: string | null = null;
  const fail = (error: unknown) => {
    const code = systemCode(error) ?? messageOf(error);
    if (code !== 'EPIPE') lost ??= code;
  };
  const wait = (bytes: Uint8Array | string, done: (error?: Error | null) => void) => {
    waiting ??= stream().on('error', fail);
    waiting.write(bytes, done);
  };
  return {
    write(text, done = () => {}) {
      if (waiting) return wait(text, done);
      const bytes = Buffer.from(text);
      let at = 0;
      try {
        while (at < bytes.length) at += writeSync(fd, bytes, at);
      } catch (error) {
        if (systemCode(error) === 'EAGAIN') return wait(bytes.subarray(at), done);
        fail(error);
        return done(error as Error);
      }
      done();
    },
    lost: () => lost,
  };
}
