//! Properties of core and http that hold for every input, tried on random ones.
//!
//! The inputs are the same in each run. `PROPTEST_RNG_SEED=<number>` tries others, `PROPTEST_CASES=<number>` more of them;
//! what a failure prints is the smallest input that still fails.

mod parsers;
mod round_trips;
mod users;

use gatehouse::core::credentials::Credentials;
use gatehouse::core::digest::{Digest, DigestKey};
use gatehouse::core::grant::SealKey;
use gatehouse::core::pepper::Pepper;
use proptest::test_runner::{Config, RngSeed};

/// How many inputs each property is tried on.
const CASES: u32 = 600;
const SEED: u64 = 20_261_124;

/// A property that is tried on many inputs, or on fewer where one takes long.
fn config(share: u32) -> Config {
    let given = Config::default();
    let rng_seed = if given.rng_seed == RngSeed::Random { RngSeed::Fixed(SEED) } else { given.rng_seed };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { given.cases } else { CASES / share };
    Config { rng_seed, cases, failure_persistence: None, ..given }
}

/// Unicode's folding of names (The Unicode Standard, section 3.13, D146), which the platform brings elsewhere.
fn fold(text: &str) -> String {
    use caseless::Caseless;
    use unicode_normalization::UnicodeNormalization;
    text.chars().nfd().default_case_fold().nfkd().default_case_fold().nfkd().collect()
}

/// The keys of one deployment.
fn keys() -> (DigestKey, SealKey) {
    let pepper = Pepper::parse("a pepper for tests, of more than 32 bytes").unwrap();
    (DigestKey::new(&pepper), SealKey::new(&pepper))
}

fn digest(pair: &str) -> Digest {
    keys().0.digest(&Credentials::parse(pair).unwrap())
}
