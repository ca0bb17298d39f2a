import * as z from 'zod/mini';
import { duration, filled, readAs, textOrNumber, whole } from './fields.ts';
import { didYouMean } from './suggest.ts';
import { parseShare } from './units.ts';

/** Headers that each side is given by the gateway itself, or that belong to one connection (RFC 9110, 7.6.1). */
export const OWN_HEADERS: readonly string[] = [
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

const forwardedHeader = z.string().check(
  z.regex(/^[\w!#$%&'^`|~.-]+\*?$/, 'not the name of a header; a * may stand at its end'),
  z.toLowerCase(),
  z.refine((name) => !OWN_HEADERS.includes(name), 'the gateway sets this header itself'),
);

const failedShare = readAs(
  textOrNumber,
  parseShare,
  (value) => `not a share of the requests: ${value}; write it like 50%`,
  (share) => share > 0 && share <= 1,
);

const breaker = z.prefault(
  z.strictObject({
    requests: z.prefault(whole(1), 20),
    within: z.prefault(duration.check(z.refine((ms) => ms >= 1000, 'at least 1s')), '10s'),
    failed: z.prefault(failedShare, '50%'),
    halfOpenAfter: z.prefault(duration, '5s'),
    halfOpenAtMost: z.prefault(duration, '60s'),
    failures: z.optional(
      z.custom<undefined>(
        (value) => value === undefined,
        'the circuit no longer counts failures in a row; write requests, within and failed instead',
      ),
    ),
  }),
  {},
);

const FALLBACK_WORDS: Readonly<Record<string, { toLegacy: boolean; toTarget: boolean }>> = {
  legacy: { toLegacy: true, toTarget: false },
  both: { toLegacy: true, toTarget: true },
  off: { toLegacy: false, toTarget: false },
};

/** Which sides may stand in for the other: `{ toLegacy: always|never, toTarget: always|never }`, or a word for it. */
const fallback = z.pipe(
  z.unknown(),
  z.transform((value: unknown, ctx) => {
    const policy = { toLegacy: true, toTarget: false };
    const wrong = (message: string, path: string[] = []) =>
      ctx.issues.push({ code: 'custom', message, path, input: value });
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const word = String(value);
      if (Object.hasOwn(FALLBACK_WORDS, word)) return FALLBACK_WORDS[word] ?? policy;
      wrong(
        `unknown fallback ${word}; ${didYouMean(word, [...Object.keys(FALLBACK_WORDS), '{ toTarget: always }'])}`,
      );
      return z.NEVER;
    }
    for (const [key, given] of Object.entries(value)) {
      if (key !== 'toLegacy' && key !== 'toTarget') {
        wrong(`unknown key ${key}; ${didYouMean(key, ['toLegacy', 'toTarget'])}`, [key]);
      } else if (given !== 'always' && given !== 'never') {
        wrong(`not always or never: ${given}; ${didYouMean(String(given), ['always', 'never'])}`, [key]);
      } else policy[key] = given === 'always';
    }
    return policy;
  }),
);

const host = z
  .string()
  .check(
    z.regex(
      /^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?$/,
      'not a host; write it like llm.example or llm.example:8080',
    ),
    z.toLowerCase(),
  );

const origin = z.string().check(
  z.refine((text) => URL.canParse(text) && new URL(text).origin === text, {
    message: 'not an origin; write it like https://chat.example',
  }),
);

/** The keys under `gateway`. Nothing but `cutover gateway` reads them. */
export const gatewaySchema = z.prefault(
  z.strictObject({
    listen: z.prefault(z.string(), '127.0.0.1:8080'),
    usageLog: z.prefault(z.string(), 'usage.jsonl'),
    /** A field of the request body, `authorization` or `random`; the header x-cutover-key goes before it. */
    stickyBy: z.prefault(filled, 'user'),
    fallback: z.prefault(fallback, 'legacy'),
    retry: z.prefault(
      z.strictObject({
        max: z.prefault(whole(0, 10), 3),
        firstDelay: z.prefault(duration, '1s'),
        maxDelay: z.prefault(duration, '10s'),
      }),
      {},
    ),
    breaker,
    /** Headers and query parameters that go upstream besides those of the gateway's own lists. */
    forwardHeaders: z.prefault(z.array(forwardedHeader), []),
    forwardQuery: z.prefault(z.array(filled), []),
    /** What clients may call the gateway in `Host`, besides its own address and the names of this machine's loopback. */
    hosts: z.prefault(z.array(host), []),
    /** The origins of web pages that may ask the gateway. */
    origins: z.prefault(z.array(origin), []),
    /** Clients' connections; without it as many as the limit of open files allows. */
    maxConnections: z.optional(whole(1, 100_000)),
    maxBodyMiB: z.prefault(z.number().check(z.positive(), z.lte(1024)), 32),
    /** How long a request may take to arrive, from its headers to the end of its body. */
    bodyWithin: z.prefault(
      duration.check(z.refine((ms) => ms >= 1000 && ms <= 3_600_000, 'from 1s to 1h')),
      '60s',
    ),
    /** How long a stop waits for the requests that are under way. */
    stopWithin: z.prefault(duration, '10s'),
  }),
  {},
);
