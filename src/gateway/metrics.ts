import type { BreakerState } from '../router/breaker.ts';
import type { UsageLine } from '../router/record.ts';
import type { Side } from '../world.ts';

/** What the gateway is at this moment, beside what it has counted. */
export interface Gauges {
  ratio: number;
  inFlight: number;
  /** Of clients. */
  connections: number;
  breakers: Record<Side, BreakerState>;
  /** Seconds since the flag was last readable; undefined when it never was. */
  flagAgeSeconds: number | undefined;
}

export interface Metrics {
  /** Counts one side's part in a request. */
  add(line: UsageLine): void;
  /** Counts a request that no side was asked about, by the status that the gateway answered. */
  refuse(status: number): void;
  /** The Prometheus text format, version 0.0.4. */
  render(gauges: Gauges): string;
}

/** Seconds: from a fast embedding to a long completion. */
const BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const SIDES = ['legacy', 'target'] as const;

export function createMetrics(): Metrics {
  const requests = counter();
  const fallbacks = counter();
  const retries = counter();
  const tokens = counter();
  const refused = counter();
  const durations = { legacy: histogram(), target: histogram() };
  const firstBytes = { legacy: histogram(), target: histogram() };
  for (const side of SIDES) {
    fallbacks.add({ side }, 0);
    retries.add({ side }, 0);
  }

  return {
    add(line) {
      const { side, endpoint } = line;
      requests.add({ side, endpoint, status: statusClass(line.status) }, 1);
      if (line.fallback) fallbacks.add({ side }, 1);
      retries.add({ side }, line.tries - 1);
      tokens.add({ side, kind: 'input' }, line.input_tokens);
      tokens.add({ side, kind: 'output' }, line.output_tokens);
      durations[side].observe(line.latency_ms / 1000);
      if (line.ttft_ms !== undefined) firstBytes[side].observe(line.ttft_ms / 1000);
    },
    refuse: (status) => refused.add({ status: String(status) }, 1),
    render(gauges) {
      const text = [
        ...family(
          'requests_total',
          'counter',
          'Requests by the side that served or failed them.',
          requests.samples(),
        ),
        ...family(
          'fallbacks_total',
          'counter',
          'Requests a side took over from the other.',
          fallbacks.samples(),
        ),
        ...family('retries_total', 'counter', 'Further tries before the first byte.', retries.samples()),
        ...family('tokens_total', 'counter', 'Tokens that the providers reported.', tokens.samples()),
        ...family('refused_total', 'counter', 'Requests that no side was asked about.', refused.samples()),
        ...family('request_duration_seconds', 'histogram', 'From the first try to the last byte.', [
          ...SIDES.flatMap((side) => durations[side].samples({ side })),
        ]),
        ...family('first_byte_seconds', 'histogram', 'From the first try to the first byte of a stream.', [
          ...SIDES.flatMap((side) => firstBytes[side].samples({ side })),
        ]),
        ...family('ratio', 'gauge', 'Share of the requests that go to target, 0 to 1.', [
          ['', {}, gauges.ratio],
        ]),
        ...family('in_flight', 'gauge', 'Requests under way.', [['', {}, gauges.inFlight]]),
        ...family('connections', 'gauge', 'Connections of clients.', [['', {}, gauges.connections]]),
        ...family(
          'circuit_open',
          'gauge',
          '1 while a side is not asked because it failed most requests.',
          SIDES.map((side) => ['', { side }, gauges.breakers[side] === 'closed' ? 0 : 1]),
        ),
      ];
      if (gauges.flagAgeSeconds !== undefined) {
        const age: Sample = ['', {}, gauges.flagAgeSeconds];
        text.push(...family('flag_age_seconds', 'gauge', 'Since the flag was last readable.', [age]));
      }
      return `${text.join('\n')}\n`;
    },
  };
}

/** `2xx`, `5xx`, or the class of an error without a status. */
function statusClass(status: UsageLine['status']): string {
  return typeof status === 'number' ? `${Math.floor(status / 100)}xx` : status;
}

type Labels = Record<string, string>;
/** Suffix of the name, labels, value. */
type Sample = [string, Labels, number];

function counter() {
  const counts = new Map<string, { labels: Labels; value: number }>();
  return {
    add(labels: Labels, by: number): void {
      const name = JSON.stringify(labels);
      const entry = counts.get(name) ?? { labels, value: 0 };
      entry.value += by;
      counts.set(name, entry);
    },
    samples: (): Sample[] => [...counts.values()].map(({ labels, value }) => ['', labels, value]),
  };
}

function histogram() {
  const counts = BUCKETS.map(() => 0);
  let sum = 0;
  let total = 0;
  return {
    observe(value: number): void {
      const at = BUCKETS.findIndex((bound) => value <= bound);
      if (at >= 0) counts[at] = (counts[at] as number) + 1;
      sum += value;
      total++;
    },
    samples(labels: Labels): Sample[] {
      let below = 0;
      const buckets = BUCKETS.map((bound, i): Sample => {
        below += counts[i] as number;
        return ['_bucket', { ...labels, le: String(bound) }, below];
      });
      return [
        ...buckets,
        ['_bucket', { ...labels, le: '+Inf' }, total],
        ['_sum', labels, sum],
        ['_count', labels, total],
      ];
    },
  };
}

/** No label value here needs escaping: all are words and numbers of our own. */
function family(name: string, type: string, help: string, samples: readonly Sample[]): string[] {
  const full = `cutover_gateway_${name}`;
  const lines = samples.map(([suffix, labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
    return `${full}${suffix}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`;
  });
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...lines];
}
