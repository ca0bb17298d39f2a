import type { Command } from 'commander';
import type { AssessOptions } from './assess-run.ts';
import type { Context } from './context.ts';

export function register(program: Command, ctx: Context): void {
  program
    .command('assess')
    .summary('what moving would save, from usage logs')
    .description(
      'Reads usage logs (JSONL, JSON arrays, CSV; - is stdin) and reports traffic, latency, cost, and what moving to the target would save.',
    )
    .argument('<files...>', 'usage logs')
    .option('--report <kind>', 'table, markdown or json', 'table')
    .option('--max-bad <share>', 'tolerated share of unusable records', '1%')
    .action(async (files: string[], _options: unknown, command: Command) => {
      const { runAssess } = await import('./assess-run.ts');
      await runAssess(files, command.optsWithGlobals<AssessOptions>(), ctx);
    });
}
