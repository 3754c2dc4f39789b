//! Questions to this host's disks. One that has died may never answer, and the thread
//! that asked it is lost until it does: only so many are risked.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::blocking;

/// How long a disk may take to answer.
const DEADLINE: Duration = Duration::from_secs(20);

/// How many questions may be open.
const OPEN: usize = 16;

/// The disks.
#[derive(Clone)]
pub(super) struct Disk {
    free: Arc<Semaphore>,
    deadline: Duration,
}

impl Default for Disk {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(OPEN)), deadline: DEADLINE }
    }
}

impl Disk {
    /// Asks, and says in words why there is no answer.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let free = self.free.clone();
        let asked = async {
            let place = free.acquire_owned().await.map_err(|closed| closed.to_string())?;
            let asking = blocking::run(move || {
                // Held until the disk answers, however long nobody has been waiting for it.
                let _place = place;
                question()
            });
            match asking.await {
                Ok(answer) => answer.map_err(|error| error.to_string()),
                Err(broken) => Err(broken.to_string()),
            }
        };
        let late = |_| Err(format!("the disk has not answered within {} s", self.deadline.as_secs_f32()));
        tokio::time::timeout(self.deadline, asked).await.unwrap_or_else(late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn an_answer_or_why_there_is_none() {
        let disk = Disk::default();
        assert_eq!(disk.ask(|| Ok(3)).await, Ok(3));
        let error = disk.ask(|| std::fs::read("/nonexistent")).await.unwrap_err();
        assert!(error.contains("No such file"), "{error}");
    }

    #[tokio::test]
    async fn disks_that_hang_take_so_many_threads_and_no_more() {
        let disk = Disk { free: Arc::new(Semaphore::new(2)), deadline: Duration::from_millis(50) };
        let (let_go, hang) = mpsc::channel::<()>();
        let hang = Arc::new(std::sync::Mutex::new(hang));
        for _ in 0..2 {
            let hang = hang.clone();
            let hung = disk.ask(move || Ok(hang.lock().unwrap().recv().is_ok())).await;
            assert!(hung.unwrap_err().contains("not answered"));
        }
        // This one is not even begun.
        let (begun, begins) = mpsc::channel();
        assert!(disk.ask(move || Ok(begun.send(()).is_ok())).await.is_err());
        assert!(begins.recv().is_err());
        drop(let_go);
        let disk = Disk { deadline: Duration::from_secs(30), ..disk };
        assert_eq!(disk.ask(|| Ok(())).await, Ok(()));
    }
}
