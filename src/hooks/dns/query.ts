import { createSocket } from 'node:dgram';
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { nameOf, type ServerAddress } from '../../config/server-address.ts';
import { CutoverError, EXIT, messageOf } from '../../errors.ts';
import { type Answer, decodeAnswer, encodeQuery, type Question } from './wire.ts';

/** A datagram may be lost: it is sent again after each of these pauses, in milliseconds. */
const RESEND_MS = [1000, 2000, 4000];

/**
 * Asks one server one question, over UDP, and over TCP when the answer is too long for that. A stub resolver of the
 * system would not do: it hides the TTL of all but addresses, follows CNAMEs, and may answer from a cache.
 * @param options.recurse asks a resolver to go and find out
 * @param options.tcp asks over TCP from the start
 * @throws CutoverError DNS_UNREACHABLE (69), DNS_ANSWER (69) when what came back is no answer.
 */
export async function askServer(
  server: ServerAddress,
  question: Question,
  signal: AbortSignal,
  { recurse = false, tcp = false }: { recurse?: boolean; tcp?: boolean } = {},
): Promise<Answer> {
  const unreachable = (error: unknown) =>
    new CutoverError('DNS_UNREACHABLE', EXIT.unreachable, `${nameOf(server)}: ${messageOf(error)}`, {
      hint: 'is this the address of the zone’s primary server, and may this machine ask it?',
      cause: error,
    });
  const id = Math.floor(Math.random() * 65_536);
  const query = encodeQuery(id, question, recurse);
  let reply: Buffer;
  try {
    signal.throwIfAborted();
    const addresses = await lookup(server.host, { all: true });
    reply = await firstReply(addresses, { port: server.port, tcp }, query, signal);
  } catch (error) {
    throw unreachable(signal.aborted ? signal.reason : error);
  }
  const answer = decodeAnswer(reply);
  if (answer && answer.id === id) return answer;
  throw new CutoverError('DNS_ANSWER', EXIT.unreachable, `${nameOf(server)}: not the answer of a DNS server`);
}

/** Asks the addresses of a host in turn: it may listen on one of them only. */
async function firstReply(
  addresses: readonly LookupAddress[],
  { port, tcp }: { port: number; tcp: boolean },
  query: Buffer,
  signal: AbortSignal,
): Promise<Buffer> {
  let fault: unknown = new Error('no address');
  for (const { address, family } of addresses) {
    try {
      if (tcp) return await overTcp({ host: address, port }, query, signal);
      const reply = await overUdp({ address, port, family }, query, signal);
      return isTruncated(reply) ? await overTcp({ host: address, port }, query, signal) : reply;
    } catch (error) {
      fault = error;
      if (signal.aborted) break;
    }
  }
  throw fault;
}

function isTruncated(reply: Buffer): boolean {
  return reply.length >= 4 && (reply.readUInt16BE(2) & 0x0200) !== 0;
}

function overUdp(
  to: { address: string; port: number; family: number },
  query: Buffer,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(to.family === 6 ? 'udp6' : 'udp4');
    const timers: NodeJS.Timeout[] = [];
    const end = (settle: () => void) => {
      for (const timer of timers) clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.close();
      settle();
    };
    const onAbort = () => end(() => reject(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('error', (error) => end(() => reject(error)));
    // An answer to another question, a late one or a forged one, is passed over.
    socket.on('message', (message) => {
      if (message.length > 2 && message.readUInt16BE(0) === query.readUInt16BE(0))
        end(() => resolve(message));
    });
    // Connected, so that only this server is heard and a refusal of its machine is an error at once.
    socket.connect(to.port, to.address, () => {
      const send = () => socket.send(query);
      send();
      for (const pause of RESEND_MS) timers.push(setTimeout(send, pause));
    });
  });
}

function overTcp(to: { host: string; port: number }, query: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, signal });
    let received = Buffer.alloc(0);
    const end = (settle: () => void) => {
      socket.destroy();
      settle();
    };
    socket.once('error', (error) => end(() => reject(error)));
    socket.once('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.length);
      socket.write(Buffer.concat([length, query]));
    });
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      end(() => resolve(received.subarray(2, 2 + received.readUInt16BE(0))));
    });
    socket.once('close', () => reject(new Error('the connection was closed before the answer was whole')));
  });
}
