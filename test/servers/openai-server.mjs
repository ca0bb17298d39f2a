// A small OpenAI-compatible server for tests and the demo, as a process of its own:
//
//   node test/servers/openai-server.mjs --port 0 --name target --latency 5 --jitter 2 --error-rate 0.0
//
// prints {"port":N} when it is ready. Latency is log-normal with the median --latency and about --jitter of spread (ms),
// from a seeded generator (--seed), so that runs can be repeated. More flags: --models a,b (others get 404),
// --api-key KEY (else 401), --cached SHARE of the prompt reported as cached, --words N in a reply.
//
// POST /__control changes any of these while it runs: {latencyMs, jitterMs, errorRate, invalid, status, retryAfter,
// fault, times, words, cached, models}. `status` answers with that status; `fault` is one of reset, hang, hang-body,
// cut, no-done, stream-error, garbage; `times` limits `status` and `fault` to the next so many requests.
// `errorRate` and `invalid` are shares of the requests (invalid: a 200 without choices or data).
// GET /__stats counts what came in; DELETE /__stats starts the counts again.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    name: { type: 'string', default: 'server' },
    latency: { type: 'string', default: '0' },
    jitter: { type: 'string', default: '0' },
    'error-rate': { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    words: { type: 'string', default: '8' },
    cached: { type: 'string', default: '0' },
    models: { type: 'string' },
    'api-key': { type: 'string' },
  },
});

const settings = {
  latencyMs: Number(flags.latency),
  jitterMs: Number(flags.jitter),
  errorRate: Number(flags['error-rate']),
  invalid: 0,
  status: null,
  retryAfter: null,
  fault: null,
  times: null,
  words: Number(flags.words),
  cached: Number(flags.cached),
  models: flags.models?.split(',') ?? null,
};
const FAULTS = ['reset', 'hang', 'hang-body', 'cut', 'no-done', 'stream-error', 'garbage'];

const freshStats = () => ({
  name: flags.name,
  requests: 0,
  byPath: {},
  byStatus: {},
  byModel: {},
  aborted: 0,
  active: 0,
  last: null,
});
let stats = freshStats();
const count = (table, key) => {
  table[key] = (table[key] ?? 0) + 1;
};

// mulberry32: one 32-bit state, good enough to spread latencies.
let seed = Number(flags.seed) >>> 0;
function random() {
  seed = (seed + 0x6d2b79f5) >>> 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

function drawLatency() {
  const { latencyMs, jitterMs } = settings;
  if (latencyMs <= 0) return 0;
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return latencyMs * Math.exp((jitterMs / latencyMs) * normal);
}

const pause = (ms) => (ms > 0 ? new Promise((done) => setTimeout(done, ms)) : undefined);

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function sendJson(response, status, value, headers = {}) {
  count(stats.byStatus, status);
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-served-by': flags.name,
    ...headers,
  });
  response.end(body);
}

const errorBody = (message, type, code = null) => ({ error: { message, type, param: null, code } });

/** The words of a reply are the prompt's own, so that a test can tell that nothing was mixed up. */
function replyWords(text) {
  const words = [`${flags.name}:`, ...text.split(/\s+/).filter(Boolean)];
  while (words.length < settings.words) words.push(`word${words.length}`);
  return words.slice(0, Math.max(settings.words, 1)).map((word, i) => (i === 0 ? word : ` ${word}`));
}

const tokensIn = (text) => Math.ceil(text.length / 4);

function usageOf(prompt, completion) {
  const input = tokensIn(prompt);
  return {
    prompt_tokens: input,
    completion_tokens: completion,
    total_tokens: input + completion,
    prompt_tokens_details: { cached_tokens: Math.floor(input * settings.cached) },
  };
}

/** Takes the fault or status that is due for this request, and counts it down. */
function dueFault() {
  const { status, fault, times } = settings;
  if (status === null && fault === null) return {};
  if (times !== null) {
    settings.times = times - 1;
    if (settings.times <= 0) {
      settings.status = null;
      settings.fault = null;
      settings.times = null;
    }
  }
  return { status, fault };
}

