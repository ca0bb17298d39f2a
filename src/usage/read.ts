import { CutoverError, EXIT, systemCode } from '../errors.ts';
import { type Container, detectContainer, HEAD_BYTES } from './container.ts';
import { createRowSplitter, splitRow } from './csv.ts';
import type { Fast } from './fast/fast.ts';
import type { NativeLines } from './fast/native-lines.ts';
import type { Format, RawObject } from './format.ts';
import { native } from './formats/native.ts';
import { createJsonValueSplitter } from './json-values.ts';
import { createLineSplitter } from './lines.ts';
import { parseJson, parseRow } from './parse.ts';
import { createRecogniser, type Recogniser } from './recognise.ts';
import { createSourceSink, joinTimes, type SinkOptions, type SourceSink, type Times } from './sink.ts';
import type { Item, OnItem, Splitter } from './splitter.ts';
import { readable, unreadable, untilAborted, withoutMark } from './stream.ts';

/** One stream of bytes, decompressed. */
export interface Source {
  /** For messages and formats; `-` is stdin. */
  name: string;
  bytes: AsyncIterable<Buffer>;
  /** The file that the bytes come from, perhaps packed. */
  file?: {
    path: string;
    /** undefined where they are packed: then nobody knows how many come out. */
    bytes: number | undefined;
    /** To be told of bytes that are read otherwise. */
    onBytes: OnBytes;
  };
}

/** Told of bytes that were read, for progress; and how many records were that the intake does not hold yet. */
export type OnBytes = (bytes: number, recordsAhead?: number) => void;

export interface ReadOptions extends SinkOptions {
  formats: readonly Format[];
  signal?: AbortSignal;
  /** Reads logs of the native format, with the same results; without it they are read as all others. */
  fast?: Fast;
}

const NEWLINE = 0x0a;

/** What is known of a source after it was read. */
export interface SourceSummary {
  name: string;
  format: string | undefined;
  lacks: string | undefined;
  caveat: string | undefined;
  /** What the source itself says that a reader of the figures must know. */
  warnings?: readonly string[];
  /** First and last time of the records used, Unix milliseconds. */
  from: number | undefined;
  to: number | undefined;
}

/**
 * Reads one source to its end: bytes → items (splitter) → objects (parse) → records (format) → `accept`.
 * Every record found is counted in `intake`. An empty source is sound and holds nothing.
 * @throws CutoverError BINARY_INPUT, UNKNOWN_FORMAT, UNREADABLE (exit 65).
 */
export async function readSource(source: Source, options: ReadOptions): Promise<SourceSummary> {
  const { formats, signal } = options;
  const sink = createSourceSink(source.name, options);
  const recogniser = createRecogniser(formats, source, sink.at);
  /** Lines that go the fast way: no splitter counts them. */
  let fastLines: NativeLines | undefined;
  const json = (item: Item) => {
    const line = item.line + (fastLines?.lines ?? 0);
    const parsed = item.fault === undefined ? parseJson(item.text, item.open) : { fault: item.fault };
    if ('raw' in parsed) recogniser.object(parsed.raw, line, item.element);
    else sink.reject(line, parsed.fault, item.element);
  };
  const open = (start: Buffer) => {
    const container = detectContainer(start.subarray(0, HEAD_BYTES));
    return {
      container,
      splitter: openSplitter(container, source.name, formats, recogniser, json, sink.reject),
    };
  };

  let head: Buffer[] = [];
  let headBytes = 0;
  let splitter: Splitter | undefined;
  let elsewhere: Times | undefined;
  for await (const chunk of untilAborted(readable(source.name, source.bytes), signal)) {
    if (splitter) {
      splitter.write(chunk);
      continue;
    }
    head.push(chunk);
    headBytes += chunk.length;
    if (headBytes < HEAD_BYTES) continue;
    const all = Buffer.concat(head);
    head = [];
    const start = withoutMark(all);
    const opened = open(start);
    splitter = opened.splitter;
    // The first lines tell what the source is.
    const rest = 1 + start.subarray(0, HEAD_BYTES).lastIndexOf(NEWLINE);
    splitter.write(start.subarray(0, rest));
    const fast = opened.container.kind === 'jsonl' ? fastWay(source, options, recogniser) : undefined;
    if (fast) {
      elsewhere = await readRest(fast, source, all.subarray(0, all.length - start.length + rest), options);
      if (elsewhere) break;
      fastLines = await fast.lines({
        others: splitter,
        record: sink.at(0).record,
        bundles: sink.bundles,
        mayGoOn: recogniser.isPlain,
      });
      splitter = fastLines;
    }
    splitter.write(start.subarray(rest));
  }
  if (!splitter) {
    const start = withoutMark(Buffer.concat(head));
    splitter = open(start).splitter;
    splitter.write(start);
  }
  if (!signal?.aborted) splitter.end();
  fastLines?.settle();
  recogniser.end();
  const summary = summaryOf(source.name, recogniser, sink);
  return elsewhere ? { ...summary, ...joinTimes(sink.times(), elsewhere) } : summary;
}

