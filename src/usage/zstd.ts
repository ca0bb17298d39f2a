import { ZSTDDecoder } from 'zstddec/stream';

/** Of Zstandard's own library, compiled to WebAssembly, what is used here (see its zstd.h). */
interface Library {
  memory: { buffer: ArrayBuffer };
  malloc(bytes: number): number;
  free(place: number): void;
  ZSTD_createDCtx(): number;
  ZSTD_freeDCtx(context: number): void;
  /** Goes on as far as input and output reach. @returns 0 at the end of a frame, an error, or neither. */
  ZSTD_decompressStream(context: number, output: number, input: number): number;
}

/** The package's own loop does not look at errors, and never ends on one: only its library is taken. */
class Loader extends ZSTDDecoder {
  static library: Library;
  override _init(result: { instance: { exports: unknown } }): void {
    Loader.library = result.instance.exports as Library;
    super._init(result as Parameters<ZSTDDecoder['_init']>[0]);
  }
}

const INPUT_BYTES = 128 * 1024;
const OUTPUT_BYTES = 256 * 1024;
/** place, size and position of a buffer, each 32 bits */
const BUFFER_BYTES = 12;
/** Results from here up are negated error codes (ZSTD_error_maxCode in zstd_errors.h). */
const FIRST_ERROR = 2 ** 32 - 120;
const DAMAGED = 20;
const ERRORS: Readonly<Record<number, string>> = {
  10: 'damaged: bytes that are not zstd',
  16: 'packed with a window of more than 128 MB, all of which would have to be held in memory',
  [DAMAGED]: 'damaged',
  22: 'damaged: the checksum is not that of the content',
  32: 'packed with a dictionary',
};

/**
 * What the frames of a zstd stream hold; never more than a piece of it is held, besides the window that its frames
 * were packed with (8 MB at most but for `--ultra` and `--long`).
 * @throws Error when it is damaged (the checksum of each frame is verified, where it has one) or cut off.
 */
export async function* unzstd(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  await new Loader().init();
  const { library } = Loader;
  const context = library.ZSTD_createDCtx();
  const input = library.malloc(BUFFER_BYTES);
  const output = library.malloc(BUFFER_BYTES);
  const from = library.malloc(INPUT_BYTES);
  const into = library.malloc(OUTPUT_BYTES);
  const set = (buffer: number, place: number, size: number) => {
    // The memory is another one after it has grown.
    new Uint32Array(library.memory.buffer, buffer, 3).set([place, size, 0]);
  };
  const position = (buffer: number) => new Uint32Array(library.memory.buffer, buffer, 3)[2] as number;
  /** 0 where a frame has ended and none has begun. */
  let open = 0;
  try {
    for await (const chunk of bytes) {
      for (let at = 0; at < chunk.length; at += INPUT_BYTES) {
        const part = chunk.subarray(at, at + INPUT_BYTES);
        new Uint8Array(library.memory.buffer, from, part.length).set(part);
        set(input, from, part.length);
        let filled: number;
        do {
          set(output, into, OUTPUT_BYTES);
          const before = position(input);
          open = library.ZSTD_decompressStream(context, output, input) >>> 0;
          if (open >= FIRST_ERROR) throw faultOf(2 ** 32 - open);
          filled = position(output);
          if (filled > 0)
            yield Buffer.from(new Uint8Array(library.memory.buffer, into, filled).slice().buffer);
          // A call that neither takes nor gives anything would be repeated for ever.
          else if (before < part.length && position(input) === before) throw faultOf(DAMAGED);
        } while (position(input) < part.length || (filled === OUTPUT_BYTES && open !== 0));
      }
    }
    if (open !== 0) throw new Error('cut off: unexpected end of zstd data');
  } finally {
    library.ZSTD_freeDCtx(context);
    for (const place of [input, output, from, into]) library.free(place);
  }
}

function faultOf(code: number): Error {
  return new Error(`zstd: ${ERRORS[code] ?? `damaged (error ${code})`}`);
}
