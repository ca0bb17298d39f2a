import { absoluteName, recordValue } from '../../config/dns-values.ts';
import { CutoverError, EXIT } from '../../errors.ts';
import type { DnsRecordSet } from '../../world.ts';
import type { ServerAddress } from './query.ts';
import type { RecordChange } from './records.ts';
import { quoteTxt } from './txt.ts';

/**
 * The input of `nsupdate` for one message: that every set is still what was read (section 2.4 of RFC 2136), then all
 * that goes, then all that comes, so that a CNAME can make way for addresses of its name.
 * @throws CutoverError DNS_VALUE (65) for a name or value that cannot be written on a line
 */
export function updateScript(server: ServerAddress, zone: string, changes: readonly RecordChange[]): string {
  const lines = [`server ${server.host} ${server.port}`, `zone ${zone}`];
  for (const { from } of changes) {
    const record = `${nameIn(from.name)} ${from.type}`;
    if (from.values.length === 0) lines.push(`prereq nxrrset ${record}`);
    for (const value of from.values) lines.push(`prereq yxrrset ${record} ${written(from, value)}`);
  }
  for (const { from } of changes) {
    if (from.values.length > 0) lines.push(`update delete ${nameIn(from.name)} ${from.type}`);
  }
  for (const { to } of changes) {
    for (const value of to.values) {
      lines.push(`update add ${nameIn(to.name)} ${to.ttl} ${to.type} ${written(to, value)}`);
    }
  }
  return `${[...lines, 'send'].join('\n')}\n`;
}

function nameIn(name: string): string {
  const known = absoluteName(name);
  if (known !== undefined) return known;
  throw unwritable(name);
}

function written({ type }: DnsRecordSet, value: string): string {
  if (type === 'TXT') return quoteTxt(value);
  const known = recordValue(type, value);
  if (known !== undefined) return known;
  throw unwritable(value);
}

function unwritable(text: string): CutoverError {
  return new CutoverError('DNS_VALUE', EXIT.input, `cannot be written into an update: ${text}`, {
    hint: 'change this record by hand',
  });
}
