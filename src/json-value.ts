/** What becomes of a string in a document. */
export type Change = (text: string) => string;

/** For `JSON.stringify`: changes each string, names of fields included. */
export function replacerOf(change: Change | undefined) {
  return change && ((_key: string, value: unknown) => changedIn(value, change));
}

/** The value itself changed, if it is a string, and the names of its fields; not what is in these. */
export function changedIn(value: unknown, change: Change): unknown {
  if (typeof value === 'string') return change(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [change(key), each]));
}

/** Writes a value as JSON; undefined for what JSON leaves out. */
export type JsonWriter = (value: unknown) => string | undefined;

/** So many names of fields are kept as they are written. */
const KEPT = 1000;

/**
 * Writes as `JSON.stringify(value, replacerOf(change), 2)` does, each line after `newline`, in much less time where no name
 * of a field is changed: there may be a million values of the same fields.
 * @param newline a line break and the indentation of the value.
 */
export function createJsonWriter(newline: string, change: Change): JsonWriter {
  const inner = `${newline}  `;
  /** undefined for a name that is changed. */
  const names = new Map<string, string | undefined>();
  let writeInner: JsonWriter | undefined;

  const nameOf = (key: string): string | undefined => {
    let name = names.get(key);
    if (name !== undefined) return name;
    name = change(key) === key ? `${inner}${JSON.stringify(key)}: ` : undefined;
    if (names.size < KEPT) names.set(key, name);
    return name;
  };
  const list = (values: readonly unknown[], write: JsonWriter): string => {
    let text = '';
    for (const each of values) text += (text === '' ? '[' : ',') + inner + (write(each) ?? 'null');
    return text === '' ? '[]' : `${text}${newline}]`;
  };
  /** For what writes itself, and where names are changed: two may have become one. */
  const other = (value: object): string | undefined =>
    JSON.stringify(value, replacerOf(change), 2)?.replaceAll('\n', newline);
  const object = (value: object, write: JsonWriter): string | undefined => {
    if ('toJSON' in value) return other(value);
    let text = '';
    for (const key in value) {
      const name = nameOf(key);
      if (name === undefined) return other(value);
      const json = write((value as Record<string, unknown>)[key]);
      if (json !== undefined) text += (text === '' ? '{' : ',') + name + json;
    }
    return text === '' ? '{}' : `${text}${newline}}`;
  };
  return (value) => {
    if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : 'null';
    if (typeof value === 'string') return JSON.stringify(change(value));
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    writeInner ??= createJsonWriter(inner, change);
    return Array.isArray(value) ? list(value, writeInner) : object(value, writeInner);
  };
}
