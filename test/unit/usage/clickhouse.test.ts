import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { clickhouseTable } from '../../../src/config/clickhouse.ts';
import { CutoverError } from '../../../src/errors.ts';
import { CATALOGUE_BANDS } from '../../../src/pricing/bands.ts';
import { type ClientSettings, createClickHouse } from '../../../src/usage/clickhouse/client.ts';
import { kindOf, mapColumns, typedColumns } from '../../../src/usage/clickhouse/columns.ts';
import { exceptionText, serverFailure } from '../../../src/usage/clickhouse/failure.ts';
import { createBinder, likePattern, quoteName } from '../../../src/usage/clickhouse/names.ts';
import { sumsQuery } from '../../../src/usage/clickhouse/queries.ts';
import { readTable } from '../../../src/usage/clickhouse/read.ts';
import { countOutside, readSpreads, readSums } from '../../../src/usage/clickhouse/result.ts';
import { createIntake } from '../../../src/usage/intake.ts';

const REASONS = { absent: 'no time', before: 'too old', after: 'too new' };
const everything = {
  models: [],
  providers: [],
  users: [],
  dedupe: false,
  by: undefined,
  timezone: 'UTC',
  bands: CATALOGUE_BANDS,
} as const;

describe('names and values', () => {
  it('a quoted name has no way out of its quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('`', '\\', 'a', '"', "'", ';') }), (name) => {
        const inside = quoteName(name).slice(1, -1);
        expect(inside.replace(/\\./g, '')).not.toMatch(/[`\\]/);
      }),
    );
    expect(quoteName('usage log')).toBe('`usage log`');
  });

  it('a value stays out of the text of the query', () => {
    const table = clickhouseTable.parse({ table: 't' });
    const columns = typedColumns(mapColumns(table, ['model', 'input_tokens', 'output_tokens', 'user']), []);
    const evil = "x') OR 1=1 --\t\\";
    const { sql, params } = sumsQuery(table, columns, { ...everything, models: [evil], users: ['50%_*'] });
    expect(sql).not.toContain('OR 1=1');
    expect(Object.values(params)).toEqual(["x') OR 1=1 --\\t\\\\", '50\\\\%\\\\_%', 'UTC']);
    expect(sql).toContain('cut_model = {p0:String}');
    expect(sql).toContain('cut_user LIKE {p1:String}');
  });

  it('binds whole numbers as such', () => {
    const binder = createBinder();
    expect([binder.whole(12.6), binder.text('a\nb')]).toEqual(['{p0:Int64}', '{p1:String}']);
    expect(binder.params).toEqual({ p0: '13', p1: 'a\\nb' });
  });

  it('only * is special in a pattern', () => {
    expect(likePattern('gpt-4*_5%\\')).toBe('gpt-4%\\_5\\%\\\\');
  });
});

describe('columns', () => {
  const table = (columns: Record<string, string | null>) => clickhouseTable.parse({ table: 't', columns });
  const existing = ['model', 'input_tokens', 'output_tokens', 'latency_ms', 'usage', 'odd.name'];

  it('are found by their usual names, by the mapping, and inside other columns', () => {
    const mapping = mapColumns(
      table({ inputTokens: 'usage.tokens.in', costUsd: 'odd.name', latencyMs: null }),
      existing,
    );
    expect(mapping).toEqual({
      model: { name: 'model', sql: '`model`' },
      inputTokens: { name: 'usage.tokens.in', sql: '`usage`.`tokens`.`in`' },
      outputTokens: { name: 'output_tokens', sql: '`output_tokens`' },
      costUsd: { name: 'odd.name', sql: '`odd.name`' },
    });
  });

  it.each([
    [{ user: 'usr' }, /has no column usr for user/],
    [{ model: null }, /has no column model for model/],
    [{ at: 'modle' }, /has no column modle for at/],
  ])('%j is an error that names the field', (columns, message) => {
    expect(() => mapColumns(table(columns), existing)).toThrow(message);
  });

  it.each([
    ['UInt8', 'number'],
    ['Nullable(Decimal(18, 6))', 'number'],
    ['Float32', 'float32'],
    ['LowCardinality(Nullable(String))', 'text'],
    ["DateTime64(3, 'UTC')", 'time'],
    ['Nullable(Date32)', 'date'],
    ['Bool', 'bool'],
    ['FixedString(16)', 'fixed'],
    ["Enum8('ok' = 1)", 'text'],
    ['Dynamic', 'text'],
  ])('%s holds %s', (type, kind) => {
    expect(kindOf(type)).toBe(kind);
  });
});

