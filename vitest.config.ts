import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Many tests start processes, and many of those wait: more than two at a time keep two cores at work.
    maxWorkers: 4,
    // Nothing in src/ or test/ keeps state in a module, so a file need not load anew what another has loaded.
    isolate: false,
    // Many times what a test needs: on a machine that is busy with others nothing hangs yet.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    reporters: ['default', './test/closing-line.ts'],
  },
});
