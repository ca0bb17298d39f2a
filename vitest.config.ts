import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Many tests start processes; more than the cores would only make them wait for each other.
    maxWorkers: 2,
    // Many times what a test needs: on a machine that is busy with others nothing hangs yet.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    reporters: ['default', './test/closing-line.ts'],
  },
});
