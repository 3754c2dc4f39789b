//! The scripted gluster: plays Gluster's command line on one host of a scripted
//! pool. See `hod_tests::scripted`.

fn main() -> std::process::ExitCode {
    hod_tests::scripted::play::main()
}
