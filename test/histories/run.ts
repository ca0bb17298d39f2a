import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Command } from './command.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { type Action, type History, isCommand } from './history.ts';
import { start } from './hosts.ts';
import { journalOf } from './journal.ts';
import { processesOf } from './leftovers.ts';
import { GRACE_MS, type Judgement, judge } from './oracle.ts';
import { Recorder } from './recorder.ts';
import { firstKey } from './stores.ts';
import { READER_MS, watchReaders, watchStore } from './watch.ts';
import { makeWorld, type Scene, type World } from './world.ts';

/** What came of a history. */
export interface Outcome extends Judgement {
  /** A line an emergency: `safe`, or why not. */
  emergencies: string[];
  /** Whether anybody was sent to target at all. */
  moved: boolean;
  stopped: number;
  killed: number;
  /** What happened when, for people. */
  story: string[];
}

/** After the last command: for what still lands. */
const LULL_MS = 700;
/** What a hook or a flag command may need to end after its command has ended. */
const LEFTOVERS_MS = 12_000;
/** For a command that only looks. */
const LONGEST_LOOK_MS = 45_000;

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
  private readonly commands: Command[] = [];
  private readonly recorder: Recorder;
  private readonly over = new AbortController();
  private watching: Promise<unknown> = Promise.resolve();
  private gateway: Gateway | null = null;
  private lock: { db: Database.Database; lasts: number } | null = null;

  constructor(
    private readonly history: History,
    private readonly scene: Scene,
    private readonly world: World,
  ) {
    this.recorder = new Recorder(world.store, history.store.naive);
  }

  async run(): Promise<Outcome> {
    const { history, world, scene, recorder, over } = this;
    const { log, violations, emergencies, story } = recorder;
    const { file } = world.store;
    world.target.onAsked = () => log.targetAsked.push(recorder.now());
    if (file) scene.reader.watch(world.dir, file, firstKey(file.key));
    await this.startGateway();
    const application = file && { reader: scene.reader, id: world.dir };
    this.watching = Promise.all([
      watchStore(recorder, over.signal),
      watchReaders(recorder, { application, gateway: () => this.gateway }, over.signal),
    ]);
    for (const action of [...history.before, history.emergency, ...history.after]) await this.act(action);
    await this.finish();
    log.end = recorder.now();
    log.journal = journalOf(world.dir);
    log.commands = this.commands.map((command) => command.log);
    const judgement = judge(log);
    return {
      ...judgement,
      violations: [...violations, ...judgement.violations],
      emergencies,
      moved: log.store.some(({ share }) => share > 0),
      stopped: log.commands.filter(({ stops }) => stops.length > 0).length,
      killed: log.commands.filter(({ killed }) => killed).length,
      story,
    };
  }

  /** Lets go of everything, whatever has happened. */
  async end(): Promise<void> {
    this.over.abort();
    this.unlock();
    await this.watching;
    await this.gateway?.stop();
    if (this.world.store.file) this.scene.reader.drop(this.world.dir);
    for (const command of this.commands) command.kill();
    for (const { pid } of processesOf(this.world.dir)) kill(pid);
  }

  private async act(action: Action): Promise<void> {
    for (const command of this.commands) {
      if (command.pausedFor !== null && --command.pausedFor < 0) await command.goOn();
    }
    if (this.lock && --this.lock.lasts < 0) this.unlock();
    if (!isCommand(action.op)) return this.doDeed(action);
    const actor = `c${this.commands.length}`;
    const command = new Command(action, action.op, actor, this.recorder, this.world, this.scene);
    this.commands.push(command);
    if (action.gap !== null) return void (await sleep(action.gap));
    while (!command.isOver() && command.pausedFor === null) await sleep(5);
    if (command.pausedFor === null) await command.result;
  }

  private async doDeed({ op, lasts }: Action): Promise<void> {
    const { world, recorder } = this;
    recorder.tell(op);
    switch (op) {
      case 'a hand sets 50 %':
        recorder.look('matters');
        recorder.log.hands.push(recorder.now());
        return world.store.hand(0.5);
      case 'a hand deletes the flag':
        return world.store.hand(null);
      case 'somebody locks the database':
        return this.lockDatabase(lasts);
      case 'the gateway starts again':
        await this.gateway?.stop();
        return this.startGateway();
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

  private async startGateway(): Promise<void> {
    const { history, world, scene } = this;
    this.gateway = null;
    if (world.store.file && history.gateway) this.gateway = await startGateway(world, scene, history.gateway);
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
    this.lock = null;
  }

  /** Everything goes on and ends; then what is still on its way lands, and readers see it. */
  private async finish(): Promise<void> {
    const { recorder, world, history } = this;
    this.unlock();
    world.legacy.mood = 'well';
    for (const command of this.commands) await command.goOn();
    await Promise.all(this.commands.map(({ result }) => result));
    await sleep(history.store.delayMs + LULL_MS);
    const safe = Math.max(...this.commands.map(({ log }) => log.safe ?? 0));
    const latest = safe === 0 ? 0 : safe + GRACE_MS + 3 * READER_MS;
    while (recorder.now() < latest && !this.settled(safe)) await sleep(READER_MS);
    await this.gateway?.stop();
    this.gateway = null;
    await this.verify();
    const deadline = recorder.now() + LEFTOVERS_MS;
    while (processesOf(world.dir).length > 0 && recorder.now() < deadline) await sleep(50);
    for (const { command } of processesOf(world.dir)) recorder.violations.push(`left behind: ${command}`);
  }

  private settled(safe: number): boolean {
    return Object.values(this.recorder.log.readers).every((sightings) => {
      const last = sightings.at(-1);
      return last !== undefined && last.at > safe + 1200 && last.share === 0;
    });
  }

  /** After all of it the journal is whole. */
  private async verify(): Promise<void> {
    const { world, scene, recorder } = this;
    const running = start({
      command: [process.execPath, scene.installation.bin, 'history', '--verify'],
      host: world.hosts[0],
      user: scene.means.users ? 'root' : null,
      umask: '022',
      cwd: world.dir,
      env: world.env('root'),
      own: {},
    });
    const timer = setTimeout(() => running.signal('SIGKILL'), LONGEST_LOOK_MS);
    const { code, signal, stderr } = await running.ended;
    clearTimeout(timer);
    if (code !== 0)
      recorder.violations.push(`history --verify ends with ${signal ?? code}: ${stderr.slice(0, 300)}`);
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
