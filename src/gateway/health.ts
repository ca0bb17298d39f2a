import type { BreakerState } from '../router/breaker.ts';
import type { SideOptions } from '../router/side-client.ts';
import type { Side } from '../world.ts';
import type { FlagState } from './ratio-source.ts';

/** What the gateway is at this moment; times are Unix milliseconds. */
export interface Vitals {
  sides: Readonly<Record<Side, SideOptions>>;
  breakers: Record<Side, BreakerState>;
  flag: FlagState;
  connections: { open: number; most: number };
  startedAt: number;
  now: number;
}

/** 503 only when neither side can be asked: a gateway that can serve is healthy. */
export function healthPage(vitals: Vitals): { status: number; body: object } {
  const { sides, breakers, flag, connections, startedAt, now } = vitals;
  const down = breakers.legacy === 'open' && breakers.target === 'open';
  const degraded = breakers.legacy !== 'closed' || breakers.target !== 'closed' || flag.problem !== null;
  const body = {
    status: down ? 'down' : degraded ? 'degraded' : 'ok',
    ratio: flag.ratio,
    flag: {
      state: flag.found,
      kind: flag.kind,
      since: flag.since === null ? null : new Date(flag.since).toISOString(),
      ageSeconds: flag.checkedAt === null ? null : (now - flag.checkedAt) / 1000,
      problem: flag.problem,
    },
    sides: {
      legacy: { provider: sides.legacy.name, circuit: breakers.legacy },
      target: { provider: sides.target.name, circuit: breakers.target },
    },
    connections,
    uptimeSeconds: (now - startedAt) / 1000,
  };
  return { status: down ? 503 : 200, body };
}
