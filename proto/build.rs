//! Compiles the .proto files: with protox, so that no protoc need be installed.

use std::path::PathBuf;

use anyhow::Context;
use prost::Message;

const FILES: [&str; 8] = [
    "hod/types/v1/types.proto",
    "hod/agent/v1/agent.proto",
    "hod/agent/v1/commands.proto",
    "hod/coordinator/v1/pools.proto",
    "hod/coordinator/v1/jobs.proto",
    "hod/coordinator/v1/tasks.proto",
    "hod/coordinator/v1/events.proto",
    "hod/coordinator/v1/commands.proto",
];

fn main() -> anyhow::Result<()> {
    println!("cargo:rerun-if-changed=hod");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);

    let descriptors = protox::compile(FILES, ["."]).context("the .proto files do not compile")?;
    let encoded = descriptors.encode_to_vec();
    std::fs::write(out.join("hod.bin"), &encoded)?;

    tonic_prost_build::configure()
        // The well-known types with serde, for `--json`.
        .extern_path(".google.protobuf", "::pbjson_types")
        .compile_well_known_types(true)
        .btree_map(".")
        .compile_fds(descriptors)?;

    // The canonical JSON of protobuf, for `--json` and the JSON that grpcurl prints.
    pbjson_build::Builder::new()
        .register_descriptors(&encoded)?
        .btree_map(["."])
        .preserve_proto_field_names()
        .build(&[".hod"])?;
    Ok(())
}
