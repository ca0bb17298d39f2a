import type { Fields } from './fields.ts';
import type { UsageRecord } from './record.ts';

/** One parsed object of a log, before anything is known about its fields. */
export type RawObject = Readonly<Record<string, unknown>>;

/** Where a format delivers what it found in one raw object; each call counts as one record read. */
export interface RecordSink {
  record(record: UsageRecord): void;
  /** The record is unusable. `reason` names field and fault and holds no data, so that it can be counted. */
  reject(reason: string): void;
  /** The record is sound but no request to a model of the provider (a span of another kind, a cached answer). */
  skip(reason: string): void;
  /** What a reader of the figures must know of the source; told once however often it is said. */
  warn(text: string): void;
}

/** What a format may know about the file besides its records. */
export interface SourceInfo {
  /** Name for messages; `-` is stdin. */
  readonly name: string;
}

/**
 * One log format. Parsing bytes into objects is not its business: it sees parsed objects only, so that
 * the reader under it can be replaced without touching any format.
 */
export interface Format {
  /** The name for `--format`. */
  readonly name: string;
  /** What it is, for people. */
  readonly title: string;
  /** What the source cannot say, in words; undefined when it says everything. */
  readonly lacks?: string;
  /** What else a reader of its figures must know. */
  readonly caveat?: string;
  /** Present for logs that are lines of text: makes a raw object of a line, undefined when it is of no such kind. */
  readonly parseLine?: (line: string) => RawObject | undefined;
  /**
   * Paths of the fields that `read` looks at, where they are all known: a source that keeps its data by column then
   * reads only these.
   */
  readonly fields?: readonly string[];
  /** Whether `raw` is an object of this format. Judges by the fields' names; never throws. */
  matches(raw: RawObject): boolean;
  /** Maps one object to any number of records. */
  read(raw: RawObject, out: RecordSink, fields: Fields, source: SourceInfo): void;
  /** Delivers what is held back: a source has ended. */
  end?(out: RecordSink): void;
}

/** Why a record is passed over whose answer came from a cache of answers: the provider never saw the request. */
export const FROM_RESPONSE_CACHE = 'answered by a response cache';
