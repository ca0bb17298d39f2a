/** Takes secrets out of what goes to a client. */
export interface Redactor {
  text(value: string): string;
  /** @returns the very same buffer when no secret is in it. */
  bytes(whole: Buffer): Buffer;
  /** For bytes that come in pieces: a secret is found across them. */
  stream(): StreamRedactor;
}

export interface StreamRedactor {
  /** Gives back what is certain to hold no part of a secret; the rest comes with the next piece, or at the end. */
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

/** Shorter ones would blot out ordinary words of an answer. */
const MIN_SECRET = 8;
const STARS = Buffer.from('***');
const NOTHING: Buffer = Buffer.alloc(0);

/** @param secrets each is found as it is, in JSON, in URLs and in base64; those below 8 characters are left alone. */
export function createRedactor(secrets: readonly string[]): Redactor {
  const forms = [...new Set(secrets.filter((secret) => secret.length >= MIN_SECRET).flatMap(formsOf))]
    // Longest first: a secret that contains another must not leave its tail behind.
    .sort((a, b) => b.length - a.length)
    .map((form) => Buffer.from(form));
  const known = new Uint8Array(256);
  for (const form of forms) for (const byte of form) known[byte] = 1;
  // One pass over all forms, many times faster on small pieces than a search for each. Latin-1: a character a byte.
  const any = new RegExp(forms.map((form) => literal(form.toString('latin1'))).join('|') || '(?!)');
  const found = (data: Buffer) =>
    any.test(data.toString('latin1')) ? replace(data, forms) : { clean: NOTHING, rest: data };
  const bytes = (whole: Buffer) => {
    const { clean, rest } = found(whole);
    return clean.length === 0 ? rest : Buffer.concat([clean, rest]);
  };

  return {
    bytes,
    text: (value) => bytes(Buffer.from(value)).toString(),
    stream() {
      let held = NOTHING;
      return {
        push(chunk) {
          const { clean, rest } = found(held.length > 0 ? Buffer.concat([held, chunk]) : chunk);
          const safe = rest.length - begun(rest, forms, known);
          held = rest.subarray(safe);
          const out = rest.subarray(0, safe);
          return clean.length === 0 ? out : Buffer.concat([clean, out]);
        },
        end() {
          const last = held;
          held = NOTHING;
          return last;
        },
      };
    },
  };
}

function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const base64 = [0, 1, 2].map((offset) => base64Core(secret, offset));
  return [
    secret,
    json,
    // Some write a slash as \/ in JSON.
    json.replaceAll('/', '\\/'),
    encodeURIComponent(secret),
    ...base64,
    ...base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_')),
  ];
}

/** The base64 of a secret that stands `offset` bytes (modulo 3) into what is encoded, without what its neighbours decide. */
function base64Core(secret: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
  return bytes.toString('base64').slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6));
}

/** What stands up to the end of the last secret, with stars in their places, and what follows it. */
function replace(data: Buffer, forms: readonly Buffer[]): { clean: Buffer; rest: Buffer } {
  // Each form is looked for again only when its place has been passed: the cost stays one search a form.
  const places = forms.map((form) => place(data, form, 0));
  let clean = NOTHING;
  let size = 0;
  let from = 0;
  for (;;) {
    let at = Number.POSITIVE_INFINITY;
    let length = 0;
    for (const [i, form] of forms.entries()) {
      if ((places[i] as number) < from) places[i] = place(data, form, from);
      if ((places[i] as number) >= at) continue;
      at = places[i] as number;
      length = form.length;
    }
    if (length === 0) break;
    // No secret is shorter than the stars, so that this is always enough.
    if (clean.length === 0) clean = Buffer.allocUnsafe(data.length);
    size += data.copy(clean, size, from, at);
    size += STARS.copy(clean, size);
    from = at + length;
  }
  return { clean: clean.subarray(0, size), rest: from === 0 ? data : data.subarray(from) };
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

function place(data: Buffer, form: Buffer, from: number): number {
  const at = data.indexOf(form, from);
  return at === -1 ? Number.POSITIVE_INFINITY : at;
}

/**
 * How many of the last bytes may be the beginning of a secret.
 * @param known marks each byte that occurs in one: what stands before another byte begins none.
 */
function begun(data: Buffer, forms: readonly Buffer[], known: Uint8Array): number {
  const longest = Math.min(data.length, (forms[0]?.length ?? 1) - 1);
  let length = 0;
  while (length < longest && known[data[data.length - length - 1] as number] === 1) length++;
  for (; length > 0; length--) {
    const start = data.length - length;
    const begins = (form: Buffer) =>
      form.length > length && form.compare(data, start, data.length, 0, length) === 0;
    if (forms.some(begins)) return length;
  }
  return 0;
}
