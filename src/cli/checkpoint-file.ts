import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod/mini';
import { absoluteName, RECORD_TYPES, recordValue } from '../config/dns-values.ts';
import { whole } from '../config/fields.ts';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import { CLOCKS_MS } from '../operation/holder.ts';
import { type ImportedCheckpoint, MAX_TEXT } from '../store/checkpoint-content.ts';
import { worldFault } from '../world.ts';

/** A canary's document has a few; what has thousands would be too much for whoever walks through it. */
const MAX_DEPTH = 32;

/** There was no cutover before. */
const EARLIEST = Date.UTC(2025, 0, 1);
/** The longest name of a hook or a server, in characters; a DNS name is shorter anyway. */
const MAX_LABEL = 1000;
/** One answer of a DNS server is 65,535 bytes: so many addresses, or so much text with every byte escaped. */
const MAX_VALUES = 4096;
const MAX_VALUES_TEXT = 4 * 65_535;
/** A canary's document as JSON has a tenth of it. */
const MAX_METRICS = 100_000;
/** How much of a value that cannot be is said. */
const MAX_SAID = 80;

const said = (text: string) => (text.length > MAX_SAID ? `${text.slice(0, MAX_SAID)}…` : text);

const isFlat = (value: unknown, depth: number): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (depth > 0 && Object.values(value).every((each) => isFlat(each, depth - 1)));

const recordSet = z.pipe(
  z.object({
    name: z.string().check(z.maxLength(MAX_LABEL)),
    type: z.enum(RECORD_TYPES),
    ttl: whole(0, 2_147_483_647),
    values: z.array(z.string()).check(
      z.maxLength(MAX_VALUES),
      z.refine(
        (all) => all.join('').length <= MAX_VALUES_TEXT,
        'longer than an answer of a DNS server can be',
      ),
    ),
  }),
  z.transform((set, ctx) => {
    const { type } = set;
    const wrong = (message: string) => ctx.issues.push({ code: 'custom', message, input: set });
    const name = absoluteName(set.name);
    if (name === undefined) wrong(`not a DNS name: ${said(set.name)}`);
    const values = set.values.map((text) => {
      // A text is whatever a server said it is.
      const value = type === 'TXT' ? text : recordValue(type, text);
      if (value === undefined) wrong(`not a value of a record of type ${type}: ${said(text)}`);
      return value ?? text;
    });
    if (type === 'CNAME' && values.length > 1) wrong(`${said(set.name)} has more than one CNAME`);
    return { ...set, name: name ?? set.name, values };
  }),
);

/** Records of one server, none of them twice. */
const records = z.array(recordSet).check(
  z.superRefine((list, ctx) => {
    list.forEach(({ name, type }, index) => {
      if (list.findIndex((other) => other.name === name && other.type === type) === index) return;
      ctx.addIssue({ code: 'custom', path: [index], message: `${name} ${type} stands here twice` });
    });
  }),
);

const checkpoint = z
  .object({
    at: z
      .pipe(
        z.iso.datetime(),
        z.transform((text) => Date.parse(text)),
      )
      .check(z.refine((at) => at >= EARLIEST, 'a date that is older than cutover')),
    reason: z.string().check(z.maxLength(MAX_TEXT)),
    status: z.enum(['idle', 'canary', 'rolling', 'complete', 'rollback']),
    ratio: z.number().check(z.gte(0), z.lte(1)),
    activeProvider: z.enum(['legacy', 'target']),
    dns: z.array(
      z.object({
        label: z.string().check(z.maxLength(MAX_LABEL)),
        server: z.exactOptional(z.string().check(z.maxLength(MAX_LABEL))),
        records: z.nullable(records),
        error: z.exactOptional(z.string().check(z.maxLength(MAX_TEXT))),
      }),
    ),
    metrics: z.record(z.string(), z.unknown()).check(
      z.refine((value) => isFlat(value, MAX_DEPTH), {
        error: `more than ${MAX_DEPTH} values within one another`,
        abort: true,
      }),
      z.refine((value) => JSON.stringify(value).length <= MAX_METRICS, `more than ${MAX_METRICS} characters`),
    ),
  })
  .check(
    z.superRefine((world, ctx) => {
      const fault = worldFault(world);
      if (fault) ctx.addIssue({ code: 'custom', message: fault });
    }),
  );

/** @param now Unix milliseconds */
const fileAt = (now: number) =>
  z.object({
    schemaVersion: z.literal(1),
    checkpoints: z.array(
      checkpoint.check(
        z.refine(({ at }) => at <= now + CLOCKS_MS, {
          error: 'a date that is in the future, by the clock of this host',
          path: ['at'],
        }),
      ),
    ),
  });

/**
 * The checkpoints of a file that `checkpoint export` wrote, oldest first.
 * @param now Unix milliseconds: a checkpoint is never of a later time
 * @throws CutoverError CHECKPOINT_FILE (65), which names the first that cannot be
 */
export function parseCheckpointFile(cwd: string, path: string, now: number): ImportedCheckpoint[] {
  try {
    const text = readFileSync(path === '-' ? 0 : resolve(cwd, path), 'utf8');
    return fileAt(now).parse(JSON.parse(text)).checkpoints.toReversed();
  } catch (cause) {
    const why =
      cause instanceof z.core.$ZodError
        ? z.prettifyError(new z.core.$ZodError(cause.issues.slice(0, 1))).replace(/\s*\n\s*/g, ' ')
        : messageOf(cause);
    throw new CutoverError('CHECKPOINT_FILE', EXIT.input, `${path}: ${why}`, {
      hint: 'it must be what `cutover checkpoint export` writes',
      cause,
    });
  }
}
