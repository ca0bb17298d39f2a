import { dirname } from 'node:path';
import type { Document } from 'yaml';
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod/mini';
import { CutoverError, EXIT, messageOf, systemCode } from '../errors.ts';
import { readOrdinaryFile } from '../files.ts';
import { dnsHook, notifyHook } from './hooks-schema.ts';
import { MAX_CONFIG_BYTES } from './path.ts';
import { type Config, configSchema, type FlagConfig } from './schema.ts';
import type { EmergencyConfig } from './snapshot.ts';
import { stateSettings } from './state.ts';
import { didYouMean } from './suggest.ts';

export interface LoadedConfig {
  config: Config;
  /** The text it was parsed from. */
  text: string;
  /** Absolute path of the file. */
  path: string;
  /** Folder of the file; relative paths in it start here. */
  dir: string;
}

/**
 * Reads and checks a config file.
 * @throws CutoverError CONFIG_MISSING, CONFIG_INVALID (exit 78); each mistake is named as
 *   `file:line:column: what, why, how to mend`.
 */
export function loadConfig(path: string): LoadedConfig {
  let text: string;
  try {
    text = readOrdinaryFile(path, { maxBytes: MAX_CONFIG_BYTES });
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw new CutoverError(
      'CONFIG_MISSING',
      EXIT.config,
      missing
        ? `${path}: no such file`
        : error instanceof CutoverError
          ? error.message
          : `${path}: cannot be read`,
      {
        hint: 'name the config with --config PATH, or run this where cutover.yaml is',
        cause: error,
      },
    );
  }
  return { config: parseConfig(text, path), text, path, dir: dirname(path) };
}

/**
 * Parses the text of a config file; `file` is only used in messages.
 * @throws CutoverError CONFIG_INVALID (exit 78).
 */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter();
  const document = orNotYaml(file, () => parseDocument(text, { lineCounter: lines, prettyErrors: false }));
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  if (document.errors.length > 0) {
    throw invalid(document.errors.map((error) => `${at(error.pos[0])}: not YAML: ${error.message}`));
  }
  const result = configSchema.safeParse(orNotYaml(file, () => document.toJS() as unknown) ?? {});
  if (result.success) return result.data;
  throw invalid(result.error.issues.flatMap((issue) => explain(issue, document, at)));
}

/** @throws CutoverError CONFIG_INVALID: an alias that means nothing or far too much, or nesting without end. */
function orNotYaml<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new CutoverError('CONFIG_INVALID', EXIT.config, `${file}: not YAML: ${messageOf(error)}`, {
      hint: 'a value that begins with * is an alias; to mean a text, put it in quotes: "*"',
      cause: error,
    });
  }
}

/** What an emergency can use of a config, whole or not. */
export interface ConfigParts {
  /** Whether all of the config is valid. */
  whole: boolean;
  /** Whether anything could be made out at all. */
  usable: boolean;
  migration: string | undefined;
  /** The flag it writes; the default when it writes none; undefined when what it writes is not valid. */
  flag: FlagConfig | undefined;
  /** Whether the config itself writes the flag. */
  flagWritten: boolean;
  hooks: EmergencyConfig['hooks'];
  checkpoints: EmergencyConfig['checkpoints'] | undefined;
  /** The state folder as it is written. */
  state: string | undefined;
  /** The group that may read the state, where the config names one. */
  group: string | null | undefined;
  /** What had to be left out. */
  warnings: string[];
}

/**
 * The parts of a config that an emergency can use, however damaged the rest is. Never throws.
 * @param whole whether the config is known to be valid
 */
export function readParts(text: string, whole: boolean): ConfigParts {
  const fields = tryFields(text);
  const { flag, migration, checkpoints, state } = configSchema.shape;
  const valid = <T>(schema: z.ZodMiniType<T>, value: unknown): T | undefined => {
    const parsed = schema.safeParse(value);
    return parsed.success ? parsed.data : undefined;
  };
  const { hooks, warnings } = wholeHooks(fields.hooks);
  const validState = valid(state, fields.state);
  const written = validState === undefined ? undefined : stateSettings(validState);
  const flagWritten = fields.flag !== undefined && fields.flag !== null;
  const found = valid(flag, fields.flag ?? undefined);
  return {
    whole,
    usable: flagWritten && found !== undefined,
    migration: valid(migration, fields.migration),
    flag: found,
    flagWritten,
    hooks,
    checkpoints: valid(checkpoints, fields.checkpoints),
    state: written?.path,
    group: written?.group,
    warnings,
  };
}

/** The keys at the top of a config; none when it cannot be read in any way. */
function tryFields(text: string): Record<string, unknown> {
  try {
    const raw: unknown = parseDocument(text, { logLevel: 'silent', strict: false }).toJS({
      maxAliasCount: 100,
    });
    return typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
  } catch (error) {
    // An alias without an anchor, or one too many: loadConfig says so, and the last good config stands in.
    void error;
    return {};
  }
}

