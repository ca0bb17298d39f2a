/**
 * What the value after a piece of a line is. Up to `id` it is also the column of a row in which the value stands:
 * numbers as they are, texts as the number of their token; NaN stands for what is absent.
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
  /** There is no room for another bundle. */
  bundles,
}

// Addresses in the memory of the kernel, and sizes in bytes.

/** Results of a call: the beginning of the first line that was not read, and rows filled or added to bundles. */
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

/** Not zero where rows are added to bundles. */
export const BUNDLING = 288;
export const KIND_COUNT = 292;
export const BUNDLE_COUNT = 296;
/** The span of time last seen: its number, its beginning and its end. */
export const SPAN = 300;
export const SPAN_FROM = 304;
export const SPAN_TO = 312;
/** Ascending counts of input tokens, infinity after them. */
export const INPUT_STARTS = 320;
export const MAX_INPUT_STARTS = 64;

/** The powers of ten up to the eighth as whole numbers. */
export const WHOLE_POWERS = 896;

/** Pieces: links to the next and the sibling, length, field, token; then the bytes. The first is the root, without bytes. */
export const NODES = 1024;
export const NODE_BYTES = 160;
export const MAX_NODES = 1000;
export const NEXT = 0;
export const SIBLING = 4;
export const LENGTH = 8;
export const FIELD = 12;
/** The token that the value last was, plus one. */
export const TOKEN = 16;
export const PIECE = 32;
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

/** Kinds: a hash table of their numbers plus one; then they. */
export const KIND_SLOTS = ARENA + ARENA_BYTES;
export const KIND_SLOT_COUNT = 1 << 12;
export const KINDS = KIND_SLOTS + 4 * KIND_SLOT_COUNT;
export const KIND_BYTES = 64;
export const MAX_KINDS = KIND_SLOT_COUNT / 2;
/** What stands where in a kind. */
export enum KindCell {
  /** The tokens of model, provider and status, 16 bits each: plus one, 0 where it is absent. */
  key = 0,
  outcome = 8,
  /** The number of the model at its provider. */
  seller = 12,
  /** Buffers of durations; 0 where none are wanted. */
  latency = 16,
  ttft = 20,
  records = 24,
  /** The bundle last added to, and its key. */
  bundle = 32,
  bundleKey = 40,
}

/** Bundles: the same. */
export const BUNDLE_SLOTS = KINDS + KIND_BYTES * MAX_KINDS;
export const BUNDLE_SLOT_COUNT = 1 << 13;
export const BUNDLES = BUNDLE_SLOTS + 4 * BUNDLE_SLOT_COUNT;
export const BUNDLE_BYTES = 128;
export const MAX_BUNDLES = BUNDLE_SLOT_COUNT / 2;
export enum BundleCell {
  /** 8 bits of outcome, 8 of input starts, 16 of seller; then the number of the span, 0 without a time. */
  key = 0,
  records = 8,
  /** Two sums that are added at once, like the columns they are of. */
  input = 16,
  cached = 24,
  output = 32,
  /** Records with a cost, and the exact sum of the costs in two parts. */
  reported = 40,
  usd = 48,
  usdLow = 56,
  from = 64,
  to = 72,
  /** Input tokens of the first record. */
  size = 80,
}

/** Buffers of durations: each how many it holds, then these. */
export const BUFFERS = BUNDLES + BUNDLE_BYTES * MAX_BUNDLES;
export const BUFFER_BYTES = 4096;
export const MAX_BUFFERS = 2048;
export const BUFFERED = 8;
export const MAX_BUFFERED = (BUFFER_BYTES - BUFFERED) / 8;

/** The lines to read; the kernel may look at this many bytes after them. */
export const INPUT = BUFFERS + BUFFER_BYTES * MAX_BUFFERS;
export const INPUT_BYTES = 1 << 18;
export const SLACK = 64;

export const PAGES = Math.ceil((INPUT + INPUT_BYTES + SLACK) / 65_536);
