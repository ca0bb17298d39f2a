import type { Help } from 'commander';

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
