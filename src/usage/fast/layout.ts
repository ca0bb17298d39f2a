/**
 * What the value after a piece of a line is. Up to `id` it is also the column of a row in which the value stands:
 * numbers as they are, texts as the number of their token; NaN stands for what is absent. The first are RowColumn's.
 */
export enum Field {
  input,
  cached,
  output,
  latency,
  ttft,
  cost,
  at,
  // Tokens.
  model,
  provider,
  status,
  user,
  id,
  /** Where the line begins and ends in the memory. */
  lineStart,
  lineEnd,
  /** A value that nobody asked for. */
  other,
  /** No value: the line has ended. */
  end,
}

/** Why the kernel stopped. */
export enum Stop {
  /** All lines were read. */
  done,
  /** There is no room for another row. */
  full,
  /** An unknown piece stands at PLACE, after the value of NODE. */
  piece,
  /** The line is none of the kernel's business. */
  line,
  /** There is no room for another token. */
  tokens,
}

// Addresses in the memory of the kernel, and sizes in bytes.

/** Results of a call: the beginning of the first line that was not read, and rows filled. */
export const POSITION = 0;
export const ROW_COUNT = 4;
export const PLACE = 8;
export const NODE = 12;
/** The date last seen, `2026-06-01T` in 11 bytes, and its midnight. */
export const DATE = 16;
export const MIDNIGHT = 32;
/** Powers of ten. */
export const POWERS = 64;
export const POWER_COUNT = 23;
/** Sixteen bytes of ones, sixteen of zeros: loaded from the middle, a mask of some bytes. */
export const MASKS = 256;

/** Pieces: links to the next and the sibling, length, field; then the bytes. The first is the root, without bytes. */
export const NODES = 1024;
export const NODE_BYTES = 144;
export const MAX_NODES = 1000;
export const NEXT = 0;
export const SIBLING = 4;
export const LENGTH = 8;
export const FIELD = 12;
export const PIECE = 16;
export const MAX_PIECE = NODE_BYTES - PIECE;

/** Rows of 16 doubles. */
export const ROWS = NODES + NODE_BYTES * MAX_NODES;
export const ROW_BYTES = 128;
export const MAX_ROWS = 512;

/** Tokens: a hash table of their numbers plus one; place and length of each; their bytes, each padded to 16. */
export const TOKEN_COUNT = 44;
export const ARENA_USED = 40;
export const SLOTS = ROWS + ROW_BYTES * MAX_ROWS;
export const SLOT_COUNT = 1 << 16;
export const MAX_TOKENS = SLOT_COUNT / 2;
export const TOKENS = SLOTS + 4 * SLOT_COUNT;
export const ARENA = TOKENS + 8 * MAX_TOKENS;
export const ARENA_BYTES = 1 << 20;
export const MAX_TOKEN = 256;

/** The lines to read; the kernel may look at this many bytes after them. */
export const INPUT = ARENA + ARENA_BYTES;
export const INPUT_BYTES = 1 << 20;
export const SLACK = 64;

export const PAGES = Math.ceil((INPUT + INPUT_BYTES + SLACK) / 65_536);
