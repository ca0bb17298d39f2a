import type { Command, Help } from 'commander';

/** Below this there is no room for two columns side by side. */
const TWO_COLUMNS = 60;
const INDENT = 6;

/** One option or command of a help text: in narrow places its description stands below it. */
export function narrowItem(
  helper: Help,
  wide: Help['formatItem'],
  ...[term, termWidth, description]: Parameters<Help['formatItem']>
): string {
  const width = helper.helpWidth ?? TWO_COLUMNS;
  if (width >= TWO_COLUMNS || description === '')
    return wide.call(helper, term, termWidth, description, helper);
  const text = helper.boxWrap(description, width - INDENT);
  return [`  ${term}`, ...text.split('\n').map((line) => ' '.repeat(INDENT) + line)].join('\n');
}

/**
 * What help is asked for by a name that no command has, where commander would show the help of all; undefined where
 * none is asked for, or the name is one.
 * @param words the command line without options and their values
 */
export function unknownTopic(
  program: Command,
  words: readonly string[],
): { word: string; known: string[] } | undefined {
  let command = program;
  let asked = false;
  for (const word of words) {
    // What has no commands below it takes what it likes.
    if (command.commands.length === 0) return undefined;
    if (word === 'help') {
      asked = true;
      continue;
    }
    const next = command.commands.find((one) => one.name() === word);
    if (!next) return asked ? { word, known: command.commands.map((one) => one.name()) } : undefined;
    command = next;
  }
  return undefined;
}