async function complete(response, path, body) {
  const chat = path.endsWith('/chat/completions');
  const prompt = chat
    ? (body.messages ?? []).map((message) => textOf(message.content)).join('\n')
    : String(body.prompt ?? '');
  const lastMessage = chat ? textOf(body.messages?.at(-1)?.content) : prompt;
  const words = replyWords(lastMessage);
  const usage = usageOf(prompt, words.length);
  const head = {
    id: `${chat ? 'chatcmpl' : 'cmpl'}-${flags.name}-${stats.requests}`,
    created: 1_700_000_000,
    model: body.model,
  };
  const { fault } = response;
  const total = drawLatency();
  if (!body.stream) {
    await pause(total);
    const choice = chat
      ? { index: 0, message: { role: 'assistant', content: words.join('') }, finish_reason: 'stop' }
      : { index: 0, text: words.join(''), finish_reason: 'stop' };
    const choices = random() < settings.invalid ? [] : [choice];
    return sendJson(response, 200, {
      ...head,
      object: chat ? 'chat.completion' : 'text_completion',
      choices,
      usage,
    });
  }
  await pause(total * 0.3);
  count(stats.byStatus, 200);
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-served-by': flags.name });
  response.flushHeaders();
  if (fault === 'hang-body') return;
  const object = chat ? 'chat.completion.chunk' : 'text_completion';
  const withUsage = body.stream_options?.include_usage === true;
  const event = (value) => response.write(`data: ${JSON.stringify(value)}\n\n`);
  const chunk = (choice) => ({ ...head, object, choices: [choice], ...(withUsage ? { usage: null } : {}) });
  for (const [i, word] of words.entries()) {
    if (response.destroyed) return;
    event(
      chunk(
        chat
          ? { index: 0, delta: { content: word }, finish_reason: null }
          : { index: 0, text: word, finish_reason: null },
      ),
    );
    if (i === Math.floor(words.length / 2)) {
      // Long enough for the bytes before to have left.
      if (fault) await pause(20);
      if (fault === 'cut') return response.destroy();
      if (fault === 'no-done') return response.end();
      if (fault === 'stream-error') event(errorBody('the model fell over', 'server_error'));
    }
    await pause((total * 0.7) / words.length);
  }
  event(
    chunk(
      chat ? { index: 0, delta: {}, finish_reason: 'stop' } : { index: 0, text: '', finish_reason: 'stop' },
    ),
  );
  if (withUsage) event({ ...head, object, choices: [], usage });
  response.end('data: [DONE]\n\n');
}

async function embed(response, body) {
  await pause(drawLatency());
  const inputs = Array.isArray(body.input) ? body.input.map(String) : [String(body.input ?? '')];
  const data = inputs.map((text, index) => {
    const embedding = Array.from(
      { length: 8 },
      (_, i) => ((text.charCodeAt(i % (text.length || 1)) || 0) % 97) / 97,
    );
    const base64 = Buffer.from(Float32Array.from(embedding).buffer).toString('base64');
    return { object: 'embedding', index, embedding: body.encoding_format === 'base64' ? base64 : embedding };
  });
  const tokens = tokensIn(inputs.join(''));
  const usable = random() < settings.invalid ? [] : data;
  sendJson(response, 200, {
    object: 'list',
    model: body.model,
    data: usable,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
}

async function respond(response, body) {
  const prompt = typeof body.input === 'string' ? body.input : JSON.stringify(body.input ?? '');
  const words = replyWords(prompt);
  const cached = Math.floor(tokensIn(prompt) * settings.cached);
  const whole = {
    id: `resp-${flags.name}-${stats.requests}`,
    object: 'response',
    created_at: 1_700_000_000,
    status: 'completed',
    error: null,
    model: body.model,
    output: [
      {
        type: 'message',
        id: 'm1',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: words.join(''), annotations: [] }],
      },
    ],
    usage: {
      input_tokens: tokensIn(prompt),
      input_tokens_details: { cached_tokens: cached },
      output_tokens: words.length,
      total_tokens: tokensIn(prompt) + words.length,
    },
  };
  await pause(drawLatency());
  if (!body.stream) return sendJson(response, 200, whole);
  count(stats.byStatus, 200);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-served-by': flags.name });
  const event = (value) => response.write(`event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`);
  event({ type: 'response.created', response: { ...whole, status: 'in_progress', output: [], usage: null } });
  for (const delta of words)
    event({ type: 'response.output_text.delta', item_id: 'm1', output_index: 0, content_index: 0, delta });
  event({ type: 'response.completed', response: whole });
  response.end();
}

