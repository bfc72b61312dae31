/** Seconds to wait before the `attempt`-th try (from 1): doubling from half a second to `limit`, spread by `random` in 0..1. */
export function backoff(attempt: number, random: number, limit = 15): number {
  const whole = Math.min(limit, 0.5 * 2 ** Math.min(attempt - 1, 20))
  return whole * (0.5 + random / 2)
}
