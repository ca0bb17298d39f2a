import type { AddressInfo, Server } from 'node:net';
import type { Readable } from 'node:stream';
import type { NotifyBench } from './notify-bench.ts';
import { freePort, temporaryFolder } from './process.ts';

export const SMTP = { name: 'an SMTP server', packages: ['smtp-server', 'nodemailer'] };

const PASSWORD = 'planted-smtp-password';

/** The part of the package smtp-server that is used. */
interface SmtpPackage {
  SMTPServer: new (
    options: Record<string, unknown>,
  ) => {
    server: Server;
    listen(port: number, host: string, ready: () => void): void;
    close(done: () => void): void;
  };
}
type Done = (error?: Error | null, result?: unknown) => void;

export interface SmtpBench extends NotifyBench {
  /** Whole mails as they came, headers and parts. */
  mails: string[];
}

/**
 * An SMTP server in this process, on a free loopback port; it wants a password and takes mail for example.com.
 * @param tls its key and certificate (PEM), where it offers STARTTLS
 */
export async function startSmtp(tls?: { key: string; cert: string }): Promise<SmtpBench> {
  const name = 'smtp-server';
  const { SMTPServer } = (await import(name)) as SmtpPackage;
  const { dir, remove } = temporaryFolder();
  const mails: string[] = [];
  let mode: 'accept' | 'refuse' | 'hang' = 'accept';
  const server = new SMTPServer({
    authOptional: false,
    allowInsecureAuth: true,
    ...(tls ?? { disabledCommands: ['STARTTLS'] }),
    logger: false,
    onAuth(auth: { username: string; password: string }, _session: unknown, done: Done) {
      if (mode === 'refuse' || auth.password !== PASSWORD) {
        return done(new Error(`not with ${auth.username}/${auth.password}`));
      }
      done(null, { user: auth.username });
    },
    onRcptTo(address: { address: string }, _session: unknown, done: Done) {
      done(address.address.endsWith('@example.com') ? null : new Error('no such mailbox'));
    },
    onData(stream: Readable, _session: unknown, done: Done) {
      let mail = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        mail += text;
      });
      stream.on('end', () => {
        mails.push(mail);
        if (mode !== 'hang') done();
      });
    },
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.server.address() as AddressInfo;
  return {
    dir,
    env: { PASSWORD },
    secrets: [PASSWORD, Buffer.from(PASSWORD).toString('base64')],
    mails,
    entry: (more = {}) => ({
      driver: 'email',
      host: '127.0.0.1',
      port,
      tls: 'none',
      user: 'cutover',
      password: '${env:PASSWORD}',
      from: 'cutover <cutover@example.com>',
      to: ['ops@example.com'],
      ...more,
    }),
    unreachable: async () => ({ port: await freePort() }),
    refuse: () => {
      mode = 'refuse';
    },
    hang: () => {
      mode = 'hang';
    },
    messages: async () => mails.map(readable),
    keys: async () => mails.map((mail) => /^Message-ID: (.*)$/im.exec(mail)?.[1] ?? ''),
    async reset() {
      mails.length = 0;
      mode = 'accept';
    },
    async stop() {
      await new Promise<void>((closed) => server.close(() => closed()));
      remove();
    },
  };
}

/** The subject and the parts of a mail with their transfer encodings undone. */
function readable(mail: string): string {
  return mail
    .replace(/\r\n/g, '\n')
    .replace(/=\?UTF-8\?Q\?(.*?)\?=\s*/gi, (_all, text: string) => unquote(text.replaceAll('_', ' ')))
    .split(/\n--[^\n]*\n/)
    .map((part) => (/quoted-printable/i.test(part) ? unquote(part.replace(/=\n/g, '')) : part))
    .join('\n');
}

function unquote(text: string): string {
  const bytes = text.replace(/=([0-9A-F]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  // Already decoded characters above Latin-1 cannot be bytes of UTF-8.
  return [...bytes].every((char) => char < '\u0100') ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}
