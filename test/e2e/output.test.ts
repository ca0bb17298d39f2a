import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { width } from '../../src/report/text.ts';
import { type OpenAiServer, startOpenAiServer } from '../servers/start.ts';
import { cutover, cutoverJson, makeFolder } from './cli.ts';

function folder(extra = ''): string {
  const dir = makeFolder(extra);
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const record = (model: string, more: object = {}) =>
  JSON.stringify({
    timestamp: '2026-08-01T12:00:00Z',
    model,
    input_tokens: 1_234_567,
    output_tokens: 7_654_321,
    latency_ms: 900,
    status: 200,
    ...more,
  });

/** What terminals obey, in text that is not ours. */
const EVIL = '\u001b[31mred\u001b[0m \u001b]0;title\u0007 \u009b31m \u202ereversed\u200b a\rb \u001b[2J';
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of ours, whole
const OURS = /\u001b\[(?:1|2|31|32|33|22|39)m/g;

describe('what a flag script says', () => {
  it.each([
    ['without colours', {}],
    ['with ours', { FORCE_COLOR: '1' }],
  ])(
    'is shown as text, %s',
    async (_name, env: Record<string, string>) => {
      const dir = folder(`flag: { driver: exec, command: [node, flag.cjs], retries: 0 }`);
      writeFileSync(
        join(dir, 'flag.cjs'),
        `process.stdout.write(${JSON.stringify(`${EVIL} on stdout`)}); process.stderr.write(${JSON.stringify(`${EVIL} on stderr`)}); process.exitCode = process.argv[2] === 'set' ? 1 : 0;`,
      );
      for (const args of [
        ['status'],
        ['canary', 'start', '--yes'],
        ['checkpoint', 'create', '--reason', EVIL],
        ['freeze', '--reason', EVIL],
        ['rollback', '--emergency', '--reason', EVIL],
        ['resume'],
        ['checkpoint', 'list'],
        ['checkpoint', 'show', '1'],
        ['history'],
        ['status', '--json'],
      ]) {
        const { stdout, stderr } = await cutover(dir, args, { env });
        const said = `${stdout}${stderr}`;
        expect(said.replace(OURS, '')).toMatch(/^(?:[^\p{Cc}\p{Cf}]|\n)*$/u);
        // The colours that came with the text, had they passed for ours.
        expect(said).not.toContain('\u001b[31mred');
        if (args.includes('--json')) JSON.parse(stdout);
      }
      for (const name of readdirSync(join(dir, '.cutover'))) {
        const kept = readFileSync(join(dir, '.cutover', name), 'utf8');
        for (const trace of ['\u001b[31mred', '\\u001b[31mred', '\u202ereversed'])
          expect(kept).not.toContain(trace);
      }
    },
    60_000,
  );
});

describe('in GitHub Actions', () => {
  const env = { GITHUB_ACTIONS: 'true' };
  const NAMES = [
    '::error file=x::y',
    '  ::set-output name=a::b',
    '##[error]of a model',
    '::stop-commands::t',
  ];

  it('a model of any name begins no workflow command', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'usage.jsonl'), `${NAMES.map((name) => record(name)).join('\n')}\n`);
    writeFileSync(
      join(dir, '::warning::x.jsonl'),
      `{"model":"::error::z","input_tokens":-1}\n${record('a')}\n`,
    );
    for (const args of [
      ['usage.jsonl'],
      ['usage.jsonl', '--by', 'model'],
      ['usage.jsonl', '--report', 'markdown'],
      ['usage.jsonl', '--report', 'html'],
      ['usage.jsonl', '--json'],
      ['usage.jsonl', '--strict-prices'],
      ['::warning::x.jsonl', '--max-bad', '90%'],
      ['::warning::none.jsonl'],
    ]) {
      const { stdout, stderr } = await cutover(dir, ['assess', ...args], { env });
      const lines = `${stdout}\n${stderr}`.split(/[\r\n]/);
      expect(lines.filter((line) => line.trim().startsWith('::') || line.includes('##['))).toEqual([]);
      if (!args.includes('--json')) continue;
      const { models } = JSON.parse(stdout) as { models: { model: string }[] };
      expect(models.map(({ model }) => model).sort()).toEqual([...NAMES].sort());
    }
  }, 60_000);

  it('a reason and an unknown word begin none either', async () => {
    const dir = folder();
    await cutoverJson(dir, ['checkpoint', 'create', '--reason', '##[error]x\n::error::y']);
    for (const args of [
      ['checkpoint', 'list'],
      ['checkpoint', 'show', '1'],
      ['history'],
      ['::error::z'],
      ['history', '--json'],
    ]) {
      const { stdout, stderr } = await cutover(dir, args, { env });
      const lines = `${stdout}\n${stderr}`.split(/[\r\n]/);
      expect(lines.filter((line) => line.trim().startsWith('::') || line.includes('##['))).toEqual([]);
      if (args.includes('--json')) expect(JSON.stringify(JSON.parse(stdout))).toContain('##[error]x');
    }
  });
});

