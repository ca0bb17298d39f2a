import { readWords } from './argv.ts';
import { GLOBAL_OPTIONS, ROLLBACK_OPTIONS } from './rollback-options.ts';

/** What an emergency is asked for. */
export interface EmergencyRequest {
  config: string | undefined;
  reason: string;
  json: boolean;
  dryRun: boolean;
  /** DNS records that somebody else has changed are overwritten. */
  overwriteDns: boolean;
  /** false after --no-color. */
  color: boolean;
  /** Words that an emergency does not need; it does not stop at them. */
  ignored: string[];
}

const HEEDED = [
  '--emergency',
  '--config',
  '--reason',
  '--json',
  '--dry-run',
  '--overwrite-dns',
  '--no-color',
];
/** They change nothing about what an emergency does: it never asks. */
const HARMLESS = ['--yes', '--no-input'];

/**
 * The emergency that a command line asks for, or null when it asks for something else: then nothing of the
 * emergency is loaded, and otherwise nothing else.
 */
export function emergencyRequest(argv: readonly string[]): EmergencyRequest | null {
  // Cheap, and true of every emergency: most command lines end here.
  if (!argv.includes('rollback')) return null;
  const words = readWords(argv, [...GLOBAL_OPTIONS, ...ROLLBACK_OPTIONS]);
  const [command, ...operands] = words.flatMap((word) => (word.kind === 'operand' ? [word.text] : []));
  const options = words.flatMap((word) => (word.kind === 'option' ? [word] : []));
  const has = (name: string) => options.some((option) => option.name === name);
  if (command !== 'rollback' || !has('--emergency') || has('--help') || has('-h')) return null;
  const last = (name: string) => options.findLast((option) => option.name === name)?.value;
  return {
    config: last('--config'),
    reason: last('--reason') ?? '',
    json: has('--json'),
    dryRun: has('--dry-run'),
    overwriteDns: has('--overwrite-dns'),
    color: !has('--no-color'),
    ignored: [
      ...options.map(({ name }) => name).filter((name) => !HEEDED.includes(name) && !HARMLESS.includes(name)),
      ...options.flatMap(({ name, value }) =>
        name === '--emergency' && value !== undefined ? [`${name}=${value}`] : [],
      ),
      ...operands,
    ],
  };
}
