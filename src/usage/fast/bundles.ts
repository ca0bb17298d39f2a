import type { Bundle, BundleTaker, Kind, Seller } from '../bundle.ts';
import type { BundleCalls } from './host.ts';
import { Added, Outcome } from './kernel/bundle.ts';
import * as at from './kernel/layout.ts';
import { BundleCell, KindCell } from './kernel/layout.ts';
import type { KernelMemory } from './memory.ts';
import type { Records } from './records.ts';

/** The kernel's bundles: it sums up, this gives the sums to a taker. */
export interface Bundles {
  calls: BundleCalls;
  /**
   * From here on rows are bundled for a taker; the bundles for another must have been drained.
   * @returns whether they are: not without a taker, nor for one that tells too many sizes apart.
   */
  begin(taker: BundleTaker | undefined): boolean;
  /** Gives the taker what it has not got yet, and forgets it. */
  drain(): void;
}

export function createBundles({ words, doubles }: KernelMemory, records: Records): Bundles {
  let taker: BundleTaker | undefined;
  /** Numbers of spans by key; 0 is no time. */
  let spans = new Map<number, number>();
  /** By their numbers, of which each has two buffers. */
  let sellers: Seller[] = [];
  let sellerNumbers = new Map<string, number>();
  let kinds: Kind[] = [];
  /** By the place of a bundle: the parts of its sum that the kernel has no room for. */
  const rests = new Map<number, number[]>();

  const bufferAt = (number: number) => at.BUFFERS + at.BUFFER_BYTES * number;
  const flush = (place: number) => {
    const fill = words[place / 4] as number;
    if (fill === 0) return;
    words[place / 4] = 0;
    const number = (place - at.BUFFERS) / at.BUFFER_BYTES;
    const from = (place + at.BUFFERED) / 8;
    const what = number % 2 === 0 ? 'latency' : 'ttft';
    taker?.addDurations(sellers[number >> 1] as Seller, what, doubles.subarray(from, from + fill));
  };
  /** @returns undefined where there is no room for another. */
  const numberOf = ({ provider, model }: Kind): number | undefined => {
    const key = `${provider ?? ''}\0${model}`;
    const known = sellerNumbers.get(key);
    if (known !== undefined || sellers.length === at.MAX_BUFFERS / 2) return known;
    sellerNumbers.set(key, sellers.length);
    return sellers.push({ provider, model }) - 1;
  };

  const calls: BundleCalls = {
    span(time) {
      if (!taker) return;
      const { key, from, to } = taker.spanOf(time);
      const number = spans.get(key) ?? spans.size + 1;
      spans.set(key, number);
      words[at.SPAN / 4] = number;
      doubles[at.SPAN_FROM / 8] = from;
      doubles[at.SPAN_TO / 8] = to;
    },
    open(row, place) {
      const kind = records.kind(row);
      if (!kind || !taker) return Added.refused;
      const seller = numberOf(kind);
      if (seller === undefined) return Added.noRoom;
      const outcome = Outcome[taker.announce(kind)];
      words[(place + KindCell.outcome) / 4] = outcome;
      words[(place + KindCell.seller) / 4] = seller;
      if (outcome === Outcome.ok) {
        words[(place + KindCell.latency) / 4] = bufferAt(2 * seller);
        words[(place + KindCell.ttft) / 4] = bufferAt(2 * seller + 1);
      }
      kinds.push(kind);
      return Added.yes;
    },
    flush,
    rest(bundle, part) {
      const parts = rests.get(bundle);
      if (parts) parts.push(part);
      else rests.set(bundle, [part]);
    },
  };

  const bundleAt = (place: number): Bundle => {
    const key = words[(place + BundleCell.key) / 4] as number;
    const seller = sellers[key >>> 16] as Seller;
    const outcome = key & 0xff;
    const timed = words[(place + BundleCell.key) / 4 + 1] !== 0;
    const cell = (which: BundleCell) => doubles[(place + which) / 8] as number;
    const usd = [cell(BundleCell.usd), cell(BundleCell.usdLow)];
    return {
      provider: seller.provider,
      model: seller.model,
      ok: outcome === Outcome.ok,
      billed: outcome !== Outcome.failed,
      records: cell(BundleCell.records),
      from: timed ? cell(BundleCell.from) : Number.NaN,
      to: timed ? cell(BundleCell.to) : Number.NaN,
      size: cell(BundleCell.size),
      inputTokens: cell(BundleCell.input),
      cachedInputTokens: cell(BundleCell.cached),
      outputTokens: cell(BundleCell.output),
      reportedRecords: cell(BundleCell.reported),
      usd: rests.size === 0 ? usd : [...usd, ...(rests.get(place) ?? [])],
    };
  };
  const drain = () => {
    if (!taker) return;
    for (const [number, kind] of kinds.entries()) {
      const place = at.KINDS + at.KIND_BYTES * number;
      taker.count(kind, doubles[(place + KindCell.records) / 8] as number);
    }
    const bundles = words[at.BUNDLE_COUNT / 4] as number;
    for (let number = 0; number < bundles; number++) {
      taker.add(bundleAt(at.BUNDLES + at.BUNDLE_BYTES * number));
    }
    for (let number = 0; number < 2 * sellers.length; number++) flush(bufferAt(number));
    words[at.KIND_COUNT / 4] = 0;
    words.fill(0, at.KIND_SLOTS / 4, at.KIND_SLOTS / 4 + at.KIND_SLOT_COUNT);
    words[at.BUNDLE_COUNT / 4] = 0;
    words.fill(0, at.BUNDLE_SLOTS / 4, at.BUNDLE_SLOTS / 4 + at.BUNDLE_SLOT_COUNT);
    sellers = [];
    sellerNumbers = new Map();
    kinds = [];
    rests.clear();
  };

  return {
    calls,
    drain,
    begin(next) {
      const wanted = next && next.inputStarts.length < at.MAX_INPUT_STARTS ? next : undefined;
      if (wanted === taker) return taker !== undefined;
      taker = wanted;
      words[at.BUNDLING / 4] = taker ? 1 : 0;
      doubles.set([...(taker?.inputStarts ?? []), Number.POSITIVE_INFINITY], at.INPUT_STARTS / 8);
      doubles[at.SPAN_TO / 8] = Number.NEGATIVE_INFINITY;
      spans = new Map();
      return taker !== undefined;
    },
  };
}
