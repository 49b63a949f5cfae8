//! How many reads of KV the isolates' caches leave, beside the formulas of docs/cost.md: counted on the cache itself for a
//! million requests, and on a running gate for some thousands.

use std::rc::Rc;
use std::time::{Duration, Instant};

use gatehouse::core::credentials::{ApiKey, Credentials};
use gatehouse::core::digest::{Digest, DigestKey};
use gatehouse::core::grant::{Grant, OpenedGrant, SealKey};
use gatehouse::core::grant_cache::GrantCache;
use gatehouse::core::pepper::Pepper;

use crate::harness::{Gate, Options, Reply};

const REQUESTS: u32 = 1_000_000;
const USERS: u32 = 1_000;
const ISOLATES: u32 = 10;

fn opened(user: u32) -> (Digest, Rc<OpenedGrant>) {
    let pepper = Pepper::parse("a pepper for tests, of more than 32 bytes").unwrap();
    let credentials = Credentials::parse(&format!("k{user}:s")).unwrap();
    let digest = DigestKey::new(&pepper).digest(&credentials);
    let grant = Grant {
        user: format!("user-{user}"),
        api_key: ApiKey::parse("k").unwrap(),
        roles: Vec::new(),
        expires_at: None,
        allowed_ips: Vec::new(),
        rules: Vec::new(),
        strict: false,
        adopted: false,
    };
    let seal_key = SealKey::new(&pepper);
    (digest, Rc::new(seal_key.open(digest, &seal_key.seal(digest, &grant)).unwrap()))
}

/// The reads of a million requests, evenly over so many seconds, of which `next` says the user and the isolate.
fn reads(seconds: u32, cache_seconds: u32, mut next: impl FnMut(u32) -> (u32, u32)) -> u32 {
    let grants: Vec<_> = (0..USERS).map(opened).collect();
    let mut caches: Vec<_> = (0..ISOLATES).map(|_| GrantCache::new(cache_seconds)).collect();
    let mut reads = 0;
    for request in 0..REQUESTS {
        let now_ms = f64::from(request) * f64::from(seconds) * 1000.0 / f64::from(REQUESTS);
        let (user, isolate) = next(request);
        let (digest, grant) = &grants[user as usize];
        let cache = &mut caches[isolate as usize];
        if cache.find(*digest, now_ms).is_none() {
            reads += 1;
            cache.put(*digest, Rc::clone(grant), now_ms);
        }
    }
    reads
}

/// SplitMix64: the same numbers on every run.
fn numbers() -> impl FnMut() -> u64 {
    let mut state: u64 = 7;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[test]
fn a_million_requests_at_random_cost_the_reads_that_the_formula_says() {
    for (seconds, cache_seconds, documented) in
        [(100, 5, 170_139), (1000, 5, 667_222), (3600, 5, 878_123), (3600, 60, 376_953), (3600, 0, REQUESTS)]
    {
        let mut number = numbers();
        let counted = reads(seconds, cache_seconds, |_| {
            let number = number();
            ((number % u64::from(USERS)) as u32, (number / u64::from(USERS) % u64::from(ISOLATES)) as u32)
        });
        // How many requests of one user reach one isolate within the time to live.
        let pairs = f64::from(USERS * ISOLATES);
        let load = f64::from(REQUESTS) * f64::from(cache_seconds) / (f64::from(seconds) * pairs);
        let formula = f64::from(REQUESTS) / (1.0 + load) + pairs / 2.0 * (load / (1.0 + load)).powi(2);
        println!("{seconds} s, {cache_seconds} s in the cache: {counted} reads, {formula:.0} by the formula");
        assert!((formula - f64::from(documented)).abs() < 1.0, "docs/cost.md says {documented}, the formula {formula}");
        assert!((f64::from(counted) / formula - 1.0).abs() < 0.005, "{counted} reads instead of {formula}");
    }
}

#[test]
fn a_million_requests_in_turn_cost_exactly_the_reads_that_the_formula_says() {
    // Of one user at one isolate every 1.5 s, so the one that reads is followed by three that don't.
    let in_turn = |request| (request % USERS, request / USERS % ISOLATES);
    assert_eq!(reads(150, 5, in_turn), REQUESTS / 4);
}

fn kv_reads(reply: &Reply) -> u32 {
    reply.header("x-test-kv-reads").parse().unwrap()
}

#[test]
fn a_running_gate_reads_for_hot_users_as_often_as_the_formula_says_and_never_for_mistyped_secrets() {
    const CACHE: Duration = Duration::from_secs(1);
    // What its clock, of milliseconds, and this one may differ by.
    const SLACK: Duration = Duration::from_millis(10);
    let gate = Gate::start(Options { instrumented: true, ..Options::with(&[("CACHE_SECONDS", "1")]) });
    let tokens: Vec<_> = (0..10).map(|user| gate.generate(&format!("counted-{user}")).token()).collect();
    let last = if tokens[0].ends_with('0') { "1" } else { "0" };
    let mistyped = format!("{}{last}", &tokens[0][..tokens[0].len() - 1]);

    let (mut requests, mut reads, mut longest_round) = (0, 0, Duration::ZERO);
    let start = Instant::now();
    while start.elapsed() < 5 * CACHE {
        let round = Instant::now();
        for token in &tokens {
            let reply = gate.get("/counted", token);
            assert_eq!(reply.status, 200);
            requests += 1;
            reads += kv_reads(&reply);
        }
        let reply = gate.get("/counted", &mistyped);
        assert_eq!((reply.status, kv_reads(&reply)), (401, 0));
        longest_round = longest_round.max(round.elapsed());
    }
    // A read is followed by the next one after the time to live at the earliest; at the latest with the first request
    // behind that, which is two rounds away at the most.
    let seconds = start.elapsed().as_secs_f64();
    let users = tokens.len() as f64;
    let most = users * (1.0 + (seconds / (CACHE - SLACK).as_secs_f64()).floor());
    let least = users * (seconds / (CACHE + SLACK + 2 * longest_round).as_secs_f64()).floor();
    println!("{requests} requests of 10 users in {seconds:.1} s: {reads} reads, by the formula {least} to {most}");
    assert!((least..=most).contains(&f64::from(reads)), "{reads} reads, not from {least} to {most}");
}
