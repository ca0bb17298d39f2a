import type { ClickHouseColumn } from '../../config/clickhouse.ts';
import { DIMENSIONS, type Dimension, PLAIN_TIERS, SERVICE_TIERS } from '../dimensions.ts';
import type { Column, Columns } from './columns.ts';
import { countField, type Field, textOf } from './fields.ts';

const COLUMN: Readonly<Record<Dimension, ClickHouseColumn>> = {
  cacheWrite: 'cacheWriteTokens',
  cacheWrite1h: 'cacheWrite1hTokens',
  audioInput: 'audioInputTokens',
  cachedAudio: 'cachedAudioTokens',
  imageInput: 'imageInputTokens',
  cachedImage: 'cachedImageTokens',
  audioOutput: 'audioOutputTokens',
  imageOutput: 'imageOutputTokens',
  reasoning: 'reasoningTokens',
  searches: 'searches',
};

/** SQL of a dimension that a table may tell: its count, and whether the row tells it. */
export interface DimensionSql {
  dimension: Dimension;
  count: string;
  told: string;
}

/** What a table tells besides plain tokens, read as ../build.ts reads it of a record: the same overlaps and faults. */
export interface DimensionFields {
  fields: Field[];
  /** Items of a SELECT that come after all fields; they know `cut_input`, `cut_cached` and `cut_output`. */
  select: string[];
  /** The tokens written to the cache, for whoever adds up the input. */
  written: string;
  faults: Field['faults'];
  dimensions: DimensionSql[];
}

export function dimensionFields(columns: Columns): DimensionFields {
  const column = (dimension: Dimension): Column | undefined => columns[COLUMN[dimension]];
  const known = DIMENSIONS.filter((dimension) => column(dimension));
  const raw = (dimension: Dimension) => `cut_${dimension}_null`;
  const of = (dimension: Dimension) => (column(dimension) ? `ifNull(${raw(dimension)}, 0)` : '0');
  const isTold = (dimension: Dimension) => (column(dimension) ? `isNotNull(${raw(dimension)})` : '0');
  const written = column('cacheWrite')
    ? `ifNull(${raw('cacheWrite')}, ${of('cacheWrite1h')})`
    : of('cacheWrite1h');
  const [image, audio] = [overlapOf('image', of), overlapOf('audio', of)];
  const sql: Record<Dimension, [count: string, told: string]> = {
    cacheWrite: ['cut_written', `${isTold('cacheWrite')} OR ${of('cacheWrite1h')} > 0`],
    cacheWrite1h: [of('cacheWrite1h'), isTold('cacheWrite1h')],
    audioInput: [`${of('audioInput')} - cut_audio_rest`, isTold('audioInput')],
    cachedAudio: [`${of('cachedAudio')} + cut_audio_read`, `${isTold('cachedAudio')} OR cut_audio_read > 0`],
    imageInput: [`${of('imageInput')} - cut_image_rest`, isTold('imageInput')],
    cachedImage: [`${of('cachedImage')} + cut_image_read`, `${isTold('cachedImage')} OR cut_image_read > 0`],
    audioOutput: [of('audioOutput'), isTold('audioOutput')],
    imageOutput: [of('imageOutput'), isTold('imageOutput')],
    reasoning: [of('reasoning'), isTold('reasoning')],
    searches: [of('searches'), isTold('searches')],
  };
  const overlaps = known.some((dimension) => /Input$/.test(dimension));
  const told = DIMENSIONS.filter(
    (dimension) =>
      column(dimension) ||
      (dimension === 'cacheWrite' && column('cacheWrite1h')) ||
      (dimension === 'cachedAudio' && column('audioInput')) ||
      (dimension === 'cachedImage' && column('imageInput')),
  );
  const excess = `cut_cached + cut_written + ${image.fresh} + ${audio.fresh} - cut_input`;
  const covered = `cut_cached - ${of('cachedAudio')} - ${of('cachedImage')}`;
  const noOverlap = ['image', 'audio'].flatMap((kind) => [`0 AS cut_${kind}_read`, `0 AS cut_${kind}_rest`]);
  return {
    fields: known.map((dimension) => countField(raw(dimension), column(dimension), false)),
    select: overlaps
      ? [
          ...image.select(excess, covered),
          ...audio.select(`${excess} - cut_image_read - cut_image_rest`, `${covered} - cut_image_read`),
        ]
      : noOverlap,
    written,
    faults: faults(columns, of),
    dimensions: told.map((dimension) => ({ dimension, count: sql[dimension][0], told: sql[dimension][1] })),
  };
}

function overlapOf(kind: 'image' | 'audio', of: (dimension: Dimension) => string) {
  const fresh =
    kind === 'image'
      ? `(${of('imageInput')} - ${of('cachedImage')})`
      : `(${of('audioInput')} - ${of('cachedAudio')})`;
  const [read, rest] = [`cut_${kind}_read`, `cut_${kind}_rest`];
  return {
    fresh,
    select: (excess: string, covered: string) => [
      `greatest(0, least(${excess}, ${covered}, ${fresh})) AS ${read}`,
      `greatest(0, least(${excess} - ${read}, ${fresh} - ${read})) AS ${rest}`,
    ],
  };
}

function faults(columns: Columns, of: (dimension: Dimension) => string): Field['faults'] {
  const list: [boolean, string, string][] = [
    [
      columns.cacheWrite1hTokens !== undefined,
      `${of('cacheWrite1h')} > cut_written`,
      'more cache writes for an hour than cache writes',
    ],
    [true, 'cut_cached + cut_written > cut_input', 'more cached input tokens than input tokens'],
    [
      true,
      `${of('audioInput')} + ${of('imageInput')} > cut_input`,
      'more audio and image tokens than input tokens',
    ],
    [
      true,
      `${of('cachedAudio')} > ${of('audioInput')} OR ${of('cachedImage')} > ${of('imageInput')} OR ${of('cachedAudio')} + ${of('cachedImage')} > cut_cached`,
      'more cached audio and image tokens than there are',
    ],
    [true, `${of('reasoning')} > cut_output`, 'more reasoning tokens than output tokens'],
    [
      true,
      `${of('audioOutput')} + ${of('imageOutput')} + ${of('reasoning')} > cut_output`,
      'more audio, image and reasoning tokens than output tokens',
    ],
  ];
  // A comparison of constants and counts ≥ 0 alone finds nothing.
  return list.flatMap(([used, condition, reason]) =>
    used && /_null|cut_cached/.test(condition) ? [[condition, reason] as Field['faults'][number]] : [],
  );
}

/** The tier of service of a row, as ../dimensions.ts names it; '' for the one that everybody gets. */
export function tierSql(columns: Columns): string {
  if (!columns.serviceTier) return "if(cut_batch, 'batch', '')";
  const name = `lower(trimBoth(${textOf(columns.serviceTier)}))`;
  const list = (names: Iterable<string>) => [...names].map((each) => `'${each}'`).join(', ');
  return `multiIf(cut_batch, 'batch', ${name} IN (${list(PLAIN_TIERS)}), '', ${name} IN (${list(SERVICE_TIERS)}), ${name}, 'another tier')`;
}
