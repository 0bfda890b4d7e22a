//! The bare proxy with the gateway's allocator: what remains is what the gateway does.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[path = "bare.rs"]
mod bare;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    bare::main()
}
