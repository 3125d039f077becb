/**
 * Two bets on a stream of requests, each of which either comes true of a request (it failed, it was slow) or does not.
 *
 * A request goes to the new version with probability `w`. Of a request that would come true with probability `p` on the new
 * version and `q` on the old, the two products of
 *
 *              new, true        new, not true    old, true           old, not true
 *   worse   1 + κ(1 − t)         1 − κt         1 − κw/(1 − w)           1          0 ≤ κ ≤ min((1 − w)/w, 1/t)
 *   fair    1 − κ(1 − m)         1 + κm         1 + κw/(1 − w)           1          0 ≤ κ ≤ 1/(1 − m)
 *
 * have the expectations 1 + κw(p − q − t) and 1 + κw(q − p + m): at most 1 as long as p ≤ q + t (the new version is no worse
 * than the tolerance lets pass), and as long as p ≥ q + m (it is worse by the margin). Whatever p and q are, and though they
 * change with every request: the draw is all the chance that is needed. So each product is a supermartingale where its
 * hypothesis holds, and by Ville's inequality it ever reaches 1/α with a probability of at most α, at whatever moments one
 * looks. (An inverse-probability-weighted difference with the weather of the draw taken out, bet on.)
 *
 * Which κ wins most depends on how much worse the version is, which nobody knows: the capital is spread over several, and the
 * sum is a supermartingale too. `worse` also holds capital back and puts some of it down at each new span of time (`restart`),
 * so that a version that is good for an hour and then fails is caught about as fast as one that fails at once; the k-th span
 * gets 1/(k(k+1)) of the capital, which costs that late fault 2 ln k, and the promise holds as before.
 *
 * Capital is kept as logarithms: ten million requests neither overflow nor wear out.
 * Source: Ville 1939; Howard, Ramdas, McAuliffe, Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence
 * sequences"; Waudby-Smith, Ramdas 2024, "Estimating means of bounded random variables by betting"; Turner, Ly, Grünwald 2024,
 * "Generic E-variables for exact sequential k-sample tests". docs/adr/0015.
 */

/** Requests of one share of the draw, and of how many of them it came true. */
export type Counts = Readonly<{ share: number; fresh: number; freshTrue: number; old: number; oldTrue: number }>;

/** How much of the highest stake each part of `worse` bets, and of the capital it gets. */
const WORSE_STAKES = [0.95, 0.75, 0.5, 0.3, 0.15, 0.07, 0.03] as const;
const FAIR_STAKES = [0.9, 0.6, 0.3] as const;

/** Natural logarithms of capitals; the whole begins with 1. */
export type WorseBet = Readonly<{
  /** One for each stake. */
  parts: readonly number[];
  /** Not yet put down. */
  heldBack: number;
  /** How often capital was put down, the first time included. */
  restarts: number;
}>;

export type FairBet = Readonly<{ parts: readonly number[] }>;

export const newWorseBet: WorseBet = {
  parts: WORSE_STAKES.map(() => putDown(1)),
  heldBack: -Math.LN2,
  restarts: 1,
};
export const newFairBet: FairBet = { parts: FAIR_STAKES.map(() => -Math.log(FAIR_STAKES.length)) };

/** A new span of time begins. */
export function restart(bet: WorseBet): WorseBet {
  const span = bet.restarts + 1;
  const put = putDown(span);
  return { parts: bet.parts.map((part) => logSum([part, put])), heldBack: -Math.log(span + 1), restarts: span };
}

/** What each part gets in the k-th span: 1/(k(k+1)) of all, so that 1/(k+1) is left. */
function putDown(span: number): number {
  return -Math.log(span) - Math.log(span + 1) - Math.log(WORSE_STAKES.length);
}

/** `tolerance`: 0 up to 1. */
export function betWorse(bet: WorseBet, counts: Counts, tolerance: number): WorseBet {
  const { share, fresh, freshTrue, oldTrue } = counts;
  const odds = share / (1 - share);
  const highest = Math.min(1 / odds, tolerance === 0 ? Infinity : 1 / tolerance);
  const parts = bet.parts.map((part, index) => {
    const stake = (WORSE_STAKES[index] ?? 0) * highest;
    return (
      part +
      gain(freshTrue, stake * (1 - tolerance)) +
      gain(fresh - freshTrue, -stake * tolerance) +
      gain(oldTrue, -stake * odds)
    );
  });
  return { ...bet, parts };
}

/** `margin`: more than 0, less than 1. */
export function betFair(bet: FairBet, counts: Counts, margin: number): FairBet {
  const { share, fresh, freshTrue, oldTrue } = counts;
  const odds = share / (1 - share);
  const parts = bet.parts.map((part, index) => {
    const stake = (FAIR_STAKES[index] ?? 0) / (1 - margin);
    return (
      part +
      gain(freshTrue, -stake * (1 - margin)) +
      gain(fresh - freshTrue, stake * margin) +
      gain(oldTrue, stake * odds)
    );
  });
  return { parts };
}

/** Of so many requests, each of which multiplies the capital by 1 + `by`. */
function gain(requests: number, by: number): number {
  return requests === 0 ? 0 : requests * Math.log1p(by);
}

/** Of the whole capital; it may be compared with ln(1/α). */
export function worseEvidence(bet: WorseBet): number {
  return logSum([...bet.parts, bet.heldBack]);
}

export function fairEvidence(bet: FairBet): number {
  return logSum(bet.parts);
}

/** ln of the sum of what these are the logarithms of. */
function logSum(logs: readonly number[]): number {
  const highest = Math.max(...logs);
  return highest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - highest), 0));
}
