/** A value that goes with a query apart from its text, as `param_NAME` of the HTTP interface. */
export type Params = Record<string, string>;

/** Collects the values of a query; each call gives the text that stands for the value in SQL. */
export interface Binder {
  text(value: string): string;
  whole(value: number): string;
  readonly params: Params;
}

export function createBinder(): Binder {
  const params: Params = {};
  const bind = (value: string, type: string) => {
    const name = `p${Object.keys(params).length}`;
    params[name] = value;
    return `{${name}:${type}}`;
  };
  return {
    // The server reads a parameter as a field of a tab-separated file, in which these four are escaped.
    text: (value) =>
      bind(
        value.replace(/[\\\t\n\0]/g, (found) => ESCAPES[found] as string),
        'String',
      ),
    whole: (value) => bind(String(Math.round(value)), 'Int64'),
    params,
  };
}

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\0': '\\0' };

/** A name as ClickHouse reads it, whatever characters it is made of. */
export function quoteName(name: string): string {
  return `\`${name.replace(/[\\`]/g, '\\$&')}\``;
}

export function quoteTable(table: { database: string; table: string }): string {
  return `${quoteName(table.database)}.${quoteName(table.table)}`;
}

/** A pattern for LIKE in which `*` stands for anything and nothing else is special. */
export function likePattern(glob: string): string {
  return glob.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%');
}
