/**
 * A small assembler for WebAssembly (core specification 2.0, with fixed-width SIMD): functions over one memory.
 * Code is built from nested expressions; a number stands for an i32 constant and a bigint for an i64 constant.
 */
export type Code = (out: number[], depth: number) => void;
export type Arg = Code | number | bigint;

const TYPES = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b } as const;
export type Type = keyof typeof TYPES;

/** A local variable: itself its value. */
export type Local = Code & { set(value: Arg): Code };
/** A function of the module or an imported one: called with its arguments. */
export type Callable = (...args: Arg[]) => Code;

interface Signature {
  params: readonly Type[];
  result?: Type | undefined;
}

/** Makes local variables while a body is written. */
export type NewLocal = (type: Type) => Local;

interface FunctionBody {
  signature: Signature;
  locals: Type[];
  body: Code;
  exported: string | undefined;
}

const push = (out: number[], depth: number, args: readonly Arg[]) => {
  for (const arg of args) code(arg)(out, depth);
};
const code = (arg: Arg): Code => {
  if (typeof arg === 'function') return arg;
  const opcode = typeof arg === 'number' ? 0x41 : 0x42;
  return (out) => out.push(opcode, ...signed(BigInt(arg)));
};
const op =
  (...opcode: number[]) =>
  (...args: Arg[]): Code =>
  (out, depth) => {
    push(out, depth, args);
    out.push(...opcode);
  };
/** Loads and stores: the last argument may be a constant offset in bytes. */
const memory =
  (operands: number, ...opcode: number[]) =>
  (...args: Arg[]): Code =>
  (out, depth) => {
    push(out, depth, args.slice(0, operands));
    out.push(...opcode, 0, ...unsigned(Number(args[operands] ?? 0)));
  };
const simd = (opcode: number) => op(0xfd, ...unsigned(opcode));

export const i32 = {
  load: memory(1, 0x28),
  load8: memory(1, 0x2d),
  store: memory(2, 0x36),
  eqz: op(0x45),
  eq: op(0x46),
  ne: op(0x47),
  lt: op(0x49),
  gt: op(0x4b),
  le: op(0x4d),
  ge: op(0x4f),
  ctz: op(0x68),
  add: op(0x6a),
  sub: op(0x6b),
  mul: op(0x6c),
  and: op(0x71),
  or: op(0x72),
  xor: op(0x73),
  shl: op(0x74),
  shr: op(0x76),
  wrap: op(0xa7),
  /** Of a double: NaN is 0. */
  truncate: op(0xfc, 0x03),
};
export const i64 = {
  load: memory(1, 0x29),
  store: memory(2, 0x37),
  eqz: op(0x50),
  ctz: op(0x7a),
  eq: op(0x51),
  ne: op(0x52),
  add: op(0x7c),
  sub: op(0x7d),
  mul: op(0x7e),
  and: op(0x83),
  or: op(0x84),
  xor: op(0x85),
  shl: op(0x86),
  shr: op(0x88),
  extend: op(0xad),
};
export const f64 = {
  const: (value: number): Code => {
    const bytes = new Uint8Array(new Float64Array([value]).buffer);
    return (out) => out.push(0x44, ...bytes);
  },
  load: memory(1, 0x2b),
  store: memory(2, 0x39),
  eq: op(0x61),
  ne: op(0x62),
  lt: op(0x63),
  le: op(0x65),
  floor: op(0x9c),
  gt: op(0x64),
  add: op(0xa0),
  sub: op(0xa1),
  mul: op(0xa2),
  div: op(0xa3),
  fromI32: op(0xb8),
  fromI64: op(0xb9),
};
/** Sixteen bytes at once. */
export const v128 = {
  load: memory(1, 0xfd, 0x00),
  store: memory(2, 0xfd, 0x0b),
  splat: simd(0x0f),
  /** Two doubles. */
  splatF64: simd(0x14),
  eq: simd(0x23),
  lt: simd(0x26),
  and: simd(0x4e),
  or: simd(0x50),
  xor: simd(0x51),
  anyTrue: simd(0x53),
  /** One bit a byte. */
  bitmask: simd(0x64),
  /** Two doubles and two doubles. */
  addF64: simd(0xf0),
};

/** Where a branch goes. */
export interface Label {
  depth: number;
}

