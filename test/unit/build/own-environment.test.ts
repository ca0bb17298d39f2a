import { expect, it } from 'vitest';

it('leads no command to the migration of whoever builds', async () => {
  const { ownEnvironment } = await import(
    new URL('../../../build/own-environment.mjs', import.meta.url).href
  );
  const kept = { PATH: '/bin', HOME: '/home/ann', NO_COLOR: '1' };
  const elsewhere = {
    CUTOVER_STATE: '/srv/prod',
    CUTOVER_CONFIG: '/srv/prod.yaml',
    GITHUB_ACTIONS: 'true',
    GITHUB_STEP_SUMMARY: '/tmp/summary.md',
  };
  expect(ownEnvironment({ ...kept, ...elsewhere })).toEqual(kept);
});
