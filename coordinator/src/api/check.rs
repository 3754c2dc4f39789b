//! Checks of what requests say.

use hod_proto::convert::common;
use hod_proto::coordinator::v1 as pb;
use tonic::Status;

use super::Api;
use super::problem::{self, invalid, unreadable};
use crate::store::{Follow, Pool};

/// A list's page is no longer than that.
const PAGE_AT_MOST: i32 = 1000;

/// Reads an id.
pub(super) fn id<T: std::str::FromStr>(field: &'static str, text: &str) -> Result<T, Status> {
    common::id(field, text).map_err(|e| unreadable(&e))
}

/// Reads an id that may be left out.
pub(super) fn optional_id<T: std::str::FromStr>(
    field: &'static str,
    text: &str,
) -> Result<Option<T>, Status> {
    (!text.is_empty()).then(|| id(field, text)).transpose()
}

/// A text that may be left out.
pub(super) fn optional(text: String) -> Option<String> {
    Some(text).filter(|t| !t.is_empty())
}

/// A text that is needed.
pub(super) fn needed(field: &'static str, text: &str) -> Result<(), Status> {
    match text.trim() {
        "" => Err(invalid(field, "is needed, and must not be blank")),
        _ => Ok(()),
    }
}

/// A page's size: from 1 to 1000, or 0 for the default.
pub(super) fn page_size(size: i32) -> Result<i32, Status> {
    match size {
        0..=PAGE_AT_MOST => Ok(size),
        _ => Err(invalid(
            "page_size",
            format!("{size} is out of range: it is from 1 to {PAGE_AT_MOST}, or 0 for the default"),
        )),
    }
}

/// How a pool is to be followed.
pub(super) fn follow(number: i32) -> Result<Follow, Status> {
    match pb::Follow::try_from(number) {
        Ok(pb::Follow::Unspecified | pb::Follow::Normal) => Ok(Follow::Normal),
        Ok(pb::Follow::Quiet) => Ok(Follow::Quiet),
        Err(_) => Err(invalid("follow", format!("{number} is no way to follow"))),
    }
}

impl Api {
    /// The pool that is named.
    pub(super) async fn pool_named(&self, name: &str) -> Result<Pool, Status> {
        needed("pool", name)?;
        self.store.pool(name).await.map_err(problem::store)
    }

    /// The pool that is named; `None` if none is: all are meant.
    pub(super) async fn pool_or_all(&self, name: &str) -> Result<Option<Pool>, Status> {
        match name {
            "" => Ok(None),
            name => self.pool_named(name).await.map(Some),
        }
    }
}
