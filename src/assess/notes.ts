import { clean } from '../clean.ts';
import { BY_MAKER } from '../pricing/price.ts';
import type { Assessment, ModelAssessment } from './assessment.ts';
import type { Period } from './period.ts';
import type { PricedModel } from './priced.ts';
import type { WhatIf } from './what-if.ts';

/** Reported and recomputed cost that differ by more than this are pointed out, in percent. */
const NOTABLE_DIFFERENCE = 2;
/** Half of the requests faster than this, or slower: nearly always another unit than was thought, milliseconds. */
const PLAUSIBLE_MEDIAN = { low: 5, high: 600_000 };

export interface NoteInput extends Pick<Assessment, 'confidence' | 'trend' | 'heavyDays'> {
  period: Period;
  interval95: Assessment['savings']['interval95'];
  monthlySaved: number | null;
  difference: Assessment['cost']['difference'];
  models: readonly Pick<PricedModel, 'model' | 'targetModel' | 'targetPrice' | 'cacheSaves'>[];
  whatIf: WhatIf;
  latencies: readonly Pick<ModelAssessment, 'model' | 'latencyMs'>[];
}

/** What a reader must know of the figures before trusting them. */
export function assessmentNotes(input: NoteInput): string[] {
  return [
    ...periodNotes(input),
    ...dayNotes(input),
    ...latencyNotes(input),
    ...differenceNotes(input),
    ...cacheNotes(input),
    ...makerNotes(input),
  ];
}

function* periodNotes({ period, interval95, confidence }: NoteInput): Generator<string> {
  if (period.from === null) {
    yield 'The records have no timestamps: there are no daily and monthly figures.';
  } else if (period.days === null) {
    yield 'The records do not span any time: there are no daily and monthly figures.';
  } else if (confidence.doubts.some((doubt) => doubt === 'too_few_days' || doubt === 'less_than_a_week')) {
    const doubt = interval95 ? ', and the interval holds only what varied within them' : '';
    yield `The logs cover ${number(period.days)} days: less than a week, so weekdays or weekends are missing. ` +
      `Monthly figures made from them are worth little${doubt}.`;
  }
}

function* dayNotes({ trend, confidence, heavyDays, interval95, monthlySaved }: NoteInput): Generator<string> {
  if (trend) {
    const { percentPerDay } = trend;
    yield `The cost ${percentPerDay > 0 ? 'grew' : 'shrank'} by ${number(Math.abs(percentPerDay))} % a day within the log. ` +
      'Months are made as if it were steady; the last 7 days are shown beside them.';
  }
  if (confidence.autocorrelation !== null) {
    yield `Each day's cost resembles the day before (correlation ${confidence.autocorrelation.toFixed(2)}): ` +
      'the next 30 days may lie further off than so many independent days would. The interval is wider for it, and may still be too narrow.';
  }
  const [heaviest, ...others] = heavyDays;
  if (heaviest) {
    const more =
      others.length === 0 ? '' : `, and ${others.length} more ${others.length === 1 ? 'day' : 'days'} much`;
    yield `${heaviest.day} alone carries ${number(heaviest.share * 100)} % of the cost${more}: ` +
      'a month depends on whether such days come again, which no interval can tell.';
  }
  if (
    interval95 &&
    monthlySaved !== null &&
    (monthlySaved < interval95.low || monthlySaved > interval95.high)
  ) {
    yield 'The savings a month are those of 30 days like these. They lie outside the interval, which takes weekdays and ' +
      'weekends as the next 30 days have them: the log holds another share of weekends.';
  }
}

function* latencyNotes({ latencies }: NoteInput): Generator<string> {
  const implausible = (fits: (ms: number) => boolean) =>
    latencies.filter(({ latencyMs }) => latencyMs !== null && fits(latencyMs.p50));
  const few = implausible((ms) => ms < PLAUSIBLE_MEDIAN.low);
  if (few.length > 0) {
    yield `Half of the requests took less than ${PLAUSIBLE_MEDIAN.low} ms (${names(few)}): are the log's latencies seconds? ` +
      'They were read as milliseconds; a mapping (--map) can say what they are.';
  }
  const many = implausible((ms) => ms > PLAUSIBLE_MEDIAN.high);
  if (many.length > 0) {
    yield `Half of the requests took more than ${PLAUSIBLE_MEDIAN.high / 60_000} minutes (${names(many)}): ` +
      "are the log's latencies microseconds? They were read as milliseconds; a mapping (--map) can say what they are.";
  }
}

function* differenceNotes({ difference }: NoteInput): Generator<string> {
  if (difference && Math.abs(difference.percent) > NOTABLE_DIFFERENCE) {
    yield `The price list makes the same tokens ${number(Math.abs(difference.percent))} % ` +
      `${difference.percent > 0 ? 'dearer' : 'cheaper'} than the logs report: one of the two is not what is billed.`;
  }
}

function* cacheNotes({ models, whatIf }: NoteInput): Generator<string> {
  const indifferent = models.filter(
    ({ targetPrice, cacheSaves }) => targetPrice !== undefined && !cacheSaves,
  );
  if (whatIf.cacheHit === undefined || indifferent.length === 0) return;
  yield `At the target a token from its cache costs what any input token does, as far as the prices say (${names(
    indifferent,
  )}): --cache-hit changes nothing for these. Name cachedInput in providers.target.prices.`;
}

function* makerNotes({ models }: NoteInput): Generator<string> {
  const guessed = models.filter(({ targetPrice }) => targetPrice?.includes(BY_MAKER));
  if (guessed.length > 0) {
    yield `The catalogue does not know the target, so these are priced as their makers sell them: ${names(
      guessed.map(({ targetModel, model }) => ({ model: targetModel ?? model })),
    )}. Name the real prices in providers.target.prices.`;
  }
}

/** The first of them, safe to be shown as they are. */
function names(models: readonly { model: string }[]): string {
  const shown = models.slice(0, 3).map(({ model }) => clean(model, 60));
  const more = models.length > shown.length ? ` and ${models.length - shown.length} more` : '';
  return shown.join(', ') + more;
}

function number(value: number): string {
  return String(Number(value.toFixed(1)));
}
