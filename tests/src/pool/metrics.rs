//! Reading a figure off a metrics page.

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One metric of a page in Prometheus's text format at this address, as [`Coordinator::metric`].
pub(crate) async fn metric(address: &str, name: &str, labels: &[&str]) -> Result<Option<f64>> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream
        .write_all(
            format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .await?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await?;
    anyhow::ensure!(page.starts_with("HTTP/1.1 200"), "metrics of {address}: {page}");
    Ok(sum(&page, name, labels))
}

fn sum(page: &str, name: &str, labels: &[&str]) -> Option<f64> {
    page.lines()
        .filter_map(|line| line.strip_prefix(name))
        .filter(|rest| rest.starts_with([' ', '{']))
        .filter(|rest| labels.iter().all(|label| rest.contains(label)))
        .filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<f64>().ok())
        .reduce(|a, b| a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_summed_over_the_labels_not_asked_for() {
        let page = "# HELP calls x\ncalls{verb=\"status\",lock=\"held\"} 2\n\
            calls{verb=\"info\",lock=\"none\"} 5\ncalls_other 9\nplain 1\n";
        assert_eq!(sum(page, "calls", &[]), Some(7.0));
        assert_eq!(sum(page, "calls", &["lock=\"held\""]), Some(2.0));
        assert_eq!(sum(page, "plain", &[]), Some(1.0));
        assert_eq!(sum(page, "missing", &[]), None);
    }
}
