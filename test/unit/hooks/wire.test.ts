import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAnswer, encodeQuery } from '../../../src/hooks/dns/wire.ts';

const hex = (text: string) => Buffer.from(text.replace(/\s+/g, ''), 'hex');

/** A query's bytes with the answer's flags and counts, then the given records. */
function reply(question: Buffer, flags: number, answers: Buffer[]): Buffer {
  const message = Buffer.concat([question, ...answers]);
  message.writeUInt16BE(flags, 2);
  message.writeUInt16BE(answers.length, 6);
  return message;
}

describe('DNS messages', () => {
  const question = encodeQuery(0x1234, { name: 'llm.example.test.', type: 'CNAME' });

  it('encodes a question', () => {
    expect(question.toString('hex')).toBe(
      hex('1234 0000 0001 0000 0000 0000 036c6c6d 076578616d706c65 0474657374 00 0005 0001').toString('hex'),
    );
  });

  it('decodes an answer with compressed names', () => {
    // Owner: pointer to the question's name. Data: "target" and a pointer to example.test.
    const cname = hex('c00c 0005 0001 0000001e 0009 06746172676574 c010');
    expect(decodeAnswer(reply(question, 0x8400, [cname]))).toEqual({
      id: 0x1234,
      rcode: 0,
      authoritative: true,
      records: [
        {
          name: 'llm.example.test.',
          owner: 'llm.example.test.',
          type: 'CNAME',
          ttl: 30,
          value: 'target.example.test.',
          content: 'target.example.test.',
        },
      ],
      all: [{ name: 'llm.example.test.', type: 5 }],
    });
  });

  it('decodes addresses and texts, and passes other types over', () => {
    const answers = [
      hex('c00c 0001 0001 00000e10 0004 c0000201'),
      hex('c00c 001c 0001 00000e10 0010 20010db8000000000000000000000001'),
      hex('c00c 0010 0001 00000e10 0006 026869 02c3a9'),
      hex('c00c 002e 0001 00000e10 0002 ffff'),
    ];
    const values = decodeAnswer(reply(question, 0x8000, answers))?.records.map(({ value }) => value);
    expect(values).toEqual(['192.0.2.1', '2001:db8::1', 'hié']);
  });

  it('decodes texts as they are cut and bytes that are none, and names as they are written', () => {
    const answers = [
      hex('c00c 0010 0001 00000e10 0004 0161 0162'),
      hex('c00c 0010 0001 00000e10 0003 02ff22'),
      hex('034c4c4d c010 0005 0001 00000e10 000a 05612e623b20 0258 79 00'.replace('0258 79', '025879')),
    ];
    expect(decodeAnswer(reply(question, 0x8000, answers))?.records).toMatchObject([
      { value: 'ab', content: '"a" "b"' },
      { value: '"\\255\\""', content: '"\\255\\""' },
      {
        name: 'llm.example.test.',
        owner: 'LLM.example.test.',
        value: 'a\\.b\\;\\032.xy.',
        content: 'a\\.b\\;\\032.Xy.',
      },
    ]);
  });

  it('tells an error from an empty answer', () => {
    expect(decodeAnswer(reply(question, 0x8005, []))).toMatchObject({ rcode: 5, authoritative: false });
    expect(decodeAnswer(question)).toBeUndefined();
  });

  it('ends on names that point at themselves', () => {
    expect(decodeAnswer(reply(question, 0x8400, [hex('c01f 0005 0001 0000001e 0002 c01f')]))).toBeUndefined();
  });

  it('never throws, whatever comes in', () => {
    const noise = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(noise, fc.boolean(), (bytes, behindHeader) => {
        const message = behindHeader ? reply(question, 0x8400, [Buffer.from(bytes)]) : Buffer.from(bytes);
        decodeAnswer(message);
      }),
      { numRuns: 2000 },
    );
  });
});
