//! One piece of a request, done so many times: `counted NAME TIMES`. `benches/instructions` runs it under callgrind twice and
//! takes the difference, so that what is done to prepare is not in it.

mod pieces;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let given: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let [name, times] = &given[..] else {
        // what there is, one a line
        println!("{}", pieces::COUNTED.join("\n"));
        return;
    };
    let mut piece = pieces::prepare(name).unwrap();
    for _ in 0..times.parse().unwrap() {
        piece();
    }
    // what has been made is not taken apart: that is not in the count
    std::process::exit(0);
}
