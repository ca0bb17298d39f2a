import { describe, expect, it } from 'vitest';
import { type CanaryInput, lastDocument, openCanary, runCheck } from '../../../src/canary/check.ts';
import type { CanaryDocument } from '../../../src/canary/document.ts';
import { createSecrets } from '../../../src/config/secrets.ts';
import { CutoverError, EXIT } from '../../../src/errors.ts';
import { latestRun } from '../../../src/store/canary.ts';
import { completion, json, nobody } from '../provider/servers.ts';
import { failing, healthy, STAGE, world } from './world.ts';

/** Runs in a row over the same connections. */
async function runs(input: CanaryInput, n: number): Promise<CanaryDocument[]> {
  const canary = openCanary(input);
  const documents: CanaryDocument[] = [];
  for (let i = 0; i < n; i++)
    documents.push(await canary.check(STAGE, `run-${documents.length}-${Math.random()}`));
  await canary.close();
  return documents;
}

describe('a canary run', () => {
  it('passes a target as good as legacy after as many pairs as the margin takes, and not before', async () => {
    const documents = await runs(await world(), 5);
    expect(documents.map(({ verdict }) => verdict)).toEqual([
      'INCONCLUSIVE',
      'INCONCLUSIVE',
      'INCONCLUSIVE',
      'INCONCLUSIVE',
      'PASS',
    ]);
    const last = documents.at(-1);
    expect(last).toMatchObject({
      schemaVersion: 1,
      command: 'canary check',
      reasons: ['all_passed'],
      stage: { ratio: 0.1, since: '2026-08-20T10:00:00.000Z' },
      pairs: 100,
      guardrails: [
        {
          metric: 'errors',
          margin: 0.05,
          unit: 'points',
          verdict: 'PASS',
          pairs: 100,
          passed: true,
          legacy: 0,
          target: 0,
        },
      ],
    });
    expect(last?.guardrails[0]?.failAt).toBeCloseTo(Math.log(20), 9);
    expect(last?.measured.map(({ metric }) => metric)).toEqual([
      'invalid',
      'latencyP50',
      'latencyP95',
      'ttftP50',
      'ttftP95',
      'cost',
      'latencyP99',
    ]);
    expect(documents[0]?.guardrails[0]?.pairsNeeded).toEqual({ pass: 69, fail: null });
  });

  it('fails a target that fails every call at run 2, and tells how', async () => {
    const [one, two] = await runs(await world({ target: failing }), 2);
    expect(one).toMatchObject({ verdict: 'INCONCLUSIVE', reasons: ['too_few_pairs'] });
    expect(two).toMatchObject({ verdict: 'FAIL', reasons: ['guardrail_failed'] });
    expect(two?.run?.errors).toEqual({
      legacy: [],
      target: [{ class: 'server_error', requests: 20, example: 'HTTP 500: out of order' }],
    });
    expect(two?.guardrails[0]).toMatchObject({ verdict: 'FAIL', legacy: 0, target: 1, difference: 1 });
  });

  it('counts a timeout of the target as an error', async () => {
    const input = await world({ target: () => {} });
    input.config.providers.target.timeouts.firstByte = 20;
    expect((await runs(input, 2)).map(({ verdict }) => verdict)).toEqual(['INCONCLUSIVE', 'FAIL']);
  });

  it('a target that nobody can reach fails; it is not our fault while legacy answers', async () => {
    expect((await runs(await world({ target: await nobody() }), 2)).at(-1)?.verdict).toBe('FAIL');
  });

  it('a dead legacy passes nothing, and says so', async () => {
    const documents = await runs(await world({ legacy: failing }), 6);
    expect(documents.at(-1)).toMatchObject({ verdict: 'INCONCLUSIVE', reasons: ['legacy_unhealthy'] });
    expect(documents.at(-1)?.guardrails[0]?.lnEPass).toBe(0);
  });

  it('both failing is no reason to roll back', async () => {
    const documents = await runs(await world({ legacy: failing, target: failing }), 3);
    expect(documents.at(-1)).toMatchObject({ verdict: 'INCONCLUSIVE', reasons: ['both_failing'] });
  });

  it('neither side reachable is an ERROR that leaves the evidence alone', async () => {
    const input = await world({ legacy: await nobody(), target: await nobody() });
    const document = await runCheck({ ...input, stage: STAGE, runId: 'r' });
    expect(document).toMatchObject({ verdict: 'ERROR', reasons: ['unreachable'], pairs: 0 });
    expect(latestRun(input.db, STAGE.id)?.verdict).toBe('ERROR');
  });

  it('a missing key is an ERROR, never a FAIL', async () => {
    const input = { ...(await world()), secrets: createSecrets({}, '/') };
    const document = await runCheck({ ...input, stage: STAGE, runId: 'r' });
    expect(document).toMatchObject({ verdict: 'ERROR', reasons: ['no_key'] });
    expect(document.explanations[0]).toContain(
      'providers.legacy.apiKey: the environment variable KEY is not set',
    );
  });

  it('has nothing to judge without a stage', async () => {
    const document = await runCheck({ ...(await world()), stage: null, runId: 'r' });
    expect(document).toMatchObject({ verdict: 'INCONCLUSIVE', reasons: ['no_stage'], stage: null, pairs: 0 });
  });

  it('gives the same document for the same run id without asking anybody', async () => {
    let asked = 0;
    const input = await world({
      target: (request, response, body) => {
        asked++;
        healthy(request, response, body);
      },
    });
    const first = await runCheck({ ...input, runId: 'cron-1' });
    expect(await runCheck({ ...input, runId: 'cron-1' })).toEqual(first);
    expect(asked).toBe(20);
  });

  it('two at once: one counts, the other says that it does not', async () => {
    const input = await world();
    const documents = await Promise.all(['a', 'b'].map((runId) => runCheck({ ...input, runId })));
    const loser = documents.filter(({ reasons }) => reasons.includes('concurrent_run'));
    expect(loser).toHaveLength(1);
    expect(loser[0]).toMatchObject({ verdict: 'INCONCLUSIVE', pairs: 20 });
    const next = await runCheck({ ...input, runId: 'c' });
    expect(next.pairs).toBe(40);
  });

  it('an interrupted run leaves no trace', async () => {
    const stop = new AbortController();
    const input = { ...(await world({ target: () => {} })), signal: stop.signal };
    setTimeout(() => stop.abort(new CutoverError('INTERRUPTED', EXIT.fault, 'interrupted')), 30);
    await expect(runCheck({ ...input, runId: 'r' })).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(latestRun(input.db, STAGE.id)).toBeNull();
  });

  it('judges cost and validity from what the answers say', async () => {
    const guardrails = { invalid: { margin: '5pp' }, cost: { margin: '10%' } };
    const dear = completion('pong', { usage: { prompt_tokens: 12, completion_tokens: 60 } });
    const wrong = (text: string) => completion(text, { usage: { prompt_tokens: 12, completion_tokens: 60 } });
    const input = await world({ target: (_q, r) => json(r, 200, dear) }, { guardrails, pairsPerRun: 100 });
    const documents = await runs(input, 3);
    expect(documents.at(-1)).toMatchObject({
      verdict: 'FAIL',
      explanations: [expect.stringContaining('cost')],
    });
    const other = await world(
      { target: (_q, r) => json(r, 200, wrong('nonsense')) },
      { guardrails, pairsPerRun: 100 },
    );
    const last = (await runs(other, 2)).at(-1);
    expect(last?.verdict).toBe('FAIL');
    expect(last?.guardrails[0]).toMatchObject({
      metric: 'invalid',
      pairs: 100,
      legacy: 0,
      target: 1,
      verdict: 'FAIL',
    });
  });

  it('judges p95 only once legacy is known from 400 earlier samples', async () => {
    const guardrails = { latencyP95: { margin: '25%' } };
    const documents = await runs(await world({}, { guardrails, pairsPerRun: 200, concurrency: 16 }), 3);
    expect(documents.map(({ guardrails: [g] }) => g?.pairs)).toEqual([0, 0, 200]);
    expect(documents[1]?.reasons).toEqual(['no_baseline']);
  });

  it('begins anew when a margin changes', async () => {
    const input = await world();
    await runs(input, 2);
    const config = {
      ...input.config,
      canary: { ...input.config.canary, guardrails: { errors: { margin: 0.02 } } },
    };
    const document = await runCheck({ ...input, config, runId: 'after' });
    expect(document.pairs).toBe(20);
    expect(document.guardrails[0]?.pairs).toBe(20);
  });
});

