import type { DnsRecordSet } from '../../world.ts';
import { contentsOf, setOfContents } from './contents.ts';
import { type RecordChange, type RecordKey, recordSet } from './records.ts';
import { strangeAnswer } from './rest.ts';

/**
 * The XML of Route 53, as far as it is needed: its documents are flat, and no element that is looked for stands
 * inside another of its name, so that no parser of all XML is called for.
 */
/** Route 53 writes bytes of texts in octal. */
const BASE = 8;
const NAMESPACE = 'https://route53.amazonaws.com/doc/2013-04-01/';

/**
 * A change batch. Each set is deleted as it was read and created anew: Route 53 refuses the whole batch when what is
 * to be deleted is not exactly there, which makes it a comparison before the swap.
 */
export function changeBatch(changes: readonly RecordChange[], comment: string): string {
  const action = (kind: 'DELETE' | 'CREATE', set: DnsRecordSet) =>
    set.values.length === 0
      ? ''
      : `<Change><Action>${kind}</Action><ResourceRecordSet><Name>${escapeXml(set.name)}</Name>` +
        `<Type>${set.type}</Type><TTL>${set.ttl}</TTL><ResourceRecords>${contentsOf(set, { base: BASE })
          .map((content) => `<ResourceRecord><Value>${escapeXml(content)}</Value></ResourceRecord>`)
          .join('')}</ResourceRecords></ResourceRecordSet></Change>`;
  const all = [
    ...changes.map(({ from }) => action('DELETE', from)),
    ...changes.map(({ to }) => action('CREATE', to)),
  ];
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<ChangeResourceRecordSetsRequest xmlns="${NAMESPACE}"><ChangeBatch>` +
    `<Comment>${escapeXml(comment)}</Comment><Changes>${all.join('')}</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>`
  );
}

/**
 * The set of a list that begins at its name and type.
 * @throws CutoverError DNS_ANSWER (69): not such a list, or a set that is not plain (alias, weighted, …)
 */
export function setOf(xml: string, key: RecordKey): DnsRecordSet {
  const [first] = setsIn(xml);
  if (first === undefined) return recordSet(key, 0, []);
  const text = (name: string) => elements(first, name)[0] ?? '';
  if (nameOf(text('Name')) !== key.name || text('Type') !== key.type) return recordSet(key, 0, []);
  if (first.includes('<AliasTarget>') || first.includes('<SetIdentifier>')) {
    throw strangeAnswer(
      'Route 53',
      `${key.name} ${key.type} is an alias or has a routing policy; only plain records can be moved`,
    );
  }
  const contents = elements(first, 'Value').map(unescapeXml);
  return setOfContents(key, Number(text('TTL')), contents, { base: BASE });
}

/**
 * The types of a name's sets, whatever they are, in a list that begins at the name.
 * @throws CutoverError DNS_ANSWER (69): not such a list
 */
export function typesIn(xml: string, name: string): string[] {
  const text = (set: string, element: string) => elements(set, element)[0] ?? '';
  const own = setsIn(xml).filter((set) => nameOf(text(set, 'Name')) === name);
  return [...new Set(own.map((set) => text(set, 'Type')))];
}

function setsIn(xml: string): string[] {
  if (!xml.includes('<ListResourceRecordSetsResponse'))
    throw strangeAnswer('Route 53', 'it is no list of record sets');
  return elements(xml, 'ResourceRecordSet');
}

/** What is written: texts that stay keep their cut, names their case. */
export function completed({ from, to }: RecordChange): DnsRecordSet {
  return setOfContents(to, to.ttl, contentsOf(to, { now: from, base: BASE }), { base: BASE });
}

/** The error's code and message, or the texts of an invalid change batch. */
export function errorOf(xml: string): string {
  const codes = elements(xml, 'Code');
  const messages = elements(xml, 'Message').map(unescapeXml).join('; ');
  if (codes[0] !== undefined) return `${codes[0]}: ${messages}`;
  return xml.includes('<InvalidChangeBatch') ? `InvalidChangeBatch: ${messages}` : xml;
}

/** The contents of all elements of a name. */
function elements(xml: string, name: string): string[] {
  const found = xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([^]*?)</${name}>`, 'g'));
  return [...found].map(([, content = '']) => content);
}

/** Route 53 writes an asterisk, and all that is not usual in a name, as `\OOO`, in octal. */
function nameOf(text: string): string {
  return unescapeXml(text)
    .replace(/\\(\d{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    .toLowerCase();
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': 'amp',
  '<': 'lt',
  '>': 'gt',
  '"': 'quot',
  "'": 'apos',
};
const CHARACTERS = new Map(Object.entries(ENTITIES).map(([char, name]) => [name, char]));

const escapeXml = (text: string) => text.replace(/[&<>"']/g, (char) => `&${ENTITIES[char]};`);

function unescapeXml(text: string): string {
  return text.replace(
    /&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi,
    (all, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return CHARACTERS.get(name) ?? all;
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : all;
    },
  );
}
