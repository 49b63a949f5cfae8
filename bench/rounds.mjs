// Interleaved rounds: A B C D A B C D …, so that whatever else the machine does hits all alike.

/** Samples by contestant. One round more goes first and does not count. */
export async function race(contestants, row, measure) {
  const samples = Object.fromEntries(row.contestants.map((name) => [name, []]));
  for (let round = 0; round <= row.rounds; round++) {
    for (const name of row.contestants) {
      const sample = await measure(contestants[name], { ...row, ...row.of(name) }, round);
      if (round > 0) samples[name].push(sample);
    }
  }
  return samples;
}
