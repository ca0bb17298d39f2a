import { describe, expect, it } from 'vitest';
import { discordBody } from '../../../src/hooks/notify/discord.ts';
import { mailFor } from '../../../src/hooks/notify/email.ts';
import { describeEvidence, messageFor, plainText, shorten } from '../../../src/hooks/notify/message.ts';
import { slackBody } from '../../../src/hooks/notify/slack.ts';
import { teamsBody } from '../../../src/hooks/notify/teams.ts';
import { hookEvent, rollbackEvent } from '../../servers/hooks.ts';

describe('a message', () => {
  it('of a shift that went well', () => {
    expect(plainText(messageFor(hookEvent()))).toBe(`chat-prod: shift, 50 % → 100 %
change: 50 % → 100 %, rolling → complete, active provider legacy → target
by: ann@laptop
why: all guardrails hold
to undo: cutover rollback --to 7
operation: op-1`);
  });

  it('of a rollback whose DNS failed', () => {
    expect(plainText(messageFor(rollbackEvent()))).toBe(`chat-prod: rollback, 25 % → 0 %, but dns failed
change: 25 % → 0 %, rolling → rollback
by: ann@laptop
why: latency is up
failed: dns dns[0] exec ./dns: exit 1: no route
to try again: cutover resume
to undo: cutover rollback --to 9 --force --reason "…"
operation: op-2`);
  });

  it('of `dns apply`, which moves no traffic', () => {
    const { to } = hookEvent();
    const event = hookEvent({ operation: { id: 'op-4', kind: 'dns apply' }, from: to });
    expect(messageFor(event)).toMatchObject({
      ...{ title: 'chat-prod: dns apply, traffic stays at 100 %', level: 'info', trouble: 'neither' },
    });
  });

  const good = rollbackEvent({ steps: [] });
  const steps = (kind: string) => [{ kind, driver: 'exec', label: 'x', outcome: 'failed', error: null }];
  it.each([
    ['a shift up', hookEvent(), 'info', 'ends'],
    ['a shift down', hookEvent({ from: hookEvent().to, to: hookEvent().from }), 'info', 'neither'],
    ['a rollback', good, 'warning', 'begins'],
    [
      'an emergency',
      { ...good, operation: { id: 'op-3', kind: 'emergency' as const } },
      'critical',
      'begins',
    ],
    ['a shift whose DNS failed', hookEvent({ steps: steps('dns') }), 'critical', 'begins'],
    ['a shift of which not everyone was told', hookEvent({ steps: steps('notify') }), 'info', 'ends'],
  ])('of %s weighs what it should', (_what, event, level, trouble) => {
    expect(messageFor(event)).toMatchObject({ level, trouble });
  });

  const asked = { status: 'rolling' as const, ratio: 0.5, activeProvider: 'legacy' as const };
  const at10 = { ...asked, ratio: 0.1 };
  const flagFailed = [
    { kind: 'flag', driver: 'exec', label: 'exec flag', outcome: 'failed', error: 'exit 1' },
  ];
  const abandoned = { from: at10, to: at10, asked, outcome: 'failed' as const, steps: flagFailed, undo: '' };
  it.each([
    [
      'a flag that could not be set and was put back',
      hookEvent({ ...abandoned, flag: { before: 0.1, after: 0.1 } }),
      'chat-prod: shift, the flag could not be set to 50 %; stays at 10 %',
    ],
    [
      'a flag of which nobody knows what it says',
      hookEvent({ ...abandoned, flag: { before: 0.1, after: null } }),
      'chat-prod: shift, the flag could not be set to 50 %; what the flag says is not known',
    ],
    [
      'what ended well after all',
      hookEvent({ outcome: 'done', resumed: true }),
      'chat-prod: shift, 50 % → 100 %, done after all',
    ],
    [
      'an operation that another one has replaced',
      hookEvent({ outcome: 'undone', endedBy: 'op-9' }),
      'chat-prod: shift, 50 % → 100 %, was not finished; op-9 has taken its place',
    ],
    [
      'an emergency whose DNS is on its way',
      { ...good, operation: { id: 'op-3', kind: 'emergency' as const }, running: true as const },
      'chat-prod: emergency, 25 % → 0 %; DNS is still being moved',
    ],
    ['what comes late', hookEvent({ late: true }), '[late] chat-prod: shift, 50 % → 100 %'],
    [
      'a freeze',
      hookEvent({ operation: { id: 'freeze-1', kind: 'freeze' }, to: hookEvent().from }),
      'chat-prod: forward steps are frozen',
    ],
    [
      'a FAIL without a rollback',
      hookEvent({ operation: { id: 'run-1', kind: 'canary FAIL' }, to: hookEvent().from }),
      'chat-prod: the canary failed at 50 %; nothing was rolled back',
    ],
  ])('of %s says so', (_what, event, title) => expect(messageFor(event).title).toBe(title));

  it('says what the flag said where the state said something else, what was not told, and the head of the history', () => {
    const facts = messageFor(
      rollbackEvent({
        flag: { before: 0.9, after: 0 },
        untold: ['chat-prod: rollback, 25 % → 0 %, but dns failed'],
        history: { entries: 12, head: 'abc' },
      }),
    ).facts.map(({ name, value }) => `${name}: ${value}`);
    expect(facts).toContain('flag: from 90 % to 0 %');
    expect(facts).toContain('not told before: chat-prod: rollback, 25 % → 0 %, but dns failed');
    expect(facts).toContain('history: 12 entries, head abc');
  });

  it('of a test says so and tells of no change', () => {
    const text = plainText(messageFor(hookEvent({ test: true })));
    expect(text).toContain('[TEST]');
    expect(text).not.toContain('→');
  });

  it('escapes control characters and keeps long texts short', () => {
    const { facts } = messageFor(hookEvent({ reason: `a\n\u001b[2J${'x'.repeat(5000)}` }));
    const why = facts.find(({ name }) => name === 'why')?.value ?? '';
    expect(why).toContain('a\\x0a\\x1b[2J');
    expect(why.length).toBeLessThanOrEqual(900);
  });

  it('tells of five failed steps and how many more there are', () => {
    const many = Array.from({ length: 8 }, (_, i) => ({ ...steps('dns')[0], label: `dns[${i}]` })) as never[];
    const failed = messageFor(hookEvent({ steps: many })).facts.filter(({ name }) => name === 'failed');
    expect(failed.map(({ value }) => value).at(-1)).toBe('and 3 more steps');
    expect(failed).toHaveLength(6);
  });

  it.each([
    [
      { verdict: 'PASS', document: { reasons: [{ code: 'x', text: 'kept' }, { text: 'really' }] } },
      'PASS: kept; really',
    ],
    [{ verdict: 'FAIL', reasons: ['slow'] }, 'FAIL: slow'],
    [{ verdict: 'ERROR' }, 'ERROR'],
    [{ document: {} }, ''],
    [null, ''],
    ['text', ''],
  ])('describes the evidence %#', (evidence, text) => expect(describeEvidence(evidence)).toBe(text));

  it('is shortened by whole characters', () => {
    expect(shorten('🙂🙂🙂', 3)).toBe('🙂🙂🙂');
    expect(shorten('🙂🙂🙂🙂', 3)).toBe('🙂🙂…');
  });
});

