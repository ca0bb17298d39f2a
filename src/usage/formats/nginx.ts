import { deliver } from '../build.ts';
import { type Fields, optionalText, statusOf } from '../fields.ts';
import type { Format, RawObject } from '../format.ts';
import { firstOf } from '../nested.ts';

/** `[20/Aug/2026:10:00:02 +0000] "POST /v1/chat/completions HTTP/1.1" 200` of the combined format and its kin. */
const COMBINED =
  /^(\S+) \S+ (\S+) \[(\d{2})\/(\w{3})\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{4})\] "(?:([A-Z]+) )?([^"]*)" (\d{3})/;
/** `rt=2.350 uht="0.490" urt="2.350"`, or the variables by their names; upstream times may be lists. */
const PAIR = /(?:^|\s)([a-z_]+)="?((?:[\d.-]+(?:\s?[,:]\s)?)+)"?(?=\s|$)/g;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/**
 * nginx's access log: the combined format followed by `rt=$request_time uht="$upstream_header_time"
 * urt="$upstream_response_time"` (or the full names), or JSON with the variables as keys. Times are seconds.
 * After retries the upstream times are lists, one entry an attempt; the time to the first token is then that of
 * all earlier attempts and the header time of the last. Only POSTs are requests to a model.
 * No model is named in it: all records are of `unnamed`.
 */
export const nginx: Format = {
  name: 'nginx',
  title: 'nginx access log with $request_time, text or JSON',
  lacks: 'model names, tokens and cost; the time to the first token is that to the first header',
  parseLine,
  matches: (raw) => 'request_time' in raw,
  read(raw, out, fields) {
    const method = firstOf(raw.request_method, String(raw.request ?? '').split(' ')[0]);
    if (method !== undefined && method !== 'POST') {
      out.skip('not a POST request');
      return;
    }
    const latencyMs = fields.duration(raw.request_time, 'request_time', 1000);
    const ended = fields.timestamp(firstOf(raw.msec, raw.time_iso8601, raw.timestamp, raw.time), 'time');
    deliver(
      {
        id: optionalText(raw.request_id),
        // nginx writes the line when the request has ended.
        at: ended === undefined ? undefined : ended - (latencyMs ?? 0),
        model: 'unnamed',
        inputTokens: undefined,
        outputTokens: undefined,
        untold: true,
        latencyMs,
        ttftMs: firstHeaderMs(raw.upstream_header_time, raw.upstream_response_time, fields),
        status: statusOf(raw.status),
        user: optionalText(raw.remote_user),
      },
      fields,
      out,
    );
  },
};

function parseLine(line: string): RawObject | undefined {
  const match = COMBINED.exec(line);
  if (!match) return undefined;
  const [head, , user, day, month, year, time, zone, method, , status] = match;
  const pairs: Record<string, string> = {};
  for (const [, name, value] of line.slice(head.length).matchAll(PAIR)) {
    if (name !== undefined && value !== undefined) pairs[SHORT[name] ?? name] = value;
  }
  if (pairs.request_time === undefined) return undefined;
  const number = String(MONTHS.indexOf(month ?? '') + 1).padStart(2, '0');
  return {
    ...pairs,
    request_method: method ?? '-',
    status,
    remote_user: user === '-' ? undefined : user,
    time_iso8601: `${year}-${number}-${day}T${time}${zone}`,
  };
}

/** The short names that nginx's own documentation uses in its examples. */
const SHORT: Record<string, string> = {
  rt: 'request_time',
  uht: 'upstream_header_time',
  urt: 'upstream_response_time',
};

function firstHeaderMs(header: unknown, response: unknown, fields: Fields): number | undefined {
  const headers = attempts(header);
  const last = headers.pop();
  if (last === undefined || last === '-') return undefined;
  let ms = fields.duration(last, 'upstream_header_time', 1000) ?? 0;
  for (const earlier of attempts(response).slice(0, headers.length)) {
    if (earlier !== '-') ms += fields.duration(earlier, 'upstream_response_time', 1000) ?? 0;
  }
  return Math.round(ms * 1000) / 1000;
}

/** Retries are divided by commas, groups of servers by colons. */
function attempts(value: unknown): string[] {
  const text = optionalText(value);
  return text === undefined ? [] : text.split(/\s*[,:]\s*/).filter((part) => part !== '');
}
