import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import type { Checkpoint } from '../store/checkpoints.ts';

const records = z.object({
  name: z.string(),
  type: z.enum(['CNAME', 'A', 'AAAA', 'TXT']),
  ttl: z.number().int().nonnegative(),
  values: z.array(z.string()),
  raw: z.unknown().optional(),
});

const file = z.object({
  schemaVersion: z.literal(1),
  checkpoints: z.array(
    z.object({
      at: z.iso.datetime(),
      reason: z.string(),
      status: z.enum(['idle', 'canary', 'rolling', 'complete', 'rollback']),
      ratio: z.number().min(0).max(1),
      activeProvider: z.enum(['legacy', 'target']),
      dns: z.array(z.object({ label: z.string(), records: z.array(records).nullable() })),
      metrics: z.record(z.string(), z.unknown()),
    }),
  ),
});

/**
 * The checkpoints of a file that `checkpoint export` wrote, oldest first.
 * @throws CutoverError CHECKPOINT_FILE (65)
 */
export function parseCheckpointFile(
  cwd: string,
  path: string,
): Omit<Checkpoint, 'id' | 'pinned' | 'operationId' | 'previous'>[] {
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
