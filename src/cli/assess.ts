import type { Command } from 'commander';
import type { Context } from './context.ts';

export function register(program: Command, ctx: Context): void {
  program.command('assess').action(() => ctx.print('not yet'));
}
