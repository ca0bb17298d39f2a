import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { type Gateway, startGateway } from './gateway.ts';
import { type Action, COMMANDS, describeAction, type History, isCommand } from './history.ts';
import { type Ended, type Running, start } from './hosts.ts';
import { processesOf } from './leftovers.ts';
import { type CommandLog, GRACE_MS, type Judgement, judge, type Log } from './oracle.ts';
import { firstKey } from './stores.ts';
import { makeWorld, type Scene, type World } from './world.ts';

/** What came of a history. */
export interface Outcome extends Judgement {
  /** One line an emergency: `safe`, or why not. */
  emergencies: string[];
  /** Whether anybody was sent to target at all. */
  moved: boolean;
  stopped: number;
  killed: number;
  /** What happened when, for people. */
  story: string[];
}

/** A command that runs longer hangs; it counts only while it is not stopped. */
const LONGEST_MS = 45_000;
const LONGEST_STOP_MS = 12_000;
const LOOK_MS = 25;
const READER_MS = 100;
/** After the last command: for what still lands. */
const LULL_MS = 700;
/** What a hook or a flag command may need to end after its command has ended. */
const LEFTOVERS_MS = 12_000;

/** A stack trace, or the words of a library: cutover's own errors say what, why and how to mend it. */
const CRASH =
  /^\s+at .*:\d+:\d+\)?$|^(?:Uncaught )?(?:Type|Reference|Range|Syntax|Sqlite)Error\b|UNIQUE constraint|node:internal/m;

interface Command {
  log: CommandLog;
  action: Action;
  running: Running;
  result: Promise<Ended>;
  /** How many further actions its pause lasts; null: it does not stand still. */
  paused: number | null;
}

/** Plays a history from its beginning to its end, and judges it. */
export async function runHistory(history: History, scene: Scene): Promise<Outcome> {
  const world = await makeWorld(history, scene);
  const play = new Play(history, scene, world);
  try {
    return await play.run();
  } finally {
    await play.end();
    await world.remove();
  }
}

class Play {
  private readonly began = performance.now();
  private readonly commands: Command[] = [];
  private readonly log: Log;
  private readonly story: string[] = [];
  private readonly violations: string[] = [];
  private readonly emergencies: string[] = [];
  private readonly id: string;
  private readonly watching: Promise<void>[] = [];
  private gateway: Gateway | undefined;
  private lock: { db: Database.Database; lasts: number } | undefined;
  private over = false;

  constructor(
    private readonly history: History,
    private readonly scene: Scene,
    private readonly world: World,
  ) {
    this.id = world.dir;
    const { naive } = history.store;
    const seen = { hands: [], store: [], readers: {}, targetAsked: [], told: [] };
    this.log = { naive, commands: [], end: 0, ...seen };
  }

  async run(): Promise<Outcome> {
    const { history, world, scene, log } = this;
    world.target.onAsked = () => log.targetAsked.push(this.now());
    if (world.store.file) {
      scene.reader.watch(this.id, world.store.file, firstKey(world.store.file.key, 0.001));
      if (history.gateway) this.gateway = await startGateway(world, scene, history.gateway);
    }
    this.watching.push(this.watchStore(), this.watchReaders());
    for (const action of [...history.before, history.emergency, ...history.after]) await this.act(action);
    await this.finish();
    log.end = this.now();
    log.told = world.told();
    log.commands = this.commands.map((command) => command.log);
    const { violations, ...rest } = judge(log);
    return {
      ...rest,
      violations: [...this.violations, ...violations],
      emergencies: this.emergencies,
      moved: log.store.some(({ share }) => share > 0),
      stopped: log.commands.filter(({ stops }) => stops.length > 0).length,
      killed: log.commands.filter(({ killed }) => killed).length,
      story: this.story,
    };
  }

  /** Lets go of everything, whatever has happened. */
  async end(): Promise<void> {
    this.over = true;
    this.unlock();
    await Promise.all(this.watching);
    await this.gateway?.stop();
    this.scene.reader.drop(this.id);
    for (const { running } of this.commands) running.signal('SIGKILL');
    for (const { pid } of processesOf(this.world.dir)) kill(pid);
  }

  private now(): number {
    return performance.now() - this.began;
  }

  private tell(what: string): void {
    this.story.push(`${String(Math.round(this.now())).padStart(6)}  ${what}`);
  }

  private async act(action: Action): Promise<void> {
    for (const command of this.commands) {
      if (command.paused !== null && --command.paused < 0) await this.goOn(command);
    }
    if (this.lock && --this.lock.lasts < 0) this.unlock();
    if (!isCommand(action.op)) return this.doDeed(action);
    const command = this.startCommand(action, action.op);
    if (action.gap !== null) return void (await sleep(action.gap));
    while (!command.running.isOver() && command.paused === null) await sleep(5);
    if (command.paused === null) await command.result;
  }

