import type { Config } from '../config/schema.ts';
import type { Secrets } from '../config/secrets.ts';
import { CutoverError, type ExitCode, messageOf } from '../errors.ts';
import { createClient } from './client.ts';
import { firstLegacyModel, targetModel } from './models.ts';

/** Whether a provider could take traffic now, and what speaks against it. */
export interface Readiness {
  ok: boolean;
  detail: string;
  /** Of a config that lacks what it takes to ask: its exit code. */
  exitCode?: ExitCode;
}

/** Nobody wants to wait longer for this before a rollback. */
const TIME_LIMIT_MS = 5000;

/**
 * Asks a provider for one token: key, model and quota in one probe. Without a model to ask for, its list of models.
 * Never throws for what the provider, the network or a missing key does: that is the answer.
 */
export async function checkReadiness(
  config: Config,
  side: 'legacy' | 'target',
  secrets: Secrets,
): Promise<Readiness> {
  const provider = config.providers[side];
  const model = config.canary.model ?? firstLegacyModel(config.models);
  try {
    const client = await createClient(provider, side, secrets);
    try {
      const signal = AbortSignal.timeout(TIME_LIMIT_MS);
      const asked = model && (side === 'legacy' ? model : targetModel(config.models, model));
      const answer = asked ? await client.health(asked, signal) : await client.models(signal);
      if (answer.ok)
        return { ok: true, detail: `${provider.name} answers (${Math.round(answer.latencyMs)} ms)` };
      const why = signal.aborted ? `no answer within ${TIME_LIMIT_MS / 1000} s` : answer.message;
      return { ok: false, detail: `${provider.name} (${side}) is not ready: ${why}` };
    } finally {
      await client.close();
    }
  } catch (error) {
    if (!(error instanceof CutoverError)) throw error;
    return {
      ok: false,
      detail: `${provider.name} (${side}) is not ready: ${secrets.redact(messageOf(error))}`,
      exitCode: error.exitCode,
    };
  }
}
