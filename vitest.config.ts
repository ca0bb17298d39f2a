import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Many tests start processes, and many of those wait: one more than two cores keeps both at work.
    maxWorkers: 3,
    // Many times what a test needs: on a machine that is busy with others nothing hangs yet.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    reporters: ['default', './test/closing-line.ts'],
  },
});
