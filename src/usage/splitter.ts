/**
 * Cuts a stream of bytes into the texts of single items. Bytes go in, in pieces of any size; each item comes
 * out once, in order, with the line it starts on.
 */
export interface Splitter {
  write(chunk: Buffer): void;
  /** Delivers what is left. */
  end(): void;
}

export interface Item {
  /** The item's text; empty when `fault` is set. */
  text: string;
  /** The line the item starts on; the first is 1. */
  line: number;
  /** Which element of an array the item is, counted from 0. */
  element?: number | undefined;
  /** The item is the file's last and nothing closes it (no newline, no bracket): it may be cut off. */
  open: boolean;
  /** Why the item has no text. */
  fault?: string;
}

export type OnItem = (item: Item) => void;

/** Longer items are no log records, and one of them must not eat the memory. */
export const MAX_ITEM_BYTES = 64 * 1024 * 1024;
