import { build } from 'esbuild';

/** Builds src/usage/fast/kernel/binary.ts as the bytes themselves: to write them takes longer than to compile them. */
export const kernel = {
  name: 'kernel',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]fast[\\/]kernel[\\/]binary\.ts$/ }, async ({ path }) => {
      const { outputFiles } = await build({
        entryPoints: [path],
        bundle: true,
        format: 'esm',
        platform: 'node',
        write: false,
      });
      const { kernelBinary } = await import(
        `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
      );
      const bytes = Buffer.from(kernelBinary()).toString('base64');
      return {
        contents: `export const kernelBinary = () => Buffer.from('${bytes}', 'base64');`,
        loader: 'js',
      };
    });
  },
};
