import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Backstage } from '../histories/backstage.ts';
import { firstKey, sideOf } from '../histories/stores.ts';

/** A migration at 25 % whose config is whole: what a fuzzed file belongs to. */
export interface Base {
  name: string;
  config: string;
  /** Other files it needs: path, text. */
  files: Record<string, string>;
  /** Folder of the state, below the config's. */
  state: string;
  /** The file behind the flag, where it is one. */
  flagFile: string | null;
  secret: string | null;
  /** Puts the store to 25 %, where it does not lie in the folder. */
  reset(): void;
  /** What the flag that the whole config names sends to target now; null when it says nothing. */
  share(dir: string): number | null;
}

const PROVIDERS = `providers:
  legacy: { name: deepseek, baseUrl: http://127.0.0.1:9/v1, timeouts: { connect: 1s } }
  target:
    name: holysheep
    baseUrl: http://127.0.0.1:9/v1
    prices: { "*": 0.42 }
`;

const REST = `stage: { bake: 0s }
ladder: [1%, 5%, 10%, 25%, 50%, 100%]
checkpoints: { keep: 10 }
`;

/** What a reader of a regular file makes of it; null when there is none, or it says nothing. */
function shareIn(path: string, read: (text: string) => number): number | null {
  try {
    return statSync(path).isFile() ? read(readFileSync(path, 'utf8')) : null;
  } catch (error) {
    // Not there, or not understood.
    void error;
    return null;
  }
}

const file = (name: string, path: string, key: string, state: string, config: string): Base => ({
  name,
  config,
  files: {},
  state,
  flagFile: path,
  secret: null,
  reset: () => {},
  // As any OpenFeature application evaluates it.
  share: (dir) => shareIn(join(dir, path), (text) => sideOf(text, key, firstKey(key)).share),
});

export function basesOf(backstage: Backstage): Base[] {
  return [
    file(
      'flag in one line',
      'prod/flags.json',
      'llm',
      '.cutover',
      `migration: chat-prod
${PROVIDERS}models: {}
flag: { driver: file, path: prod/flags.json, key: llm }
${REST}`,
    ),
    file(
      'flag in lines, state elsewhere, hooks',
      'prod/flags.json',
      'llm',
      'state-of-chat',
      `# the migration of the chat
migration: chat-prod
flag:
  driver: file
  path: prod/flags.json
  key: llm
${PROVIDERS}${REST}hooks:
  dns:
    - { driver: exec, command: [sh, -c, ":"], timeout: 2s, retries: 0 }
  notify:
    - { driver: exec, command: [sh, -c, ":"], timeout: 2s, retries: 0 }
state: state-of-chat
`,
    ),
    file(
      'flag by default',
      'flags.json',
      'llm-provider',
      '.cutover',
      `migration: chat-prod\n${PROVIDERS}${REST}`,
    ),
    execBase(),
    webhookBase(backstage),
  ];
}

function execBase(): Base {
  return {
    name: 'flag by a command',
    config: `migration: chat-prod
flag: { driver: exec, command: [sh, flag.sh], timeout: 2s, retries: 0 }
${PROVIDERS}${REST}`,
    files: {
      'flag.sh': `if [ "$1" = get ]; then cat value 2>/dev/null || true; exit 0; fi
cat > value.new && mv value.new value
`,
    },
    state: '.cutover',
    flagFile: 'value',
    secret: null,
    reset: () => {},
    share: (dir) => shareIn(join(dir, 'value'), (text) => (JSON.parse(text) as { ratio: number }).ratio),
  };
}

/** A service that wants a key, which the config reads from a file. */
function webhookBase(backstage: Backstage): Base {
  let value: { ratio: number } | null = null;
  backstage.add('/fuzz/flag', (request, response, body) => {
    if (request.headers.authorization !== 'Bearer planted-key') return response.writeHead(401).end('no');
    if (request.method === 'POST') value = JSON.parse(body) as { ratio: number };
    response.end(value ? JSON.stringify(value) : '');
  });
  return {
    name: 'flag by a webhook',
    config: `migration: chat-prod
flag:
  driver: webhook
  url: ${backstage.url}/fuzz/flag
  headers: { authorization: "\${file:secrets/flag.key}" }
  timeout: 1s
  retries: 0
${PROVIDERS}${REST}`,
    files: { 'secrets/flag.key': 'Bearer planted-key\n' },
    state: '.cutover',
    flagFile: null,
    secret: 'secrets/flag.key',
    reset() {
      value = { ratio: 0.25 };
    },
    share: () => value?.ratio ?? null,
  };
}

export function writeBase({ config, files }: Base, dir: string): void {
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o755);
  writeFileSync(join(dir, 'cutover.yaml'), config);
  mkdirSync(join(dir, 'prod'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
}
