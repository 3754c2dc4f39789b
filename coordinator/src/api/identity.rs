//! Who makes a call.

use hod_proto::IDENTITY_KEY;
use tonic::{Request, Status};

use super::problem::invalid;

/// No name is longer than that.
const AT_MOST: usize = 100;

/// Who makes the call, as events tell it. Over plain text anybody can say any name,
/// so it is told as unverified.
///
/// # Errors
/// If what is said is no name.
pub(super) fn actor<T>(request: &Request<T>) -> Result<String, Status> {
    let Some(said) = request.metadata().get(IDENTITY_KEY) else {
        return Ok("anonymous".to_owned());
    };
    match said.to_str().map(str::trim) {
        Ok("") => Ok("anonymous".to_owned()),
        Ok(name) if name.len() <= AT_MOST => Ok(format!("{name} (unverified)")),
        _ => Err(invalid(
            IDENTITY_KEY,
            format!("is to be a name of at most {AT_MOST} printable ASCII characters"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_as_unverified() {
        let mut request = Request::new(());
        assert_eq!(actor(&request).unwrap(), "anonymous");
        let metadata = request.metadata_mut();
        metadata.insert(IDENTITY_KEY, "alice".parse().unwrap());
        assert_eq!(actor(&request).unwrap(), "alice (unverified)");
        let long = "a".repeat(AT_MOST + 1);
        request.metadata_mut().insert(IDENTITY_KEY, long.parse().unwrap());
        assert_eq!(actor(&request).unwrap_err().code(), tonic::Code::InvalidArgument);
    }
}
