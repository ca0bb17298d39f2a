import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configHash, type EmergencyConfig, SNAPSHOT_NAME } from './lenient.ts';
import type { Config } from './schema.ts';

/** Keeps a copy of a whole config for an emergency (see lenient.ts). Does nothing when it is there already. */
export function keepSnapshot(stateDir: string, text: string, config: Config): void {
  const path = join(stateDir, SNAPSHOT_NAME);
  const { migration, flag, hooks, checkpoints } = config;
  const kept: EmergencyConfig = { migration, flag, hooks, checkpoints };
  const content = JSON.stringify({ hash: configHash(text), config: kept });
  try {
    if (readFileSync(path, 'utf8') === content) return;
  } catch (error) {
    // Not there yet.
    void error;
  }
  try {
    const temporary = `${path}.${process.pid}.tmp`;
    writeFileSync(temporary, content, { mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    // A convenience for later must not fail the command at hand: an emergency can do without it.
    void error;
  }
}
