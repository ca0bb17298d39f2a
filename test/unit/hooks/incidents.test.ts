import { describe, expect, it } from 'vitest';
import { alertsFor } from '../../../src/hooks/notify/alertmanager.ts';
import { pagerDutyEvents } from '../../../src/hooks/notify/pagerduty.ts';
import { hookEvent, rollbackEvent } from '../../servers/hooks.ts';

const NOW = '2026-03-01T10:00:00.000Z';
const emergency = rollbackEvent({ operation: { id: 'op-3', kind: 'emergency' }, steps: [] });
const down = hookEvent({ from: hookEvent().to, to: hookEvent().from });

describe('PagerDuty', () => {
  const events = (event = hookEvent()) => pagerDutyEvents(event, 'KEY', NOW) as Record<string, unknown>[];

  it('triggers on the way back and resolves on the way forward, with the same key', () => {
    const [trigger] = events(emergency);
    const [resolve] = events(hookEvent());
    expect(trigger).toMatchObject({
      routing_key: 'KEY',
      event_action: 'trigger',
      dedup_key: 'cutover:chat-prod',
      payload: {
        summary: 'chat-prod: emergency, 25 % → 0 %',
        source: 'chat-prod',
        severity: 'critical',
        timestamp: NOW,
      },
    });
    expect(resolve).toEqual({ routing_key: 'KEY', event_action: 'resolve', dedup_key: 'cutover:chat-prod' });
  });

  it('triggers when a step of a forward operation failed', () => {
    expect(events(rollbackEvent({ operation: { id: 'op-4', kind: 'shift' } }))).toMatchObject([
      { event_action: 'trigger' },
    ]);
  });

  it('stays silent about a shift down the ladder', () => {
    expect(events(down)).toEqual([]);
  });

  it('resolves what a shift down mends, unless something else stands', () => {
    expect(events({ ...down, standing: ['failed'] })).toMatchObject([{ event_action: 'resolve' }]);
    expect(events({ ...down, standing: ['rollback', 'failed'] })).toEqual([]);
  });

  it('stays silent about what comes late', () => {
    expect(events({ ...emergency, late: true })).toEqual([]);
    expect(events(hookEvent({ late: true }))).toEqual([]);
  });

  it('triggers for a FAIL without a rollback, and not for a freeze', () => {
    const at = { from: hookEvent().from, to: hookEvent().from };
    expect(events(hookEvent({ ...at, operation: { id: 'run-1', kind: 'canary FAIL' } }))).toMatchObject([
      { event_action: 'trigger' },
    ]);
    expect(events(hookEvent({ ...at, operation: { id: 'freeze-1', kind: 'freeze' } }))).toEqual([]);
  });

  it('keeps facts of the same name apart', () => {
    const failed = { kind: 'dns', driver: 'x', label: 'x', outcome: 'failed', error: 'no' };
    const [trigger] = events(rollbackEvent({ steps: [failed, { ...failed, label: 'y' }] }));
    expect(trigger).toMatchObject({ payload: { custom_details: { failed: ['dns x: no', 'dns y: no'] } } });
  });

  it('ends the incident of a test at once, and does not touch the real one', () => {
    const test = events(hookEvent({ test: true, idempotencyKey: 'test-1' }));
    expect(test.map(({ event_action }) => event_action)).toEqual(['trigger', 'resolve']);
    expect(new Set(test.map(({ dedup_key }) => dedup_key))).toEqual(new Set(['cutover:test-1']));
  });
});

describe('Alertmanager', () => {
  const now = Date.parse(NOW);
  const alerts = (event = hookEvent()) =>
    alertsFor(event, { now, keepMs: 3_600_000 }) as {
      labels: Record<string, string>;
      startsAt: string;
      endsAt: string;
    }[];

  it.each([
    [rollbackEvent({ steps: [] }), 'CutoverRollback', 'warning'],
    [rollbackEvent(), 'CutoverFailed', 'critical'],
    [emergency, 'CutoverEmergency', 'critical'],
    [hookEvent({ operation: { id: 'run-1', kind: 'canary FAIL' } }), 'CutoverCanaryFail', 'critical'],
  ])('keeps trouble %# standing', (event, alertname, severity) => {
    expect(alerts(event)).toMatchObject([
      {
        labels: { alertname, severity, migration: 'chat-prod' },
        startsAt: NOW,
        endsAt: '2026-03-01T11:00:00.000Z',
      },
    ]);
  });

  it('ends every trouble under the labels it began with', () => {
    const [change, ...over] = alerts();
    expect(change).toMatchObject({
      labels: {
        ...{ alertname: 'CutoverChange', severity: 'info', migration: 'chat-prod' },
        operation: 'op-1',
      },
    });
    expect(over.every(({ endsAt }) => endsAt === NOW)).toBe(true);
    for (const event of [emergency, rollbackEvent(), rollbackEvent({ steps: [] })]) {
      expect(over.map(({ labels }) => labels)).toContainEqual(alerts(event)[0]?.labels);
    }
  });

  it('ends a failure with the rollback that mends it, and begins that of the rollback', () => {
    const mended = alerts(rollbackEvent({ steps: [], standing: ['failed'] }));
    expect(mended.map(({ labels, endsAt }) => [labels.alertname, endsAt > NOW])).toEqual([
      ['CutoverRollback', true],
      ['CutoverFailed', false],
    ]);
  });

  it('ends nothing on a shift down the ladder', () => {
    expect(alerts(down).map(({ labels }) => labels.alertname)).toEqual(['CutoverChange']);
  });
});
