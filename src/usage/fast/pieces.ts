import { BESIDES } from '../formats/native.ts';
import * as at from './kernel/layout.ts';
import { Field } from './kernel/layout.ts';

const FIELDS: Readonly<Record<string, Field>> = {
  id: Field.id,
  timestamp: Field.at,
  provider: Field.provider,
  model: Field.model,
  input_tokens: Field.input,
  cached_input_tokens: Field.cached,
  output_tokens: Field.output,
  latency_ms: Field.latency,
  ttft_ms: Field.ttft,
  status: Field.status,
  cost: Field.cost,
  user: Field.user,
};

/** The kernel has no place for these: a line with one of them is read by the native format. */
const SLOW: ReadonlySet<string> = new Set(BESIDES);

/** What may stand between two values, at the beginning of a line and at its end: `,"model":`, `{"id": `, `}\n`. */
const PIECE = /^[ \t\r]*(?:([{,])[ \t\r]*"([ !#-[\]-~]*)"[ \t\r]*:[ \t\r]*|(\{?)[ \t\r]*\}[ \t\r]*\n)/;

/**
 * Lines of one writer hold the same keys in the same order, so the bytes between two values are known before they are
 * read. Such a piece, the field whose value follows it, and the pieces that were seen after that value make a tree in
 * the memory of the kernel; a line is a walk from its root, and no key is decoded twice.
 */
export interface Pieces {
  /**
   * Adds the piece at a place to those that follow a node.
   * @returns false when no piece is there, or a key with escapes or one that the kernel does not read, or when the tree
   * is full: a log that has so many pieces has no order that could be learned.
   */
  learn(node: number, place: number): boolean;
}

/** @param unwanted fields whose values nobody asks for. */
export function createPieces(bytes: Buffer, words: Int32Array, unwanted: readonly Field[]): Pieces {
  let count = 1;
  return {
    learn(node, place) {
      if (count === at.MAX_NODES) return false;
      const found = PIECE.exec(bytes.toString('latin1', place, place + at.MAX_PIECE));
      if (!found) return false;
      const [piece, opener, key, empty] = found;
      if (key !== undefined && SLOW.has(key)) return false;
      if ((node === at.NODES) !== (opener === '{' || empty === '{')) return false;
      const made = at.NODES + at.NODE_BYTES * count++;
      bytes.copy(bytes, made + at.PIECE, place, place + piece.length);
      words[(made + at.LENGTH) / 4] = piece.length;
      words[(made + at.FIELD) / 4] = fieldOf(key, unwanted);
      // At the end: what is frequent tends to be seen early.
      let link = (node + at.NEXT) / 4;
      while (words[link] !== 0) link = ((words[link] as number) + at.SIBLING) / 4;
      words[link] = made;
      return true;
    },
  };
}

function fieldOf(key: string | undefined, unwanted: readonly Field[]): Field {
  if (key === undefined) return Field.end;
  const field = Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined;
  return field === undefined || unwanted.includes(field) ? Field.other : field;
}
