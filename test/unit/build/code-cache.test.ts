import { expect, it } from 'vitest';

it('runs commands in an environment that leads to nobody else', async () => {
  const { bareEnvironment } = await import(new URL('../../../build/code-cache.mjs', import.meta.url).href);
  const env = {
    PATH: '/bin',
    HOME: '/home/ann',
    CUTOVER_STATE: '/srv/prod',
    CUTOVER_CONFIG: '/srv/prod.yaml',
    GITHUB_ACTIONS: 'true',
    GITHUB_STEP_SUMMARY: '/tmp/summary.md',
    NODE_OPTIONS: '--inspect',
  };
  expect(bareEnvironment(env)).toEqual({ PATH: '/bin', HOME: '/home/ann' });
});
