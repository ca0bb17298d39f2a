/**
 * Prices can depend on the size of a request and on the time of day. Sums of tokens can still be priced
 * exactly afterwards, if they are kept apart by the bands in which every price is constant.
 */
export interface Bands {
  /** Ascending input-token counts; a request belongs to the band by how many of them it exceeds. */
  inputTokens: readonly number[];
  /** Ascending minutes of the UTC day at which a price may change; the first is 0. */
  clock: readonly number[];
}

/** Every tier boundary and every hour of change in the bundled catalogue (a test compares them with it). */
export const CATALOGUE_BANDS: Bands = {
  inputTokens: [128_000, 199_999, 200_000, 271_999, 272_000, 512_000],
  clock: [0, 30, 60, 240, 360, 600, 990],
};

/**
 * The bands with more boundaries: tiers of other price lists, and each tier as seen in legacy tokens when the target
 * counts `drift` tokens for one of them.
 */
export function withTiers(bands: Bands, tierStarts: readonly number[], drifts: readonly number[]): Bands {
  const starts = [...bands.inputTokens, ...tierStarts];
  const seen = drifts.flatMap((drift) => starts.map((start) => start / drift));
  return { ...bands, inputTokens: [...new Set([...starts, ...seen])].sort((a, b) => a - b) };
}

/** The band of a request with so many input tokens. */
export function inputBand(bands: Bands, inputTokens: number): number {
  let band = 0;
  for (const start of bands.inputTokens) {
    if (inputTokens <= start) break;
    band++;
  }
  return band;
}

/** The smallest whole count of input tokens that lies in the band. */
export function tokensInBand(bands: Bands, band: number): number {
  return band === 0 ? 0 : Math.floor(bands.inputTokens[band - 1] as number) + 1;
}

/** The band of the time of day, `at` in Unix milliseconds. */
export function clockBand(bands: Bands, at: number): number {
  const minute = Math.floor((((at % 86_400_000) + 86_400_000) % 86_400_000) / 60_000);
  let band = 0;
  while (band + 1 < bands.clock.length && minute >= (bands.clock[band + 1] as number)) band++;
  return band;
}
