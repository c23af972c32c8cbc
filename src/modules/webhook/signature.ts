import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

/** As much as SHA-256 makes use of. */
const SECRET_BYTES = 32;

/** A signing secret in the form of Standard Webhooks. */
export const newSecret = (): string => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;

/**
 * The headers of Standard Webhooks; with two secrets two signatures, of which a receiver needs one.
 */
export function signedHeaders(
  secrets: readonly string[],
  deliveryId: string,
  payload: string,
  now: Date,
): Record<string, string> {
  return {
    'webhook-id': deliveryId,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': secrets
      .map((secret) => new Webhook(secret).sign(deliveryId, now, payload))
      .join(' '),
  };
}
