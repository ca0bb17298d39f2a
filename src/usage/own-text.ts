/** V8 keeps shorter pieces of a text as texts of their own. */
const SHORTEST_VIEW = 13;

/**
 * The same text, to be kept. A piece of a text is a view of it in V8: whoever keeps a cell of a row keeps the megabyte that
 * the row was cut from.
 */
export function ownText(text: string): string {
  return text.length < SHORTEST_VIEW ? text : ` ${text}`.slice(1);
}
