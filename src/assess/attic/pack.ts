/**
 * Writes plain data (objects, arrays, maps, numbers, texts, typed arrays) as bytes and reads it again. Names of fields and
 * texts are written down once, in tables beside the bytes: data that is all alike takes little.
 */
export interface Tables {
  /** Texts by number. */
  texts: string[];
  /** Names of an object's fields, by the number of its shape. */
  shapes: (readonly string[])[];
}

export interface Packer {
  tables: Tables;
  /** The bytes are valid until the next call. */
  pack(value: unknown): Uint8Array;
}

enum Tag {
  undefined,
  null,
  false,
  true,
  /** A whole number from 0 on. */
  whole,
  double,
  text,
  array,
  object,
  map,
  words,
  doubles,
}

const FIRST_BYTES = 4096;

export function createPacker(): Packer {
  const tables: Tables = { texts: [], shapes: [] };
  const textNumbers = new Map<string, number>();
  let bytes = Buffer.alloc(FIRST_BYTES);
  let end = 0;

  const room = (count: number) => {
    if (end + count <= bytes.length) return;
    const larger = Buffer.alloc(Math.max(bytes.length * 2, end + count));
    bytes.copy(larger, 0, 0, end);
    bytes = larger;
  };
  const byte = (value: number) => {
    room(1);
    bytes[end++] = value;
  };
  /** Seven bits a byte, the lowest first. */
  const whole = (value: number) => {
    let rest = value;
    while (rest >= 0x80) {
      byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    byte(rest);
  };
  const text = (value: string) => {
    let number = textNumbers.get(value);
    if (number === undefined) {
      number = tables.texts.push(value) - 1;
      textNumbers.set(value, number);
    }
    whole(number);
  };
  /** There are few shapes, and to compare names takes less than to join them. */
  const shapeOf = (value: object): number => {
    const number = tables.shapes.findIndex((fields) => hasFields(value, fields));
    return number >= 0 ? number : tables.shapes.push(Object.keys(value)) - 1;
  };
  const write = (value: unknown): void => {
    if (typeof value === 'number') {
      if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) {
        byte(Tag.whole);
        whole(value);
        return;
      }
      byte(Tag.double);
      room(8);
      end = bytes.writeDoubleLE(value, end);
    } else if (typeof value === 'string') {
      byte(Tag.text);
      text(value);
    } else if (typeof value !== 'object' || value === null) {
      byte(value === undefined ? Tag.undefined : value === null ? Tag.null : value ? Tag.true : Tag.false);
    } else if (Array.isArray(value)) {
      byte(Tag.array);
      whole(value.length);
      for (const each of value) write(each);
    } else if (value instanceof Map) {
      byte(Tag.map);
      whole(value.size);
      for (const [key, each] of value) {
        write(key);
        write(each);
      }
    } else if (value instanceof Uint32Array) {
      byte(Tag.words);
      whole(value.length);
      for (const each of value) whole(each);
    } else if (value instanceof Float64Array) {
      byte(Tag.doubles);
      whole(value.length);
      room(8 * value.length);
      for (const each of value) end = bytes.writeDoubleLE(each, end);
    } else {
      const shape = shapeOf(value);
      byte(Tag.object);
      whole(shape);
      for (const field of tables.shapes[shape] as readonly string[]) {
        write((value as Record<string, unknown>)[field]);
      }
    }
  };
  return {
    tables,
    pack(value) {
      end = 0;
      write(value);
      return bytes.subarray(0, end);
    },
  };
}

/** Whether an object has these fields, in this order, and no others. */
function hasFields(value: object, fields: readonly string[]): boolean {
  let count = 0;
  for (const field in value) if (field !== fields[count++]) return false;
  return count === fields.length;
}

/** What was packed at the beginning of the bytes. */
export function unpack({ texts, shapes }: Tables, bytes: Buffer): unknown {
  let place = 0;
  const whole = () => {
    let value = 0;
    for (let weight = 1; ; weight *= 0x80) {
      const next = bytes[place++] as number;
      value += (next & 0x7f) * weight;
      if (next < 0x80) return value;
    }
  };
  const double = () => {
    place += 8;
    return bytes.readDoubleLE(place - 8);
  };
  const readMap = (size: number) => {
    const map = new Map<unknown, unknown>();
    for (let i = 0; i < size; i++) map.set(read(), read());
    return map;
  };
  const read = (): unknown => {
    switch (bytes[place++] as Tag) {
      case Tag.undefined:
        return undefined;
      case Tag.null:
        return null;
      case Tag.false:
        return false;
      case Tag.true:
        return true;
      case Tag.whole:
        return whole();
      case Tag.double:
        return double();
      case Tag.text:
        return texts[whole()];
      case Tag.array:
        return Array.from({ length: whole() }, read);
      case Tag.map:
        return readMap(whole());
      case Tag.words:
        return filled(new Uint32Array(whole()), whole);
      case Tag.doubles:
        return filled(new Float64Array(whole()), double);
      case Tag.object: {
        const fields = shapes[whole()] as readonly string[];
        // Not by assignment: a field may be called `__proto__`.
        return Object.fromEntries(fields.map((field) => [field, read()]));
      }
    }
  };
  return read();
}

function filled<T extends Uint32Array | Float64Array>(values: T, next: () => number): T {
  for (let i = 0; i < values.length; i++) values[i] = next();
  return values;
}