  private startCommand(action: Action, op: keyof typeof COMMANDS): Command {
    const { world, scene } = this;
    const actor = `c${this.commands.length}`;
    const { args, forward } = COMMANDS[op];
    const { fate } = action;
    const byEffect = fate?.unit === 'effect' ? fate : null;
    const node = byEffect ? ['--import', scene.installation.shim] : [];
    const running = start({
      command: [process.execPath, ...node, scene.installation.bin, ...args],
      host: world.hosts[action.host],
      user: scene.means.users ? action.user : null,
      umask: action.umask,
      cwd: world.dir,
      env: {
        ...world.env(action.user),
        // The actor of the journal and of hooks: which command it was.
        SUDO_USER: actor,
        ...(byEffect ? { CUTOVER_CRASH_AT: String(byEffect.at), CUTOVER_CRASH_SIGNAL: byEffect.signal } : {}),
      },
      own: world.clock(action.host),
    });
    const log: CommandLog = {
      actor,
      op,
      forward,
      began: this.now(),
      ended: Number.POSITIVE_INFINITY,
      safe: null,
      killed: false,
      stops: [],
    };
    this.tell(`${actor} begins: ${describeAction(action)}`);
    running.onStdout(() => this.hearSafe(log, running));
    const command: Command = { log, action, running, paused: null, result: running.ended };
    command.result = running.ended.then((ended) => this.onEnd(command, ended));
    this.commands.push(command);
    this.watching.push(this.watchCommand(command));
    return command;
  }

  private hearSafe(log: CommandLog, running: Running): void {
    const { stdout } = running.soFar();
    if (log.op !== 'emergency' || log.safe !== null) return;
    if (/\bsafe\b/.test(stdout) && !/NOT SAFE/.test(stdout)) this.saidSafe(log);
  }

  private saidSafe(log: CommandLog): void {
    log.safe = this.now();
    this.look(log.safe, true);
    this.tell(`${log.actor} says safe`);
  }

  private onEnd({ log, action }: Command, ended: Ended): Ended {
    const { code, signal, stdout, stderr } = ended;
    if (log.op === 'emergency' && (code === 0 || code === 4) && log.safe === null) this.saidSafe(log);
    log.ended = this.now();
    log.killed ||= signal === 'SIGKILL';
    const said = firstLine(stderr) || firstLine(stdout);
    this.tell(`${log.actor} ends: ${signal ?? `exit ${code}`}  ${log.op === 'status' ? '' : said}`);
    if (log.op === 'emergency') {
      this.emergencies.push(log.safe === null ? `${signal ?? `exit ${code}`} ${reasonOf(stderr)}` : 'safe');
    }
    const crash = CRASH.exec(`${stderr}\n${stdout}`);
    if (crash)
      this.violations.push(
        `${log.actor} (${log.op}) shows its inside: ${around(`${stderr}\n${stdout}`, crash.index)}`,
      );
    if (signal !== null && !log.killed && action.fate === null)
      this.violations.push(`${log.actor} died of ${signal}`);
    return ended;
  }

  /** Gives it its signal, sees it stop, and sees that it does not hang. */
  private async watchCommand(command: Command): Promise<void> {
    const { running, action, log } = command;
    const { fate } = action;
    let ran = 0;
    let last = this.now();
    let due = fate?.unit === 'ms' ? fate : null;
    while (!running.isOver()) {
      if (due && this.now() - log.began >= due.at) {
        running.signal(due.signal);
        log.killed ||= due.signal === 'SIGKILL';
        due = null;
      }
      if (
        command.paused === null &&
        fate?.signal === 'SIGSTOP' &&
        log.stops.length === 0 &&
        running.isStopped()
      ) {
        log.stops.push({ from: this.now(), to: Number.POSITIVE_INFINITY });
        command.paused = action.lasts;
        this.tell(`${log.actor} stands still`);
      }
      const now = this.now();
      if (command.paused === null) ran += now - last;
      else if (now - (log.stops[0]?.from ?? now) > LONGEST_STOP_MS) await this.goOn(command);
      last = now;
      if (ran > LONGEST_MS) {
        this.violations.push(`${log.actor} (${log.op}) hangs: ${running.soFar().stderr.slice(-300)}`);
        log.killed = true;
        running.signal('SIGKILL');
        return;
      }
      await sleep(10);
    }
  }

  private async goOn(command: Command): Promise<void> {
    if (command.paused === null) return;
    command.paused = null;
    const stop = command.log.stops.at(-1);
    if (stop) stop.to = this.now();
    this.tell(`${command.log.actor} goes on`);
    await command.running.goOn();
  }

