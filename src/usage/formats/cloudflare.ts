import { deliver } from '../build.ts';
import { optionalText, statusOf } from '../fields.ts';
import { type Format, FROM_RESPONSE_CACHE, type RawObject } from '../format.ts';
import { isSet } from '../nested.ts';

/** Logs of Cloudflare's AI Gateway. duration is milliseconds, cost USD; `cached` means its own response cache. */
export const cloudflare: Format = {
  name: 'cloudflare',
  title: 'Cloudflare AI Gateway logs',
  lacks: 'times to the first token and cached tokens',
  matches: (raw) => 'tokens_in' in raw && 'tokens_out' in raw,
  read(raw, out, fields) {
    if (isSet(raw.cached)) {
      out.skip(FROM_RESPONSE_CACHE);
      return;
    }
    deliver(
      {
        id: optionalText(raw.id),
        at: fields.timestamp(raw.created_at, 'created_at'),
        provider: optionalText(raw.provider),
        model: fields.text(raw.model, 'model'),
        inputTokens: fields.optionalCount(raw.tokens_in, 'tokens_in'),
        outputTokens: fields.optionalCount(raw.tokens_out, 'tokens_out'),
        latencyMs: fields.duration(raw.duration, 'duration', 1),
        status: statusOfLog(raw),
        costUsd: fields.money(raw.cost, 'cost', 1),
      },
      fields,
      out,
    );
  },
};

function statusOfLog(raw: RawObject): string {
  const status = statusOf(raw.status_code);
  // A provider can answer 200 with a body that the gateway counts as a failure.
  return status === 'ok' && raw.success === false ? 'other' : status;
}
