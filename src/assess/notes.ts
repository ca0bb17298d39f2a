import { BY_MAKER } from '../pricing/price.ts';
import type { Assessment } from './assessment.ts';
import type { SavingsInterval } from './bootstrap.ts';
import type { Period } from './period.ts';
import type { PricedModel } from './priced.ts';

/** Reported and recomputed cost that differ by more than this are pointed out, in percent. */
const NOTABLE_DIFFERENCE = 2;
/** A week is the shortest time that holds every day of the week. */
const ENOUGH_DAYS = 7;

/** What a reader must know of the figures before trusting them. */
export function assessmentNotes(
  period: Period,
  interval: SavingsInterval | undefined,
  difference: Assessment['cost']['difference'],
  models: readonly Pick<PricedModel, 'model' | 'targetModel' | 'targetPrice'>[],
): string[] {
  const notes: string[] = [];
  if (period.from === null) {
    notes.push('The records have no timestamps: there are no daily and monthly figures.');
  } else if (period.days === null) {
    notes.push('The records do not span any time: there are no daily and monthly figures.');
  } else if (period.days < ENOUGH_DAYS) {
    const doubt = interval ? ', and the interval holds only what varied within them' : '';
    notes.push(
      `The logs cover ${number(period.days)} days: less than a week, so weekdays or weekends are missing. ` +
        `Monthly figures made from them are worth little${doubt}.`,
    );
  }
  if (difference && Math.abs(difference.percent) > NOTABLE_DIFFERENCE) {
    notes.push(
      `The price list makes the same tokens ${number(Math.abs(difference.percent))} % ` +
        `${difference.percent > 0 ? 'dearer' : 'cheaper'} than the logs report: one of the two is not what is billed.`,
    );
  }
  const guessed = models.filter(({ targetPrice }) => targetPrice?.includes(BY_MAKER));
  if (guessed.length > 0) {
    const names = guessed.slice(0, 3).map(({ targetModel, model }) => targetModel ?? model);
    const more = guessed.length > names.length ? ` and ${guessed.length - names.length} more` : '';
    notes.push(
      `The catalogue does not know the target, so these are priced as their makers sell them: ${names.join(', ')}${more}. ` +
        'Name the real prices in providers.target.prices.',
    );
  }
  return notes;
}

function number(value: number): string {
  return String(Number(value.toFixed(1)));
}
