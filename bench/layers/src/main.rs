//! Does one step so many times: `layers <step> <times>`. For valgrind to look at.

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(wanted), Some(Ok(times))) = (arguments.next(), arguments.next().map(|times| times.parse::<u32>())) else {
        // Without arguments, what there is to do.
        return layers::STEPS.iter().for_each(|(name, _)| println!("{name}"));
    };
    let (_, prepare) = layers::STEPS.iter().find(|(name, _)| *name == wanted).expect("a step that there is");
    let mut work = prepare();
    for _ in 0..times {
        work();
    }
}
