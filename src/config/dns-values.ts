/** The record types that a DNS hook can move. */
export const RECORD_TYPES = ['CNAME', 'A', 'AAAA', 'TXT'] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

const LABEL = /^(?!-)[a-z0-9_-]{1,63}$/;
const MAX_NAME = 253;
/** Longest text of a TXT record, in bytes: what fits an answer with room for the rest of it. */
const MAX_TXT = 4000;

/** node:net, loaded where an address is read: that is a twentieth of a start, and most starts read none. */
const net = () => process.getBuiltinModule('node:net');

/** A DNS name as cutover compares it: lower case, absolute, with a trailing dot. Undefined when it is none. */
export function absoluteName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '');
  const labels = name.split('.');
  const rest = labels[0] === '*' ? labels.slice(1) : labels;
  if (name.length > MAX_NAME || rest.length === 0) return undefined;
  return rest.every((label) => LABEL.test(label)) ? `${name}.` : undefined;
}

/** A record's value as cutover compares it, whoever wrote it. Undefined when the type cannot have it. */
export function recordValue(type: RecordType, text: string): string | undefined {
  switch (type) {
    case 'CNAME':
      return absoluteName(text);
    case 'A':
      return net().isIPv4(text) ? text : undefined;
    case 'AAAA':
      // The URL parser writes every IPv6 address in its one shortest form.
      return net().isIPv6(text) && !text.includes('%')
        ? new URL(`http://[${text}]`).hostname.slice(1, -1)
        : undefined;
    case 'TXT':
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
      return Buffer.byteLength(text) <= MAX_TXT && !/[\u0000-\u001f\u007f]/.test(text) ? text : undefined;
  }
}

/** Whether an absolute name is the zone's own or below it. */
export function isWithin(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}
