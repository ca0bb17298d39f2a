/**
 * The environment without what leads a command elsewhere. Who builds, plays the demo or runs a benchmark may be in the
 * midst of a migration (CUTOVER_CONFIG, CUTOVER_STATE), or in a job with a summary (GITHUB_STEP_SUMMARY).
 */
export function ownEnvironment(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(CUTOVER|GITHUB)_/i.test(name)));
}
