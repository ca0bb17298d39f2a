import { appendFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Assessment } from '../assess/assessment.ts';
import { latencyCurves } from '../assess/curves.ts';
import type { Tally } from '../assess/tally.ts';
import { CutoverError, EXIT, messageOf } from '../errors.ts';
import type { Currency } from '../report/assessment/numbers.ts';
import type { AssessOptions, ReportKind } from './assess-options.ts';
import type { Context } from './context.ts';
import { pageWidth, styleFor } from './style.ts';

export interface Result {
  assessment: Assessment;
  tally: Tally;
  currency: Currency | undefined;
}

/** Prints the report, and writes it where else it is wanted: `--html`, and the step summary of GitHub Actions. */
export async function output(
  result: Result,
  kind: ReportKind,
  options: AssessOptions,
  ctx: Context,
): Promise<void> {
  if (kind === 'json') await ctx.longDocument(documentOf(result));
  else ctx.print(await render(result, kind, options, ctx));
  const write = async (
    path: string,
    as: Exclude<ReportKind, 'json'>,
    add: (path: string, text: string) => void,
  ) => {
    const text = `${ctx.written(await render(result, as, options, ctx))}\n`;
    try {
      add(path, text);
    } catch (cause) {
      throw new CutoverError('UNWRITABLE', EXIT.input, `${path}: cannot be written: ${messageOf(cause)}`, {
        cause,
      });
    }
  };
  if (options.html !== undefined) await write(resolve(ctx.cwd, options.html), 'html', writeFileSync);
  const summary = ctx.env.GITHUB_STEP_SUMMARY;
  if (summary) await write(summary, 'markdown', appendFileSync);
}

function documentOf({ assessment, currency }: Result): Record<string, unknown> {
  return currency ? { ...assessment, currency } : { ...assessment };
}

async function render(
  { assessment, tally, currency }: Result,
  kind: Exclude<ReportKind, 'json'>,
  options: AssessOptions,
  ctx: Context,
): Promise<string> {
  switch (kind) {
    case 'markdown': {
      const { assessmentMarkdown } = await import('../report/assessment/markdown.ts');
      return assessmentMarkdown(assessment, currency);
    }
    case 'html': {
      const { assessmentHtml } = await import('../report/assessment/html.ts');
      const models = assessment.models.map(({ model }) => model);
      return assessmentHtml(assessment, latencyCurves(tally, models.slice(0, 6)), currency);
    }
    case 'table': {
      const [{ assessmentTable }, style] = await Promise.all([
        import('../report/assessment/table.ts'),
        styleFor(ctx, options, 'stdout'),
      ]);
      return assessmentTable(assessment, style, currency, pageWidth(ctx));
    }
  }
}