const structured = (opcode: number, body: (label: Label) => Code[]): Code => {
  const label: Label = { depth: 0 };
  const inner = body(label);
  return (out, depth) => {
    label.depth = depth + 1;
    out.push(opcode, 0x40);
    push(out, depth + 1, inner);
    out.push(0x0b);
  };
};
/** Code that `br(label)` leaves. */
export const block = (body: (exit: Label) => Code[]): Code => structured(0x02, body);
/** Code that `br(label)` begins again; it ends otherwise. */
export const loop = (body: (again: Label) => Code[]): Code => structured(0x03, body);
export const br =
  (label: Label): Code =>
  (out, depth) =>
    out.push(0x0c, ...unsigned(depth - label.depth));
export const brIf =
  (label: Label, condition: Arg): Code =>
  (out, depth) => {
    code(condition)(out, depth);
    out.push(0x0d, ...unsigned(depth - label.depth));
  };
export const when =
  (condition: Arg, then: Code[], otherwise: Code[] = []): Code =>
  (out, depth) => {
    code(condition)(out, depth);
    out.push(0x04, 0x40);
    push(out, depth + 1, then);
    if (otherwise.length > 0) {
      out.push(0x05);
      push(out, depth + 1, otherwise);
    }
    out.push(0x0b);
  };
/** `then` or `otherwise` as a value, both computed. */
export const select = op(0x1b);
export const ret = (...value: Arg[]): Code => op(0x0f)(...value);

/** A module under construction: first the imports, then the functions. */
export interface Module {
  imported(name: string, signature: Signature): Callable;
  define(
    signature: Signature,
    write: (local: NewLocal, ...params: Local[]) => Code[],
    exported?: string,
  ): Callable;
  /** Functions that call themselves know themselves by this number before they are defined. */
  next(): Callable;
  /** The binary. The memory comes from outside, as `env.memory`, with at least so many pages of 64 KiB. */
  binary(pages: number): Uint8Array<ArrayBuffer>;
}

export function createModule(): Module {
  const imports: { name: string; signature: Signature }[] = [];
  const functions: FunctionBody[] = [];
  const callable =
    (index: number): Callable =>
    (...args) =>
      op(0x10, ...unsigned(index))(...args);

  return {
    imported(name, signature) {
      imports.push({ name, signature });
      return callable(imports.length - 1);
    },
    next: () => callable(imports.length + functions.length),
    define(signature, write, exported) {
      const locals: Type[] = [];
      const at = (index: number): Local =>
        Object.assign((out: number[]) => void out.push(0x20, ...unsigned(index)), {
          set: (value: Arg) => op(0x21, ...unsigned(index))(value),
        });
      const local: NewLocal = (type) => {
        locals.push(type);
        return at(signature.params.length + locals.length - 1);
      };
      const lines = write(local, ...signature.params.map((_, index) => at(index)));
      const body: Code = (out, depth) => push(out, depth, lines);
      functions.push({ signature, locals, body, exported });
      return callable(imports.length + functions.length - 1);
    },
    binary(pages) {
      const all = [...imports, ...functions].map(({ signature }) => signature);
      const out = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
      section(
        out,
        1,
        all.map(({ params, result }) => [
          0x60,
          ...vector(params.map((type) => [TYPES[type]])),
          ...vector(result ? [[TYPES[result]]] : []),
        ]),
      );
      section(out, 2, [
        [...text('env'), ...text('memory'), 2, 0, ...unsigned(pages)],
        ...imports.map(({ name }, index) => [...text('env'), ...text(name), 0, ...unsigned(index)]),
      ]);
      section(
        out,
        3,
        functions.map((_, index) => unsigned(imports.length + index)),
      );
      section(
        out,
        7,
        functions.flatMap(({ exported }, index) =>
          exported === undefined ? [] : [[...text(exported), 0, ...unsigned(imports.length + index)]],
        ),
      );
      section(
        out,
        10,
        functions.map(({ locals, body }) => {
          const bytes = vector(locals.map((type) => [1, TYPES[type]]));
          body(bytes, 0);
          bytes.push(0x0b);
          return [...unsigned(bytes.length), ...bytes];
        }),
      );
      return Uint8Array.from(out);
    },
  };
}

function section(out: number[], id: number, entries: number[][]): void {
  const content = vector(entries);
  out.push(id, ...unsigned(content.length));
  for (const byte of content) out.push(byte);
}

function vector(entries: readonly number[][]): number[] {
  return [...unsigned(entries.length), ...entries.flat()];
}

function text(value: string): number[] {
  const bytes = [...Buffer.from(value)];
  return [...unsigned(bytes.length), ...bytes];
}

/** LEB128. */
function unsigned(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    out.push(rest === 0 ? byte : byte | 0x80);
  } while (rest !== 0);
  return out;
}

function signed(value: bigint): number[] {
  const out: number[] = [];
  let rest = value;
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = (rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0);
    out.push(done ? byte : byte | 0x80);
    if (done) return out;
  }
}
