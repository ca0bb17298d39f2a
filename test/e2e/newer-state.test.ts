import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it, vi } from 'vitest';
import { cutover, cutoverJson, makeFolder } from './cli.ts';
import { prepared } from './prepared.ts';

/** The state of a newer cutover: what only looks reads it where that is right, and nothing else touches it. */

// Each of these starts many processes.
vi.setConfig({ testTimeout: 90_000 });

const FORCE = ['--yes', '--force', '--reason', 'test'];
const READERS = [
  ['status'],
  ['history'],
  ['history', '--verify'],
  ['lease'],
  ['checkpoint', 'list'],
  ['checkpoint', 'show', '1'],
  ['checkpoint', 'diff', '1'],
  ['checkpoint', 'export'],
];
const WRITERS = [
  ['canary', 'start', ...FORCE],
  ['canary', 'check'],
  ['canary', 'run', '--duration', '1s'],
  ['shift', '25%', ...FORCE],
  ['rollback', '--yes', '--anyway'],
  ['resume'],
  ['resume', '--flag', '--yes'],
  ['freeze', '--reason', 'x'],
  ['unfreeze'],
  ['checkpoint', 'create'],
  ['checkpoint', 'pin', '1'],
  ['checkpoint', 'unpin', '1'],
  ['checkpoint', 'prune'],
];

const at10 = prepared(async () => {
  const dir = makeFolder('models: { a: b }\n');
  await cutoverJson(dir, ['canary', 'start', '--yes']);
  return dir;
});

/** A migration at 10 %, and whatever a newer cutover did to its database. */
async function newerState(change: string): Promise<string> {
  const dir = await at10();
  const db = new Database(join(dir, '.cutover', 'state.db'));
  db.exec(`${change}; PRAGMA user_version = 999`);
  db.close();
  return dir;
}

/** It has only added: a table, a column, and what older ones need not know. */
const ADDED = `ALTER TABLE lease ADD COLUMN mood TEXT; ALTER TABLE history ADD COLUMN region TEXT;
  ALTER TABLE operations ADD COLUMN region TEXT; CREATE TABLE moods (x TEXT) STRICT;
  INSERT INTO schema_migrations VALUES (999, '0999_moods.sql', 'x', 0)`;
/** The same, but a status or a column means something else from there on. */
const CHANGED = `${ADDED}; UPDATE schema_readable SET readable_from = 999`;

const all = (dir: string, commands: string[][]) => Promise.all(commands.map((args) => cutover(dir, args)));

it('is read by what only looks where it says that it can be', async () => {
  const dir = await newerState(ADDED);
  const ran = await all(dir, READERS);
  expect(ran.map(({ code }) => code)).toEqual(READERS.map(() => 0));
  for (const { stderr } of ran)
    expect(stderr).toContain('written by a newer cutover (schema 999); shown as far');
  const judged = await cutover(dir, ['canary', 'status', '--json']);
  expect([judged.code, JSON.parse(judged.stdout)]).toEqual([3, expect.objectContaining({ pairs: 0 })]);
});

it('is not read where it says that older ones would misunderstand it', async () => {
  const dir = await newerState(CHANGED);
  const ran = await all(dir, [...READERS, ['canary', 'status'], ['status', '--check']]);
  for (const { code, stdout, stderr } of ran) {
    expect([code, stdout]).toEqual([65, '']);
    expect(stderr).toMatch(/written by a newer cutover \(schema 999\)[\s\S]*upgrade cutover/);
  }
});

it('is changed by nothing, and no dry run says that it would be', async () => {
  const dir = await newerState(ADDED);
  const path = join(dir, '.cutover', 'state.db');
  const before = statSync(path).mtimeMs;
  const dry = WRITERS.map((args) => [...args, '--dry-run']);
  for (const { code, stdout, stderr } of await all(dir, [...WRITERS, ...dry])) {
    expect([code, stdout]).toEqual([65, '']);
    expect(stderr).toContain('written by a newer cutover');
  }
  expect(statSync(path).mtimeMs).toBe(before);
});

it('has one next step in status, and every change is said to be refused', async () => {
  const dir = await newerState(ADDED);
  const status = await cutoverJson<{
    may: Record<string, { allowed: boolean; code?: string }>;
    next: { command: string };
    otherwise: { command: string }[];
    rollback: { eligible: boolean };
  }>(dir, ['status']);
  const { 'canary status': looks, ...changes } = status.may;
  expect(looks).toEqual({ allowed: true });
  for (const may of Object.values(changes))
    expect(may).toMatchObject({ allowed: false, code: 'STATE_NEWER' });
  expect(status.next.command).toBe('upgrade cutover');
  expect(status.rollback.eligible).toBe(false);
  // The other way is true: an emergency needs no database.
  expect(status.otherwise.map(({ command }) => command)).toEqual(['cutover rollback --emergency']);
  const emergency = await cutover(dir, ['rollback', '--emergency']);
  expect(emergency.stdout + emergency.stderr).toContain('safe');
  expect(await cutoverJson(dir, ['status'])).toMatchObject({ flag: { ratio: 0 }, status: 'rollback' });
});
