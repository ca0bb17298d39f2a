import { absoluteName, type RecordType, recordValue } from '../../config/dns-values.ts';
import type { DnsRecordSet } from '../../world.ts';
import { type RecordKey, recordSet } from './records.ts';
import { fieldsOf, listOf } from './rest.ts';
import { type EscapeBase, isQuoted, quoteTxt, unquoteTxt } from './txt.ts';

/**
 * A content is a record's data as its server writes it: texts as they are cut, names in their case. A value is its
 * compared form. A set carries its contents as `raw.content` where its values alone do not tell them.
 */

/** How a content of this value is written when nothing else is known of it. */
export function writtenValue(type: RecordType, value: string, base: EscapeBase = 10): string {
  return type === 'TXT' ? quoteTxt(value, base) : value;
}

/** The compared form of a content. */
export function plainValue(type: RecordType, content: string, base: EscapeBase = 10): string {
  return type === 'TXT' ? unquoteTxt(content, base) : (recordValue(type, content) ?? content.toLowerCase());
}

/**
 * A set of these contents.
 * @param more what its server keeps of it besides; empty when there is nothing
 */
export function setOfContents(
  key: RecordKey,
  ttl: number,
  contents: readonly string[],
  { base = 10, more = {} }: { base?: EscapeBase; more?: Readonly<Record<string, unknown>> } = {},
): DnsRecordSet {
  const values = contents.map((content) => plainValue(key.type, content, base));
  const telling = contents.some(
    (content, i) => content !== writtenValue(key.type, values[i] as string, base),
  );
  const raw = { ...(telling ? { content: [...contents].sort() } : {}), ...more };
  return { ...recordSet(key, ttl, values), ...(Object.keys(raw).length === 0 ? {} : { raw }) };
}

/**
 * The contents to write for a set: those that it carries, else those of the same values that are there now, else as
 * values are written. Nothing that says another value than the set's gets in.
 */
export function contentsOf(
  { type, values, raw }: DnsRecordSet,
  { now, base = 10 }: { now?: DnsRecordSet; base?: EscapeBase } = {},
): string[] {
  const known = [raw, now?.raw].map((each) => listOf(fieldsOf(each).content).map(String));
  return values.flatMap((value) => {
    const saying = known.map((list) => list.filter((each) => plainValue(type, each, base) === value));
    return saying.find((list) => list.length > 0) ?? [writtenValue(type, value, base)];
  });
}

const ZONE_FILE_NAME = /^(?:[!#-'*-:<-?A-[\]-~]|\\[!-/:-~]|\\\d{3})+\.$/;

/** Whether a content can stand on a line of a zone file, or of what is written like one, and means just this. */
export function isZoneFileContent(type: RecordType, content: string): boolean {
  if (type === 'TXT') return isQuoted(content);
  if (type === 'CNAME') return absoluteName(content) !== undefined || ZONE_FILE_NAME.test(content);
  return recordValue(type, content) !== undefined;
}
