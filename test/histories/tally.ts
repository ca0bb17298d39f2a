import type { Outcome } from './run.ts';

/** What many histories came to; the counts show that they did something. */
export class Tally {
  histories = 0;
  looked = 0;
  moved = 0;
  safe = 0;
  operations = 0;
  readonly failures: { name: string; violation: string }[] = [];
  private putBack = 0;
  private stopped = 0;
  private killed = 0;
  private readonly unsafe = new Map<string, number>();

  add(name: string, outcome: Outcome): void {
    this.histories++;
    this.looked += outcome.looked;
    this.operations += outcome.operations;
    this.putBack += outcome.putBack;
    this.moved += outcome.moved ? 1 : 0;
    this.stopped += outcome.stopped;
    this.killed += outcome.killed;
    for (const said of outcome.emergencies) {
      if (said === 'safe') this.safe++;
      else this.unsafe.set(said, (this.unsafe.get(said) ?? 0) + 1);
    }
    this.failures.push(...outcome.violations.map((violation) => ({ name, violation })));
  }

  toString(): string {
    const reasons = [...this.unsafe].sort(([, a], [, b]) => b - a);
    const silent = reasons.reduce((sum, [, count]) => sum + count, 0);
    return [
      `${this.histories} histories, ${this.operations} operations; ${this.moved} sent traffic to target; ${this.stopped} processes stopped, ${this.killed} killed`,
      `${this.safe} emergencies said safe (${this.looked} looked at afterwards, ${this.putBack} late writes taken back), ${silent} did not:`,
      ...reasons.slice(0, 15).map(([reason, count]) => `  ${String(count).padStart(5)}  ${reason}`),
      `${this.failures.length} violations in ${new Set(this.failures.map(({ name }) => name)).size} histories`,
    ].join('\n');
  }
}
