//! To be.

fn main() {}
