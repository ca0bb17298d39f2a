import { Chalk } from 'chalk';
import { describe, expect, it } from 'vitest';
import { createDoor } from '../../../src/output/door.ts';
import { markedStyle } from '../../../src/output/style.ts';
import { alignColumns, fitLine, width, wrap } from '../../../src/report/text.ts';

const ESC = '\u001b';

function door(env: Record<string, string> = {}, live = false) {
  const out: string[] = [];
  const err: string[] = [];
  const made = createDoor({
    env,
    stdout: (text, done) => {
      out.push(text);
      done?.();
    },
    stderr: (text) => void err.push(text),
    live,
  });
  return { ...made, style: markedStyle(new Chalk({ level: 1 }), made.mark), out, err };
}

describe('the door', () => {
  it('lets our colours out, and no others', () => {
    const { print, style, out } = door();
    print(`${style.red('bad')} ${ESC}[31mfalse${ESC}[0m ${ESC}]0;title\u0007 ${ESC}[1;2;3;32m`);
    expect(out.join('')).toBe(
      `${ESC}[31mbad${ESC}[39m \\x1b[31mfalse\\x1b[0m \\x1b]0;title\\x07 \\x1b[1;2;3;32m\n`,
    );
  });

  it('makes visible what a terminal or a reader would be misled by', () => {
    const { note, err } = door();
    note('a\rb\u009b31mc\u202ed\u200be\ud800f\u2028g\ttab\nline');
    expect(err.join('')).toBe('a\\x0db\\x9b31mc\\u{202e}d\\u{200b}e\\u{d800}f\\u{2028}g\ttab\nline\n');
  });

  it('redacts before anything else', () => {
    const { print, document, note, redactor, out, err } = door();
    redactor.remember('12345');
    print('key 12345');
    note('key 12345');
    document({ key: 'a 12345', pid: 123456 });
    expect([...out, ...err]).toEqual(['key ***\n', '{"key":"a ***","pid":123456}\n', 'key ***\n']);
  });

  it.each([
    '::error file=x::y',
    '  ::set-output name=a::b',
    '\u00a0::add-mask::x',
    'a\n::stop-commands::t',
    '##[error]x',
  ])('gives the runner of GitHub Actions no command: %j', (text) => {
    const { print, note, style, document, out, err } = door({ GITHUB_ACTIONS: 'true' });
    print(text);
    print(style.bold(text));
    note(text);
    document({ text }, 2);
    for (const line of [...out, ...err].join('').split('\n')) {
      expect(
        line
          .replaceAll(/\p{Cc}\[[\d;]*m/gu, '')
          .trim()
          .startsWith('::'),
      ).toBe(false);
      expect(line).not.toContain('##[');
    }
    expect(JSON.parse(out[2] as string)).toEqual({ text });
  });

  it('leaves such lines alone elsewhere', () => {
    const { print, out } = door();
    print('::error::x');
    expect(out).toEqual(['::error::x\n']);
  });

  it('keeps the meaning of a document whatever stands in it', () => {
    const { document, documented, out } = door({ GITHUB_ACTIONS: 'true' });
    expect(documented()).toBe(false);
    const value = { 'k\u009b': `${ESC}[31m\u202e##[x]::\u2028`, n: 1e21, list: [null, true] };
    document(value);
    expect(JSON.parse(out[0] as string)).toEqual(value);
    expect(out[0]).toMatch(/^[\x20-\x7e]*\n$/);
    expect(documented()).toBe(true);
  });

  it('writes a long document in pieces, each without secrets, commands and controls', async () => {
    const { document, longDocument, documented, redactor, out } = door({ GITHUB_ACTIONS: 'true' });
    redactor.remember('top-secret');
    const groups = Array.from({ length: 5000 }, (_, i) => ({
      key: `u${i} top-secret ##[x]`,
      'top-secret': 1,
    }));
    const value = {
      title: `top-secret ${ESC}[31m\u202e`,
      byModel: { 'top-secret': 1, other: ['##['] },
      groups,
    };
    await longDocument(value);
    expect(documented()).toBe(true);
    const pieces = out.splice(0);
    expect(pieces.length).toBeGreaterThan(10);
    document(value, 2);
    expect(pieces.join('')).toBe(out.join(''));
    expect(pieces.join('')).not.toMatch(/top-secret|##\[/);
  });

  it('writes no further where nobody reads on', async () => {
    const pieces: string[] = [];
    const made = createDoor({
      env: {},
      stdout: (text, done) => done?.(pieces.push(text) < 2 ? null : new Error('EPIPE')),
      stderr: () => {},
      live: false,
    });
    await made.longDocument({ list: Array.from({ length: 50_000 }, (_, i) => i) });
    expect(pieces).toHaveLength(2);
  });

  it('writes a live line over the last, in a terminal only, and clears it for others', () => {
    const terminal = door({}, true);
    terminal.live(`one ${ESC}[2J`);
    terminal.live('two');
    terminal.print('result');
    expect([...terminal.err, ...terminal.out]).toEqual([
      '\r\u001b[Kone \\x1b[2J',
      '\r\u001b[Ktwo',
      '\r\u001b[K',
      'result\n',
    ]);
    const pipe = door();
    pipe.live('one');
    expect(pipe.err).toEqual([]);
  });
});

describe('lines', () => {
  const { style } = door();

  it('are wrapped between words, colours and wide characters measured', () => {
    expect(wrap(style.red('one two three'), 7).map(width)).toEqual([7, 5]);
    expect(wrap('日本 日本', 6)).toEqual(['日本', '日本']);
    expect(wrap('  a b c', 5, '    ')).toEqual(['  a b', '    c']);
  });

  it('are aligned, the last cell wrapped beside the others or, for want of room, below them', () => {
    const rows = [
      ['next', 'cutover canary start because all traffic is on legacy'],
      ['flag', '0 %'],
    ];
    expect(alignColumns(rows, 0, 40)).toEqual([
      'next  cutover canary start because all',
      '      traffic is on legacy',
      'flag  0 %',
    ]);
    expect(alignColumns(rows, 0, 24)).toEqual([
      'next',
      '    cutover canary start',
      '    because all traffic',
      '    is on legacy',
      'flag  0 %',
    ]);
  });

  it('are cut with their colours closed', () => {
    expect(
      fitLine(`a ${style.red('long red text')}`, 8).replace(new RegExp(`${'\\d+;'.repeat(3)}`, 'g'), ''),
    ).toBe(`a ${ESC}[31mlong …${ESC}[39m`);
  });
});
