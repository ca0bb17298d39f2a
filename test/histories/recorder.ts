import { performance } from 'node:perf_hooks';
import type { CommandLog, Log } from './oracle.ts';
import type { Store } from './stores.ts';

/** Writes down what is seen of one history. */
export class Recorder {
  readonly log: Log;
  /** What happened when, for people. */
  readonly story: string[] = [];
  readonly violations: string[] = [];
  /** A line an emergency: `safe`, or why not. */
  readonly emergencies: string[] = [];
  private readonly began = performance.now();

  constructor(
    private readonly store: Store,
    naive: boolean,
  ) {
    this.log = {
      naive,
      commands: [],
      hands: [],
      store: [],
      readers: {},
      targetAsked: [],
      journal: [],
      end: 0,
    };
  }

  /** Milliseconds since the history began. */
  now(): number {
    return performance.now() - this.began;
  }

  tell(what: string): void {
    this.story.push(`${String(Math.round(this.now())).padStart(6)}  ${what}`);
  }

  /** Looks at the store; kept when it says something new, or when the moment matters. */
  look(moment: 'matters' | 'any'): void {
    const at = this.now();
    const seen = this.store.look();
    const last = this.log.store.at(-1);
    const same = last && last.share === seen.share && last.token === seen.token && last.kind === seen.kind;
    if (same && moment === 'any') return;
    this.log.store.push({ at, ...seen });
    if (same) return;
    const share = seen.share === 0 ? '0 %' : `more (${seen.share})`;
    this.tell(`the flag says ${share}, by ${seen.kind ?? 'nobody'}, token ${seen.token}`);
  }

  saidSafe(command: CommandLog): void {
    this.look('matters');
    command.safe = this.now();
    this.tell(`${command.actor} says safe`);
  }

  /** @param at when it was asked; it answers now. */
  readerSaw(name: string, at: number, share: number): void {
    const { readers } = this.log;
    readers[name] ??= [];
    const last = readers[name].at(-1);
    readers[name].push({ at, answered: this.now(), share });
    if (last && last.share !== share) this.tell(`${name} sees ${share === 0 ? '0 %' : `more (${share})`}`);
  }
}
