/** Flags and description of an option, as commander takes them. */
export type OptionText = readonly [flags: string, description: string];

/** Options of every command. */
export const GLOBAL_OPTIONS: readonly OptionText[] = [
  ['-c, --config <path>', 'the config (default: $CUTOVER_CONFIG, then ./cutover.yaml)'],
  ['--json', 'one JSON document on stdout'],
  ['--no-color', 'plain text'],
  ['--no-input', 'never ask; a missing answer is an error'],
];

/** Options of `rollback`. An emergency reads them without commander, which takes too long to load. */
export const ROLLBACK_OPTIONS: readonly OptionText[] = [
  ['--to <checkpoint>', 'number of the checkpoint, see `cutover checkpoint list`'],
  ['--emergency', 'all traffic to legacy at once; asks nothing, works without the database'],
  ['--over <time>', 'step by step down the ladder, spread over this time, e.g. 10m'],
  ['--anyway', 'also when legacy does not answer'],
  ['--dry-run', 'show the plan and whether it is possible, change nothing'],
  ['-y, --yes', 'do not ask'],
  ['--confirm <migration>', "the migration's name, to roll a complete migration back"],
  ['--force', 'go to a checkpoint that sends more traffic to target; needs --reason'],
  ['--overwrite-dns', 'also DNS records that somebody else has changed since they were moved'],
  ['--wait <time>', 'wait this long for another operation to end, e.g. 30s'],
  ['--reason <text>', 'why, for the journal and those who are told'],
];
