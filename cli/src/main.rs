//! The binary `hod`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    hod_cli::main(std::env::args_os())
}