describe('answers', () => {
  const fates = [
    { kind: 'rejected' as const, reason: 'cost is negative' },
    { kind: 'filtered' as const, reason: 'of another user' },
  ];
  const TOLD = ['cacheWrite', 'searches'] as const;
  const sum = (change: Record<number, unknown> = {}) =>
    Object.assign(
      [
        0,
        'chat',
        'p',
        '',
        '200',
        '',
        1,
        '3',
        '2',
        1785542400000500,
        1785715200000000,
        10,
        60,
        5,
        9,
        0.5,
        '3',
        4,
        '2',
        0,
        '0',
      ],
      change,
    );

  it('of sums become sums of records, with 64-bit numbers as text or not', () => {
    const { sums, okStatuses } = readSums(
      [sum(), sum({ 4: '429', 7: 2, 8: 0, 9: null, 10: null, 15: null })],
      fates,
      undefined,
      TOLD,
    );
    expect(sums[0]).toEqual({
      like: {
        model: 'chat',
        provider: 'p',
        inputTokens: 10,
        cachedInputTokens: 0,
        outputTokens: 0,
        status: 'ok',
        costUsd: 1,
        at: 1785542400000.5,
      },
      records: 3,
      timed: 2,
      to: 1785715200000,
      inputTokens: 60,
      cachedInputTokens: 5,
      outputTokens: 9,
      // What no row of them tells is no zero.
      dimensions: { cacheWrite: 4 },
      costUsd: 0.5,
      reportedRecords: 3,
    });
    expect(sums[1]).toMatchObject({ like: { status: 'rate_limit' }, records: 2, to: undefined, costUsd: 0 });
    expect(sums[1]?.like.at).toBeUndefined();
    expect(okStatuses).toEqual(['200']);
  });

  it('come out in the order of a log, whatever order the server gives them in', () => {
    const rows = [
      sum({ 1: 'b', 8: 0, 9: null }),
      sum({ 9: 1785542500000000 }),
      sum({ 1: 'a', 8: 0, 9: null }),
      sum(),
    ];
    const order = (list: unknown[]) =>
      readSums(list, fates, undefined, TOLD).sums.map(({ like }) => [like.model, like.at]);
    expect(order(rows)).toEqual([
      ['chat', 1785542400000.5],
      ['chat', 1785542500000],
      ['a', undefined],
      ['b', undefined],
    ]);
    expect(order(rows.toReversed())).toEqual(order(rows));
  });

  it('keep the account: read = used + filtered + rejected', () => {
    const { intake } = readSums(
      [sum(), sum({ 0: 1, 7: '4' }), sum({ 0: 2, 7: '7' })],
      fates,
      undefined,
      TOLD,
    );
    countOutside(intake, ['0', '5', 0], ['without', 'before', 'after']);
    expect(intake).toMatchObject({ read: 19, used: 3, filtered: 12, rejected: 4 });
    expect([...intake.rejectedByReason]).toEqual([['cost is negative', 4]]);
    expect([...intake.filteredByReason]).toEqual([
      ['of another user', 7],
      ['before', 5],
    ]);
  });

  it('a status column of Bool means what true and false mean', () => {
    const status = { name: 'fine', sql: '`fine`', kind: 'bool' as const };
    const { sums, okStatuses } = readSums(
      [sum({ 4: 'true' }), sum({ 4: 'false' }), sum({ 4: '' })],
      fates,
      status,
      TOLD,
    );
    expect(sums.map(({ like }) => like.status)).toEqual(['ok', 'ok', 'other']);
    expect(okStatuses).toEqual(['true', '']);
  });

  it('of quantiles keep scope and count; no durations are no spread', () => {
    const rows = [
      [0, '', '', 1785542400000000, [1, 2], [null, null], '4', '0'],
      [2, '', 'ann', null, [3, 4], [5, 6], 1, 2],
    ];
    expect(readSpreads(rows, [0.5, 0.95])).toEqual([
      {
        scope: 'all',
        like: undefined,
        latency: { count: 4, shares: [0.5, 0.95], ms: [1, 2] },
        ttft: undefined,
      },
      {
        scope: 'group',
        like: expect.objectContaining({ user: 'ann' }),
        latency: { count: 1, shares: [0.5, 0.95], ms: [3, 4] },
        ttft: { count: 2, shares: [0.5, 0.95], ms: [5, 6] },
      },
    ]);
  });

  it.each([[{}], [[1, 2]], [sum({ 7: 'x' })], [sum({ 1: 5 })], [sum({ 0: 9 })], [null]])(
    '%j is refused',
    (row) => {
      expect(() => readSums([row], fates, undefined, TOLD)).toThrow(CutoverError);
    },
  );
});

