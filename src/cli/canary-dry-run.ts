import type { CanaryInput } from '../canary/check.ts';
import type { Stage } from '../canary/document.ts';
import { unitOf } from '../canary/guardrails.ts';
import { canarySettings, configPrices } from '../canary/settings.ts';
import { formatRatio } from '../config/units.ts';
import { targetModel } from '../provider/models.ts';
import { alignColumns } from '../report/text.ts';
import type { CheckOptions } from './canary.ts';
import type { Context } from './context.ts';
import { sayDryRun } from './dry-run.ts';
import { widthOf } from './style.ts';

/**
 * Says what a canary run would probe and judge. Keys are looked up, as the run would.
 * @throws CutoverError CONFIG_INVALID, SECRET_MISSING (78) as the run would.
 */
export function sayCanary(
  ctx: Context,
  options: CheckOptions,
  input: CanaryInput,
  stage: Stage | null,
): void {
  const { config, probes, secrets, command = 'canary check' } = input;
  const { guardrails, plan } = canarySettings(config, probes, configPrices(config), input.pairs);
  for (const side of ['legacy', 'target'] as const) {
    const { apiKey } = config.providers[side];
    if (apiKey !== undefined) secrets.resolve(apiKey, `providers.${side}.apiKey`);
  }
  const asked = [...new Set(probes.map((probe) => probe.model ?? plan.model))];
  const models = asked.map((legacy) => ({ legacy, target: targetModel(config.models, legacy) }));
  const rollback = options.autoRollback === true;
  const what = {
    stage: stage && { ratio: stage.ratio, since: new Date(stage.since).toISOString() },
    pairs: stage ? plan.pairs : 0,
    requests: stage ? plan.pairs * 2 : 0,
    models,
    guardrails: guardrails.map(({ metric, margin }) => ({ metric, margin, unit: unitOf(metric) })),
    autoRollback: rollback,
  };
  const lines = stage
    ? alignColumns(
        [
          ['stage', formatRatio(stage.ratio)],
          ['probes', `${plan.pairs} pairs, ${plan.pairs * 2} requests, one to each side`],
          ...models.map(({ legacy, target }, i) => [i === 0 ? 'models' : '', `${legacy} → ${target}`]),
          ['judges', guardrails.map(({ metric }) => metric).join(', ')],
          ['on FAIL', rollback ? 'roll back to 0 %' : 'exit 2, change nothing'],
        ],
        2,
        widthOf(ctx),
      )
    : ['no canary is running: nothing would be probed'];
  sayDryRun(ctx, options, command, what, [`${command}:`, ...lines]);
}