describe('colour and width', () => {
  let servers: OpenAiServer[] = [];
  let dir = '';
  beforeAll(async () => {
    servers = await Promise.all(['legacy', 'target'].map((name) => startOpenAiServer(name)));
    dir = makeFolder();
    writeFileSync(
      join(dir, 'cutover.yaml'),
      `migration: chat-prod
providers:
  legacy: { name: deepseek, baseUrl: '${servers[0]?.url}/v1', prices: { "*": 1 } }
  target: { name: holysheep, baseUrl: '${servers[1]?.url}/v1', prices: { "*": 0.5 } }
models: { a: b }
canary:
  guardrails:
    errors: { margin: 0.5pp }
    latencyP50: { margin: 10% }
    latencyP95: { margin: 10% }
    cost: { margin: 12.25% }
stage: { bake: 0s }
hooks: { notify: [{ driver: exec, command: [sh, -c, 'echo told them all of it, at some length; exit 1'], retries: 0 }] }
`,
    );
    writeFileSync(
      join(dir, 'usage.jsonl'),
      `${['a-model-with-quite-a-long-name-indeed', 'b', 'c'].map((name, i) => record(name, { latency_ms: 12_345 * (i + 1) })).join('\n')}\n`,
    );
    await cutover(dir, [
      'canary',
      'start',
      '--yes',
      '--reason',
      'a reason that goes on for longer than one line of a terminal is wide, on purpose',
    ]);
    await cutover(dir, ['canary', 'check']);
  }, 60_000);
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(dir, { recursive: true, force: true });
  });

  const COMMANDS = [
    ['assess', 'usage.jsonl'],
    ['assess', 'usage.jsonl', '--by', 'model'],
    ['canary', 'status'],
    ['history'],
    ['checkpoint', 'list'],
    ['checkpoint', 'show', '1'],
    ['hooks', 'test'],
    ['shift', '50%', '--force', '--reason', 'x', '--dry-run'],
    ['resume', '--dry-run'],
    ['shift', '--help'],
  ];

  it.each([
    [{}, [], false],
    [{ FORCE_COLOR: '1' }, [], true],
    [{ FORCE_COLOR: '0' }, [], false],
    [{ FORCE_COLOR: 'false' }, [], false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, [], false],
    [{ FORCE_COLOR: '1' }, ['--no-color'], false],
  ] as const)('%j %j: coloured is %s, whatever the command', async (env, flags, coloured) => {
    const each = [
      ['assess', 'usage.jsonl'],
      ['status'],
      ['history'],
      ['canary', 'status'],
      ['checkpoint', 'list'],
    ];
    // All ask at one place; where something is coloured at all, all show it.
    for (const args of coloured ? each : each.slice(0, 2)) {
      const { stdout } = await cutover(dir, [...args, ...flags], { env });
      expect([args, stdout.includes('\u001b[')]).toEqual([args, coloured]);
    }
  });

  /** What a command says where no width is set. */
  const free = new Map<string, string>();
  async function freely(args: string[]): Promise<string> {
    const said = free.get(args.join()) ?? (await cutover(dir, args)).stdout;
    free.set(args.join(), said);
    return said;
  }

  it.each([80, 60, 48])(
    'COLUMNS=%i holds for every command',
    async (columns) => {
      for (const args of COMMANDS) {
        const { stdout, stderr } = await cutover(dir, args, { env: { COLUMNS: String(columns) } });
        const wide = stdout.split('\n').filter((line) => width(line) > columns && /\S \S/.test(line.trim()));
        expect([args, wide, stderr]).toEqual([args, [], expect.any(String)]);
        expect(stdout.length).toBeGreaterThan(20);
        // Nothing is cut off: every word is still there. (Names in tables of figures give way; a list has no headings.)
        if (args[0] === 'assess') continue;
        const said = stdout.replace(/\s+/g, ' ');
        const lost = (await freely(args))
          .split(/\s+/)
          .filter((word) => !said.includes(word) && !/\d|^(guardrail|verdict|kept)$/.test(word));
        expect([args, lost]).toEqual([args, []]);
      }
    },
    60_000,
  );

  it('without a width, an entry of the history is one line', async () => {
    const { stdout } = await cutover(dir, ['history']);
    expect(stdout.split('\n').find((line) => line.includes('canary start began'))).toMatch(
      /on purpose.*, by /,
    );
  });
});

it('there is one door: nothing else writes to stdout or stderr', () => {
  const src = fileURLToPath(new URL('../../src', import.meta.url));
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const found = files.flatMap((name) => {
    const text = readFileSync(join(src, name), 'utf8');
    const writes =
      /process\.std(?:out|err)\.write|createOutlet\(\d|writeSync\([12]|console\.\w+\(|print\(\s*JSON\.stringify/g;
    return [...text.matchAll(writes)].map(([what]) => `${name}: ${what}`);
  });
  expect(found).toEqual(['main.ts: createOutlet(1', 'main.ts: createOutlet(2']);
});
