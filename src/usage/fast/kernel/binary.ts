/** The build has this written before the command is run: see build/kernel.mjs. */
export { kernelBinary } from './kernel.ts';
