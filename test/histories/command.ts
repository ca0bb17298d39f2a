import { setTimeout as sleep } from 'node:timers/promises';
import { crashIn } from './crash-words.ts';
import { type Action, COMMANDS, describeAction } from './history.ts';
import { type Ended, type Running, start } from './hosts.ts';
import type { CommandLog } from './oracle.ts';
import type { Recorder } from './recorder.ts';
import type { Scene, World } from './world.ts';

/** A command that runs longer hangs; it counts only while it is not stopped. */
const LONGEST_MS = 45_000;
const LONGEST_STOP_MS = 12_000;

/** One command of a history: it gets its signal when it is due, and what it says is heard. */
export class Command {
  readonly log: CommandLog;
  readonly result: Promise<Ended>;
  /** How many further actions its pause lasts; null: it does not stand still. */
  pausedFor: number | null = null;
  private readonly running: Running;

  constructor(
    private readonly action: Action,
    op: keyof typeof COMMANDS,
    actor: string,
    private readonly recorder: Recorder,
    world: World,
    { installation, means }: Scene,
  ) {
    const { args, forward } = COMMANDS[op];
    const { fate } = action;
    const byEffect = fate?.unit === 'effect' ? fate : null;
    const node = byEffect ? ['--import', installation.shim] : [];
    this.running = start({
      command: [process.execPath, ...node, installation.bin, ...args],
      host: world.hosts[action.host],
      user: means.users ? action.user : null,
      umask: action.umask,
      cwd: world.dir,
      env: {
        ...world.env(action.user),
        // The actor in the journal: which command it was.
        SUDO_USER: actor,
        ...(byEffect ? { CUTOVER_CRASH_AT: `${byEffect.at}`, CUTOVER_CRASH_SIGNAL: byEffect.signal } : {}),
      },
      own: world.clock(action.host),
    });
    this.log = {
      actor,
      op,
      forward,
      began: recorder.now(),
      ended: Number.POSITIVE_INFINITY,
      safe: null,
      killed: false,
      stops: [],
    };
    recorder.tell(`${actor} begins: ${describeAction(action)}`);
    this.running.onStdout(() => this.hear());
    this.result = Promise.all([this.running.ended, this.attend()]).then(([ended]) => this.onEnd(ended));
  }

  isOver(): boolean {
    return this.running.isOver();
  }

  kill(): void {
    this.running.signal('SIGKILL');
  }

  async goOn(): Promise<void> {
    if (this.pausedFor === null) return;
    this.pausedFor = null;
    const stop = this.log.stops.at(-1);
    if (stop) stop.to = this.recorder.now();
    this.recorder.tell(`${this.log.actor} goes on`);
    await this.running.goOn();
  }

  private hear(): void {
    const { log } = this;
    const { stdout } = this.running.soFar();
    if (log.op !== 'emergency' || log.safe !== null) return;
    if (/\bsafe\b/.test(stdout) && !/NOT SAFE/.test(stdout)) this.recorder.saidSafe(log);
  }

  private onEnd(ended: Ended): Ended {
    const { log, recorder } = this;
    const { code, signal, stdout, stderr } = ended;
    if (log.op === 'emergency' && (code === 0 || code === 4) && log.safe === null) recorder.saidSafe(log);
    log.ended = recorder.now();
    log.killed ||= signal === 'SIGKILL';
    const how = signal ?? `exit ${code}`;
    const said = stderr.trim().split('\n')[0] || stdout.trim().split('\n')[0];
    recorder.tell(`${log.actor} ends: ${how}  ${log.op === 'status' ? '' : said}`);
    if (log.op === 'emergency')
      recorder.emergencies.push(log.safe === null ? `${how} ${reasonIn(stderr)}` : 'safe');
    const crash = crashIn(`${stderr}\n${stdout}`);
    if (crash) recorder.violations.push(`${log.actor} (${log.op}) shows its inside: ${crash}`);
    if (signal && !log.killed) recorder.violations.push(`${log.actor} (${log.op}) died of ${signal}`);
    return ended;
  }

  /** Gives it its signal, sees it stop, and sees that it does not hang. */
  private async attend(): Promise<void> {
    const { running, action, log, recorder } = this;
    const { fate } = action;
    let due = fate?.unit === 'ms' ? fate : null;
    let ran = 0;
    for (let last = recorder.now(); !running.isOver(); await sleep(10)) {
      const now = recorder.now();
      if (due && now - log.began >= due.at) {
        log.killed ||= due.signal === 'SIGKILL';
        running.signal(due.signal);
        due = null;
      }
      if (fate?.signal === 'SIGSTOP' && log.stops.length === 0 && running.isStopped()) {
        log.stops.push({ from: now, to: Number.POSITIVE_INFINITY });
        this.pausedFor = action.lasts;
        recorder.tell(`${log.actor} stands still`);
      }
      // What leads into the host may stop itself after the command has been let go on.
      if (this.pausedFor === null && log.stops.length > 0 && running.isStopped()) await running.goOn();
      if (this.pausedFor === null) ran += now - last;
      else if (now - (log.stops[0]?.from ?? now) > LONGEST_STOP_MS) await this.goOn();
      last = now;
      if (ran <= LONGEST_MS) continue;
      recorder.violations.push(`${log.actor} (${log.op}) hangs: ${running.soFar().stderr.slice(-300)}`);
      log.killed = true;
      running.signal('SIGKILL');
      return;
    }
  }
}

/** Why an emergency did not say safe, without what differs from one world to the next. */
function reasonIn(stderr: string): string {
  const line = stderr.split('\n').find((each) => /cutover:|NOT SET|failed|warning/.test(each)) ?? '';
  return line
    .replace(/\/\S*world-\d+\/?/g, '')
    .replace(/op-[\w-]+/g, 'op')
    .replace(/\d+ ms/g, 'ms')
    .trim()
    .slice(0, 120);
}