/** The fast way, where the source goes on as a log of the native format and is large enough. */
function fastWay(source: Source, { fast }: ReadOptions, recogniser: Recogniser): Fast | undefined {
  const large = fast && (source.file?.bytes ?? Number.POSITIVE_INFINITY) >= fast.minBytes;
  return large && recogniser.isPlain() && recogniser.format() === native ? fast : undefined;
}

/** Reads what follows the head of a file on several threads; undefined where that cannot be. */
async function readRest(
  fast: Fast,
  { name, file }: Source,
  head: Buffer,
  { intake, onReject, signal }: ReadOptions,
): Promise<Times | undefined> {
  // Threads find rejects in no order.
  if (!file || onReject) return undefined;
  try {
    return await fast.readFile({ name, path: file.path, head, intake, signal, onBytes: file.onBytes });
  } catch (error) {
    if (error instanceof CutoverError || systemCode(error) === undefined) throw error;
    throw unreadable(name, error);
  }
}

/** What is known of a source when everything was read. */
export function summaryOf(name: string, recogniser: Recogniser, sink: SourceSink): SourceSummary {
  const format = recogniser.format();
  const { lacks, caveat } = format ?? {};
  return { name, format: format?.name, lacks, caveat, warnings: sink.warnings(), ...sink.times() };
}

function openSplitter(
  container: Container,
  name: string,
  formats: readonly Format[],
  recogniser: Recogniser,
  json: OnItem,
  reject: (line: number, reason: string) => void,
): Splitter {
  switch (container.kind) {
    case 'jsonl':
      return createLineSplitter(json);
    case 'json':
      return createJsonValueSplitter(json);
    case 'rows':
      return rowSplitter(container.delimiter, recogniser, reject);
    case 'empty':
      return { write() {}, end() {} };
    case 'text':
      return textSplitter(name, formats, recogniser, reject);
    case 'binary':
      throw new CutoverError('BINARY_INPUT', EXIT.input, `${name}: a binary file, not a log`, {
        hint: 'logs are JSON lines, a JSON array or CSV, as UTF-8',
      });
  }
}

function rowSplitter(
  delimiter: string,
  recogniser: Recogniser,
  reject: (line: number, reason: string) => void,
): Splitter {
  let header: string[] | undefined;
  return createRowSplitter(delimiter, (item) => {
    const cells = item.fault === undefined ? splitRow(item.text, delimiter) : undefined;
    if (!cells) {
      reject(item.line, item.fault ?? 'a quoted cell is never closed');
    } else if (!header) {
      header = cells.map((cell) => cell.trim());
    } else {
      const parsed = parseRow(cells, header);
      if ('raw' in parsed) recogniser.object(parsed.raw, item.line);
      else reject(item.line, item.open ? 'truncated: the file ends inside a record' : parsed.fault);
    }
  });
}

/** Lines of text are read by a format that knows how; the first line that one understands chooses it. */
function textSplitter(
  name: string,
  formats: readonly Format[],
  recogniser: Recogniser,
  reject: (line: number, reason: string) => void,
): Splitter {
  const candidates = formats.flatMap(({ parseLine }) => parseLine ?? []);
  let parse: ((line: string) => RawObject | undefined) | undefined;
  let strange = 0;
  const lines = createLineSplitter((item) => {
    parse ??= candidates.find((candidate) => candidate(item.text) !== undefined);
    const raw = parse?.(item.text);
    if (raw) {
      recogniser.object(raw, item.line);
      return;
    }
    if (!parse && ++strange >= MAX_STRANGE_LINES) throw strangeText(name);
    reject(item.line, item.fault ?? 'not a line of a known kind');
  });
  return {
    write: (chunk) => lines.write(chunk),
    end() {
      lines.end();
      if (!parse && strange > 0) throw strangeText(name);
    },
  };
}

/** A file whose first so many lines are of no known kind is not read on. */
const MAX_STRANGE_LINES = 100;

function strangeText(name: string): CutoverError {
  return new CutoverError('UNKNOWN_FORMAT', EXIT.input, `${name}: neither JSON nor CSV with a header`, {
    hint: 'an nginx access log needs rt=$request_time in its log_format',
  });
}
