import { MAX_ITEM_BYTES, type OnItem, type Splitter } from './splitter.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const COMMA = 0x2c;

/**
 * One item an element of a JSON array, or one an object where objects follow each other, on one line or on
 * many. Only brackets and strings are looked at; whether an item is JSON is for the parser to say.
 * An array need not fit into memory.
 */
export function createJsonValueSplitter(onItem: OnItem): Splitter {
  let line = 1;
  let depth = 0;
  /** 1 inside the outer array: the depth at which items begin. */
  let base = 0;
  let arrays = 0;
  let inString = false;
  let escaped = false;
  /** The item being read: where it began, and its bytes from earlier chunks. */
  let itemLine = 0;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let inItem = false;
  /** How many elements of the array came before. */
  let elements = 0;

  const finish = (bytes: Buffer, open: boolean) => {
    const size = heldBytes + bytes.length;
    const element = base === 1 ? elements++ : undefined;
    if (size > MAX_ITEM_BYTES) {
      onItem({ text: '', line: itemLine, element, open, fault: 'record is longer than 64 MB' });
    } else {
      const text = (held.length > 0 ? Buffer.concat([...held, bytes]) : bytes).toString('utf8').trim();
      if (text !== '') onItem({ text, line: itemLine, element, open });
    }
    held = [];
    heldBytes = 0;
    inItem = false;
  };

  return {
    write(chunk) {
      let start = 0;
      const begin = (at: number) => {
        inItem = true;
        itemLine = line;
        start = at;
      };
      for (let i = 0; i < chunk.length; i++) {
        const byte = chunk[i] as number;
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === BACKSLASH) escaped = true;
          else if (byte === QUOTE) inString = false;
          else if (byte === NEWLINE) line++;
          continue;
        }
        switch (byte) {
          case NEWLINE:
            line++;
            break;
          case QUOTE:
            if (!inItem) begin(i);
            inString = true;
            break;
          case OPEN_ARRAY:
            if (depth === 0 && !inItem) {
              base = 1;
              elements = 0;
              arrays++;
            } else if (!inItem) begin(i);
            depth++;
            break;
          case OPEN_OBJECT:
            if (!inItem) begin(i);
            depth++;
            break;
          case CLOSE_ARRAY:
          case CLOSE_OBJECT:
            if (depth > 0) depth--;
            if (inItem && depth < base) {
              // The outer array ends here: what stood before it was its last element.
              finish(chunk.subarray(start, i), false);
              base = 0;
            } else if (inItem && depth === base) {
              finish(chunk.subarray(start, i + 1), false);
            } else if (depth === 0) {
              base = 0;
            }
            break;
          case COMMA:
            if (inItem && depth === base) finish(chunk.subarray(start, i), false);
            break;
          case 0x20:
          case 0x09:
          case 0x0d:
            break;
          default:
            if (!inItem) begin(i);
        }
      }
      if (inItem) {
        const rest = chunk.subarray(start);
        heldBytes += rest.length;
        if (heldBytes <= MAX_ITEM_BYTES) held.push(rest);
        else held = [];
      }
    },
    end() {
      if (inItem) finish(Buffer.alloc(0), true);
      else if (arrays > 0 && depth > 0) {
        onItem({ text: '', line, open: true, fault: 'truncated: the array is never closed' });
      }
    },
  };
}
