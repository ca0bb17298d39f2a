/**
 * What SQLite's write-ahead log adds to its database file, for a reader that may not make the files SQLite needs for
 * that. The format: https://sqlite.org/fileformat2.html#the_write_ahead_log
 */

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** Its lowest bit says in which byte order the checksums are made. */
const MAGIC = 0x377f0682;

/**
 * The database with all transactions of the log that were committed. Whatever follows the last of them, or is left
 * from an earlier use of the log, does not count: its salt or its checksum does not fit.
 */
export function applyWal(database: Buffer, wal: Buffer): Buffer {
  const { pages, pageSize, pageCount } = committed(wal);
  if (pageCount === 0) return database;
  const whole = Buffer.alloc(pageCount * pageSize);
  database.copy(whole, 0, 0, whole.length);
  for (const [page, at] of pages) {
    if (page <= pageCount) wal.copy(whole, (page - 1) * pageSize, at, at + pageSize);
  }
  return whole;
}

/** The newest committed frame of each page, as an offset into the log; no pages when nothing was committed. */
function committed(wal: Buffer): { pages: Map<number, number>; pageSize: number; pageCount: number } {
  const pages = new Map<number, number>();
  let pageCount = 0;
  if (wal.length < HEADER_BYTES) return { pages, pageSize: 0, pageCount };
  const magic = wal.readUInt32BE(0);
  const pageSize = wal.readUInt32BE(8);
  const bigEndian = (magic & 1) === 1;
  let sum = checksum(wal, 0, 24, bigEndian, [0, 0]);
  const whole = (magic & ~1) === MAGIC && pageSize >= 512 && fits(sum, wal, 24);
  if (!whole) return { pages, pageSize, pageCount };
  const pending = new Map<number, number>();
  const step = FRAME_HEADER_BYTES + pageSize;
  for (let at = HEADER_BYTES; at + step <= wal.length; at += step) {
    const salted = wal.compare(wal, 16, 24, at + 8, at + 16) === 0;
    sum = checksum(wal, at, at + 8, bigEndian, sum);
    sum = checksum(wal, at + FRAME_HEADER_BYTES, at + step, bigEndian, sum);
    if (!salted || !fits(sum, wal, at + 16)) break;
    pending.set(wal.readUInt32BE(at), at + FRAME_HEADER_BYTES);
    const size = wal.readUInt32BE(at + 4);
    if (size === 0) continue;
    for (const [page, offset] of pending) pages.set(page, offset);
    pending.clear();
    pageCount = size;
  }
  return { pages, pageSize, pageCount };
}

type Sum = [number, number];

function fits([first, second]: Sum, wal: Buffer, at: number): boolean {
  return first === wal.readUInt32BE(at) && second === wal.readUInt32BE(at + 4);
}

function checksum(bytes: Buffer, from: number, to: number, bigEndian: boolean, [first, second]: Sum): Sum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let a = first;
  let b = second;
  for (let at = from; at < to; at += 8) {
    a = (a + view.getUint32(at, !bigEndian) + b) >>> 0;
    b = (b + view.getUint32(at + 4, !bigEndian) + a) >>> 0;
  }
  return [a, b];
}
