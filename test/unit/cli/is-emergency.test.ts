import { describe, expect, it } from 'vitest';
import { emergencyRequest } from '../../../src/cli/is-emergency.ts';

describe('a command line', () => {
  it.each([
    'rollback --emergency',
    '--json rollback --emergency',
    '-c cutover.yaml rollback --emergency',
    '--config=x.yaml rollback --reason fire --emergency',
    'rollback --emergency --to 3 --over 10m --wait 5s --force --confirm X',
    'rollback --emergency --nonsense',
    'rollback --yes --emergency extra words',
    'rollback --emergency -- --help',
  ])('is an emergency: %s', (line) => {
    expect(emergencyRequest(line.split(' '))).not.toBeNull();
  });

  it.each([
    'rollback',
    'rollback --emergancy',
    'rollback --reason --emergency',
    'rollback --emergency --help',
    'rollback -h --emergency',
    'checkpoint create --reason rollback --emergency',
    '-c rollback status --emergency',
    'history --limit rollback --emergency',
    'rollback -- --emergency',
    'status --emergency',
  ])('is none: %s', (line) => {
    expect(emergencyRequest(line.split(' '))).toBeNull();
  });

  it('says what it asks for, and what means nothing to an emergency', () => {
    expect(
      emergencyRequest([
        '-cx.yaml',
        'rollback',
        '--emergency',
        '--reason=on fire',
        '--json',
        '--to',
        '1',
        '-y',
        '-q',
      ]),
    ).toEqual({
      config: 'x.yaml',
      reason: 'on fire',
      json: true,
      dryRun: false,
      overwriteDns: false,
      color: true,
      ignored: ['--to', '-q'],
    });
  });
});
