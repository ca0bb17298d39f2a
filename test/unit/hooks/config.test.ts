import { describe, expect, it } from 'vitest';
import { parseConfig, readParts } from '../../../src/config/load.ts';

const config = (hooks: string) => `migration: chat-prod
providers:
  legacy: { name: a, baseUrl: https://a.example }
  target: { name: b, baseUrl: https://b.example }
hooks:
${hooks}`;

const parse = (hooks: string) => parseConfig(config(hooks), 'cutover.yaml').hooks;
const RECORD = '{ name: llm.example.test, type: CNAME, legacy: a.example.net, target: b.example.net }';
const rfc2136 = (record: string, more = '') =>
  `  dns:\n    - { driver: rfc2136, server: ns1.example.test, zone: example.test, ${more} records: [${record}] }`;

/** Two hooks that name the same record, whose names are spelled differently. */
const bothOn = (one: string, other: string) =>
  `  dns:\n    - { ${one}, records: [${RECORD}] }\n    - { ${other}, records: [${RECORD.replace('llm', 'LLM')}] }`;

/** A CNAME in one hook, and another record of its name in another on the same server. */
const addressesBeside = (hook: string, type: string) =>
  `  dns:\n    - { ${hook}, records: [${RECORD}] }\n    - { ${hook}, records: [{ name: LLM.example.test, type: ${type}, legacy: [], target: 192.0.2.1 }] }`;
const CLOUDFLARE = 'driver: cloudflare, zoneId: 0123456789abcdef0123456789abcdef, apiToken: "${env:K}"';