describe('text from outside', () => {
  const evil =
    '<!channel> @here [click](https://evil.example) <script>alert("1")</script> & *bold* `code` @everyone';
  const message = messageFor(rollbackEvent({ reason: evil, undo: 'x `rm`' }));

  it('mentions nobody and marks nothing up in Slack and Mattermost', () => {
    const { text, blocks } = slackBody(message) as { text: string; blocks: { text: { text: string } }[] };
    for (const shown of [text, JSON.stringify(blocks)]) {
      expect(shown).toContain('&lt;!channel&gt;');
      expect(shown).toContain('&lt;script&gt;');
      expect(shown).toContain('&amp; *bold*');
      expect(shown).not.toMatch(/<|>|@here|@everyone|\]\(/);
    }
    expect(text).toContain('`x ˋrmˋ`');
  });

  it('keeps to the limits of Slack', () => {
    const long = messageFor(rollbackEvent({ reason: '&'.repeat(2000), migration: 'm'.repeat(300) }));
    const { blocks } = slackBody(long) as { blocks: { type: string; text: { text: string } }[] };
    expect(blocks.length).toBeLessThanOrEqual(50);
    for (const { type, text } of blocks)
      expect(text.text.length).toBeLessThanOrEqual(type === 'header' ? 150 : 3000);
  });

  it('is no markup and no mention in Discord', () => {
    const body = discordBody(message) as {
      allowed_mentions: unknown;
      embeds: [{ fields: { name: string; value: string }[] }];
    };
    expect(body.allowed_mentions).toEqual({ parse: [] });
    const why = body.embeds[0].fields.find(({ name }) => name === 'why')?.value;
    expect(why).toContain('\\<!channel\\>');
    expect(why).toContain('\\[click\\]\\(https\\://evil.example\\)');
    expect(why).toContain('\\*bold\\*');
  });

  it('keeps to the limits of Discord', () => {
    const steps = Array.from({ length: 9 }, () => ({
      kind: 'dns',
      driver: 'x',
      label: 'x',
      outcome: 'failed',
      error: '*'.repeat(2000),
    }));
    const { embeds } = discordBody(messageFor(rollbackEvent({ steps, reason: '_'.repeat(2000) }))) as {
      embeds: [{ title: string; fields: { name: string; value: string }[] }];
    };
    const [{ title, fields }] = embeds;
    for (const { value } of fields) expect(value.length).toBeLessThanOrEqual(1024);
    const total = title.length + fields.reduce((sum, { name, value }) => sum + name.length + value.length, 0);
    expect(total).toBeLessThanOrEqual(6000);
  });

  it('is shown as it is in Teams, in elements that know no Markdown', () => {
    const { attachments } = teamsBody(message) as {
      attachments: [{ content: { body: { type: string; inlines: { text: string }[] }[] } }];
    };
    const { body } = attachments[0].content;
    expect(new Set(body.map(({ type }) => type))).toEqual(new Set(['RichTextBlock']));
    expect(body.flatMap(({ inlines }) => inlines.map(({ text }) => text))).toContain(evil);
  });

  it('is text in a mail', () => {
    const mail = mailFor(rollbackEvent({ reason: evil, migration: 'chat\r\nBcc: x' }), {
      from: 'a@b.example',
      to: ['c@d.example'],
    });
    expect(mail.html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp;');
    expect(mail.html).not.toContain('<script');
    expect(mail.subject).toContain('chat\\x0d\\x0aBcc: x');
    expect(mail.messageId).toMatch(/^<[\w.-]+@b\.example>$/);
    expect(mail.priority).toBe('high');
  });

  it('names all in a mail that goes to one of them', () => {
    const to = ['a@b.example', 'Ann <ann@d.example>'];
    const mail = mailFor(rollbackEvent(), { from: 'a@b.example', to }, 'Ann <ann@d.example>');
    expect(mail).toMatchObject({ to, envelope: { from: 'a@b.example', to: 'Ann <ann@d.example>' } });
  });
});
