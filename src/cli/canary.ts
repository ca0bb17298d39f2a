import type { Command } from 'commander';
import { registerStart } from './canary-start.ts';
import type { Context } from './context.ts';

export function register(program: Command, ctx: Context): void {
  const canary = program.command('canary').description('judge target on a share of the traffic');
  registerStart(canary, ctx);
}
