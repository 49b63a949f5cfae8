//! Whether the time that a refusal takes tells an unknown api_key from a known one with a wrong secret.
//!
//! The design has nothing to compare: a look-up is one read of KV under a keyed digest of both, whatever they are. Here is
//! what a client on the same machine can measure of it.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::{Gate, Options, RawReply};

/// Rounds of one request of each kind, after [`WARM_UP`].
const ROUNDS: usize = 3_000;
const WARM_UP: usize = 300;
/// How many standard errors a difference has to be off zero to count as one: by chance once in 500,000 runs of this test.
const SIGNIFICANT: f64 = 4.75;
/// A difference of so many standard errors is found but once in 1,000 runs (3.1 errors beyond [`SIGNIFICANT`]).
const FOUND: f64 = SIGNIFICANT + 3.1;
/// The control's delay: a tenth of a read of KV, or less. Nothing smaller is claimed to be found.
const DELAY: Duration = Duration::from_micros(50);
/// On a machine too busy for that, the control's delay is what can be found there; beyond this nothing is shown.
const LONGEST_DELAY: Duration = Duration::from_millis(1);
/// Not a difference, however sure: what caches make of the one api_key that comes again and again.
const NEGLIGIBLE_MICROSECONDS: f64 = 10.0;
/// The share of differences that is left out at either end: those in which the machine did something else.
const TRIMMED: f64 = 0.2;

#[derive(Clone, Copy)]
enum Kind {
    Unknown,
    WrongSecret,
    /// The same, with a delay within what is measured.
    Delayed,
}

/// The orders in which a round may go: whoever comes after another gains or loses by it, so the two kinds that are compared
/// come as often after each other, after themselves and after the third.
const ORDERS: [[Kind; 3]; 6] = {
    use Kind::{Delayed, Unknown, WrongSecret};
    [
        [Unknown, WrongSecret, Delayed],
        [Unknown, Delayed, WrongSecret],
        [Delayed, Unknown, WrongSecret],
        [WrongSecret, Unknown, Delayed],
        [WrongSecret, Delayed, Unknown],
        [Delayed, WrongSecret, Unknown],
    ]
};

/// Microseconds that a refusal took, for each kind.
type Round = [f64; 3];

/// Credentials that nobody has sent before, all of one length.
fn authorization(kind: Kind, known: &str, number: usize) -> String {
    match kind {
        Kind::Unknown => format!("token {number:020x}:{:015x}", number * 7_919),
        Kind::WrongSecret | Kind::Delayed => format!("token {known}:{:015x}", number * 7_919),
    }
}

fn measure(gate: &Gate, known: &str, delay: Duration) -> Vec<Round> {
    let mut stream = BufReader::new(TcpStream::connect(&gate.direct).unwrap());
    stream.get_ref().set_nodelay(true).unwrap();
    let (mut rounds, mut number) = (Vec::new(), 0);
    for round in 0..WARM_UP + ROUNDS {
        let mut took = Round::default();
        for kind in ORDERS[round % ORDERS.len()] {
            number += 1;
            let authorization = authorization(kind, known, number);
            let request = format!("GET /timing HTTP/1.1\r\nHost: gate.test\r\nAuthorization: {authorization}\r\n\r\n");
            let start = Instant::now();
            while matches!(kind, Kind::Delayed) && start.elapsed() < delay {
                std::hint::spin_loop();
            }
            stream.get_mut().write_all(request.as_bytes()).unwrap();
            let status = RawReply::read(&mut stream).status;
            took[kind as usize] = start.elapsed().as_secs_f64() * 1e6;
            assert_eq!(status, 401);
        }
        rounds.push(took);
    }
    rounds.split_off(WARM_UP)
}

/// The trimmed mean of the differences within rounds, and its standard error (Yuen: from the winsorized variance).
fn difference(rounds: &[Round], one: Kind, other: Kind) -> (f64, f64) {
    let mut differences: Vec<f64> = rounds.iter().map(|took| took[one as usize] - took[other as usize]).collect();
    differences.sort_by(f64::total_cmp);
    let count = differences.len();
    let cut = (count as f64 * TRIMMED) as usize;
    let kept = &differences[cut..count - cut];
    let mean = kept.iter().sum::<f64>() / kept.len() as f64;
    let winsorized: Vec<f64> =
        differences.iter().map(|difference| difference.clamp(kept[0], kept[kept.len() - 1])).collect();
    let middle = winsorized.iter().sum::<f64>() / count as f64;
    let variance = winsorized.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / (count - 1) as f64;
    (mean, variance.sqrt() / ((1.0 - 2.0 * TRIMMED) * (count as f64).sqrt()))
}

#[test]
fn an_unknown_api_key_and_a_wrong_secret_take_the_same_time() {
    let gate = Gate::start(Options::default());
    let known = gate.generate("timed").api_key;
    let mut delay = DELAY;
    loop {
        let rounds = measure(&gate, &known, delay);
        let (found, control_error) = difference(&rounds, Kind::Delayed, Kind::WrongSecret);
        let needed = Duration::from_secs_f64(control_error * FOUND / 1e6);
        println!("the control: {delay:?} measured as {found:.1} ± {control_error:.1} µs; {needed:.1?} would be found");
        if needed > delay {
            // Too much else is going on here for a delay this short.
            delay = needed * 2;
            assert!(delay <= LONGEST_DELAY, "this machine is too busy to measure anything");
            continue;
        }
        assert!(found > SIGNIFICANT * control_error, "a known delay was not found");
        let (difference, error) = difference(&rounds, Kind::Unknown, Kind::WrongSecret);
        println!("unknown api_key against wrong secret: {difference:.1} ± {error:.1} µs");
        let allowed = (SIGNIFICANT * error).max(NEGLIGIBLE_MICROSECONDS);
        assert!(difference.abs() < allowed, "told apart by {difference:.1} ± {error:.1} µs");
        return;
    }
}
