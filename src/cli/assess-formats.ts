import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { clean } from '../clean.ts';
import type { Config } from '../config/schema.ts';
import { didYouMean } from '../config/suggest.ts';
import { CutoverError, EXIT } from '../errors.ts';
import { alignColumns } from '../report/text.ts';
import type { Format, RawObject } from '../usage/format.ts';
import { FORMATS } from '../usage/formats/index.ts';
import type { InputFile } from '../usage/inputs.ts';
import { createIntake } from '../usage/intake.ts';
import { readAll } from '../usage/read-all.ts';
import type { Suggestion } from '../usage/suggest-map.ts';
import type { AssessOptions } from './assess-options.ts';
import type { Context } from './context.ts';

interface ListedFormat {
  name: string;
  title: string;
  lacks: string | null;
}

/** What `--list-formats` lists. */
export interface ListedFormats {
  formats: ListedFormat[];
  maps: readonly { name: string; title: string }[];
}

/** The log formats, and the maps that come along. */
export async function listFormats(): Promise<ListedFormats> {
  const { SHIPPED_MAPS } = await import('../usage/shipped-maps.ts');
  return {
    formats: [
      ...FORMATS.map(({ name, title, lacks }) => ({ name, title, lacks: lacks ?? null })),
      { name: 'map', title: 'a log of your own: usage.map of the config, or --map', lacks: null },
    ],
    maps: SHIPPED_MAPS,
  };
}

export function formatLines({ formats, maps }: ListedFormats, columns: number): string[] {
  const rows = [
    ...formats.flatMap(({ name, title, lacks }) => [
      [name, title],
      ...(lacks === null ? [] : [['', `no ${lacks}`]]),
    ]),
    ...maps.map(({ name, title }) => [`--map ${name}`, title]),
  ];
  return alignColumns(rows, 0, columns);
}

/**
 * The formats to try; one alone is taken for certain. A mapping of the config is tried when no other format fits.
 * @throws CutoverError BAD_OPTION, UNKNOWN_FORMAT (exit 64), MAP_INVALID (78).
 */
export async function formatsOf(
  options: AssessOptions,
  config: Config | undefined,
  ctx: Context,
): Promise<readonly Format[]> {
  const { mappedFormat } = await import('../usage/map.ts');
  if (options.map !== undefined) {
    if (options.format !== undefined && options.format !== 'map') {
      throw new CutoverError('BAD_OPTION', EXIT.usage, '--map and --format exclude each other');
    }
    return [await namedMap(options.map, ctx)];
  }
  const all = config?.usage.map ? [...FORMATS, mappedFormat(config.usage.map)] : FORMATS;
  if (options.format === undefined) return all;
  const chosen = all.find((format) => format.name === options.format);
  if (chosen) return [chosen];
  const names = [...FORMATS.map((format) => format.name), 'map'];
  throw new CutoverError('UNKNOWN_FORMAT', EXIT.usage, `unknown log format ${clean(options.format)}`, {
    hint:
      options.format === 'map'
        ? 'a mapping is needed: usage.map in the config, or --map FILE (--suggest-map prints one to begin with)'
        : `${didYouMean(options.format, names)} (cutover assess --list-formats)`,
  });
}

/** The map in a file, or one that comes along; a file of that name goes first. */
async function namedMap(name: string, ctx: Context): Promise<Format> {
  const { mappedFormat } = await import('../usage/map.ts');
  const path = resolve(ctx.cwd, name);
  if (!existsSync(path)) {
    const { SHIPPED_MAPS, shippedMap } = await import('../usage/shipped-maps.ts');
    const shipped = shippedMap(name);
    if (shipped) return mappedFormat(shipped.map, name, shipped.title);
    if (!/[./\\]/.test(name)) {
      const names = SHIPPED_MAPS.map((each) => each.name);
      throw new CutoverError(
        'MAP_INVALID',
        EXIT.config,
        `${clean(name)}: neither a file nor a map that comes along`,
        {
          hint: didYouMean(name, names),
        },
      );
    }
  }
  const { loadMap } = await import('../config/load-map.ts');
  return mappedFormat(loadMap(path, name));
}

/**
 * A map to begin with, from the fields of the first input.
 * @throws CutoverError NO_DATA (exit 3) when it holds no objects, and whatever reading throws.
 */
export async function suggestedMap(inputs: readonly InputFile[], ctx: Context): Promise<Suggestion> {
  const { collecting, ENOUGH_OBJECTS, suggestMap } = await import('../usage/suggest-map.ts');
  const objects: RawObject[] = [];
  const enough = new AbortController();
  const keep = (raw: RawObject) => {
    if (objects.length < ENOUGH_OBJECTS) objects.push(raw);
    else enough.abort();
  };
  await readAll({
    inputs: inputs.slice(0, 1),
    stdin: () => ctx.stdin,
    formats: [collecting(keep)],
    intake: createIntake(),
    accept: () => undefined,
    signal: AbortSignal.any([ctx.signal, enough.signal]),
  });
  if (objects.length === 0) {
    throw new CutoverError('NO_DATA', EXIT.inconclusive, 'no records to look at', {
      hint: 'name a log of JSON lines, a JSON array or CSV',
    });
  }
  return suggestMap(objects);
}
