//! One piece of a request, done so many times: `counted NAME TIMES`. `benches/instructions` runs it under callgrind,
//! which counts inside [`turns`] only.

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
    let piece = pieces::prepare(name).unwrap();
    drop(turns(piece, times.parse().unwrap()));
}

/// Callgrind is told this name. What was prepared is let go of outside.
#[inline(never)]
fn turns(mut piece: pieces::Piece, times: u64) -> pieces::Piece {
    for _ in 0..times {
        piece();
    }
    piece
}
