import { createFields } from '../fields.ts';
import { parseTimestamp } from '../time.ts';
import { kernelBinary } from './kernel.ts';
import * as at from './layout.ts';

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
      readonly exports: { scan(from: number, limit: number): number };
    }
  }
}

/** The compiled kernel: it can be sent to other threads. */
export type KernelModule = WebAssembly.Module;

export function compileKernel(): KernelModule {
  return new WebAssembly.Module(kernelBinary());
}

/** A kernel with a memory of its own. */
export interface Kernel {
  /** The memory, as bytes, as 32-bit numbers and as doubles. */
  bytes: Buffer;
  words: Int32Array;
  doubles: Float64Array;
  /** See kernel.ts. */
  scan(from: number, limit: number): at.Stop;
  /** The JSON text of a token. */
  token(number: number): string;
  /** Forgets all tokens. */
  clearTokens(): void;
}

const DAY_MS = 86_400_000;

export function createKernel(module: KernelModule): Kernel {
  const memory = new WebAssembly.Memory({ initial: at.PAGES });
  const bytes = Buffer.from(memory.buffer);
  const words = new Int32Array(memory.buffer);
  const doubles = new Float64Array(memory.buffer);
  for (let i = 0; i < at.POWER_COUNT; i++) doubles[at.POWERS / 8 + i] = Number(`1e${i}`);
  bytes.fill(0xff, at.MASKS, at.MASKS + 16);

  const fields = createFields();
  const text = (start: number, end: number) => bytes.toString('utf8', start, end);
  const { scan } = new WebAssembly.Instance(module, {
    env: {
      memory,
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
  }).exports;

  return {
    bytes,
    words,
    doubles,
    scan,
    token(number) {
      const entry = at.TOKENS / 4 + 2 * number;
      const place = words[entry] as number;
      return text(place, place + (words[entry + 1] as number));
    },
    clearTokens() {
      words[at.TOKEN_COUNT / 4] = 0;
      words[at.ARENA_USED / 4] = 0;
      words.fill(0, at.SLOTS / 4, at.SLOTS / 4 + at.SLOT_COUNT);
    },
  };
}
