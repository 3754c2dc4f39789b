//! The binary `hod`; everything is in the library.
fn main() {}
