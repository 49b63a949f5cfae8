// Medians of rounds. Each round's ratio is taken within that round, so that a noisy neighbour hits both sides.

export function median(numbers) {
  const sorted = numbers.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The middle half: from the lower to the upper quartile. */
export function spread(numbers) {
  const sorted = numbers.toSorted((one, other) => one - other);
  const at = (share) => sorted[Math.round((sorted.length - 1) * share)];
  return [at(0.25), at(0.75)];
}

/** The median over rounds of one's figure by the other's. */
export function ratio(ones, others, figure) {
  return median(ones.map((one, round) => figure(one) / figure(others[round])));
}

/** One's tail by the other's, in the quieter rounds: what a neighbour does to a tail only ever makes it longer. */
export const tailRatio = (ones, others) => spread(ones.map(p99Of))[0] / spread(others.map(p99Of))[0];

export const rateOf = (sample) => sample.rate;
export const p99Of = (sample) => sample.p99Ms;

/** CPU microseconds for each request, over all rounds: ticks are too coarse for one. */
export function cpuMicroseconds(samples) {
  const sum = (figure) => samples.reduce((total, sample) => total + figure(sample), 0);
  return (sum((sample) => sample.cpu) / sum((sample) => sample.requests)) * 1e6;
}
