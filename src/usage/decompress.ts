import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

type Bytes = AsyncIterable<Buffer>;

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const LONGEST_MAGIC = 4;

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
  if (startsWith(head, GZIP)) yield* gunzip(whole);
  else if (startsWith(head, ZSTD)) yield* unzstd(whole);
  else yield* whole;
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

function startsWith(head: Buffer, magic: Buffer): boolean {
  return head.subarray(0, magic.length).equals(magic);
}

async function* gunzip(bytes: Bytes): AsyncGenerator<Buffer> {
  const source = Readable.from(bytes, { objectMode: false });
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  source.on('error', (error) => gunzip.destroy(error));
  yield* source.pipe(gunzip) as AsyncIterable<Buffer>;
}

async function* unzstd(bytes: Bytes): AsyncGenerator<Buffer> {
  const { Decompress } = await import('fzstd');
  let ready: Buffer[] = [];
  const stream = new Decompress((chunk) => {
    // A copy: the decompressor goes on using its window.
    if (chunk.length > 0) ready.push(Buffer.from(chunk));
  });
  for await (const chunk of bytes) {
    stream.push(chunk);
    yield* ready;
    ready = [];
  }
  stream.push(new Uint8Array(0), true);
  yield* ready;
}
