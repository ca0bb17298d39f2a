import { readWords } from './argv.ts';
import { GLOBAL_OPTIONS } from './rollback-options.ts';

/** The words of a command line that are neither options nor the value of a global one: the command comes first. */
export function operands(argv: readonly string[]): string[] {
  return readWords(argv, GLOBAL_OPTIONS).flatMap((word) => (word.kind === 'operand' ? [word.text] : []));
}

/** What people type who mean something else of ours. */
const MEANT = new Map([
  ['emergency', 'cutover rollback --emergency'],
  ['rollback emergency', 'cutover rollback --emergency'],
  ['panic', 'cutover rollback --emergency'],
  ['undo', 'cutover rollback'],
  ['revert', 'cutover rollback'],
  ['promote', 'cutover shift --next'],
  ['next', 'cutover shift --next'],
  ['start', 'cutover canary start'],
  ['check', 'cutover canary check'],
  ['pause', 'cutover freeze --reason "…"'],
  ['unpause', 'cutover unfreeze'],
  ['log', 'cutover history'],
]);

/** The command that was meant, for an error's hint; undefined when that cannot be told. */
export function meant(words: readonly string[]): string | undefined {
  const command = MEANT.get(words.slice(0, 2).join(' ')) ?? MEANT.get(words[0] ?? '');
  return command && `did you mean \`${command}\`?`;
}