function textOf(content) {
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => part.text ?? '').join(' ');
}

async function serve(request, response, path) {
  const text = await readBody(request);
  stats.requests++;
  count(stats.byPath, path);
  stats.last = { path: request.url, headers: request.headers, body: text };
  if (flags['api-key'] && request.headers.authorization !== `Bearer ${flags['api-key']}`) {
    return sendJson(
      response,
      401,
      errorBody('Incorrect API key provided.', 'invalid_request_error', 'invalid_api_key'),
    );
  }
  const { status, fault } = dueFault();
  response.fault = fault;
  if (fault === 'reset') return request.socket.resetAndDestroy();
  if (fault === 'hang') return;
  if (fault === 'garbage') {
    count(stats.byStatus, 200);
    return response.writeHead(200, { 'content-type': 'text/html' }).end('<html>oops</html>');
  }
  if (fault === 'cut' && !text.includes('"stream":true')) {
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 })
      .write('{"id":"cut",');
    return setTimeout(() => response.destroy(), 20);
  }
  if (status) {
    const wait = settings.retryAfter === null ? {} : { 'retry-after': String(settings.retryAfter) };
    return sendJson(response, status, errorBody(`${flags.name} answers ${status}`, 'server_error'), wait);
  }
  if (random() < settings.errorRate) {
    await pause(drawLatency());
    return sendJson(response, 500, errorBody(`${flags.name} failed`, 'server_error'));
  }
  if (path === '/v1/models') {
    const ids = settings.models ?? [`${flags.name}-model`];
    return sendJson(response, 200, {
      object: 'list',
      data: ids.map((id) => ({ id, object: 'model', owned_by: flags.name })),
    });
  }
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return sendJson(response, 400, errorBody('could not parse the JSON body', 'invalid_request_error'));
  }
  count(stats.byModel, body.model);
  if (settings.models && !settings.models.includes(body.model)) {
    return sendJson(
      response,
      404,
      errorBody(`The model ${body.model} does not exist`, 'invalid_request_error', 'model_not_found'),
    );
  }
  if (path === '/v1/embeddings') return embed(response, body);
  if (path === '/v1/responses') return respond(response, body);
  return complete(response, path, body);
}

async function control(request, response) {
  const wanted = JSON.parse(await readBody(request));
  for (const key of Object.keys(wanted)) {
    if (!(key in settings)) return sendJson(response, 400, errorBody(`unknown setting ${key}`, 'control'));
  }
  if (wanted.fault && !FAULTS.includes(wanted.fault)) {
    return sendJson(response, 400, errorBody(`unknown fault ${wanted.fault}`, 'control'));
  }
  if (typeof wanted.invalid === 'boolean') wanted.invalid = Number(wanted.invalid);
  Object.assign(settings, wanted);
  const body = JSON.stringify(settings);
  response.writeHead(200, { 'content-type': 'application/json' }).end(body);
}

const PATHS = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/responses', '/v1/models'];

const server = createServer((request, response) => {
  const path = new URL(request.url, 'http://local').pathname;
  if (path === '/__stats') {
    if (request.method === 'DELETE') stats = freshStats();
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(stats));
  }
  const failed = (error) => {
    process.stderr.write(`${flags.name}: ${error.message}\n`);
    response.destroy();
  };
  if (path === '/__control') return void control(request, response).catch(failed);
  if (!PATHS.includes(path))
    return sendJson(response, 404, errorBody(`no such path ${path}`, 'invalid_request_error'));
  stats.active++;
  response.on('close', () => {
    stats.active--;
    if (!response.writableFinished) stats.aborted++;
  });
  serve(request, response, path).catch(failed);
});
server.listen(Number(flags.port), '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`),
);