describe('hooks in the config', () => {
  it('are taken where a CNAME that is flattened has a TXT beside it', () => {
    expect(parse(addressesBeside(CLOUDFLARE, 'TXT')).dns).toHaveLength(2);
  });

  it('are taken where the same record stands on several servers', () => {
    const { dns } = parse(
      bothOn(
        'driver: rfc2136, server: 127.0.0.1, zone: example.test',
        'driver: rfc2136, server: 127.0.0.2, zone: example.test',
      ),
    );
    expect(dns).toHaveLength(2);
  });

  it('brings names and values into one form', () => {
    expect(
      parse(
        rfc2136(
          '{ name: LLM.example.test, type: A, ttl: 30, legacy: 192.0.2.1, target: [192.0.2.3, 192.0.2.2] }',
        ),
      ).dns,
    ).toEqual([
      {
        driver: 'rfc2136',
        server: 'ns1.example.test',
        zone: 'example.test.',
        records: [
          {
            name: 'llm.example.test.',
            type: 'A',
            ttl: 30,
            legacy: ['192.0.2.1'],
            target: ['192.0.2.2', '192.0.2.3'],
          },
        ],
        timeout: 10_000,
        retries: 2,
      },
    ]);
  });

  it.each([
    '{ driver: rfc2136, server: ns1, zone: example.test, records: [RECORD] }',
    '{ driver: powerdns, url: "https://x.example", apiKey: "${env:K}", zone: example.test, records: [RECORD] }',
    '{ driver: cloudflare, zoneId: abc, apiToken: "${env:K}", records: [RECORD] }',
    '{ driver: route53, hostedZoneId: Z1, accessKeyId: "${env:K}", secretAccessKey: "${env:K}", records: [RECORD] }',
    '{ driver: exec, command: [x] }',
    '{ driver: webhook, url: "https://x.example" }',
    '{ driver: slack, url: "${env:U}" }',
    '{ driver: teams, url: "${env:U}" }',
    '{ driver: discord, url: "${env:U}" }',
    '{ driver: pagerduty, routingKey: "${env:K}" }',
    '{ driver: alertmanager, url: "https://x.example" }',
    '{ driver: email, host: h, from: a@b.example, to: c@d.example }',
  ])('has 10 s and two further tries for %s, unless it says otherwise', (entry) => {
    const kind = /RECORD|exec|webhook/.test(entry) ? 'dns' : 'notify';
    const hooks = parse(`  ${kind}: [${entry.replace('RECORD', RECORD)}]`);
    expect(hooks[kind]).toMatchObject([{ timeout: 10_000, retries: 2 }]);
  });

  it('knows what is usual', () => {
    const [record] = parse(rfc2136(RECORD)).dns.flatMap((hook) => ('records' in hook ? hook.records : []));
    expect(record?.ttl).toBe(60);
    const powerdns = `{ driver: powerdns, url: "https://x.example", apiKey: "\${env:K}", zone: example.test, records: [${RECORD}] }`;
    expect(parse(`  dns: [${powerdns}]`).dns).toMatchObject([{ serverId: 'localhost' }]);
    const [mail, alert] = parse(
      '  notify: [{ driver: email, host: h, from: a@b.example, to: c@d.example }, { driver: alertmanager, url: "https://x.example" }]',
    ).notify;
    expect(mail).toMatchObject({ port: 587, tls: 'starttls' });
    expect(alert).toMatchObject({ keep: 24 * 3_600_000 });
  });

  it.each(['ns1.example.test', '192.0.2.53:5353', '[2001:db8::1]:5353'])(
    'takes %s for a server',
    (server) => {
      const hooks = rfc2136(RECORD).replace('ns1.example.test', `"${server}"`);
      expect(parse(hooks).dns).toMatchObject([{ server }]);
    },
  );

  it.each([
    [
      '  dns: [{ driver: rfc2163 }]',
      /^cutover\.yaml:6:\d+: unknown driver rfc2163 for hooks\.dns\.0; did you mean rfc2136\?/,
    ],
    [rfc2136(RECORD, 'keyfile: x,'), /unknown key hooks\.dns\.0\.keyfile; did you mean keyFile\?/],
    [rfc2136('{ nane: x, type: A, legacy: [], target: [] }'), /nane; did you mean name\?/],
    [
      rfc2136(RECORD.replace('llm.example.test', 'llm')),
      /records\.0\.name: llm\. is not in the zone example\.test\.; write the whole name/,
    ],
    [rfc2136(RECORD.replace('CNAME', 'MX')), /records\.0\.type/],
    [
      rfc2136(RECORD.replace('CNAME', 'A')),
      /records\.0\.legacy: not a value of a record of type A: a\.example\.net/,
    ],
    [rfc2136(`${RECORD}, ${RECORD}`), /stands here twice/],
    ...[
      ['ns1.example.test', 'NS1.Example.Test.:53'],
      ['127.0.0.1:5353', 'localhost:5353'],
      ['localhost', '"127.1"'],
      ['"[::1]:53"', '"[0:0:0:0:0:0:0:1]"'],
      ['127.0.0.1', '"[::ffff:127.0.0.1]"'],
    ].map(([one, other]): [string, RegExp] => [
      bothOn(
        `driver: rfc2136, server: ${one}, zone: example.test`,
        `driver: rfc2136, server: ${other}, zone: Example.Test.`,
      ),
      /hooks\.dns\.1\.records\.0: llm\.example\.test\. CNAME is moved by hooks\.dns\[0\] too/,
    ]),
    [
      bothOn(
        'driver: powerdns, url: http://Pdns.example.test:80/, apiKey: "${env:K}", zone: example.test',
        'driver: powerdns, url: http://user@pdns.example.test., apiKey: "${env:L}", zone: example.test',
      ),
      /is moved by hooks\.dns\[0\] too/,
    ],
    [
      bothOn(
        'driver: cloudflare, zoneId: 0123456789ABCDEF0123456789ABCDEF, apiToken: "${env:K}"',
        'driver: cloudflare, zoneId: 0123456789abcdef0123456789abcdef, apiToken: "${env:K}"',
      ),
      /is moved by hooks\.dns\[0\] too/,
    ],
    [
      addressesBeside('driver: rfc2136, server: 127.0.0.1, zone: example.test', 'A'),
      /hooks\.dns\.1\.records\.0: llm\.example\.test\. A cannot stand beside the CNAME of hooks\.dns\[0\]; give both/,
    ],
    [
      addressesBeside('driver: rfc2136, server: 127.0.0.1, zone: example.test', 'TXT'),
      /TXT cannot stand beside the CNAME/,
    ],
    [addressesBeside(CLOUDFLARE, 'A'), /A cannot stand beside the CNAME/],
    [rfc2136(RECORD.replace('a.example.net', '[a.example.net, c.example.net]')), /at most one CNAME/],
    [rfc2136(RECORD.replace('a.example.net', '"a b"')), /not a value of a record of type CNAME: a b/],
    [
      rfc2136(RECORD).replace('ns1.example.test', 'ns1.example.test:70000'),
      /server: a port is at most 65535/,
    ],
    [rfc2136(RECORD).replace('ns1.example.test', 'ns1 example'), /server: not a server/],
    [rfc2136(RECORD, 'verify: [ns1 example],'), /verify\.0: not a server/],
    [rfc2136(RECORD, 'verify: [],'), /verify/],
    [rfc2136(RECORD, 'lowerTtl: 0,'), /lowerTtl/],
    ['  dns: [{ driver: exec, command: [x], lowerTtl: 30 }]', /unknown key hooks\.dns\.0\.lowerTtl/],
    ['  notify: [{ driver: slack, url: https://hooks.slack.example/T0 }]', /url: this address is a secret/],
    ['  notify: [{ driver: pagerduty, routingKey: abc }]', /routingKey: a secret is never written here/],
    ['  notify: [{ driver: email, host: h, from: a@b.example, to: nobody }]', /to: .*not a mail address/],
    [
      '  notify: [{ driver: email, host: h, user: u, from: a@b.example, to: c@d.example }]',
      /belong together/,
    ],
    [rfc2136(RECORD, 'ttl: 5,'), /unknown key hooks\.dns\.0\.ttl/],
    ['  notify: [{ driver: rfc2136 }]', /unknown driver rfc2136 for hooks\.notify\.0; known: /],
  ])('refuses mistake %#', (hooks, message) => {
    expect(() => parse(hooks)).toThrow(message);
  });

  it('leaves a faulty hook out of what an emergency uses, and keeps the others', () => {
    const text = config(
      `${rfc2136(RECORD)}\n    - { driver: nope }\n  notify: [{ driver: exec, command: [./tell] }]`,
    );
    const parts = readParts(text, false);
    expect(parts.hooks.dns.map(({ driver }) => driver)).toEqual(['rfc2136']);
    expect(parts.hooks.notify).toHaveLength(1);
    expect(parts.warnings).toEqual(['hooks.dns[1] is left out: it is not valid']);
  });
});
