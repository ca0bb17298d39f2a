import * as at from './kernel/layout.ts';

/** The memory of a kernel: see kernel/layout.ts for what stands where. */
export interface KernelMemory {
  memory: WebAssembly.Memory;
  /** The same as bytes, as 32-bit numbers and as doubles. */
  bytes: Buffer;
  words: Int32Array;
  doubles: Float64Array;
}

export function createKernelMemory(): KernelMemory {
  const memory = new WebAssembly.Memory({ initial: at.PAGES });
  const bytes = Buffer.from(memory.buffer);
  const words = new Int32Array(memory.buffer);
  const doubles = new Float64Array(memory.buffer);
  for (let i = 0; i < at.POWER_COUNT; i++) doubles[at.POWERS / 8 + i] = Number(`1e${i}`);
  for (let i = 0; i <= 8; i++) words[at.WHOLE_POWERS / 4 + 2 * i] = 10 ** i;
  bytes.fill(0xff, at.MASKS, at.MASKS + 16);
  return { memory, bytes, words, doubles };
}

/** The JSON text of a token. */
export function tokenText({ bytes, words }: KernelMemory, token: number): string {
  const entry = at.TOKENS / 4 + 2 * token;
  const place = words[entry] as number;
  return bytes.toString('utf8', place, place + (words[entry + 1] as number));
}

/** Forgets all tokens. */
export function clearTokens({ words }: KernelMemory): void {
  words[at.TOKEN_COUNT / 4] = 0;
  words[at.ARENA_USED / 4] = 0;
  for (let node = 0; node < at.MAX_NODES; node++) words[(at.NODES + at.NODE_BYTES * node + at.TOKEN) / 4] = 0;
  words.fill(0, at.SLOTS / 4, at.SLOTS / 4 + at.SLOT_COUNT);
}
