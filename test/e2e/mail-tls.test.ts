import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../servers/process.ts';
import { installed } from '../servers/require.ts';
import { SMTP, startSmtp } from '../servers/smtp.ts';
import { cutover, makeFolder } from './cli.ts';

const OPENSSL = { name: 'OpenSSL', commands: ['openssl'] };

/** A certificate that no public authority has signed, for 127.0.0.1. */
function privateCertificate() {
  const { dir, remove } = temporaryFolder();
  onTestFinished(remove);
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=mail', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  );
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8'), path: cert };
}

describe.skipIf(!installed(SMTP) || !installed(OPENSSL))('a mail server with a private authority', () => {
  it('is believed with NODE_EXTRA_CA_CERTS, and not without', async () => {
    const { path, ...tls } = privateCertificate();
    const smtp = await startSmtp(tls);
    onTestFinished(() => smtp.stop());
    const dir = makeFolder(
      `hooks: ${JSON.stringify({ notify: [smtp.entry({ tls: 'starttls', retries: 0 })] })}\n`,
    );
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const env = smtp.env as Record<string, string>;
    const doubted = await cutover(dir, ['hooks', 'test'], { env });
    expect([doubted.code, doubted.stdout]).toEqual([4, expect.stringMatching(/self-signed|certificate/)]);
    expect(smtp.mails).toEqual([]);
    const believed = await cutover(dir, ['hooks', 'test'], { env: { ...env, NODE_EXTRA_CA_CERTS: path } });
    expect(believed.code, believed.stdout).toBe(0);
    expect(smtp.mails).toHaveLength(1);
  });
});
