import type { Format } from '../format.ts';
import { llmperf } from './llmperf.ts';
import { native } from './native.ts';

/** Every known format, the most particular first: the first that matches an object takes the file. */
export const FORMATS: readonly Format[] = [llmperf, native];