describe('settings that could give no verdict are refused', () => {
  it.each([
    ['no guardrail', { guardrails: {} }, /names no guardrail/],
    [
      'a first token that is not measured',
      { guardrails: { ttftP50: { margin: '10%' } }, stream: false },
      /canary\.stream/,
    ],
  ])('%s', async (_name, canary, message) => {
    const input = await world({}, canary);
    expect(() => openCanary(input)).toThrow(
      expect.objectContaining({ exitCode: 78, message: expect.stringMatching(message) }),
    );
  });

  it('validity without an expectation, cost without a price, probes without a model', async () => {
    const input = await world({}, { guardrails: { invalid: { margin: '1pp' }, cost: { margin: '10%' } } });
    const probes = [{ messages: [{ role: 'user', content: 'x' }], maxTokens: 1 }];
    expect(() => openCanary({ ...input, probes })).toThrow(/no probe says what it expects/);
    expect(() => openCanary({ ...input, priceOf: () => undefined })).toThrow(
      /legacy has no price for old-model/,
    );
    const config = { ...input.config, models: { '*': 'new-model' } };
    expect(() => openCanary({ ...input, config })).toThrow(/no model to probe/);
    const named = { ...config, canary: { ...config.canary, model: 'any' } };
    expect(() => openCanary({ ...input, config: named })).not.toThrow();
  });
});

describe('the latest verdict', () => {
  it('is shown as it was given', async () => {
    const input = await world();
    expect(lastDocument(input, STAGE)).toMatchObject({ verdict: 'INCONCLUSIVE', reasons: ['no_data'] });
    const given = await runCheck({ ...input, runId: 'r' });
    expect(lastDocument({ ...input, command: 'canary status' }, STAGE)).toEqual({
      ...given,
      command: 'canary status',
    });
    expect(lastDocument(input, null)).toMatchObject({ reasons: ['no_stage'] });
  });

  it('no longer holds when the settings have changed', async () => {
    const input = await world();
    await runCheck({ ...input, runId: 'r' });
    const config = { ...input.config, models: { 'old-model': 'another' } };
    const probes = input.probes.map((probe) => ({ ...probe, maxTokens: 7 }));
    expect(lastDocument({ ...input, probes }, STAGE)).toMatchObject({
      reasons: ['settings_changed'],
      pairs: 0,
    });
    expect(lastDocument({ ...input, config }, STAGE)).toMatchObject({ reasons: ['settings_changed'] });
  });
});
