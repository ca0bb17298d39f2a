import { type Bands, clockBand } from '../pricing/bands.ts';

/** A time in which all records are of one day and of one band of the clock. */
export interface DaySpan {
  /** Number of the day since 1970. */
  day: number;
  clock: number;
  /** The same for all spans of the day and the band. */
  key: number;
  /** Unix milliseconds; `to` is no longer part of it. */
  from: number;
  to: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Between two multiples of this no zone changes its offset. */
const STEP_MS = 900_000;

/** @param dayOf the number of the day in the report's time zone; days begin on whole minutes. */
export function createSpans(bands: Bands, dayOf: (at: number) => number): (at: number) => DaySpan {
  return (at) => {
    const clock = clockBand(bands, at);
    const midnight = Math.floor(at / DAY_MS) * DAY_MS;
    const begin = (band: number) => midnight + (bands.clock[band] ?? DAY_MS / MINUTE_MS) * MINUTE_MS;
    const step = Math.floor(at / STEP_MS) * STEP_MS;
    let from = Math.max(step, begin(clock));
    let to = Math.min(step + STEP_MS, begin(clock + 1));
    const day = dayOf(at);
    if (dayOf(from) !== day || dayOf(to - 1) !== day) {
      from = Math.floor(at / MINUTE_MS) * MINUTE_MS;
      to = from + MINUTE_MS;
    }
    return { day, clock, key: day * bands.clock.length + clock, from, to };
  };
}