describe('errors of the server', () => {
  it.each([
    [
      404,
      "Code: 60. DB::Exception: Unknown table expression identifier 'a.b' in scope SELECT 1. (UNKNOWN_TABLE) (version 26.7.2.1 (official build))",
      'CLICKHOUSE_SCHEMA',
      78,
    ],
    [
      404,
      "Code: 47. DB::Exception: Missing columns: 'x' while processing query. (UNKNOWN_IDENTIFIER) (version 22.3.2.1)",
      'CLICKHOUSE_SCHEMA',
      78,
    ],
    [
      403,
      'Code: 516. DB::Exception: reader: Authentication failed. (AUTHENTICATION_FAILED) (version 24.8.1.1 (official build))',
      'CLICKHOUSE_AUTH',
      78,
    ],
    [500, 'Code: 497. DB::Exception: reader: Not enough privileges. (ACCESS_DENIED)', 'CLICKHOUSE_AUTH', 78],
    [
      500,
      'Code: 159. DB::Exception: Timeout exceeded: elapsed 10 seconds. (TIMEOUT_EXCEEDED)',
      'CLICKHOUSE_TIMEOUT',
      69,
    ],
    [
      500,
      'Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)',
      'CLICKHOUSE_FAILED',
      69,
    ],
    [401, 'go away', 'CLICKHOUSE_AUTH', 78],
    [502, '<html>bad gateway</html>', 'CLICKHOUSE_FAILED', 69],
  ])('HTTP %i %s', (status, body, code, exit) => {
    const error = serverFailure('ClickHouse', status, body, 5000);
    expect([error.code, error.exitCode]).toEqual([code, exit]);
    expect(error.message).not.toMatch(/\(version|DB::Exception/);
  });

  it('are cleaned of what a terminal would obey, and cut', () => {
    expect(exceptionText('Code: 1. DB::Exception: a\n\u001b[2J b (version 1.2 (official build))\n')).toBe(
      'a \\x1b[2J b',
    );
    expect(exceptionText('x'.repeat(5000)).length).toBeLessThanOrEqual(400);
  });
});

describe('the HTTP interface', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });
  const serve = async (
    handle: (request: IncomingMessage, body: string, response: ServerResponse) => void,
  ) => {
    const started = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => handle(request, body, response));
    });
    server = started;
    await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
  };
  const client = (url: string, change: Partial<ClientSettings> = {}) =>
    createClickHouse({
      url,
      user: undefined,
      password: undefined,
      timeoutMs: 5000,
      signal: new AbortController().signal,
      redact: (text) => text.replaceAll('s3cret', '***'),
      ...change,
    });
  const QUERY = { sql: 'SELECT 1', params: { p0: 'a b&c' } };
  const codeOf = async (promise: Promise<unknown>) => {
    const error = await promise.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return error instanceof CutoverError ? [error.code, error.exitCode] : error;
  };

  it('gets the query as the body, values beside it, and credentials in a header', async () => {
    const seen: { url: URL; body: string; authorization: string | undefined }[] = [];
    const url = await serve((request, body, response) => {
      seen.push({
        url: new URL(request.url ?? '', 'http://x'),
        body,
        authorization: request.headers.authorization,
      });
      response.end('[1,"a"]\n[2,"b"]\n');
    });
    const rows = await client(`${url}/ch/?database=x`, { user: 'reader', password: 'pä:ss' })(QUERY);
    expect(rows).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
    expect(seen[0]?.body).toBe('SELECT 1');
    expect(seen[0]?.url.pathname).toBe('/ch/');
    expect(Object.fromEntries(seen[0]?.url.searchParams ?? [])).toMatchObject({
      database: 'x',
      default_format: 'JSONCompactEachRow',
      param_p0: 'a b&c',
      max_execution_time: '5',
    });
    expect(Buffer.from(seen[0]?.authorization?.slice(6) ?? '', 'base64').toString()).toBe('reader:pä:ss');
  });

  it('gives up its limits where the user may not set any', async () => {
    const limits: boolean[] = [];
    const url = await serve((request, _body, response) => {
      const limited = request.url?.includes('max_execution_time') === true;
      limits.push(limited);
      response.statusCode = limited ? 500 : 200;
      response.end(
        limited
          ? "Code: 164. DB::Exception: Cannot modify 'max_execution_time' setting in readonly mode. (READONLY)"
          : '[1]\n',
      );
    });
    const run = client(url);
    expect(await run(QUERY)).toEqual([[1]]);
    expect(await run(QUERY)).toEqual([[1]]);
    expect(limits).toEqual([true, false, false]);
  });

  it('nobody there is exit 69', async () => {
    const url = await serve(() => {});
    server?.close();
    expect(await codeOf(client(url)(QUERY))).toEqual(['CLICKHOUSE_UNREACHABLE', 69]);
  });

  it('silence is exit 69 when the time is up, and a Ctrl-C ends it at once', async () => {
    const url = await serve(() => {});
    expect(await codeOf(client(url, { timeoutMs: 50 })(QUERY))).toEqual(['CLICKHOUSE_TIMEOUT', 69]);
    const stop = new AbortController();
    setTimeout(() => stop.abort(new CutoverError('INTERRUPTED', 1, 'interrupted')), 50);
    expect(await codeOf(client(url, { signal: stop.signal })(QUERY))).toEqual(['INTERRUPTED', 1]);
  });

  it('an answer that is no result, cut off, or an exception in disguise is an error', async () => {
    let answer = '<html>hello</html>';
    const url = await serve((_request, _body, response) => response.end(answer));
    expect(await codeOf(client(url)(QUERY))).toEqual(['CLICKHOUSE_ANSWER', 69]);
    answer = '[1]\nCode: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)\n';
    expect(await codeOf(client(url)(QUERY))).toEqual(['CLICKHOUSE_FAILED', 69]);
    const cut = await serve((_request, _body, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('[1]\n');
      setTimeout(() => response.destroy(), 20);
    });
    expect(await codeOf(client(cut)(QUERY))).toEqual(['CLICKHOUSE_UNREACHABLE', 69]);
  });

  it('secrets that a server repeats are not shown', async () => {
    const url = await serve((_request, _body, response) => {
      response.statusCode = 500;
      response.end('Code: 1. DB::Exception: you said s3cret. (X)');
    });
    await expect(client(url, { password: 's3cret' })(QUERY)).rejects.toThrow('you said ***.');
  });

  it.each(['not a url', 'ftp://x', 'http://me:s3cret@127.0.0.1:1/'])(
    '%s is refused without being shown',
    (url) => {
      expect(() => client(url)).toThrow(/^usage\.clickhouse\.url (is|holds)/);
    },
  );

  it('a recorded conversation becomes sums, quantiles and the account of what was read', async () => {
    // Written down from ClickHouse 26.7 with output_format_json_quote_64bit_integers = 1.
    const conversation: [asked: RegExp, answer: string[]][] = [
      [
        /^DESCRIBE TABLE `default`\.`requests`$/,
        [
          '["id", "String", "", "", "", "", ""]',
          `["timestamp", "DateTime64(3, 'UTC')", "", "", "", "", ""]`,
          '["model", "LowCardinality(String)", "", "", "", "", ""]',
          '["input_tokens", "UInt64", "", "", "", "", ""]',
          '["output_tokens", "UInt64", "", "", "", "", ""]',
          '["latency_ms", "Nullable(UInt32)", "", "", "", "", ""]',
          '["status", "UInt16", "", "", "", "", ""]',
        ],
      ],
      [
        /^DESCRIBE TABLE \(SELECT `id` AS cut_0, `timestamp` AS cut_1/,
        [
          '["cut_0", "String", "", "", "", "", ""]',
          `["cut_1", "DateTime64(3, 'UTC')", "", "", "", "", ""]`,
          '["cut_2", "LowCardinality(String)", "", "", "", "", ""]',
          '["cut_3", "UInt64", "", "", "", "", ""]',
          '["cut_4", "UInt64", "", "", "", "", ""]',
          '["cut_5", "Nullable(UInt32)", "", "", "", "", ""]',
          '["cut_6", "UInt16", "", "", "", "", ""]',
        ],
      ],
      [
        /sumKahan/,
        [
          '[0, "chat", "", "", "200", "", 1, "1", "1", 1785715200000000, 1785715200000000, 3000, 3000, 0, 300, 0.006, "1"]',
          '[0, "chat", "", "", "429", "", 0, "1", "1", 1785736800000000, 1785736800000000, 500, 500, 0, 0, null, "0"]',
          '[0, "think", "", "", "200", "", 1, "1", "1", 1785801600000000, 1785801600000000, 150000, 150000, 0, 1000, 0.5, "1"]',
        ],
      ],
      [/^SELECT \(SELECT count\(\) FROM `default`\.`requests` WHERE/, ['["0", "1", 0]']],
      [
        /quantilesExactInclusive\(0\.5, 0\.95\)\(cut_latency\)[\s\S]*GROUPING SETS/,
        [
          '[1, "think", "", 1785801600000000, [5000,5000], [null,null], "1", "0"]',
          '[1, "chat", "", 1785715200000000, [200,290], [null,null], "3", "0"]',
          '[0, "", "", 1785715200000000, [250,4294.999999999998], [null,null], "4", "0"]',
        ],
      ],
    ];
    const url = await serve((_request, body, response) => {
      const next = conversation.shift();
      expect(body).toMatch(next?.[0] ?? /nothing more/);
      response.end(`${next?.[1].join('\n')}\n`);
    });
    const table = clickhouseTable.parse({ table: 'requests' });
    const question = { ...everything, since: Date.UTC(2026, 7, 1) };
    const { sums, spreads, intake } = await readTable(client(url), table, question, [0.5, 0.95], REASONS);
    expect(conversation).toEqual([]);
    expect(
      sums.map(({ like, inputTokens, costUsd }) => [like.model, like.status, inputTokens, costUsd]),
    ).toEqual([
      ['chat', 'ok', 3000, 0.006],
      ['chat', 'rate_limit', 500, 0],
      ['think', 'ok', 150000, 0.5],
    ]);
    expect(
      spreads.map(({ scope, like, latency }) => [scope, like?.model, latency?.count, latency?.ms[0]]),
    ).toEqual([
      ['model', 'think', 1, 5000],
      ['model', 'chat', 3, 200],
      ['all', undefined, 4, 250],
    ]);
    expect(intake).toMatchObject({
      ...createIntake(),
      read: 4,
      used: 3,
      filtered: 1,
      filteredByReason: new Map([['too old', 1]]),
    });
  });
});
