import { build } from 'rolldown';

/** Builds src/usage/fast/kernel/binary.ts as the bytes themselves: to write them takes longer than to compile them. */
export function kernel() {
  return {
    name: 'kernel',
    load: {
      filter: { id: /[\\/]fast[\\/]kernel[\\/]binary\.ts$/ },
      async handler(id) {
        const { output } = await build({ input: id, platform: 'node', write: false });
        const code = Buffer.from(output[0].code).toString('base64');
        const { kernelBinary } = await import(`data:text/javascript;base64,${code}`);
        const bytes = Buffer.from(kernelBinary()).toString('base64');
        return {
          code: `export const kernelBinary = () => Buffer.from('${bytes}', 'base64');`,
          moduleType: 'js',
        };
      },
    },
  };
}
