import { CutoverError, EXIT } from '../errors.ts';
import { createFields } from './fields.ts';
import type { Format, RawObject, RecordSink, SourceInfo } from './format.ts';

/** Takes parsed objects, finds out their format from the first of them, and maps them all. */
export interface Recogniser {
  object(raw: RawObject, line: number, element?: number): void;
  /** Everything was read. @throws CutoverError UNKNOWN_FORMAT (exit 65) when no object was of a known format. */
  end(): void;
  /** The format in use, once known. */
  format(): Format | undefined;
  /** Whether the format is known and every object is a record of its own, not the wrapping of some. */
  isPlain(): boolean;
}

/** Replies of APIs wrap their records in one of these. */
export const WRAPPERS = ['data', 'records', 'results', 'result', 'logs', 'items', 'rows', 'observations'];
/** A format that none of so many objects shows will not show later. */
const MAX_WAITING = 100;

/**
 * @param sinkAt gives the sink for what stands on a line, and is which element of a list there.
 * @param formats the candidates; a single one is taken for certain (`--format`).
 */
export function createRecogniser(
  formats: readonly Format[],
  source: SourceInfo,
  sinkAt: (line: number, element?: number) => RecordSink,
): Recogniser {
  const fields = createFields();
  const waiting: { raw: RawObject; line: number; element: number | undefined }[] = [];
  let chosen: Format | undefined = formats.length === 1 ? formats[0] : undefined;
  let wrapper: string | undefined;
  /** Whether the page last seen says that another follows. */
  let hasMore = false;

  const readOne = (format: Format, object: unknown, sink: RecordSink) => {
    fields.reset();
    if (isObject(object)) format.read(object, sink, fields, source);
    else sink.reject('not a JSON object');
  };
  const map = (format: Format, raw: RawObject, line: number, element: number | undefined) => {
    const inner = wrapper === undefined ? undefined : raw[wrapper];
    if (!Array.isArray(inner)) return readOne(format, raw, sinkAt(line, element));
    hasMore = isCut(raw);
    inner.forEach((object, index) => {
      readOne(format, object, sinkAt(line, index));
    });
  };
  const choose = (raw: RawObject): Format | undefined => {
    const direct = formats.find((format) => format.matches(raw));
    if (direct) return direct;
    for (const name of WRAPPERS) {
      const inner = raw[name];
      const first = Array.isArray(inner) ? inner.find(isObject) : undefined;
      const format = first && formats.find((candidate) => candidate.matches(first));
      if (format) {
        wrapper = name;
        return format;
      }
    }
    return undefined;
  };
  const unknown = () => {
    const names = Object.keys(waiting[0]?.raw ?? {});
    return new CutoverError(
      'UNKNOWN_FORMAT',
      EXIT.input,
      `${source.name}: not a log format that cutover knows (its fields: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''})`,
      {
        hint:
          `known formats: ${formats.map((format) => format.name).join(', ')}; ` +
          'any other is read by a map: --suggest-map prints one to begin with, --map reads it',
      },
    );
  };

  return {
    object(raw, line, element) {
      if (chosen && wrapper === undefined && formats.length === 1 && !chosen.matches(raw)) choose(raw);
      if (!chosen) {
        chosen = choose(raw);
        if (!chosen) {
          waiting.push({ raw, line, element });
          if (waiting.length >= MAX_WAITING) throw unknown();
          return;
        }
        for (const earlier of waiting) map(chosen, earlier.raw, earlier.line, earlier.element);
        waiting.length = 0;
      }
      map(chosen, raw, line, element);
    },
    end() {
      if (!chosen && waiting.length > 0) throw unknown();
      chosen?.end?.(sinkAt(0));
      if (hasMore) sinkAt(0).warn(`${source.name} is not all there is: it says that more pages follow.`);
    },
    format: () => chosen,
    isPlain: () => chosen !== undefined && wrapper === undefined,
  };
}

/** Whether a page says that it is not the last, in one of the ways in which APIs do. */
function isCut(page: RawObject): boolean {
  if (page.has_more === true) return true;
  const { meta } = page;
  return isObject(meta) && Number(meta.totalPages) > Number(meta.page);
}

function isObject(value: unknown): value is RawObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
