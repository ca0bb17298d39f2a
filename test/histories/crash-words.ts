/** A stack trace, or the words of a library: cutover's own errors say what, why and how to mend it. */
const CRASH =
  /^\s+at .*:\d+:\d+\)?$|^(?:Uncaught )?(?:Type|Reference|Range|Syntax|Sqlite)Error\b|UNIQUE constraint|node:internal|FATAL ERROR/m;

/** The part of an output that shows the inside of the program; null when there is none. */
export function crashIn(output: string): string | null {
  const crash = CRASH.exec(output);
  if (!crash) return null;
  return output.slice(Math.max(0, crash.index - 160), crash.index + 200).replace(/\s+/g, ' ');
}
