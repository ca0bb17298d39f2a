import { type RecordType, recordValue } from '../../config/dns-values.ts';
import { quoteStrings, unquoteTxt } from './txt.ts';

/**
 * The part of the DNS message format (RFC 1035, section 4) that one question needs. Pure; whatever bytes come in,
 * decoding ends and does not throw.
 */
export interface Question {
  /** Absolute, with a trailing dot. */
  name: string;
  /** Of types that are never read, the number. */
  type: RecordType | number;
}

export interface Answer {
  id: number;
  /** 0 NOERROR, 3 NXDOMAIN, 5 REFUSED, … */
  rcode: number;
  /** Whether the server is an authority for the name. */
  authoritative: boolean;
  records: AnsweredRecord[];
  /** Every record of the answer, whatever its type: whose it is, in lower case, and its type's number. */
  all: { name: string; type: number }[];
}

export interface AnsweredRecord {
  /** In lower case; `owner` as the server wrote it. */
  name: string;
  owner: string;
  type: RecordType;
  /** Seconds. */
  ttl: number;
  /** In the form in which values are compared. */
  value: string;
  /** As a zone file has it, byte for byte. */
  content: string;
}

/** What an answer comes to (section 4.1.1), as far as it is told apart. */
export const RCODE = { noError: 0, failed: 2, noSuchName: 3, refused: 5 } as const;

/** `REFUSED`, for messages. */
export function rcodeName(rcode: number): string {
  if (rcode === RCODE.refused) return 'REFUSED';
  return rcode === RCODE.failed ? 'SERVFAIL' : `RCODE ${rcode}`;
}

const TYPES: Readonly<Record<RecordType, number>> = { A: 1, CNAME: 5, TXT: 16, AAAA: 28 };
const NAMES = new Map(Object.entries(TYPES).map(([name, code]) => [code, name as RecordType]));
const CLASS_IN = 1;
const HEADER_BYTES = 12;
const RECURSION_DESIRED = 0x0100;
/** A name has at most 127 labels; more jumps than that are a loop. */
const MAX_LABELS = 128;

/** @param recurse asks a resolver to go and find out; an authority is asked without */
export function encodeQuery(id: number, { name, type }: Question, recurse = false): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(recurse ? RECURSION_DESIRED : 0, 2);
  header.writeUInt16BE(1, 4);
  const labels = name.split('.').filter((label) => label !== '');
  const encoded = labels.map((label) =>
    Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
  );
  const tail = Buffer.alloc(5);
  tail.writeUInt16BE(typeof type === 'number' ? type : TYPES[type], 1);
  tail.writeUInt16BE(CLASS_IN, 3);
  return Buffer.concat([header, ...encoded, tail]);
}

/** The answer section of a message; undefined when the message is not a whole answer. */
export function decodeAnswer(message: Buffer): Answer | undefined {
  if (message.length < HEADER_BYTES) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) === 0) return undefined;
  const answer: Answer = {
    id: message.readUInt16BE(0),
    rcode: flags & 0x000f,
    authoritative: (flags & 0x0400) !== 0,
    records: [],
    all: [],
  };
  let at = HEADER_BYTES;
  for (let question = message.readUInt16BE(4); question > 0; question--) {
    const name = readName(message, at);
    if (!name) return undefined;
    at = name.end + 4;
  }
  for (let left = message.readUInt16BE(6); left > 0; left--) {
    const owner = readName(message, at);
    if (!owner || owner.end + 10 > message.length) return undefined;
    const start = owner.end + 10;
    const end = start + message.readUInt16BE(owner.end + 8);
    if (end > message.length) return undefined;
    const code = message.readUInt16BE(owner.end);
    const type = NAMES.get(code);
    answer.all.push({ name: owner.name.toLowerCase(), type: code });
    if (type && message.readUInt16BE(owner.end + 2) === CLASS_IN) {
      const said = readValue(message, type, start, end);
      if (said === undefined) return undefined;
      const ttl = message.readUInt32BE(owner.end + 4);
      answer.records.push({ name: owner.name.toLowerCase(), owner: owner.name, type, ttl, ...said });
    }
    at = end;
  }
  return answer;
}

function readValue(
  message: Buffer,
  type: RecordType,
  start: number,
  end: number,
): Pick<AnsweredRecord, 'value' | 'content'> | undefined {
  const data = message.subarray(start, end);
  switch (type) {
    case 'CNAME': {
      const target = readName(message, start)?.name;
      return target === undefined ? undefined : { value: target.toLowerCase(), content: target };
    }
    case 'A': {
      const address = data.join('.');
      return data.length === 4 ? { value: address, content: address } : undefined;
    }
    case 'AAAA': {
      const groups = data.toString('hex').match(/.{4}/g) ?? [];
      const address = recordValue('AAAA', groups.join(':'));
      return data.length === 16 && address !== undefined ? { value: address, content: address } : undefined;
    }
    case 'TXT': {
      const strings = readStrings(data);
      const content = strings && quoteStrings(strings);
      return content === undefined ? undefined : { value: unquoteTxt(content), content };
    }
  }
}

/** The character strings of a TXT record, as they are cut. */
function readStrings(data: Buffer): Buffer[] | undefined {
  const strings: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    const next = at + 1 + (data[at] as number);
    if (next > data.length) return undefined;
    strings.push(data.subarray(at + 1, next));
    at = next;
  }
  return strings;
}

/** A label as a zone file has it (RFC 1035, section 5.1): what means something else there is escaped. */
function escapeLabel(label: Buffer): string {
  return [...label]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      if (byte <= 0x20 || byte >= 0x7f) return `\\${String(byte).padStart(3, '0')}`;
      return /[.\\"();@$]/.test(char) ? `\\${char}` : char;
    })
    .join('');
}

/** A name, compressed or not (section 4.1.4), as it is written, with a trailing dot, and where it ends. */
function readName(message: Buffer, start: number): { name: string; end: number } | undefined {
  const labels: string[] = [];
  let at = start;
  let end: number | undefined;
  for (let steps = 0; steps < MAX_LABELS; steps++) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length === 0) return { name: `${labels.join('.')}.`, end: end ?? at + 1 };
    if ((length & 0xc0) === 0xc0) {
      const low = message[at + 1];
      if (low === undefined) return undefined;
      end ??= at + 2;
      at = ((length & 0x3f) << 8) | low;
    } else {
      if (length > 63 || at + 1 + length > message.length) return undefined;
      labels.push(escapeLabel(message.subarray(at + 1, at + 1 + length)));
      at += 1 + length;
    }
  }
  return undefined;
}
