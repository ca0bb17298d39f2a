// A stand-in for ClickHouse's HTTP interface in front of chdb, ClickHouse's own engine as a library: the SQL runs for
// real. Knows POST with a query, `param_*`, settings, `default_format`, Basic credentials, and the server's way to
// report errors. Prints {"port": N} when it is ready.
//   --modules DIR     a folder of installed modules with chdb in it
//   --user, --password   let in only these
//   --readonly        refuse every setting, as for a user with readonly=1
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({
  options: {
    modules: { type: 'string' },
    user: { type: 'string' },
    password: { type: 'string' },
    readonly: { type: 'boolean', default: false },
  },
});
const require = createRequire(flags.modules ? join(flags.modules, 'x.js') : import.meta.url);
const { Session } = require('chdb');
const session = new Session();

const RESERVED = new Set([
  'query',
  'default_format',
  'wait_end_of_query',
  'query_id',
  'user',
  'password',
  'database',
]);
const HTTP_STATUS = { 60: 404, 81: 404, 516: 403, 497: 403 };
const queries = [];

const literal = (text) => `'${text.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`;

class Refused extends Error {
  constructor(code, text) {
    super(`Code: ${code}. DB::Exception: ${text}`);
  }
}

function letIn(request) {
  if (flags.user === undefined) return;
  const credentials = Buffer.from(
    (request.headers.authorization ?? '').replace(/^Basic /, ''),
    'base64',
  ).toString();
  if (credentials === `${flags.user}:${flags.password ?? ''}`) return;
  const [user] = credentials.split(':');
  throw new Refused(
    516,
    `${user || 'default'}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
  );
}

function answer(request, url, body) {
  letIn(request);
  for (const [name, value] of url.searchParams) {
    if (RESERVED.has(name)) continue;
    if (name.startsWith('param_')) session.query(`SET ${name} = ${literal(value)}`);
    else if (flags.readonly)
      throw new Refused(164, `Cannot modify '${name}' setting in readonly mode. (READONLY)`);
  }
  return session.query(body, url.searchParams.get('default_format') ?? 'TabSeparated');
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    // For tests: what was asked, and how.
    if (url.pathname === '/__queries') {
      response.end(JSON.stringify(queries.splice(0)));
      return;
    }
    queries.push({ sql: body, search: url.search });
    try {
      response.end(answer(request, url, body));
    } catch (error) {
      const text = error.message.replace(/^Query failed: /, '');
      const code = Number(/Code: (\d+)/.exec(text)?.[1]);
      response.writeHead(HTTP_STATUS[code] ?? 500, { 'x-clickhouse-exception-code': String(code) });
      response.end(`${text} (version 26.7.2.1 (official build))\n`);
    }
  });
});
server.listen(0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`),
);
process.on('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  session.cleanup();
  process.exit(0);
});
