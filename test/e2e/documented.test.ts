import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CloudflareBench, startCloudflareStandIn } from '../servers/cloudflare-stand-in.ts';
import { type MoodyReceiver, startMoodyReceiver } from '../servers/moody-receiver.ts';
import { cutover, makeFolder } from './cli.ts';

/** Each field that a command prints, and each that a hook is told, stands in docs/json.md and docs/hooks.md. */

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const FORCE = ['--force', '--reason', 'test'];
const BACK = ['rollback', '--anyway', '--confirm', 'chat-prod'];
const NAME = 'llm.example.test.';

let records: CloudflareBench;
let receiver: MoodyReceiver;
let dir: string;
/** What commands printed, by what they were. */
const printed = new Map<string, unknown[]>();

async function run(what: string, ...args: string[]): Promise<void> {
  const { stdout, stderr } = await cutover(dir, [...args, '--json'], { env: secrets() });
  if (stdout === '') throw new Error(`cutover ${args.join(' ')} prints nothing: ${stderr}`);
  printed.set(what, [...(printed.get(what) ?? []), JSON.parse(stdout)]);
}

const secrets = () =>
  Object.fromEntries(Object.entries(records.env).flatMap(([name, value]) => (value ? [[name, value]] : [])));

beforeAll(async () => {
  [records, receiver] = await Promise.all([startCloudflareStandIn(), startMoodyReceiver()]);
  await records.put(NAME, 'A', 300, ['192.0.2.1']);
  const record = { name: NAME, type: 'A', ttl: 60, legacy: '192.0.2.1', target: '192.0.2.9' };
  const hooks = {
    dns: [
      records.entry([record], { retries: 0, lowerTtl: 30 }),
      { driver: 'webhook', url: `${receiver.url}/dns`, retries: 0 },
    ],
    notify: [
      { driver: 'webhook', url: `${receiver.url}/hook`, retries: 0 },
      { driver: 'webhook', url: `${receiver.url}/all`, retries: 0, on: ['freeze', 'fail', 'failed'] },
    ],
  };
  dir = makeFolder(`hooks: ${JSON.stringify(hooks)}\n`);
  const change = 'shift';
  await run('hooks test', 'hooks', 'test');
  receiver.mood = () => 'refuses';
  await run('hooks test', 'hooks', 'test');
  await run(change, 'canary', 'start', '--yes');
  receiver.mood = () => 'takes';
  await run('freeze', 'freeze', '--reason', 'test');
  await run('freeze', 'unfreeze');
  await run(change, 'shift', '50%', '--yes', ...FORCE, '--dry-run');
  await run(change, 'shift', '50%', '--yes', ...FORCE);
  await run(change, 'rollback', '--over', '200ms', '--yes', '--anyway', '--dry-run');
  await run(change, 'rollback', '--over', '200ms', '--yes', '--anyway');
  receiver.mood = (path) => (path === '/all' ? 'takes' : 'refuses');
  await run(change, 'shift', '100%', ...FORCE, '--confirm', 'chat-prod');
  receiver.mood = () => 'takes';
  await run(change, 'resume');
  await records.put(NAME, 'A', 300, ['203.0.113.7']);
  await run('dns', 'dns', 'status');
  await run('dns', 'dns', 'diff');
  await run('dns', 'dns', 'diff', '--to', '1');
  await run(change, 'dns', 'apply', '--dry-run');
  await run(change, 'dns', 'apply', '--yes');
  await run(change, 'dns', 'apply', '--yes');
  await records.put(NAME, 'A', 300, ['203.0.113.7']);
  await run(change, ...BACK, '--to', '1', '--dry-run');
  await run(change, ...BACK, '--to', '1');
  await run(change, 'resume', '--overwrite-dns');
  await run(change, 'canary', 'start', '--yes');
  await run(change, 'rollback', '--emergency', '--dry-run');
  await run(change, 'rollback', '--emergency');
  await run(change, 'resume');
  const config = readFileSync(join(dir, 'cutover.yaml'), 'utf8');
  writeFileSync(join(dir, 'cutover.yaml'), config.replace('example.test."', 'example.test", "typ": "A"'));
  await run('error', 'dns', 'status');
});

afterAll(async () => {
  await Promise.all([records?.stop(), receiver?.stop()]);
  if (dir) rmSync(dir, { recursive: true, force: true });
});

const docs = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), 'utf8');

/** The part of a text below a heading, up to the next one. */
function below(text: string, heading: string): string {
  const part = text.split(/^#+ /m).find((each) => each.startsWith(heading));
  if (part === undefined) throw new Error(`no heading ${heading}`);
  return part;
}

/** The rows of a table that tell of a command. */
const rowsOf = (text: string, command: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| ') && line.split('|')[1]?.includes(`\`${command}\``))
    .join('\n');

/** The words that stand as code in a text. */
function namesIn(text: string): Set<string> {
  const code = text.match(/```[\s\S]*?```|`[^`]+`/g) ?? [];
  return new Set(code.flatMap((span) => span.match(/\w+/g) ?? []));
}

/** What a document keeps in a form of its own: a driver's rest of a record set, a verdict. */
const OPAQUE = ['raw', 'evidence'];

/** Every name of a field in a value, at any depth. */
function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, more]) => [
    name,
    ...(OPAQUE.includes(name) ? [] : fieldsOf(more)),
  ]);
}

describe('docs/json.md names each field of', () => {
  const text = docs('json.md');
  const others = below(text, 'The others');
  const [common = '', failing = ''] = below(text, 'The JSON documents').split('A command that fails');

  it.each([
    ['shift', below(text, 'canary start, shift, rollback, resume')],
    ['dns', rowsOf(others, 'dns diff')],
    ['hooks test', rowsOf(others, 'hooks test')],
    ['freeze', rowsOf(others, 'freeze')],
    ['error', failing],
  ])('%s', (what, told) => {
    const names = namesIn(common + told);
    const seen = new Set(fieldsOf(printed.get(what) ?? []));
    expect(seen.size).toBeGreaterThan(3);
    expect([...seen].filter((name) => !names.has(name))).toEqual([]);
  });

  it('operations that were carried out, and of steps that failed', () => {
    const refused = (printed.get('shift') as { error?: { message: string } }[]).flatMap(
      ({ error }) => error ?? [],
    );
    expect(refused).toEqual([]);
    const seen = fieldsOf(printed.get('shift'));
    expect(seen).toEqual(expect.arrayContaining(['error', 'code', 'hint', 'notes', 'dnsFrom', 'rungs']));
  });
});

it('the steps of an event are those before it; people are told of those that move traffic', () => {
  const kinds = (path: string, kind: string) =>
    receiver.accepted
      .map(({ body, ...one }) => ({ ...one, body: body as unknown as Told }))
      .filter(({ body, ...one }) => one.path === path && !body.test && body.operation.kind === kind)
      .map(({ body }) => body.steps.map((step) => step.kind).join());
  expect(kinds('/dns', 'shift')).toEqual(['flag,dns']);
  expect(kinds('/hook', 'emergency')).toEqual(['flag', 'flag,dns,dns']);
});

interface Told {
  test?: true;
  operation: { kind: string };
  steps: { kind: string }[];
}

it('docs/hooks.md names each field of the event', () => {
  const names = namesIn(below(docs('hooks.md'), 'The event'));
  const seen = new Set(fieldsOf(receiver.accepted.map(({ body }) => body)));
  expect([...seen]).toEqual(
    expect.arrayContaining(['test', 'running', 'resumed', 'history', 'flag', 'untold', 'standing']),
  );
  expect([...seen].filter((name) => !names.has(name))).toEqual([]);
});
