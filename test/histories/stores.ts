import { chmodSync, chownSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FlagdCore } from '@openfeature/flagd-core';
import { bucketSide, flagSet } from '../../src/flag/flagd.ts';
import type { Backstage } from './backstage.ts';
import type { StoreKind } from './history.ts';
import { NOBODY } from './means.ts';

/** What a flag store says: the share of a request that any share sends to target, and who wrote it. */
export interface Look {
  /** 0: nobody is sent to target. For a file 1 stands for any share. */
  share: number;
  token: number;
  kind: string | null;
}

/** The place where the ratio of one world is kept. */
export interface Store {
  /** The `flag` part of the config. */
  config: Record<string, unknown>;
  /** The file that readers of a flag file follow. */
  file: { path: string; key: string } | null;
  /** Reads it, at once and with the rights of root. */
  look(): Look;
  /** A hand sets it to 50 %, or deletes it. */
  hand(ratio: 0.5 | null): void;
}

const NOTHING: Look = { share: 0, token: 0, kind: null };

export function openStore(
  kind: StoreKind,
  dir: string,
  backstage: Backstage,
  options: { ofNobody: boolean },
): Store {
  if (kind.driver === 'file') return fileStore(dir, options.ofNobody);
  return kind.driver === 'exec' ? execStore(kind, dir) : webhookStore(kind, dir, backstage);
}

const keys = new Map<string, string>();

/** The targeting key of a request that goes to target with any share from 0.1 % on, which no ladder is finer than. */
export function firstKey(flagKey: string): string {
  const known = keys.get(flagKey);
  if (known !== undefined) return known;
  let n = 0;
  while (bucketSide(flagKey, `k${n}`, 0.001) === 'legacy') n++;
  keys.set(flagKey, `k${n}`);
  return `k${n}`;
}

/** How flagd's own library decides about a request. */
export function sideOf(text: string, flagKey: string, targetingKey: string): Look {
  const core = new FlagdCore();
  core.setConfigurations(text);
  const { value, flagMetadata } = core.resolveStringEvaluation(flagKey, 'legacy', { targetingKey }, console);
  const { cutoverToken, cutoverKind } = flagMetadata ?? {};
  return {
    share: value === 'target' ? 1 : 0,
    token: typeof cutoverToken === 'number' ? cutoverToken : 0,
    kind: typeof cutoverKind === 'string' ? cutoverKind : null,
  };
}

function fileStore(dir: string, ofNobody: boolean): Store {
  const path = ofNobody ? join(dir, 'prod', 'flags.json') : join(dir, 'flags.json');
  const key = ofNobody ? 'llm' : 'llm-provider';
  const targetingKey = firstKey(key);
  if (ofNobody) {
    mkdirSync(dirname(path));
    chmodSync(dirname(path), 0o777);
    writeFileSync(path, JSON.stringify(flagSet(key, 0, { token: 0, operation: 'made by hand' })), {
      mode: 0o640,
    });
    chmodSync(path, 0o640);
    chownSync(path, NOBODY, NOBODY);
  }
  const read = () => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      // Not there: a reader that has just started sends everything to legacy.
      void error;
      return undefined;
    }
  };
  let known = { text: '', look: NOTHING };
  return {
    config: ofNobody ? { driver: 'file', path: 'prod/flags.json', key } : { driver: 'file' },
    file: { path, key },
    look() {
      const text = read();
      if (text === undefined) return NOTHING;
      if (text !== known.text) known = { text, look: tryEvaluate(text, key, targetingKey) };
      return known.look;
    },
    hand(ratio) {
      if (ratio === null) return rmSync(path, { force: true });
      const before = read();
      const token = { token: known.look.token, operation: 'hand' };
      const text = JSON.stringify(flagSet(key, ratio, token, before ? JSON.parse(before) : undefined));
      writeFileSync(`${path}.hand`, text);
      renameSync(`${path}.hand`, path);
    },
  };
}

function tryEvaluate(text: string, key: string, targetingKey: string): Look {
  try {
    return sideOf(text, key, targetingKey);
  } catch (error) {
    // No flag set: as if it were not there.
    void error;
    return NOTHING;
  }
}

interface Change {
  ratio: number;
  token: number;
  kind: string;
}

/** A script with a file, as a team would write one; it replaces the file and holds a lock while it compares. */
function execStore({ naive, delayMs }: StoreKind, dir: string): Store {
  const folder = join(dir, 'store');
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  const value = join(folder, 'value');
  writeFileSync(
    join(dir, 'flag.sh'),
    `umask 000
cd '${folder}' || exit 1
if [ "$1" = get ]; then cat value 2>/dev/null || true; exit 0; fi
cat > /dev/null
[ "$CUTOVER_OPERATION_KIND" = emergency ] || sleep ${delayMs / 1000}
exec 9> lock
flock 9
${naive ? '' : 'held=$(cat token 2>/dev/null || echo 0)\n[ "$CUTOVER_FLAG_TOKEN" -ge "$held" ] || { echo "a newer change is in force" >&2; exit 3; }'}
echo "$CUTOVER_FLAG_TOKEN" > token
printf '{"ratio":%s,"token":%s,"kind":"%s"}' "$CUTOVER_FLAG_RATIO" "$CUTOVER_FLAG_TOKEN" "$CUTOVER_OPERATION_KIND" > value.new
mv value.new value
`,
  );
  const read = (): Change | null => {
    try {
      return JSON.parse(readFileSync(value, 'utf8')) as Change;
    } catch (error) {
      // Nothing was set yet.
      void error;
      return null;
    }
  };
  return {
    config: { driver: 'exec', command: ['sh', 'flag.sh'], timeout: '4s', retries: 1 },
    file: null,
    look: () => lookOf(read()),
    hand(ratio) {
      if (ratio === null) return rmSync(value, { force: true });
      writeFileSync(`${value}.hand`, JSON.stringify({ ratio, token: read()?.token ?? 0, kind: 'hand' }));
      renameSync(`${value}.hand`, value);
    },
  };
}

/** A service that keeps the ratio in memory. */
function webhookStore({ naive, delayMs }: StoreKind, dir: string, backstage: Backstage): Store {
  let value: Change | null = null;
  let held = 0;
  const path = `${dir}/flag`;
  backstage.add(path, (request, response, body) => {
    if (request.method === 'GET')
      return response.end(value ? JSON.stringify(naive ? { ratio: value.ratio } : value) : '');
    const change = JSON.parse(body) as Change;
    setTimeout(
      () => {
        if (!naive && change.token < held) return response.writeHead(409).end('a newer change is in force');
        held = change.token;
        value = change;
        response.end('{}');
      },
      change.kind === 'emergency' ? 0 : delayMs,
    );
  });
  return {
    config: { driver: 'webhook', url: `${backstage.url}${path}`, timeout: '4s', retries: 1 },
    file: null,
    look: () => lookOf(value),
    hand(ratio) {
      value = ratio === null ? null : { ratio, token: value?.token ?? 0, kind: 'hand' };
    },
  };
}

const lookOf = (change: Change | null): Look =>
  change ? { share: change.ratio, token: change.token, kind: change.kind } : NOTHING;
