import type { FlagSource } from '../config/lenient.ts';
import { formatRatio } from '../config/units.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import type { EmergencyEnd, FlagEnd } from './emergency.ts';
import { mayWrite } from './rival.ts';

/** What an emergency may say of itself. */
export interface Word {
  safe: boolean;
  text: string;
  /** What keeps it from being safe, for people. */
  why: string[];
  exitCode: ExitCode;
  flags: FlagEnd[];
}

/**
 * "safe" is said only when every flag in question was set and reads 0, when at least one of them is known to be the
 * one that traffic follows, and when nobody is left who may still write it.
 * @param sources where each flag of `end.flags` is known from, in the same order
 */
export function wordOf(end: EmergencyEnd, sources: readonly FlagSource[]): Word {
  const { flags, rivals, report } = end;
  const unset = flags.flatMap(({ label, ratio }, position) => {
    if (ratio === null) return [`${label} cannot be read`];
    if (ratio !== 0) return [`${label} says ${formatRatio(ratio)}`];
    return report.steps[position]?.outcome === 'done' ? [] : [`${label} says 0 %, but could not be written`];
  });
  if (unset.length > 0) {
    const text = 'NOT SAFE: the flag could not be set; traffic may be where it was';
    const why = unset;
    return { safe: false, text, why, exitCode: EXIT.unreachable, flags };
  }
  const nameless = !flags.some(({ existed }, position) => confirmed(sources[position], existed));
  const doubts = [
    ...(nameless
      ? [`nothing confirms that traffic follows ${flags.map(({ label }) => label).join(' or ')}`]
      : []),
    ...(rivals ?? []).map(mayWrite),
    ...(rivals === null
      ? ['the database cannot be read: whether another change still writes the flag is not known']
      : []),
  ];
  if (doubts.length > 0) {
    const text = 'NOT KNOWN TO BE SAFE: 0 %, read back';
    return { safe: false, text, why: doubts, exitCode: nameless ? EXIT.config : EXIT.unreachable, flags };
  }
  const text =
    flags.length === 1
      ? 'safe: the flag sends every request to legacy (0 %, read back)'
      : 'safe: the flags send every request to legacy (0 %, read back)';
  return { safe: true, text, why: [], exitCode: EXIT.ok, flags };
}

/** What operations have set, or the last good config names; of a config of today, a flag that has readers. */
function confirmed(source: FlagSource | undefined, existed: boolean): boolean {
  return source === 'last config' || source === 'earlier config' || (source === 'config' && existed);
}
