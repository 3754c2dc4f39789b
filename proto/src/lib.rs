//! hod's gRPC interfaces: the .proto files under `hod/`, the code generated from
//! them, and the conversions to and from `hod-core`, which stand here and nowhere
//! else.
//!
//! A value that arrives is checked where it is converted ([`convert`]): from there
//! on it is a type of `hod-core`, and what can't be is no longer expressible.

pub mod convert;

/// What agents and the coordinator both speak of.
#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub)]
pub mod types {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("hod.types.v1");
        include!(concat!(env!("OUT_DIR"), "/hod.types.v1.serde.rs"));
    }
}

/// What an agent answers.
#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub)]
pub mod agent {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("hod.agent.v1");
        include!(concat!(env!("OUT_DIR"), "/hod.agent.v1.serde.rs"));
    }
}

/// What the coordinator answers.
#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub)]
pub mod coordinator {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("hod.coordinator.v1");
        include!(concat!(env!("OUT_DIR"), "/hod.coordinator.v1.serde.rs"));
    }
}

/// The descriptors of all files, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hod.bin"));

/// The version of `hod.agent.v1` that this build speaks.
pub const PROTOCOL_VERSION: u32 = 1;

/// The port of an agent's gRPC.
pub const AGENT_PORT: u16 = 7460;

/// The port of the coordinator's gRPC.
pub const COORDINATOR_PORT: u16 = 7470;

/// The reason that an agent gives, in a status's `ErrorInfo`, where who asks does not hold the
/// pool any more.
pub const FENCED: &str = "FENCED";

/// The metadata key that carries who makes a call.
pub const IDENTITY_KEY: &str = "hod-identity";
