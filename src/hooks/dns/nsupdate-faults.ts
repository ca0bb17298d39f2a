import { CutoverError, EXIT, type ExitCode } from '../../errors.ts';

interface Fault {
  /** What nsupdate says on stderr; it exits with 2 whatever is wrong. */
  said: RegExp;
  code: string;
  exit: ExitCode;
  what: string;
  hint: string;
}

/** The first that fits is the one: a key's fault is reported before the refusal that follows from it. */
const FAULTS: readonly Fault[] = [
  {
    said: /could not read key/,
    code: 'KEY_FILE',
    exit: EXIT.config,
    what: 'nsupdate cannot use the key file',
    hint: 'make one with `tsig-keygen -a hmac-sha256 NAME`; the server needs the same key',
  },
  {
    said: /BADSIG/,
    code: 'DNS_BADSIG',
    exit: EXIT.unreachable,
    what: 'the server rejects the signature (BADSIG): it knows a key of this name, but its secret differs',
    hint: 'copy the key from the server’s configuration again',
  },
  {
    said: /BADKEY/,
    code: 'DNS_BADKEY',
    exit: EXIT.unreachable,
    what: 'the server does not know the key (BADKEY)',
    hint: 'add the key to the server’s configuration, under the same name and algorithm',
  },
  {
    said: /BADTIME/,
    code: 'DNS_BADTIME',
    exit: EXIT.unreachable,
    what: 'the clocks of this machine and of the server are too far apart for a signature (BADTIME)',
    hint: 'set both clocks, e.g. with NTP',
  },
  {
    said: /\b(NXRRSET|YXRRSET|NXDOMAIN|YXDOMAIN)\b/,
    code: 'DNS_CHANGED',
    exit: EXIT.unreachable,
    what: 'the records are not what was read a moment ago: something else has changed them',
    hint: 'look at what else writes to this zone',
  },
  {
    said: /\bREFUSED\b/,
    code: 'DNS_REFUSED',
    exit: EXIT.unreachable,
    what: 'the server refuses the update (REFUSED)',
    hint: 'allow it in the zone, e.g. `update-policy { grant KEY zonesub ANY; };`',
  },
  {
    said: /\b(NOTAUTH|NOTZONE)\b/,
    code: 'DNS_NOT_AUTHORITATIVE',
    exit: EXIT.unreachable,
    what: 'the server is not the primary of this zone (NOTAUTH)',
    hint: 'check `server` and `zone`',
  },
  {
    said: /Communication with .* failed|timed out|couldn't get address|connection refused|unreachable/,
    code: 'DNS_UNREACHABLE',
    exit: EXIT.unreachable,
    what: 'the server does not answer',
    hint: 'is this the address of the zone’s primary server, and may this machine reach it?',
  },
];

/** The error behind what nsupdate said. */
export function updateFault(stderr: string, at: { server: string; zone: string }): CutoverError {
  const said = stderr.trim().replace(/\s*\n\s*/g, ' ');
  const fault = FAULTS.find((each) => each.said.test(stderr));
  const place = `${at.server}, zone ${at.zone}`;
  if (!fault)
    return new CutoverError('DNS_UPDATE', EXIT.unreachable, `${place}: ${said || 'nsupdate failed'}`);
  return new CutoverError(fault.code, fault.exit, `${place}: ${fault.what} [${said}]`, { hint: fault.hint });
}
