//! Work that may wait for a lock or the disk, beside the tasks of the runtime.

use tokio::sync::Semaphore;

/// How many threads of the runtime such work takes at most, all clients together. The threads also
/// look up names: an editor that holds the lock of a file must not take all of them.
const MOST: usize = 32;

static PERMITS: Semaphore = Semaphore::const_new(MOST);

/// Does the work on a thread where waiting is allowed; `None` if it panicked, or the runtime ends.
/// Work that has begun goes on if the future is dropped.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let permit = PERMITS.acquire().await.ok()?;
    let work = move || {
        let _permit = permit;
        work()
    };
    tokio::task::spawn_blocking(work).await.ok()
}
