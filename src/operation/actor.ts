import { hostname, userInfo } from 'node:os';
import { safe } from '../clean.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Who runs this: `user@host`, or the CI job. Goes into the journal, the history and notifications. */
export function actorOf(env: Env): string {
  return safe(named(env));
}

function named(env: Env): string {
  if (env.GITHUB_ACTIONS === 'true') {
    return `github:${env.GITHUB_ACTOR ?? '?'} ${env.GITHUB_REPOSITORY ?? ''}#${env.GITHUB_RUN_ID ?? '?'}`;
  }
  if (env.GITLAB_CI === 'true') return `gitlab:${env.GITLAB_USER_LOGIN ?? '?'} job ${env.CI_JOB_ID ?? '?'}`;
  if (env.JENKINS_URL && env.BUILD_TAG) return `jenkins:${env.BUILD_TAG}`;
  return `${env.SUDO_USER ?? userName()}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a uid that has no name.
    return `uid${process.getuid?.() ?? '?'}`;
  }
}
