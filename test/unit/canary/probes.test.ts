import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadProbes } from '../../../src/canary/probe-file.ts';
import { DEFAULT_PROBES, isInvalid, parseProbes } from '../../../src/canary/probes.ts';

describe('a probe file', () => {
  it('takes prompts and messages, skips comments and empty lines', () => {
    const text =
      '# comment\n{"prompt":"hi"}\n\n{"messages":[{"role":"user","content":"x"}],"maxTokens":5,"model":"m"}\n';
    expect(parseProbes(text, 'p.jsonl')).toEqual([
      { messages: [{ role: 'user', content: 'hi' }], maxTokens: 100 },
      { messages: [{ role: 'user', content: 'x' }], maxTokens: 5, model: 'm' },
    ]);
  });

  it.each([
    ['{oops', /^p\.jsonl:2: not JSON/],
    ['[]', /^p\.jsonl:2: a probe is a JSON object/],
    ['{}', /^p\.jsonl:2: give either prompt or messages/],
    ['{"prompt":"a","messages":[]}', /:2: give either prompt or messages/],
    ['{"prompt":""}', /:2: prompt must be text/],
    ['{"messages":[{"role":"user"}]}', /:2: messages must be a list/],
    ['{"prompt":"a","maxToken":1}', /:2: unknown key "maxToken"; known: messages/],
    ['{"prompt":"a","maxTokens":0}', /:2: maxTokens must be/],
    ['{"prompt":"a","expect":{}}', /:2: expect is empty/],
    ['{"prompt":"a","expect":{"json":false}}', /:2: expect\.json can only be true/],
    ['{"prompt":"a","expect":{"regex":"("}}', /:2: expect\.regex: Invalid regular expression/],
    ['{"prompt":"a","expect":{"matches":"x"}}', /:2: unknown key "matches" in expect/],
  ])('with the line %s is refused', (line, message) => {
    expect(() => parseProbes(`{"prompt":"fine"}\n${line}`, 'p.jsonl')).toThrow(
      expect.objectContaining({
        code: 'PROBES_INVALID',
        exitCode: 65,
        message: expect.stringMatching(message),
      }),
    );
  });

  it('names every mistake at once, and an empty file is one', () => {
    expect(() => parseProbes('{}\n{"prompt":"a"}\n3', 'f')).toThrow(/^f:1: .*\nf:3: /);
    expect(() => parseProbes('# nothing\n', 'f')).toThrow('f:1: no probe in the file');
  });

  it('that is missing is unusable input; without a name the built-in probes are used', () => {
    expect(() => loadProbes('none.jsonl', '/nowhere')).toThrow(expect.objectContaining({ exitCode: 65 }));
    expect(loadProbes(undefined, '/')).toBe(DEFAULT_PROBES);
    expect(DEFAULT_PROBES.every(({ expect: expectation }) => expectation)).toBe(true);
  });

  it('of the demo is a good one', () => {
    expect(parseProbes(readFileSync('fixtures/probes.jsonl', 'utf8'), 'demo')).toHaveLength(8);
  });
});

describe('an answer', () => {
  it.each([
    ['no expectation', 'anything', undefined, undefined],
    ['contains', 'it is 42.', { contains: '42' }, false],
    ['does not contain', 'it is 41.', { contains: '42' }, true],
    ['matches', 'Paris', { regex: /paris/i }, false],
    ['does not match', 'Rome', { regex: /paris/i }, true],
    ['is JSON', ' {"a": 1}\n', { json: true as const }, false],
    ['is JSON in a fence', '```json\n{}\n```', { json: true as const }, true],
    ['is JSON but the wrong one', '{"a":1}', { json: true as const, contains: 'b' }, true],
  ])('%s', (_name, answer, expectation, invalid) => {
    expect(isInvalid(answer, expectation)).toBe(invalid);
  });
});
