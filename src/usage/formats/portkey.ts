import { countOfRequest, deliver } from '../build.ts';
import { optionalText, statusOf } from '../fields.ts';
import type { Format } from '../format.ts';

/** Portkey's log export, JSONL. cost is in **US cents**, response_time in milliseconds. */
export const portkey: Format = {
  name: 'portkey',
  title: 'Portkey logs, JSONL',
  lacks: 'times to the first token and cached tokens',
  caveat: 'Portkey sums the retries of a request up in one record: its latency holds them all.',
  matches: (raw) => 'ai_model' in raw && 'req_units' in raw,
  read(raw, out, fields) {
    const currency = optionalText(raw.cost_currency);
    if (currency !== undefined && currency.toUpperCase() !== 'USD') fields.fail('cost_currency is not USD');
    const status = statusOf(raw.response_status_code);
    deliver(
      {
        id: optionalText(raw.id),
        at: fields.timestamp(raw.created_at, 'created_at'),
        provider: optionalText(raw.ai_org),
        model: fields.text(raw.ai_model, 'ai_model'),
        inputTokens: countOfRequest(status, raw.req_units, 'req_units', fields),
        outputTokens: fields.optionalCount(raw.res_units, 'res_units'),
        latencyMs: fields.duration(raw.response_time, 'response_time', 1),
        status,
        costUsd: fields.money(raw.cost, 'cost', 100),
      },
      fields,
      out,
    );
  },
};
