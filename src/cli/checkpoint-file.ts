import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { absoluteName, RECORD_TYPES, recordValue } from '../config/dns-values.ts';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import type { ImportedCheckpoint } from '../store/checkpoint-content.ts';
import { worldFault } from '../world.ts';

/** A canary's document has a few; what has thousands would be too much for whoever walks through it. */
const MAX_DEPTH = 32;

const isFlat = (value: unknown, depth: number): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (depth > 0 && Object.values(value).every((each) => isFlat(each, depth - 1)));

const recordSet = z
  .object({
    name: z.string(),
    type: z.enum(RECORD_TYPES),
    ttl: z.number().int().nonnegative().max(2_147_483_647),
    values: z.array(z.string()),
  })
  .transform((set, ctx) => {
    const { type } = set;
    const name = absoluteName(set.name);
    if (name === undefined) ctx.addIssue({ code: 'custom', message: `not a DNS name: ${set.name}` });
    const values = set.values.map((text) => {
      // A text is whatever a server said it is.
      const value = type === 'TXT' ? text : recordValue(type, text);
      if (value === undefined)
        ctx.addIssue({ code: 'custom', message: `not a value of a record of type ${type}: ${text}` });
      return value ?? text;
    });
    if (type === 'CNAME' && values.length > 1)
      ctx.addIssue({ code: 'custom', message: `${set.name} has more than one CNAME` });
    return { ...set, name: name ?? set.name, values };
  });

/** Records of one server, none of them twice. */
const records = z.array(recordSet).superRefine((list, ctx) => {
  list.forEach(({ name, type }, index) => {
    if (list.findIndex((other) => other.name === name && other.type === type) === index) return;
    ctx.addIssue({ code: 'custom', path: [index], message: `${name} ${type} stands here twice` });
  });
});

const checkpoint = z
  .object({
    at: z.iso.datetime(),
    reason: z.string(),
    status: z.enum(['idle', 'canary', 'rolling', 'complete', 'rollback']),
    ratio: z.number().min(0).max(1),
    activeProvider: z.enum(['legacy', 'target']),
    dns: z.array(
      z.object({
        label: z.string(),
        server: z.string().max(1000).exactOptional(),
        records: records.nullable(),
        error: z.string().exactOptional(),
      }),
    ),
    metrics: z
      .record(z.string(), z.unknown())
      .refine((value) => isFlat(value, MAX_DEPTH), `more than ${MAX_DEPTH} values within one another`),
  })
  .superRefine((world, ctx) => {
    const fault = worldFault(world);
    if (fault) ctx.addIssue({ code: 'custom', message: fault });
  });

const file = z.object({ schemaVersion: z.literal(1), checkpoints: z.array(checkpoint) });

/**
 * The checkpoints of a file that `checkpoint export` wrote, oldest first.
 * @throws CutoverError CHECKPOINT_FILE (65), which names the first that cannot be
 */
export function parseCheckpointFile(cwd: string, path: string): ImportedCheckpoint[] {
  try {
    const text = readFileSync(path === '-' ? 0 : resolve(cwd, path), 'utf8');
    const { checkpoints } = file.parse(JSON.parse(text));
    return checkpoints.map((one) => ({ ...one, at: Date.parse(one.at) })).toReversed();
  } catch (cause) {
    const why =
      cause instanceof z.ZodError ? z.prettifyError(cause).replace(/\s*\n\s*/g, ' ') : messageOf(cause);
    throw new CutoverError('CHECKPOINT_FILE', EXIT.input, `${path}: ${why}`, {
      hint: 'it must be what `cutover checkpoint export` writes',
      cause,
    });
  }
}
