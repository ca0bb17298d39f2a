import type { OptionText } from './rollback-options.ts';

/** One word of a command line after the options were told apart, as commander does it. */
export type Word =
  | { kind: 'option'; name: string; value: string | undefined; known: boolean }
  | { kind: 'operand'; text: string };

/**
 * Tells options, their values and operands apart by the options' own texts (`-c, --config <path>`), so that a value
 * is never taken for a command. An option that is not known is taken to have no value.
 */
export function readWords(argv: readonly string[], options: readonly OptionText[]): Word[] {
  const takesValue = new Map(
    options.flatMap(([flags]) => flagNames(flags).map((name) => [name, flags.includes('<')] as const)),
  );
  const longName = new Map(
    options.flatMap(([flags]) => flagNames(flags).map((name) => [name, flagNames(flags).at(-1) ?? name])),
  );
  const words: Word[] = [];
  for (let at = 0; at < argv.length; at++) {
    const text = argv[at] as string;
    if (text === '--') {
      for (const rest of argv.slice(at + 1)) words.push({ kind: 'operand', text: rest });
      break;
    }
    if (!text.startsWith('-') || text === '-') {
      words.push({ kind: 'operand', text });
      continue;
    }
    const { name, attached } = splitOption(text);
    const wants = takesValue.get(name);
    const value = attached ?? (wants ? argv[++at] : undefined);
    words.push({ kind: 'option', name: longName.get(name) ?? name, value, known: wants !== undefined });
  }
  return words;
}

/** `--config=x` and `-cx` carry their value. */
function splitOption(text: string): { name: string; attached: string | undefined } {
  if (!text.startsWith('--'))
    return { name: text.slice(0, 2), attached: text.length > 2 ? text.slice(2) : undefined };
  const equals = text.indexOf('=');
  return equals < 0
    ? { name: text, attached: undefined }
    : { name: text.slice(0, equals), attached: text.slice(equals + 1) };
}

function flagNames(flags: string): string[] {
  return flags.split(/[ ,|]+/).filter((name) => name.startsWith('-'));
}
