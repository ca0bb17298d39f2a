type Bytes = AsyncIterable<Buffer>;

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** The last three bytes of the magic of a frame to be skipped, which may come first (as pzstd writes). */
const SKIPPABLE = Buffer.from([0x2a, 0x4d, 0x18]);
export const LONGEST_MAGIC = 4;

/** The same bytes, or what they hold when they are gzip or zstd; told by the content, not by a name. */
export async function* decompressed(bytes: Bytes): AsyncGenerator<Buffer> {
  const iterator = bytes[Symbol.asyncIterator]();
  const start: Buffer[] = [];
  let length = 0;
  while (length < LONGEST_MAGIC) {
    const next = await iterator.next();
    if (next.done) break;
    start.push(next.value);
    length += next.value.length;
  }
  const head = Buffer.concat(start);
  const whole = resume(head, iterator);
  if (startsWith(head, GZIP)) {
    const { gunzip } = await import('./gunzip.ts');
    yield* gunzip(whole);
  } else if (isZstd(head)) {
    const { unzstd } = await import('./zstd.ts');
    yield* unzstd(whole);
  } else yield* whole;
}

async function* resume(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    // A reader that stops early must not leave the file open.
    await rest.return?.();
  }
}

/** Whether bytes are packed, by the first of them. */
export function isPacked(head: Buffer): boolean {
  return startsWith(head, GZIP) || isZstd(head);
}

function isZstd(head: Buffer): boolean {
  return (
    startsWith(head, ZSTD) || (((head[0] ?? 0) & 0xf0) === 0x50 && startsWith(head.subarray(1), SKIPPABLE))
  );
}

function startsWith(head: Buffer, magic: Buffer): boolean {
  return head.subarray(0, magic.length).equals(magic);
}
