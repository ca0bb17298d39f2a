import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStream } from '../../../src/router/sse.ts';

const chunk = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ delta: { content }, finish_reason: null }], usage: null })}\n\n`;
const USAGE = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } })}\n\n`;
const FINISH = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n';
const DONE = 'data: [DONE]\n\n';
const STREAM = `: hello\n\n${chunk('"usage":{ "x\\"')}${chunk('é€😀')}${FINISH}${USAGE}${DONE}`;

function run(pieces: Buffer[], dropUsage: boolean) {
  const reader = readStream(dropUsage);
  const out = pieces.map((piece) => reader.push(piece));
  out.push(reader.end());
  return { text: Buffer.concat(out).toString('utf8'), facts: reader.facts };
}

/** The bytes of a text, cut at the given places. */
function cutAt(text: string, places: number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const cuts = [0, ...places.map((place) => place % bytes.length), bytes.length].sort((a, b) => a - b);
  return cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end));
}

describe('readStream', () => {
  const cuts = fc.array(fc.nat(5000), { maxLength: 40 });

  it.each(['\n', '\r\n', '\r'])('is transparent wherever the bytes are cut (line ends %j)', (lineEnd) => {
    const text = STREAM.replaceAll('\n', lineEnd);
    fc.assert(
      fc.property(cuts, (places) => {
        const { text: seen, facts } = run(cutAt(text, places), false);
        expect(seen).toBe(text);
        expect(facts).toEqual({
          tokens: { input: 3, cachedInput: 0, output: 2 },
          finished: true,
          failed: false,
        });
      }),
    );
  });

  it.each(['\n', '\r\n'])('takes out the usage chunk and nothing else (line ends %j)', (lineEnd) => {
    const text = STREAM.replaceAll('\n', lineEnd);
    const wanted = STREAM.replace(USAGE, '').replaceAll('\n', lineEnd);
    fc.assert(
      fc.property(cuts, (places) => {
        const { text: seen, facts } = run(cutAt(text, places), true);
        expect(seen).toBe(wanted);
        expect(facts.tokens?.output).toBe(2);
      }),
    );
  });

  it('hands every byte on at once when nothing is to be taken out', () => {
    const reader = readStream(false);
    expect(reader.push(Buffer.from('data: {"cho')).toString()).toBe('data: {"cho');
  });

  it('keeps usage that comes with choices, as some providers send it', () => {
    const text = `data: {"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n${DONE}`;
    expect(run([Buffer.from(text)], true).text).toBe(text);
  });

  it('knows a stream that lacks its end, or reports an error', () => {
    expect(run([Buffer.from(chunk('a'))], true).facts.finished).toBe(false);
    expect(run([Buffer.from('data: [DONE]')], true).facts.finished).toBe(true);
    expect(run([Buffer.from('data: {"error":{"message":"x"}}\n\n')], true).facts.failed).toBe(true);
  });

  it('reads the responses API', () => {
    const text =
      'event: response.completed\ndata: {"type":"response.completed","response":{"error":null,"usage":{"input_tokens":5,"output_tokens":6}}}\n\n';
    expect(run([Buffer.from(text)], false).facts).toEqual({
      tokens: { input: 5, cachedInput: 0, output: 6 },
      finished: true,
      failed: false,
    });
  });

  it('does not hold an event without an end for ever', () => {
    const reader = readStream(true);
    const piece = Buffer.alloc(1024 * 1024, 'x');
    const out = Array.from({ length: 6 }, () => reader.push(piece).length).reduce((a, b) => a + b);
    expect(out).toBeGreaterThan(4 * 1024 * 1024);
  });
});
