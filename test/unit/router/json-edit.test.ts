import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editMembers } from '../../../src/router/json-edit.ts';

describe('editMembers', () => {
  it('changes one value and no other character', () => {
    const text = '{ "n": 12345678901234567890.10 ,\n\t"model" : "a\\"}b", "x": {"model":"inner"}, "e": 1e2 }';
    expect(editMembers(text, { model: '"new"' })).toBe(
      '{ "n": 12345678901234567890.10 ,\n\t"model" : "new", "x": {"model":"inner"}, "e": 1e2 }',
    );
  });

  it.each([
    ['{}', '{"a":1}'],
    ['{ }', '{ "a":1}'],
    ['{"b":[1,{"a":"]"}]}', '{"b":[1,{"a":"]"}],"a":1}'],
    ['{"a":0,"a":[{}]}', '{"a":1,"a":1}'],
    ['{"\\u0061":0}', '{"\\u0061":1}'],
    [' {"b":null}\n', ' {"b":null,"a":1}\n'],
  ])('%s', (before, after) => {
    expect(editMembers(before, { a: '1' })).toBe(after);
  });

  it('does to any object what assigning the members would do', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(
        object,
        fc.jsonValue(),
        fc.constantFrom(undefined, 1, '\t'),
        (value, replacement, indent) => {
          for (const key of ['model', Object.keys(value)[0] ?? 'x']) {
            const edited = editMembers(JSON.stringify(value, null, indent), {
              [key]: JSON.stringify(replacement),
            });
            const wanted = JSON.parse(JSON.stringify({ ...value, [key]: replacement }));
            expect(JSON.parse(edited)).toEqual(wanted);
          }
        },
      ),
    );
  });
});
