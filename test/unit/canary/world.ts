import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import type { CanaryInput } from '../../../src/canary/check.ts';
import type { Stage } from '../../../src/canary/document.ts';
import { parseProbes } from '../../../src/canary/probes.ts';
import { type Config, configSchema } from '../../../src/config/schema.ts';
import { createSecrets } from '../../../src/config/secrets.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { completion, type Handler, json, serve } from '../provider/servers.ts';
import { seeded } from './pairs.ts';

export const STAGE: Stage = { id: 1, ratio: 0.1, since: Date.UTC(2026, 7, 20, 10) };

/** A database with two stages: in memory, or the file at `path`. */
export function openDatabase(path = ':memory:'): Database.Database {
  const fresh = path === ':memory:' || !existsSync(path);
  const db = new Database(path);
  onTestFinished(() => void db.close());
  db.pragma('foreign_keys = ON');
  if (!fresh) return db;
  migrate(db, 0);
  db.exec("INSERT INTO stages VALUES (1, 0.1, 0, 'op-1'), (2, 0.25, 0, 'op-2')");
  return db;
}

export const healthy: Handler = (_request, response) => json(response, 200, completion());
export const failing: Handler = (_request, response) => json(response, 500, '{"error":"out of order"}');

export function configOf(legacy: string, target: string, canary: object = {}): Config {
  const provider = (baseUrl: string) => ({
    name: 'p',
    baseUrl,
    apiKey: '${env:KEY}',
    timeouts: { connect: '1s', firstByte: '2s', total: '3s' },
    prices: { '*': 1 },
  });
  return configSchema.parse({
    migration: 'chat-prod',
    providers: { legacy: provider(legacy), target: provider(target) },
    models: { 'old-model': 'new-model' },
    canary: { guardrails: { errors: { margin: '5pp' } }, concurrency: 8, ...canary },
  });
}

/** What a canary run takes, against two servers. */
export async function world(
  sides: { legacy?: Handler | string; target?: Handler | string } = {},
  canary: object = {},
): Promise<CanaryInput & { stage: Stage }> {
  const url = async (side: Handler | string = healthy) => (typeof side === 'string' ? side : serve(side));
  const config = configOf(await url(sides.legacy), await url(sides.target), canary);
  let clock = Date.UTC(2026, 7, 20, 11);
  return {
    config,
    secrets: createSecrets({ KEY: 'sk-a-very-secret-key' }, '/'),
    db: openDatabase(),
    actor: 'tester@here',
    probes: parseProbes('{"prompt":"ping","expect":{"contains":"pong"}}\n{"prompt":"ping again"}', 'p'),
    now: () => {
      clock += 1000;
      return clock;
    },
    random: seeded(1),
    signal: new AbortController().signal,
    stage: STAGE,
  };
}