/** The hooks that are valid each by itself. */
function wholeHooks(value: unknown): { hooks: EmergencyConfig['hooks']; warnings: string[] } {
  const warnings: string[] = [];
  const whole = <T>(kind: 'dns' | 'notify', entry: z.ZodMiniType<T>): T[] => {
    const list = (value as Record<string, unknown> | null | undefined)?.[kind];
    if (!Array.isArray(list)) return [];
    return list.flatMap((each, index) => {
      const parsed = entry.safeParse(each);
      if (parsed.success) return [parsed.data];
      warnings.push(`hooks.${kind}[${index}] is left out: it is not valid`);
      return [];
    });
  };
  const hooks = { dns: whole('dns', dnsHook), notify: whole('notify', notifyHook) };
  return { hooks, warnings };
}

function invalid(mistakes: string[]): CutoverError {
  return new CutoverError('CONFIG_INVALID', EXIT.config, [...new Set(mistakes)].join('\n'));
}

type Issue = z.core.$ZodIssue;

/** One or more messages for an issue, each beginning with the position of what is wrong. */
function explain(issue: Issue, document: Document, at: (offset: number) => string): string[] {
  const where = (path: readonly PropertyKey[], key?: string) => at(offsetOf(document, path, key));
  const name = (path: readonly PropertyKey[]) => path.map(String).join('.');
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const full = name([...issue.path, key]);
        return `${where(issue.path, key)}: unknown key ${full}; ${didYouMean(key, knownKeys(issue.path, document))}`;
      });
    case 'invalid_union': {
      if ('discriminator' in issue && issue.discriminator !== undefined) {
        // The path ends in the discriminator itself.
        const owner = issue.path.slice(0, -1);
        const known = driverNames(owner);
        const given = String(document.getIn(issue.path) ?? '');
        return given === ''
          ? [`${where(owner)}: ${name(owner)} needs a driver; known: ${known.join(', ')}`]
          : [`${where(issue.path)}: unknown driver ${given} for ${name(owner)}; ${didYouMean(given, known)}`];
      }
      const expected = issue.errors.flat().map((inner) => inner.message);
      return [`${where(issue.path)}: ${name(issue.path)}: ${[...new Set(expected)].join(', or ')}`];
    }
    case 'invalid_type':
      return document.getIn(issue.path) === undefined
        ? [`${where(issue.path)}: ${name(issue.path)} is missing; it must be given (${issue.expected})`]
        : [`${where(issue.path)}: ${name(issue.path)} must be of type ${issue.expected}`];
    default:
      return [`${where(issue.path)}: ${name(issue.path)}: ${issue.message}`];
  }
}

/** Offset of the node at `path` (or of `key` in it); where that is missing, of its nearest parent. */
function offsetOf(document: Document, path: readonly PropertyKey[], key?: string): number {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (node === undefined || node === null || typeof node !== 'object') continue;
    if (key !== undefined && length === path.length && isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      if (pair && isScalar(pair.key) && pair.key.range) return pair.key.range[0];
    }
    if ('range' in node && Array.isArray(node.range)) return node.range[0] as number;
  }
  return 0;
}

/** The keys the schema knows at `path`; follows objects, lists, records and driver unions. */
function knownKeys(path: readonly PropertyKey[], document: Document): string[] {
  const schema = schemaAt(path, document);
  return Object.keys(schema?.def.shape ?? {});
}

function driverNames(path: readonly PropertyKey[]): string[] {
  return (schemaAt(path, undefined)?.def.options ?? []).flatMap((option) => driverOf(option) ?? []);
}

/** Of any kind; what it is made of depends on the kind. */
interface AnySchema {
  def: {
    shape?: Record<string, AnySchema>;
    element?: AnySchema;
    valueType?: AnySchema;
    options?: readonly AnySchema[];
    innerType?: AnySchema;
    in?: AnySchema;
    values?: readonly unknown[];
  };
}

function schemaAt(path: readonly PropertyKey[], document: Document | undefined): AnySchema | undefined {
  let schema: AnySchema | undefined = unwrap(configSchema as AnySchema);
  path.forEach((part, index) => {
    if (!schema) return;
    const { shape, element, valueType } = schema.def;
    schema = unwrap(shape ? shape[String(part)] : (element ?? valueType));
    if (document && schema?.def.options)
      schema = chosenOption(schema.def.options, document, path.slice(0, index + 1));
  });
  return schema;
}

/** Of a union, the member that the document's `driver` names, else the member that is an object. */
function chosenOption(
  union: readonly AnySchema[],
  document: Document,
  path: readonly PropertyKey[],
): AnySchema | undefined {
  const driver = document.getIn([...path, 'driver']);
  const options = union.map((option) => unwrap(option));
  return (
    options.find((option) => driver !== undefined && driverOf(option) === driver) ??
    options.find((option) => option?.def.shape)
  );
}

const driverOf = (option: AnySchema | undefined) =>
  option?.def.shape?.driver?.def.values?.[0] as string | undefined;

/** Takes off defaults, optionals and transforms around a schema. */
function unwrap(schema: AnySchema | undefined): AnySchema | undefined {
  let inner = schema;
  for (let depth = 0; inner && depth < 8; depth++) {
    const next: AnySchema | undefined = inner.def.innerType ?? inner.def.in;
    if (!next) return inner;
    inner = next;
  }
  return inner;
}
