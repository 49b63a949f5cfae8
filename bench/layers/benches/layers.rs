//! How long each step of the pure layers takes: `cargo bench -p layers`.

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (name, prepare) in layers::STEPS {
        criterion.bench_function(name, |bencher| bencher.iter(prepare()));
    }
    criterion.final_summary();
}
