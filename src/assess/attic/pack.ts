/** How items of one kind are written as bytes, and read again in the same order. */
export interface Codec<T> {
  write(to: Writer, item: T): void;
  read(from: Reader): T;
}

/** Writes values as bytes that can be read again in the same order; bit for bit what they were. */
export interface Writer {
  /** A whole number from 0 on, below 2^53. */
  whole(value: number): void;
  number(value: number): void;
  /** Written down once, in a table beside the bytes: there are few different ones. */
  text(value: string | undefined): void;
  words(values: Uint32Array, count: number): void;
  doubles(values: Float64Array, count: number): void;
}

export interface Reader {
  whole(): number;
  number(): number;
  text(): string | undefined;
  words(count: number): Uint32Array<ArrayBuffer>;
  doubles(count: number): Float64Array<ArrayBuffer>;
}

export interface Packer<T> {
  /** The texts by number. */
  texts: string[];
  /** The bytes are valid until the next call. */
  pack(item: T): Uint8Array;
}

const FIRST_BYTES = 4096;
const DOUBLE_BYTES = 8;
/** A whole number below 2^53 takes no more, seven bits a byte. */
const WHOLE_BYTES = 8;
/** In front of a number that is not written as a whole one; that is written as one more. */
const DOUBLE = 0;
const SHIFT = 2 ** 31;

export function createPacker<T>(codec: Codec<T>): Packer<T> {
  const texts: string[] = [];
  const textNumbers = new Map<string, number>();
  const double = new Float64Array(1);
  const doubleBytes = new Uint8Array(double.buffer);
  let bytes = new Uint8Array(FIRST_BYTES);
  let end = 0;

  const room = (count: number) => {
    if (end + count <= bytes.length) return;
    const larger = new Uint8Array(Math.max(bytes.length * 2, end + count));
    larger.set(bytes);
    bytes = larger;
  };
  const whole = (value: number) => {
    room(WHOLE_BYTES);
    let rest = value;
    while (rest >= SHIFT) {
      bytes[end++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest >= 0x80) {
      bytes[end++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[end++] = rest;
  };
  const doubleOf = (value: number) => {
    room(DOUBLE_BYTES);
    double[0] = value;
    for (let i = 0; i < DOUBLE_BYTES; i++) bytes[end++] = doubleBytes[i] as number;
  };
  const writer: Writer = {
    whole,
    number(value) {
      const isWhole = value >= 0 && value < Number.MAX_SAFE_INTEGER && Math.floor(value) === value;
      if (isWhole && !Object.is(value, -0)) {
        whole(value + 1);
        return;
      }
      whole(DOUBLE);
      doubleOf(value);
    },
    text(value) {
      if (value === undefined) {
        whole(0);
        return;
      }
      let number = textNumbers.get(value);
      if (number === undefined) {
        number = texts.push(value);
        textNumbers.set(value, number);
      }
      whole(number);
    },
    words(values, count) {
      for (let i = 0; i < count; i++) whole(values[i] as number);
    },
    doubles(values, count) {
      for (let i = 0; i < count; i++) doubleOf(values[i] as number);
    },
  };
  return {
    texts,
    pack(item) {
      end = 0;
      codec.write(writer, item);
      return bytes.subarray(0, end);
    },
  };
}

/** @returns reads the item that was packed at `from` of some bytes, with the texts of its packer. */
export function createUnpacker<T>(
  codec: Codec<T>,
): (texts: readonly string[], bytes: Uint8Array, from: number) => T {
  const double = new Float64Array(1);
  const doubleBytes = new Uint8Array(double.buffer);
  let texts: readonly string[] = [];
  let bytes = new Uint8Array(0) as Uint8Array;
  let place = 0;

  const whole = () => {
    let next = bytes[place++] as number;
    if (next < 0x80) return next;
    let value = next & 0x7f;
    for (let weight = 0x80; ; weight *= 0x80) {
      next = bytes[place++] as number;
      value += (next & 0x7f) * weight;
      if (next < 0x80) return value;
    }
  };
  const doubleAt = () => {
    for (let i = 0; i < DOUBLE_BYTES; i++) doubleBytes[i] = bytes[place++] as number;
    return double[0] as number;
  };
  const reader: Reader = {
    whole,
    number() {
      const value = whole();
      return value === DOUBLE ? doubleAt() : value - 1;
    },
    text() {
      const number = whole();
      return number === 0 ? undefined : texts[number - 1];
    },
    words(count) {
      const values = new Uint32Array(count);
      for (let i = 0; i < count; i++) values[i] = whole();
      return values;
    },
    doubles(count) {
      const values = new Float64Array(count);
      for (let i = 0; i < count; i++) values[i] = doubleAt();
      return values;
    },
  };
  return (theirs, segment, from) => {
    texts = theirs;
    bytes = segment;
    place = from;
    return codec.read(reader);
  };
}
