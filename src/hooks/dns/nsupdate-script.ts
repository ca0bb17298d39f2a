import { absoluteName } from '../../config/dns-values.ts';
import { CutoverError, EXIT } from '../../errors.ts';
import type { DnsRecordSet } from '../../world.ts';
import { contentsOf, isZoneFileContent } from './contents.ts';
import type { ServerAddress } from './query.ts';
import type { RecordChange } from './records.ts';
import { fieldsOf } from './rest.ts';

/**
 * The input of `nsupdate` for one message: that every set is still what was read (section 2.4 of RFC 2136), then all
 * that goes, then all that comes, so that a CNAME can make way for addresses of its name.
 * @throws CutoverError DNS_VALUE (65) for a name or value that cannot be written on a line
 */
export function updateScript(server: ServerAddress, zone: string, changes: readonly RecordChange[]): string {
  const lines = [`server ${server.host} ${server.port}`, `zone ${zone}`];
  for (const { from } of changes) {
    const record = `${nameOf(from)} ${from.type}`;
    if (from.values.length === 0) lines.push(`prereq nxrrset ${record}`);
    for (const content of written(from)) lines.push(`prereq yxrrset ${record} ${content}`);
  }
  for (const { from } of changes) {
    if (from.values.length > 0) lines.push(`update delete ${nameOf(from)} ${from.type}`);
  }
  for (const { to } of changes) {
    for (const content of written(to)) {
      lines.push(`update add ${nameOf(to)} ${to.ttl} ${to.type} ${content}`);
    }
  }
  return `${[...lines, 'send'].join('\n')}\n`;
}

/** The name in the case in which the server has it. */
function nameOf({ name, raw }: DnsRecordSet): string {
  if (absoluteName(name) !== name) throw unwritable(name);
  const owner = fieldsOf(raw).name;
  return typeof owner === 'string' && owner.endsWith('.') && absoluteName(owner) === name ? owner : name;
}

function written(set: DnsRecordSet): string[] {
  const contents = contentsOf(set);
  for (const content of contents) if (!isZoneFileContent(set.type, content)) throw unwritable(content);
  return contents;
}

function unwritable(text: string): CutoverError {
  return new CutoverError('DNS_VALUE', EXIT.input, `cannot be written into an update: ${text}`, {
    hint: 'change this record by hand',
  });
}
