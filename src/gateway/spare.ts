import { closeSync, openSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { systemCode } from '../errors.ts';

/** A descriptor that is kept so that one file can be read when the process may open no other. */
export interface SpareDescriptor {
  /** @throws the system's error. */
  read(path: string): string;
  close(): void;
}

export function keepDescriptor(): SpareDescriptor {
  let held = take();
  const release = () => {
    if (held !== undefined) closeSync(held);
    held = undefined;
  };
  return {
    read(path) {
      // At once, in one piece: between the two nothing else of ours can open anything.
      release();
      try {
        return readFileSync(path, 'utf8');
      } finally {
        held = take();
      }
    },
    close: release,
  };
}

/** Whether an error says that no more files can be opened, by this process or on this machine. */
export function outOfDescriptors(error: unknown): boolean {
  return systemCode(error) === 'EMFILE' || systemCode(error) === 'ENFILE';
}

function take(): number | undefined {
  try {
    return openSync(devNull, 'r');
  } catch (error) {
    // Somebody else of this process was faster; the next read tries again.
    if (outOfDescriptors(error)) return undefined;
    throw error;
  }
}
