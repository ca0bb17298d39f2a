import type { ChalkInstance } from 'chalk';

/** Styles for text that goes to a terminal; level 0 prints plain text. */
export type Style = ChalkInstance;
