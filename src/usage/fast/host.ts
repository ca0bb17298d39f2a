import { createFields } from '../fields.ts';
import { parseTimestamp } from '../time.ts';
import { kernelBinary } from './kernel/binary.ts';
import * as at from './kernel/layout.ts';
import type { KernelMemory } from './memory.ts';

/** The little of WebAssembly's interface that is needed here: Node's types do not hold it. */
declare global {
  namespace WebAssembly {
    class Module {
      constructor(bytes: Uint8Array);
    }
    class Memory {
      constructor(limits: { initial: number });
      readonly buffer: ArrayBuffer;
    }
    class Instance {
      constructor(module: Module, imports: { env: Record<string, unknown> });
      readonly exports: { scan: Scan };
    }
  }
}

/** The compiled kernel: it can be sent to other threads. */
export type KernelModule = WebAssembly.Module;
/** See kernel/kernel.ts. */
export type Scan = (from: number, limit: number) => at.Stop;

/** What the kernel asks of whoever holds its bundles; see kernel/bundle.ts. */
export interface BundleCalls {
  span(at: number): void;
  open(row: number, bundle: number): number;
  flush(buffer: number): void;
  rest(bundle: number, part: number): void;
}

export function compileKernel(): KernelModule {
  return new WebAssembly.Module(kernelBinary());
}

const DAY_MS = 86_400_000;

/** The kernel over a memory of its own. */
export function startKernel(
  module: KernelModule,
  { memory, bytes, doubles }: KernelMemory,
  bundleCalls: BundleCalls,
): Scan {
  const fields = createFields();
  const text = (start: number, end: number) => bytes.toString('utf8', start, end);
  return new WebAssembly.Instance(module, {
    env: {
      memory,
      ...bundleCalls,
      // Of a JSON number, Number() makes the same double as JSON.parse.
      number: (start: number, end: number) => Number(text(start, end)),
      duration(value: number) {
        fields.reset();
        return fields.duration(value, '', 1) ?? -1;
      },
      time(start: number, end: number) {
        fields.reset();
        const time = fields.timestamp(JSON.parse(text(start, end)), '');
        return fields.reason === undefined ? (time ?? Number.NaN) : -1;
      },
      date(start: number) {
        const midnight = parseTimestamp(text(start, start + 10));
        if (bytes[start + 10] !== 0x54 || midnight === undefined) return 0;
        // Where the day after the next is in range too, so is every time of this one.
        if (parseTimestamp(midnight + 2 * DAY_MS) === undefined) return 0;
        bytes.copy(bytes, at.DATE, start, start + 11);
        doubles[at.MIDNIGHT / 8] = midnight;
        return 1;
      },
    },
  }).exports.scan;
}
