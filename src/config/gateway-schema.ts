import { z } from 'zod';
import { duration } from './fields.ts';
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

const forwardedHeader = z
  .string()
  .regex(/^[\w!#$%&'^`|~.-]+\*?$/, 'not the name of a header; a * may stand at its end')
  .toLowerCase()
  .refine((name) => !OWN_HEADERS.includes(name), 'the gateway sets this header itself');

const failedShare = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const parsed = parseShare(value);
  if (parsed !== undefined && parsed > 0 && parsed <= 1) return parsed;
  ctx.addIssue({ code: 'custom', message: `not a share of the requests: ${value}; write it like 50%` });
  return z.NEVER;
});

const breaker = z
  .strictObject({
    requests: z.number().int().min(1).prefault(20),
    within: duration.refine((ms) => ms >= 1000, 'at least 1s').prefault('10s'),
    failed: failedShare.prefault('50%'),
    halfOpenAfter: duration.prefault('5s'),
    halfOpenAtMost: duration.prefault('60s'),
    failures: z
      .custom<undefined>(
        (value) => value === undefined,
        'the circuit no longer counts failures in a row; write requests, within and failed instead',
      )
      .optional(),
  })
  .prefault({});

const FALLBACK_WORDS: Readonly<Record<string, { toLegacy: boolean; toTarget: boolean }>> = {
  legacy: { toLegacy: true, toTarget: false },
  both: { toLegacy: true, toTarget: true },
  off: { toLegacy: false, toTarget: false },
};

/** Which sides may stand in for the other: `{ toLegacy: always|never, toTarget: always|never }`, or a word for it. */
const fallback = z.unknown().transform((value, ctx) => {
  const policy = { toLegacy: true, toTarget: false };
  const wrong = (message: string, path: string[] = []) => ctx.addIssue({ code: 'custom', message, path });
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
});

const origin = z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text, {
  message: 'not an origin; write it like https://chat.example',
});

/** The keys under `gateway`. Nothing but `cutover gateway` reads them. */
export const gatewaySchema = z
  .strictObject({
    listen: z.string().prefault('127.0.0.1:8080'),
    usageLog: z.string().prefault('usage.jsonl'),
    /** A field of the request body, `authorization` or `random`; the header x-cutover-key goes before it. */
    stickyBy: z.string().min(1).prefault('user'),
    fallback: fallback.prefault('legacy'),
    retry: z
      .strictObject({
        max: z.number().int().min(0).max(10).prefault(3),
        firstDelay: duration.prefault('1s'),
        maxDelay: duration.prefault('10s'),
      })
      .prefault({}),
    breaker,
    /** Headers and query parameters that go upstream besides those of the gateway's own lists. */
    forwardHeaders: z.array(forwardedHeader).prefault([]),
    forwardQuery: z.array(z.string().min(1)).prefault([]),
    /** What clients may call the gateway in `Host`, besides its own address and the names of this machine's loopback. */
    hosts: z
      .array(
        z
          .string()
          .regex(
            /^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?$/,
            'not a host; write it like llm.example or llm.example:8080',
          )
          .toLowerCase(),
      )
      .prefault([]),
    /** The origins of web pages that may ask the gateway. */
    origins: z.array(origin).prefault([]),
    /** Clients' connections; without it as many as the limit of open files allows. */
    maxConnections: z.number().int().min(1).max(100_000).optional(),
    maxBodyMiB: z.number().positive().max(1024).prefault(32),
    /** How long a request may take to arrive, from its headers to the end of its body. */
    bodyWithin: duration.refine((ms) => ms >= 1000 && ms <= 3_600_000, 'from 1s to 1h').prefault('60s'),
    /** How long a stop waits for the requests that are under way. */
    stopWithin: duration.prefault('10s'),
  })
  .prefault({});