  private doDeed({ op, lasts }: Action): void {
    const { world, log } = this;
    this.tell(op);
    switch (op) {
      case 'a hand sets 50 %':
      case 'a hand deletes the flag':
        this.look(this.now(), true);
        if (op === 'a hand sets 50 %') log.hands.push(this.now());
        world.store.hand(op === 'a hand sets 50 %' ? 0.5 : null);
        return;
      case 'somebody locks the database':
        this.lockDatabase(lasts);
        return;
      case 'legacy fails':
        world.legacy.mood = 'fails';
        return;
      case 'legacy hangs':
        world.legacy.mood = 'hangs';
        return;
      default:
        world.legacy.mood = 'well';
    }
  }

  private lockDatabase(lasts: number): void {
    if (this.lock) return;
    let db: Database.Database | undefined;
    try {
      db = new Database(join(this.world.dir, '.cutover', 'state.db'), { fileMustExist: true, timeout: 0 });
      db.exec('BEGIN EXCLUSIVE');
      this.lock = { db, lasts };
    } catch (error) {
      // There is none yet, or somebody is writing: then it is not locked.
      void error;
      db?.close();
    }
  }

  private unlock(): void {
    this.lock?.db.close();
    this.lock = undefined;
  }

  /** Looks at the store; kept when it says something new, or when the moment matters. */
  private look(at: number, keep: boolean): void {
    const seen = this.world.store.look();
    const last = this.log.store.at(-1);
    const same = last && last.share === seen.share && last.token === seen.token && last.kind === seen.kind;
    if (same && !keep) return;
    this.log.store.push({ at, ...seen });
    if (!same)
      this.tell(
        `the flag says ${seen.share === 0 ? '0 %' : `more (${seen.share})`}, by ${seen.kind ?? 'nobody'}, token ${seen.token}`,
      );
  }

  private async watchStore(): Promise<void> {
    while (!this.over) {
      this.look(this.now(), false);
      await sleep(LOOK_MS);
    }
  }

  private async watchReaders(): Promise<void> {
    const { readers } = this.log;
    const see = async (name: string, share: () => Promise<number | null>) => {
      const at = this.now();
      const seen = await share();
      if (seen === null) return;
      readers[name] ??= [];
      const last = readers[name].at(-1);
      readers[name].push({ at, share: seen });
      if (last && last.share !== seen) this.tell(`${name} sees ${seen === 0 ? '0 %' : `more (${seen})`}`);
    };
    while (!this.over) {
      if (this.world.store.file) await see('an application of nobody', () => this.scene.reader.see(this.id));
      const { gateway } = this;
      if (gateway) await see('gateway', () => gateway.ratio());
      await sleep(READER_MS);
    }
  }

  /** Everything goes on and ends; then what is still on its way lands, and readers see it. */
  private async finish(): Promise<void> {
    this.unlock();
    this.world.legacy.mood = 'well';
    for (const command of this.commands) await this.goOn(command);
    await Promise.all(this.commands.map(({ result }) => result));
    await sleep(this.history.store.delayMs + LULL_MS);
    const safe = Math.max(...this.commands.map(({ log }) => log.safe ?? 0));
    while (safe > 0 && this.now() < safe + GRACE_MS + READER_MS * 3 && !this.settled(safe))
      await sleep(READER_MS);
    await this.gateway?.stop();
    await this.check();
    const deadline = this.now() + LEFTOVERS_MS;
    while (processesOf(this.world.dir).length > 0 && this.now() < deadline) await sleep(50);
    for (const { command } of processesOf(this.world.dir)) this.violations.push(`left behind: ${command}`);
  }

  private settled(safe: number): boolean {
    return Object.values(this.log.readers).every((sightings) => {
      const last = sightings.at(-1);
      return last !== undefined && last.at > safe + 1200 && last.share === 0;
    });
  }

  /** After all of it the journal is whole. */
  private async check(): Promise<void> {
    const { world, scene } = this;
    const running = start({
      command: [process.execPath, scene.installation.bin, 'history', '--verify'],
      host: world.hosts[0],
      user: scene.means.users ? 'root' : null,
      umask: '022',
      cwd: world.dir,
      env: world.env('root'),
      own: {},
    });
    const timer = setTimeout(() => running.signal('SIGKILL'), LONGEST_MS);
    const { code, signal, stderr } = await running.ended;
    clearTimeout(timer);
    if (code !== 0)
      this.violations.push(`history --verify ends with ${signal ?? code}: ${firstLine(stderr)}`);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has ended.
    void error;
  }
}

const firstLine = (text: string) => text.trim().split('\n')[0] ?? '';

/** Why an emergency did not say safe, without what differs from one world to the next. */
function reasonOf(stderr: string): string {
  const line = stderr.split('\n').find((each) => /cutover:|NOT SET|failed|warning/.test(each)) ?? '';
  return line
    .replace(/\/\S*world-\d+\/?/g, '')
    .replace(/op-[\w-]+/g, 'op')
    .replace(/\d+ ms/g, 'ms')
    .trim()
    .slice(0, 120);
}

const around = (text: string, index: number) =>
  text.slice(Math.max(0, index - 160), index + 200).replace(/\s+/g, ' ');
