import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load.ts';

const HEAD = `migration: m
providers:
  legacy: { name: a, baseUrl: "http://a" }
  target: { name: b, baseUrl: "http://b" }
`;
const gateway = (text: string) => parseConfig(`${HEAD}gateway: ${text}\n`, 'c.yaml').gateway;

describe('gateway', () => {
  it.each([
    ['{}', { toLegacy: true, toTarget: false }],
    ['{ fallback: legacy }', { toLegacy: true, toTarget: false }],
    ['{ fallback: both }', { toLegacy: true, toTarget: true }],
    ['{ fallback: off }', { toLegacy: false, toTarget: false }],
    ['{ fallback: { toTarget: always } }', { toLegacy: true, toTarget: true }],
    ['{ fallback: { toTarget: never, toLegacy: never } }', { toLegacy: false, toTarget: false }],
  ])('%s', (text, policy) => expect(gateway(text).fallback).toEqual(policy));

  it('has the breaker by rate, and takes its keys', () => {
    expect(gateway('{}').breaker).toEqual({
      requests: 20,
      within: 10_000,
      failed: 0.5,
      halfOpenAfter: 5000,
      halfOpenAtMost: 60_000,
    });
    expect(gateway('{ breaker: { failed: 30%, halfOpenAfter: 1s } }').breaker).toMatchObject({
      failed: 0.3,
      halfOpenAfter: 1000,
    });
  });

  it('takes lists of names, without regard to case', () => {
    expect(
      gateway('{ forwardHeaders: [X-Team, "x-trace-*"], hosts: [LLM.example, "[::1]:80"] }'),
    ).toMatchObject({
      forwardHeaders: ['x-team', 'x-trace-*'],
      hosts: ['llm.example', '[::1]:80'],
    });
  });

  it.each([
    [
      '{ fallback: lagacy }',
      /c\.yaml:5:\d+: gateway\.fallback: unknown fallback lagacy; did you mean legacy\?/,
    ],
    ['{ fallback: true }', /unknown fallback true; known: legacy, both, off, \{ toTarget: always \}/],
    ['{ fallback: null }', /unknown fallback null/],
    ['{ fallback: constructor }', /unknown fallback constructor/],
    ['{ fallback: { toTraget: always } }', /unknown key toTraget; did you mean toTarget\?/],
    ['{ fallback: { toTarget: alwyas } }', /not always or never: alwyas; did you mean always\?/],
    [
      '{ breaker: { failures: 5 } }',
      /gateway\.breaker\.failures: .*no longer counts failures in a row; write requests/,
    ],
    ['{ breaker: { failed: 0 } }', /not a share of the requests: 0/],
    ['{ breaker: { within: 10ms } }', /at least 1s/],
    ['{ breaker: { request: 5 } }', /unknown key gateway\.breaker\.request; did you mean requests\?/],
    ['{ forwardHeaders: [Authorization] }', /the gateway sets this header itself/],
    ['{ forwardHeaders: ["*"] }', /not the name of a header/],
    ['{ forwardHeaders: ["a b"] }', /not the name of a header/],
    ['{ hosts: ["http://a"] }', /not a host/],
    ['{ origins: ["*"] }', /not an origin/],
    ['{ origins: ["https://a.example/"] }', /not an origin/],
    ['{ maxConnections: 0 }', /maxConnections/],
  ])('refuses %s', (text, message) => expect(() => gateway(text)).toThrow(message));
});
