//! How many cases a property is tried on.

use proptest::test_runner::{Config, RngSeed};

/// The same cases each time, so that a test says something of the change at hand. `PROPTEST_CASES` asks for a longer search, which
/// takes others.
pub(crate) fn cases(usual: u32, seed: u64) -> Config {
    #![expect(
        clippy::disallowed_methods,
        reason = "a longer search is asked for in the environment"
    )]
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|count| count.parse().ok());
    let rng_seed = asked.map_or(RngSeed::Fixed(seed), |_| RngSeed::Random);
    Config {
        cases: asked.unwrap_or(usual),
        rng_seed,
        failure_persistence: None,
        ..Config::default()
    }
}
