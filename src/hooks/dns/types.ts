/** Record types by name, and the rest by number (RFC 3597, section 5). */
const NAMES: Readonly<Record<number, string>> = {
  ...{ 1: 'A', 2: 'NS', 5: 'CNAME', 6: 'SOA', 12: 'PTR', 13: 'HINFO', 15: 'MX', 16: 'TXT', 17: 'RP' },
  ...{ 18: 'AFSDB', 24: 'SIG', 25: 'KEY', 28: 'AAAA', 29: 'LOC', 30: 'NXT', 33: 'SRV', 35: 'NAPTR' },
  ...{ 37: 'CERT', 39: 'DNAME', 43: 'DS', 44: 'SSHFP', 46: 'RRSIG', 47: 'NSEC', 48: 'DNSKEY', 49: 'DHCID' },
  ...{
    52: 'TLSA',
    53: 'SMIMEA',
    61: 'OPENPGPKEY',
    64: 'SVCB',
    65: 'HTTPS',
    99: 'SPF',
    256: 'URI',
    257: 'CAA',
  },
};

/** A question for all that a name has; no record is of this type. */
export const ANY = 255;

/** Types that a name in use may have and that no CNAME can stand beside. */
export const COMMON_TYPES: readonly number[] = Object.keys(NAMES)
  .map(Number)
  .filter((code) => ![5, 24, 25, 30, 46, 47].includes(code));

export const typeName = (code: number): string => NAMES[code] ?? `TYPE${code}`;

/** As any program understands it, however old: `TYPE16`. */
export function genericType(type: string): string {
  const code = Object.keys(NAMES).find((each) => NAMES[Number(each)] === type);
  return code === undefined ? type : `TYPE${code}`;
}
