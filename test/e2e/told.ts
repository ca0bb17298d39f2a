import { rmSync } from 'node:fs';
import { onTestFinished } from 'vitest';
import { type MoodyReceiver, startMoodyReceiver } from '../servers/moody-receiver.ts';
import { makeFolder } from './cli.ts';

/** A migration that tells a receiver which counts, and what that has heard. */

export const FORCE = ['--yes', '--force', '--reason', 'test'];
export const COMPLETE = ['shift', '100%', ...FORCE, '--confirm', 'chat-prod'];

export async function receiver(): Promise<MoodyReceiver> {
  const started = await startMoodyReceiver();
  onTestFinished(() => started.stop());
  return started;
}

export function folder(notify: string, more = ''): string {
  const dir = makeFolder(`hooks:\n${more}  notify:\n${notify}`);
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export interface Told {
  operation: { id: string; kind: string };
  outcome?: string;
  running?: true;
  resumed?: true;
  untold?: string[];
  late?: true;
  asked?: { ratio: number };
  to: { ratio: number };
  history: { entries: number; head: string };
  flag: { before: number | null; after: number | null };
}

export const told = ({ accepted }: MoodyReceiver, path = '/hook') =>
  accepted.filter((one) => one.path === path).map(({ body }) => body as unknown as Told);
export const gist = ({ operation, outcome }: Told) => `${operation.kind} ${outcome ?? '…'}`;
export const pager = ({ accepted }: MoodyReceiver) =>
  accepted.filter(({ path }) => path === '/pager').map(({ body }) => body.event_action);

/** A DNS hook of one's own that works while the file `broken` is not there. */
export const DNS = `  dns: [{ driver: exec, command: [sh, -c, 'cat > /dev/null; test ! -e broken'], retries: 0 }]\n`;
export const hookAt = (url: string, more = '') =>
  `    - { driver: webhook, url: "${url}/hook", retries: 0${more} }\n`;
export const pagerAt = (url: string, more = '') =>
  `    - { driver: pagerduty, url: "${url}/pager", routingKey: "\${env:KEY}", retries: 0${more} }\n`;
