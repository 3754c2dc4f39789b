//! refinery embeds the migrations when the crate is compiled, and does not notice
//! a new file by itself.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
    println!("cargo::rerun-if-changed=build.rs");
}
