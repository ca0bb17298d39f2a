/**
 * An emergency's token is so far above any that the lease has given out, as the lease cannot be asked; the lease goes
 * on from there.
 */
export const TOKEN_LEAP = 1_000_000;

/** No operation of ours comes near it: a clock in milliseconds and a million emergencies stay far below. */
export const MAX_TOKEN = 1e15;

/**
 * Whether an emergency goes above this token, with room for whatever comes after it. One that is higher was set by
 * hand, and fences no emergency.
 */
export function canBeExceeded(token: number): boolean {
  return token <= MAX_TOKEN / 2;
}
