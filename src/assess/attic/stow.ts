import { addSeries, mergeTally, type Series, seriesKey, type Tally } from '../tally.ts';
import { createAttic, createStower, drawTogether, isScattered, joinAttic, type Stower } from './attic.ts';
import { SERIES } from './series.ts';

/** More series than this are not kept as objects where there are groups. */
export const MAX_SERIES = 20_000;
/** Where most of them have one record or two, nothing is won by keeping so many: fewer die young, which costs less. */
const FEW_SERIES = 500;
const FEW_RECORDS = 2;

/** Puts the groups of a tally away whenever they have become too many. */
export interface Stowing {
  isDue(): boolean;
  /** Puts the series of groups into the attic, and adds them to those of all groups together. */
  stow(): void;
}

export function createStowing(tally: Tally): Stowing {
  let stower: Stower<Series> | undefined;
  let limit = MAX_SERIES;
  return {
    isDue: () => tally.series.size > limit,
    stow() {
      tally.attic ??= createAttic();
      tally.together ??= new Map();
      stower ??= createStower(tally.attic, SERIES);
      let [count, requests] = [0, 0];
      for (const series of tally.series.values()) {
        const { group, provider, model } = series;
        if (group !== '') {
          stower.put(group, series, series.inputTokens + series.outputTokens);
          count++;
          requests += series.requests;
        }
        series.group = '';
        addSeries(tally.together, seriesKey('', provider, model), series);
      }
      tally.series = new Map();
      limit = requests < FEW_RECORDS * count ? FEW_SERIES : MAX_SERIES;
      if (isScattered(tally.attic)) drawTogether(tally.attic, SERIES, joined);
    },
  };
}

/** Puts the rest of the groups of a tally with an attic there too; its series are those of all groups together then. */
export function settle(tally: Tally): void {
  if (!tally.attic) return;
  createStowing(tally).stow();
  tally.series = tally.together ?? new Map();
  delete tally.together;
}

/** The pieces of one group, those of a model at a provider together. */
export function joined(pieces: Series[]): Series[] {
  if (pieces.length < 2) return pieces;
  const all = new Map<string, Series>();
  for (const series of pieces) addSeries(all, seriesKey('', series.provider, series.model), series);
  return [...all.values()];
}

/** Adds the tally of another part of the log, which must not be used any more; both must have the same bands. */
export function joinTally(into: Tally, other: Tally): void {
  if (into.attic || other.attic) {
    for (const tally of [into, other]) {
      tally.attic ??= createAttic();
      settle(tally);
    }
    joinAttic(into.attic as NonNullable<Tally['attic']>, other.attic as NonNullable<Tally['attic']>);
  }
  mergeTally(into, other);
}
