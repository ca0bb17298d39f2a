import { createHmac } from 'node:crypto';

/**
 * Headers by which a receiver knows that a body is ours and fresh: HMAC-SHA256, in hex, over `TIMESTAMP.BODY`, the
 * timestamp in Unix seconds. The receiver computes the same, compares in constant time, and refuses old timestamps.
 */
export function signatureHeaders(secret: string, body: string, nowMs: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const digest = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { 'cutover-timestamp': timestamp, 'cutover-signature': `sha256=${digest}` };
}
