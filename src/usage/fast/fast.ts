import type { Times } from '../sink.ts';
import type { KernelModule } from './host.ts';
import type { NativeLines, NativeReader, NativeSource, Wants } from './native-lines.ts';
import type { FileRest, Threads } from './threads.ts';

/** The fast way through logs of the native format. What it takes is loaded when the first of them is met. */
export interface Fast {
  /** Fewer bytes are not worth it. */
  readonly minBytes: number;
  /** See threads.ts; undefined also where there are no threads. */
  readFile(rest: FileRest): Promise<Times | undefined>;
  /** Reads the rest of a source on this thread; the source before must have ended. */
  lines(source: NativeSource): Promise<NativeLines>;
}

/** What a smaller log takes without it is less than it takes to load. */
const MIN_BYTES = 1024 * 1024;

export function createFast<T>(options: { wants: Wants; threads?: Threads<T>; minBytes?: number }): Fast {
  const { wants, minBytes = MIN_BYTES } = options;
  let { threads } = options;
  let kernel: KernelModule | undefined;
  let reader: NativeReader | undefined;
  const compiled = async () => {
    if (!kernel) {
      const { compileKernel } = await import('./host.ts');
      kernel = compileKernel();
    }
    return kernel;
  };
  return {
    minBytes,
    async readFile(rest) {
      if (!threads) return undefined;
      const { readInThreads } = await import('./threads.ts');
      const times = await readInThreads(rest, threads, await compiled(), wants);
      if (times !== 'too much') return times;
      // What they hold is let go before this thread holds it all.
      await threads.crew.dismiss();
      threads = undefined;
      return undefined;
    },
    async lines(source) {
      if (!reader) {
        const { createNativeReader } = await import('./native-lines.ts');
        reader = createNativeReader(await compiled(), wants);
      }
      return reader.open(source);
    },
  };
}
